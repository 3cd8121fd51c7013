//! Who calls: accounts, users, role sessions and services that stay themselves over all events.

use crate::draw::{Draw, Weighted, mix};

const FIRST_NAMES: &[&str] = &[
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
    "niaj", "olivia", "peggy", "rupert", "sybil", "trent", "victor", "walter", "yasmin",
];
const ROLE_NAMES: &[&str] = &[
    "deployer",
    "ci-runner",
    "lambda-orders",
    "lambda-billing",
    "eks-node",
    "ecs-task",
    "backup",
    "auditor",
    "terraform",
    "data-pipeline",
    "ReadOnly",
    "Administrator",
    "support",
    "sre-oncall",
];
/// Where callers sit, the most frequent first.
pub(crate) const REGIONS: &[&str] = &[
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-central-1",
    "ap-southeast-1",
    "us-east-2",
    "ap-northeast-1",
    "sa-east-1",
];
const ADDRESSES_PER_PERSON: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
    Root,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) account: usize,
    kind: Kind,
    name: String,
    role: String,
    unique: String,
    secret: u64,
    pub(crate) agent: usize,
}

/// All of them, by how much they call.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) accounts: Vec<String>,
    people: Vec<Person>,
    by_calls: Weighted,
}

impl People {
    pub(crate) fn new(draw: &mut Draw, accounts: usize, people: usize, agents: usize) -> Self {
        let accounts: Vec<String> = (0..accounts)
            .map(|_| format!("{:012}", 100_000_000_000 + draw.next() % 900_000_000_000))
            .collect();
        let by_size = Weighted::zipf(accounts.len(), 1.0);
        let people = (0..people)
            .map(|number| {
                let kind = match number % 20 {
                    19 => Kind::Root,
                    it if it % 5 < 3 => Kind::Role,
                    _ => Kind::User,
                };
                let first = FIRST_NAMES[draw.below(FIRST_NAMES.len())];
                let role = ROLE_NAMES[draw.below(ROLE_NAMES.len())];
                Person {
                    account: by_size.pick(draw),
                    kind,
                    name: format!("{first}-{number:03}"),
                    role: format!("{role}-{}", draw.below(8)),
                    unique: unique(draw.next()),
                    secret: draw.next(),
                    agent: draw.below(agents),
                }
            })
            .collect::<Vec<_>>();
        Self {
            accounts,
            by_calls: Weighted::zipf(people.len(), 1.1),
            people,
        }
    }

    pub(crate) fn pick(&self, draw: &mut Draw) -> &Person {
        &self.people[self.by_calls.pick(draw)]
    }
}

impl Person {
    /// `userIdentity` at a moment; sessions have a new key every six hours.
    pub(crate) fn write_identity(&self, account: &str, second: i64, out: &mut String) {
        let Self {
            name,
            role,
            unique: id,
            ..
        } = self;
        match self.kind {
            Kind::Root => out.extend([
                r#"{"type":"Root","principalId":""#,
                account,
                r#"","arn":"arn:aws:iam::"#,
                account,
                r#":root","accountId":""#,
                account,
                r#"","accessKeyId":"ASIA"#,
                &self.key(second),
                r#"","sessionContext":{"attributes":{"creationDate":""#,
                &session_begin(second),
                r#"","mfaAuthenticated":"true"}}}"#,
            ]),
            Kind::User => out.extend([
                r#"{"type":"IAMUser","principalId":"AIDA"#,
                id,
                r#"","arn":"arn:aws:iam::"#,
                account,
                ":user/",
                name,
                r#"","accountId":""#,
                account,
                r#"","accessKeyId":"AKIA"#,
                &self.key(0),
                r#"","userName":""#,
                name,
                r#""}"#,
            ]),
            Kind::Role => out.extend([
                r#"{"type":"AssumedRole","principalId":"AROA"#,
                id,
                ":",
                name,
                r#"","arn":"arn:aws:sts::"#,
                account,
                ":assumed-role/",
                role,
                "/",
                name,
                r#"","accountId":""#,
                account,
                r#"","accessKeyId":"ASIA"#,
                &self.key(second),
                r#"","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA"#,
                id,
                r#"","arn":"arn:aws:iam::"#,
                account,
                ":role/",
                role,
                r#"","accountId":""#,
                account,
                r#"","userName":""#,
                role,
                r#""},"attributes":{"creationDate":""#,
                &session_begin(second),
                r#"","mfaAuthenticated":"false"}}}"#,
            ]),
        }
    }

    pub(crate) fn write_address(&self, draw: &mut Draw, out: &mut String) {
        let place = draw.next() % ADDRESSES_PER_PERSON;
        let [a, b, c, ..] = mix(self.secret ^ place).to_le_bytes();
        // 198.18.0.0/15 is for benchmarks (RFC 2544).
        out.push_str(&format!("198.{}.{b}.{c}", 18 + a % 2));
    }

    fn key(&self, second: i64) -> String {
        unique(mix(self
            .secret
            .wrapping_add(second.div_euclid(SESSION_SECONDS) as u64)))
    }
}

const SESSION_SECONDS: i64 = 6 * 3600;

fn session_begin(second: i64) -> String {
    let begin = second.div_euclid(SESSION_SECONDS) * SESSION_SECONDS;
    crate::iso(begin)
}

/// Sixteen letters and digits, as IAM's unique ids have behind their prefix.
fn unique(number: u64) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let long = u128::from(number) << 64 | u128::from(mix(number));
    (0..16)
        .map(|at| char::from(LETTERS[(long >> (5 * at + 48)) as usize & 31]))
        .collect()
}

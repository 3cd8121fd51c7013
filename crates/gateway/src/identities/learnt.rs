//! Identities that the traffic taught, bounded, kept over restarts.
//!
//! The file (`identities.log`): a first line `pugmark-identities 1`, then one JSON object a line, appended as it is
//! learnt; the last line of an access key counts, a torn last line is dropped. It is written anew when it has grown to
//! twice what it needs. It holds ids only, never a secret or token. Losing it loses names in later records, no events,
//! so it is not synced at every line.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use pugmark_core::{
    account::AccountId,
    identity::{Identity, IdentityType, SessionContext, SessionIssuer},
};
use serde_json::{Value, json};

use super::newest::Newest;

/// Identities kept; beyond, the oldest goes.
const IDENTITIES_MAX: usize = 100_000;
const HEADER: &str = "pugmark-identities 1";
/// Longest line that is read back.
const LINE_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Learnt(Mutex<State>);

struct State {
    /// By access key.
    known: Newest<String, (Identity, Option<Timestamp>)>,
    path: Option<PathBuf>,
    file: Option<File>,
    lines: usize,
}

impl Learnt {
    pub(super) fn open(path: Option<PathBuf>) -> std::io::Result<Self> {
        let mut state = State {
            known: Newest::new(IDENTITIES_MAX),
            path,
            file: None,
            lines: 0,
        };
        state.read()?;
        state.rewrite()?;
        Ok(Self(Mutex::new(state)))
    }

    /// Who has a key, and until when.
    pub(super) fn get(&self, access_key_id: &str) -> Option<(Identity, Option<Timestamp>)> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.get(access_key_id).cloned()
    }

    pub(super) fn put(&self, identity: Identity, expires: Option<Timestamp>, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = to_json(&identity, expires).to_string();
        state.insert(identity, expires);
        let written = state.append(&line).and_then(|()| {
            if state.is_wasteful() {
                state.compact(now)
            } else {
                Ok(())
            }
        });
        if let Err(error) = written {
            tracing::warn!(%error, "a learnt identity could not be saved; it is known until the next start");
        }
    }
}

impl State {
    fn insert(&mut self, identity: Identity, expires: Option<Timestamp>) {
        if let Some(key) = identity.access_key_id.clone() {
            self.known.insert(key, (identity, expires));
        }
    }

    fn is_wasteful(&self) -> bool {
        self.lines > 2 * self.known.len() + 1000
    }

    fn compact(&mut self, now: Timestamp) -> std::io::Result<()> {
        // Calls signed with an expired key still arrive for a while, to be refused by the upstream.
        let kept = now.as_second() - 24 * 60 * 60;
        self.known
            .retain(|(_, expires)| expires.is_none_or(|expires| expires.as_second() > kept));
        self.rewrite()
    }

    fn read(&mut self) -> std::io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::new(file).lines();
        match lines.next().transpose()? {
            None => return Ok(()),
            Some(header) if header == HEADER => {}
            Some(header) => {
                let message = format!(
                    "{} begins with {header:?}: written by another version",
                    path.display()
                );
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    message,
                ));
            }
        }
        for line in lines {
            let line = line?;
            let parsed = (line.len() <= LINE_BYTES_MAX)
                .then(|| serde_json::from_str(&line).ok())
                .flatten();
            if let Some((identity, expires)) = parsed.as_ref().and_then(from_json) {
                self.insert(identity, expires);
            }
        }
        Ok(())
    }

    fn append(&mut self, line: &str) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            self.lines += 1;
            file.write_all(format!("{line}\n").as_bytes())?;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> std::io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let temporary = path.with_extension("tmp");
        let mut text = format!("{HEADER}\n");
        for (identity, expires) in self.known.values() {
            text.push_str(&to_json(identity, *expires).to_string());
            text.push('\n');
        }
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        self.lines = self.known.len();
        self.file = Some(File::options().append(true).open(path)?);
        Ok(())
    }
}

fn to_json(identity: &Identity, expires: Option<Timestamp>) -> Value {
    let session = identity.session.as_ref().map(|session| {
        let issuer = session.issuer.as_ref().map(|issuer| {
            json!({"type": issuer.kind, "principalId": issuer.principal_id, "arn": issuer.arn,
                   "account": issuer.account.as_str(), "userName": issuer.user_name})
        });
        json!({"issuer": issuer, "provider": session.web_identity_provider, "mfa": session.mfa_authenticated,
               "created": session.created.map(Timestamp::as_second), "sourceIdentity": session.source_identity,
               "console": session.from_console})
    });
    json!({"key": identity.access_key_id, "type": identity.kind.as_str(), "principalId": identity.principal_id,
           "arn": identity.arn, "account": identity.account.map(|account| account.to_string()),
           "userName": identity.user_name, "session": session, "expires": expires.map(Timestamp::as_second)})
}

fn from_json(json: &Value) -> Option<(Identity, Option<Timestamp>)> {
    let text = |json: &Value| json.as_str().map(str::to_owned);
    let time = |json: &Value| Timestamp::from_second(json.as_i64()?).ok();
    let kind = match json["type"].as_str()? {
        "Root" => IdentityType::Root,
        "IAMUser" => IdentityType::IamUser,
        "AssumedRole" => IdentityType::AssumedRole,
        "FederatedUser" => IdentityType::FederatedUser,
        _ => IdentityType::Unknown,
    };
    let issuer = |json: &Value| {
        Some(SessionIssuer {
            kind: match json["type"].as_str()? {
                "Root" => "Root",
                "IAMUser" => "IAMUser",
                _ => "Role",
            },
            principal_id: text(&json["principalId"]),
            arn: text(&json["arn"])?,
            account: json["account"].as_str()?.parse::<AccountId>().ok()?,
            user_name: text(&json["userName"]),
        })
    };
    let session = json["session"].is_object().then(|| SessionContext {
        issuer: issuer(&json["session"]["issuer"]),
        web_identity_provider: text(&json["session"]["provider"]),
        created: time(&json["session"]["created"]),
        mfa_authenticated: json["session"]["mfa"] == true,
        source_identity: text(&json["session"]["sourceIdentity"]),
        from_console: json["session"]["console"] == true,
    });
    let identity = Identity {
        kind,
        principal_id: text(&json["principalId"]),
        arn: text(&json["arn"]),
        account: json["account"]
            .as_str()
            .and_then(|account| account.parse().ok()),
        user_name: text(&json["userName"]),
        session,
        ..Identity::unknown(Some(text(&json["key"])?))
    };
    Some((identity, time(&json["expires"])))
}

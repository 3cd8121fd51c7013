//! What is configured, what is learnt, and what survives.
#![allow(clippy::unwrap_used)]

use pugmark_wire::value::{Location, Member};

use super::*;

fn structure(members: &[(&'static str, Value)]) -> Value {
    let member = |(name, value): &(&'static str, Value)| Member {
        name,
        wire_name: None,
        location: Location::Body,
        value: value.clone(),
    };
    Value::Structure(members.iter().map(member).collect())
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

fn alice() -> Principal {
    let identity =
        identity_from_arn("arn:aws:iam::123456789012:user/team/alice", "AKIAALICE").unwrap();
    let policies = vec![Policy::parse("AWSCloudTrail_ReadOnlyAccess").unwrap()];
    Principal::new(
        "AKIAALICE".into(),
        "secret".into(),
        None,
        identity,
        policies,
    )
}

const NOW: Timestamp = Timestamp::constant(1_768_857_448, 0);

const ADMIN: &str = "arn:aws:iam::123456789012:role/path/Admin";

fn admin() -> Role {
    Role {
        arn: ADMIN.to_owned(),
        policies: vec![Policy::parse("AWSCloudTrail_ReadOnlyAccess").unwrap()],
    }
}

fn secrets(access_key_id: &str) -> SessionSecrets {
    SessionSecrets {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: "session secret".to_owned(),
        session_token: "session token".to_owned(),
    }
}

fn assume_role(identities: &Identities) {
    let request = structure(&[
        ("RoleArn", string(ADMIN)),
        (
            "SerialNumber",
            string("arn:aws:iam::123456789012:mfa/alice"),
        ),
        ("SourceIdentity", string("alice")),
    ]);
    let expires = Value::Timestamp(Timestamp::constant(1_768_861_048, 0));
    let credentials = structure(&[
        ("AccessKeyId", string("ASIA1")),
        ("SecretAccessKey", Value::Hidden),
        ("Expiration", expires),
    ]);
    let user = structure(&[
        ("AssumedRoleId", string("AROA1:job")),
        (
            "Arn",
            string("arn:aws:sts::123456789012:assumed-role/Admin/job"),
        ),
    ]);
    let response = structure(&[("Credentials", credentials), ("AssumedRoleUser", user)]);
    let caller = identities.identify(Some("AKIAALICE"));
    identities.learn(&caller, "sts", "AssumeRole", &request, &response, NOW);
}

#[test]
fn configured_principals_are_known_and_bounded_by_their_policies() {
    let identities = Identities::new(vec![alice()], None, None).unwrap();
    let identity = identities.identify(Some("AKIAALICE"));
    assert_eq!(
        (identity.kind, identity.user_name.as_deref()),
        (IdentityType::IamUser, Some("alice"))
    );
    assert!(identities.allowed(Some("AKIAALICE"), "cloudtrail:LookupEvents", "*"));
    assert!(!identities.allowed(Some("AKIAALICE"), "cloudtrail:StopLogging", "*"));
    assert!(!identities.allowed(None, "cloudtrail:LookupEvents", "*"));
    assert_eq!(
        identities.identify(Some("AKIANOBODY")).kind,
        IdentityType::Unknown
    );
    assert!(!format!("{:?}", identities.find("AKIAALICE")).contains("\"secret\""));
}

#[test]
fn a_role_session_is_learnt_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identities.log");
    let open = || Identities::new(vec![alice()], None, Some(path.clone())).unwrap();
    let identities = open();
    assume_role(&identities);
    let learnt = identities.identify(Some("ASIA1"));
    assert_eq!(learnt.principal_id.as_deref(), Some("AROA1:job"));
    let session = learnt.session.clone().unwrap();
    let issuer = session.issuer.unwrap();
    assert_eq!(issuer.arn, ADMIN);
    assert_eq!(
        (issuer.principal_id.as_deref(), issuer.user_name.as_deref()),
        (Some("AROA1"), Some("Admin"))
    );
    assert_eq!(
        (
            session.mfa_authenticated,
            session.source_identity.as_deref()
        ),
        (true, Some("alice"))
    );
    drop(identities);
    assert_eq!(open().identify(Some("ASIA1")), learnt);
    // A torn last line is no obstacle.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"key\":\"ASIA2\",\"ty");
    std::fs::write(&path, text).unwrap();
    assert_eq!(open().identify(Some("ASIA1")), learnt);
}

#[test]
fn sessions_of_named_roles_and_of_principals_may_call() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identities.log");
    let open = |roles| {
        let identities = Identities::new(vec![alice()], None, Some(path.clone())).unwrap();
        identities.with_roles(roles)
    };
    let nothing = structure(&[]);
    let may = |identities: &Identities, key: &str| {
        identities.allowed(Some(key), "cloudtrail:LookupEvents", "*")
    };
    let identities = open(vec![admin()]);
    let caller = identities.identify(Some("AKIAALICE"));
    assume_role(&identities);
    assert!(identities.find("ASIA1").is_none() && !may(&identities, "ASIA1"));
    // What a session was given less than its role is not looked after.
    let policy = structure(&[("Policy", string("{}"))]);
    identities.admit(&caller, &policy, secrets("ASIA1"), NOW);
    assert!(identities.find("ASIA1").is_none());

    identities.admit(&caller, &nothing, secrets("ASIA1"), NOW);
    let session = identities.find("ASIA1").unwrap();
    assert_eq!(session.secret.expose(), "session secret");
    assert!(session.session_token.is_some() && !session.is_over(NOW));
    assert!(session.is_over(Timestamp::constant(1_768_861_048, 0)));
    assert!(may(&identities, "ASIA1"));
    assert!(!identities.allowed(Some("ASIA1"), "cloudtrail:StopLogging", "*"));
    assert_eq!(
        identities.identify(Some("ASIA1")).principal_id.as_deref(),
        Some("AROA1:job")
    );

    // Of a user: what the user may.
    let credentials = structure(&[
        ("AccessKeyId", string("ASIA2")),
        (
            "Expiration",
            Value::Timestamp(Timestamp::constant(1_768_861_048, 0)),
        ),
    ]);
    let answer = structure(&[("Credentials", credentials)]);
    identities.learn(&caller, "sts", "GetSessionToken", &nothing, &answer, NOW);
    identities.admit(&caller, &nothing, secrets("ASIA2"), NOW);
    assert!(may(&identities, "ASIA2"));
    // A stranger's sessions are strangers.
    let stranger = identities.identify(Some("AKIANOBODY"));
    identities.learn(&stranger, "sts", "GetSessionToken", &nothing, &answer, NOW);
    let strangers = open(vec![admin()]);
    strangers.admit(&stranger, &nothing, secrets("ASIA2"), NOW);
    assert!(strangers.find("ASIA2").is_none());

    // Nothing of it is on disk, and a role that is not named has no such sessions.
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.contains("ASIA1") && !log.contains("session secret"));
    assert!(!log.contains("session token"));
    let restarted = open(Vec::new());
    restarted.admit(&caller, &nothing, secrets("ASIA1"), NOW);
    assert!(restarted.find("ASIA1").is_none() && restarted.session_end("ASIA1").is_some());
}

#[test]
fn a_new_access_key_belongs_to_its_user() {
    let identities = Identities::new(vec![alice()], None, None).unwrap();
    let caller = identities.identify(Some("AKIAALICE"));
    let key = structure(&[
        ("AccessKeyId", string("AKIABOB")),
        ("UserName", string("bob")),
    ]);
    identities.learn(
        &caller,
        "iam",
        "CreateAccessKey",
        &structure(&[]),
        &structure(&[("AccessKey", key)]),
        NOW,
    );
    assert_eq!(
        identities.identify(Some("AKIABOB")).arn.as_deref(),
        Some("arn:aws:iam::123456789012:user/bob")
    );
}

#[test]
fn arns_of_no_principal_are_refused() {
    for bad in [
        "",
        "arn:aws:iam::12:user/x",
        "arn:aws:iam::123456789012:role/x",
        "arn:aws:s3:::b",
    ] {
        assert!(identity_from_arn(bad, "AKIA").is_none(), "{bad}");
    }
}

#[test]
fn a_sign_in_and_its_refreshes_teach_whose_keys_they_give() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("identities.log");
    let open = || Identities::new(Vec::new(), None, Some(path.clone())).unwrap();
    let identities = open();
    let arn = "arn:aws:sts::123456789012:assumed-role/Admin/alice";
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{arn}"}}"#));
    let answer = |key: &str, refresh: &str, id_token: &str| {
        format!(
            r#"{{"accessToken":{{"accessKeyId":"{key}","secretAccessKey":"s","sessionToken":"t"}},
                "expiresIn":900,"refreshToken":"{refresh}"{id_token}}}"#
        )
    };
    let id_token = format!(r#","idToken":"e30.{claims}.sig""#);
    let learn = |identities: &Identities, request: &str, answer: String| {
        identities.learn_sign_in(request.as_bytes(), answer.as_bytes(), NOW)
    };
    let code = r#"{"clientId":"c","grantType":"authorization_code","code":"x"}"#;
    let caller = learn(&identities, code, answer("ASIA1", "r1", &id_token)).unwrap();
    assert_eq!(
        (caller.arn.as_deref(), caller.access_key_id.as_deref()),
        (Some(arn), None)
    );
    // A refresh has no ID token; the token may come as a form.
    let refresh = "grant_type=refresh_token&refresh_token=r1";
    let caller = learn(&identities, refresh, answer("ASIA2", "r2", "")).unwrap();
    assert_eq!(caller.arn.as_deref(), Some(arn));
    for identities in [identities, open()] {
        for key in ["ASIA1", "ASIA2"] {
            let learnt = identities.identify(Some(key));
            assert_eq!(learnt.arn.as_deref(), Some(arn));
            assert!(learnt.is_from_console());
            assert_eq!(learnt.session.unwrap().created, Some(NOW));
        }
    }
    // Nobody knows whose a token is that was never seen.
    let refresh = r#"{"grantType":"refresh_token","refreshToken":"stolen"}"#;
    let identities = open();
    assert_eq!(learn(&identities, refresh, answer("ASIA3", "r3", "")), None);
    assert_eq!(
        identities.identify(Some("ASIA3")).kind,
        IdentityType::Unknown
    );
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(!log.contains("r1") && !log.contains(&claims));
}

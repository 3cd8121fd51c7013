//! The forms of `userIdentity`.

use pugmark_core::identity::{SessionContext, SessionIssuer};

use super::*;

const STS: &str = "2011-06-15";

#[track_caller]
fn check(identity: Identity, expected: &str) {
    let scene = Scene {
        identity,
        ..json_rpc("cloudtrail", "CloudTrail_20131101.ListTrails", "{}")
    };
    let json = String::from_utf8(scene.compose().json.to_vec()).unwrap();
    let identity = json
        .split_once("\"userIdentity\":")
        .unwrap()
        .1
        .split_once(",\"eventTime\"")
        .unwrap()
        .0;
    assert_eq!(identity, expected);
}

#[test]
fn fields_stand_in_awss_order() {
    check(
        user(),
        r#"{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/mateo","accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","userName":"mateo"}"#,
    );
    check(
        Identity::root("111122223333".parse().unwrap(), Some(String::new())),
        r#"{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":""}"#,
    );
    check(Identity::unknown(None), r#"{"type":"Unknown"}"#);
    let service = Identity {
        kind: IdentityType::AwsService,
        invoked_by: Some("cloudtrail.amazonaws.com".into()),
        ..Identity::unknown(None)
    };
    check(
        service,
        r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#,
    );
    let web = Identity {
        kind: IdentityType::WebIdentityUser,
        principal_id: Some("accounts.google.com:app:user-id".into()),
        user_name: Some("user-id".into()),
        identity_provider: Some("accounts.google.com".into()),
        ..Identity::unknown(None)
    };
    check(
        web,
        r#"{"type":"WebIdentityUser","principalId":"accounts.google.com:app:user-id","userName":"user-id","identityProvider":"accounts.google.com"}"#,
    );
}

#[test]
fn sessions_say_who_issued_them() {
    let session = SessionContext {
        issuer: Some(SessionIssuer {
            kind: "Role",
            principal_id: Some("AROAEXAMPLE".into()),
            arn: "arn:aws:iam::111122223333:role/Admin".into(),
            account: "111122223333".parse().unwrap(),
            user_name: Some("Admin".into()),
        }),
        created: Some("2024-12-06T22:04:04.5Z".parse().unwrap()),
        source_identity: Some("alice".into()),
        ..SessionContext::default()
    };
    let role = Identity {
        kind: IdentityType::AssumedRole,
        principal_id: Some("AROAEXAMPLE:sess".into()),
        arn: Some("arn:aws:sts::111122223333:assumed-role/Admin/sess".into()),
        account: Some("111122223333".parse().unwrap()),
        session: Some(session),
        ..Identity::unknown(Some("ASIAEXAMPLE".into()))
    };
    check(
        role,
        r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:sess","arn":"arn:aws:sts::111122223333:assumed-role/Admin/sess","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Admin","accountId":"111122223333","userName":"Admin"},"webIdFederationData":{},"attributes":{"creationDate":"2024-12-06T22:04:04Z","mfaAuthenticated":"false"},"sourceIdentity":"alice"}}"#,
    );
    let plain = Identity {
        session: Some(SessionContext {
            mfa_authenticated: true,
            web_identity_provider: Some("accounts.google.com".into()),
            ..SessionContext::default()
        }),
        ..Identity::unknown(Some("ASIAEXAMPLE".into()))
    };
    check(
        plain,
        r#"{"type":"Unknown","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{},"webIdFederationData":{"federatedProvider":"accounts.google.com","attributes":{}},"attributes":{"mfaAuthenticated":"true"}}}"#,
    );
}

#[test]
fn the_owner_of_what_a_call_touched_gets_a_copy() {
    let body = "Action=AssumeRole&RoleArn=arn:aws:iam::210987654321:role/r&RoleSessionName=s";
    let scene = query("sts", STS, body)
        .answers("<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>");
    let events: Vec<Json> = scene
        .compose_copies()
        .iter()
        .map(|event| serde_json::from_slice(&event.json).unwrap())
        .collect();
    let [own, other] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(own["recipientAccountId"], "123456789012");
    assert_eq!(other["recipientAccountId"], "210987654321");
    assert_eq!(own["sharedEventID"], other["sharedEventID"]);
    assert_ne!(own["eventID"], other["eventID"]);
    assert_eq!(own["requestParameters"], other["requestParameters"]);
    assert_eq!(other["userIdentity"]["type"], "AWSAccount");
    assert_eq!(other["userIdentity"]["accountId"], "123456789012");
    assert!(other["userIdentity"].get("arn").is_none());
    // Denied: nothing of the owner's was touched.
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    assert_eq!(
        query("sts", STS, body)
            .fails(403, denied)
            .compose_copies()
            .len(),
        1
    );
    let own = "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=s";
    let same = query("sts", STS, own).compose_copies();
    assert!(!String::from_utf8_lossy(&same[0].json).contains("sharedEventID"));
}

#[test]
fn a_vpc_endpoints_owner_gets_a_network_activity_event() {
    let through = |owner: &str, call: Scene| Scene {
        vpc_endpoint: Some(VpcEndpoint {
            id: "vpce-1".to_owned(),
            account: owner.parse().unwrap(),
        }),
        ..call
    };
    let delete = || {
        json_rpc(
            "dynamodb",
            "DynamoDB_20120810.DeleteTable",
            r#"{"TableName":"t"}"#,
        )
    };
    let events = through("123456789012", delete()).compose_copies();
    assert_eq!(events.len(), 2);
    let [own, network] = [0, 1].map(|at| serde_json::from_slice::<Json>(&events[at].json).unwrap());
    assert_eq!(own["vpcEndpointId"], "vpce-1");
    assert_eq!(own["vpcEndpointAccountId"], "123456789012");
    let expected = json!({
        "eventVersion": "1.11", "userIdentity": own["userIdentity"], "eventTime": own["eventTime"],
        "eventSource": "dynamodb.amazonaws.com", "eventName": "DeleteTable", "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7", "requestID": "req-1", "eventID": network["eventID"],
        "eventType": "AwsVpceEvent", "recipientAccountId": "123456789012", "sharedEventID": own["sharedEventID"],
        "vpcEndpointId": "vpce-1", "vpcEndpointAccountId": "123456789012", "eventCategory": "NetworkActivity",
    });
    assert_eq!(network, expected);
    assert_ne!(own["eventID"], network["eventID"]);
    assert_eq!(events[1].keys.read_only, None);
    assert_eq!(events[1].keys.resources, []);

    // A stranger's call, denied by the endpoint's policy.
    let denied = r#"{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: dynamodb:DeleteTable because no VPC endpoint policy allows the dynamodb:DeleteTable action"}"#;
    let events = through("999988887777", delete().fails(400, denied)).compose_copies();
    let network = serde_json::from_slice::<Json>(&events[1].json).unwrap();
    assert_eq!(network["errorCode"], "VpceAccessDenied");
    assert_eq!(
        network["userIdentity"],
        json!({"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": "123456789012"})
    );
    assert_eq!(events[1].keys.account.as_str(), "999988887777");
    // Any other failure is the call's affair.
    let missing = r#"{"__type":"ResourceNotFoundException","message":"no"}"#;
    let events = through("123456789012", delete().fails(400, missing)).compose_copies();
    assert_eq!((events.len(), &events[1].keys.error_code), (2, &None));
}

fn anonymous() -> Identity {
    Identity {
        kind: IdentityType::AwsAccount,
        principal_id: Some(String::new()),
        ..Identity::unknown(None)
    }
}

fn unsigned(scene: Scene) -> Scene {
    Scene {
        identity: anonymous(),
        auth: AuthMethod::None,
        ..scene
    }
}

#[test]
fn unsigned_calls_say_what_is_known_of_the_caller() {
    unsigned(rest("s3", "GET", "/public/k", "").host("localhost:4580")).check(json!({
        "userIdentity": {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"},
    }));
    unsigned(json_rpc(
        "cognito-identity",
        "AWSCognitoIdentityService.GetId",
        r#"{"IdentityPoolId":"eu-central-1:1"}"#,
    ))
    .check(json!({"userIdentity": {"type": "Unknown"}, "eventCategory": "Data"}));
}

#[test]
fn federated_callers_are_whom_the_answer_names() {
    let role = "arn:aws:iam::111122223333:role/Deploy";
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let subject = "repo:octo/app:ref:refs/heads/main";
    let assume = |operation: &str, more: &str| {
        let body = format!("Action={operation}&RoleArn={role}&RoleSessionName=s{more}");
        unsigned(query("sts", STS, &body))
    };
    let web = assume("AssumeRoleWithWebIdentity", "&WebIdentityToken=s3cr3t")
        .answers(&format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>{subject}</SubjectFromWebIdentityToken>\
             <Audience>sts.amazonaws.com</Audience><Provider>{provider}</Provider>\
             </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        ));
    web.check(json!({
        "userIdentity": {
            "type": "WebIdentityUser", "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
            "userName": subject, "identityProvider": provider,
        },
        "recipientAccountId": "111122223333",
    }));
    assert_eq!(web.compose_copies().len(), 1);
    assume("AssumeRoleWithSAML", "&PrincipalArn=p&SAMLAssertion=s3cr3t")
        .answers(
            "<AssumeRoleWithSAMLResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithSAMLResult><Subject>alice</Subject><NameQualifier>q1</NameQualifier>\
             </AssumeRoleWithSAMLResult></AssumeRoleWithSAMLResponse>",
        )
        .check(json!({
            "userIdentity": {
                "type": "SAMLUser", "principalId": "q1:alice", "userName": "alice", "identityProvider": "q1",
            },
        }));
    // Refused: nobody said who it was.
    assume("AssumeRoleWithWebIdentity", "&WebIdentityToken=s3cr3t")
        .fails(
            403,
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        )
        .check(json!({"userIdentity": {"type": "WebIdentityUser"}, "errorCode": "AccessDenied"}));
}

#[test]
fn a_sign_in_keeps_its_codes_and_tokens_to_itself() {
    let token = |grant: &str| {
        let body = format!(
            r#"{{"clientId":"arn:aws:signin:::devtools/same-device","grantType":"{grant}","code":"s3cr3t",
                "codeVerifier":"s3cr3t","refreshToken":"s3cr3t","redirectUri":"http://127.0.0.1/s3cr3t"}}"#
        );
        let mut signed_in = user();
        signed_in.access_key_id = None;
        Scene {
            identity: signed_in,
            auth: AuthMethod::None,
            signing: "",
            ..rest("signin", "POST", "/v1/token", &body)
        }
        .answers(
            r#"{"accessToken":{"accessKeyId":"ASIA1","secretAccessKey":"s3cr3t","sessionToken":"s3cr3t"},
                "tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"s3cr3t","idToken":"s3cr3t"}"#,
        )
    };
    let first = token("authorization_code");
    first.check(json!({
        "eventSource": "signin.amazonaws.com", "eventName": "CreateOAuth2Token", "eventType": "AwsApiCall",
        "readOnly": true,
        "requestParameters": {"client_id": "arn:aws:signin:::devtools/same-device"},
        "responseElements": null,
        "additionalEventData": {"success": "true", "x-amzn-vpce-id": ""},
    }));
    let json = String::from_utf8(first.compose().json.to_vec()).unwrap();
    assert!(!json.contains("s3cr3t") && !json.contains("sessionCredentialFromConsole"));
    token("refresh_token").check(json!({
        "additionalEventData": {"grant_type": "refresh_token", "success": "true", "x-amzn-vpce-id": ""},
    }));
    token("refresh_token")
        .fails(401, r#"{"error":"TOKEN_EXPIRED","message":"expired"}"#)
        .check(json!({"additionalEventData": {
            "grant_type": "refresh_token", "success": "false", "x-amzn-vpce-id": "",
        }}));
}

#[test]
fn calls_with_credentials_of_a_sign_in_say_so() {
    let mut identity = user();
    identity.session = Some(SessionContext {
        from_console: true,
        ..SessionContext::default()
    });
    let call = Scene {
        identity,
        ..json_rpc("cloudtrail", "CloudTrail_20131101.ListTrails", "{}")
    };
    call.check(json!({"sessionCredentialFromConsole": "true"}));
    assert!(call.compose().keys.from_console);
}

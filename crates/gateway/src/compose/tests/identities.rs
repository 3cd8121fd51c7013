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

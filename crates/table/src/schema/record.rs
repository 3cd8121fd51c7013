//! Columns that are read out of the record for those who query the files; look-ups do without them.

use std::{borrow::Cow, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field};
use jiff::Timestamp;
use memchr::memchr;

use super::{REQUEST_ID, members::members, time_type};

/// A column and where its values stand in the record.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    value: Value,
}

enum Value {
    Text(for<'a> fn(&'a Record<'a>) -> &'a Text<'a>),
    Flag(fn(&Record<'_>) -> Option<bool>),
    Time(for<'a> fn(&'a Record<'a>) -> &'a Text<'a>),
}

impl Column {
    pub(crate) fn field(&self) -> Field {
        let kind = match self.value {
            Value::Text(_) => DataType::Utf8,
            Value::Flag(_) => DataType::Boolean,
            Value::Time(_) => time_type(),
        };
        Field::new(self.name, kind, true)
    }
}

macro_rules! text {
    ($name:literal, $record:ident . $($path:ident).+) => {
        Column { name: $name, value: Value::Text(|$record| &$record.$($path).+) }
    };
}

/// The columns, in the order of the file.
pub(crate) static COLUMNS: &[Column] = &[
    text!("event_version", record.event_version),
    text!("source_ip_address", record.source_ip_address),
    text!("user_agent", record.user_agent),
    text!("error_message", record.error_message),
    Column {
        name: REQUEST_ID,
        value: Value::Text(|record| &record.request_id),
    },
    text!("shared_event_id", record.shared_event_id),
    text!("api_version", record.api_version),
    Column {
        name: "management_event",
        value: Value::Flag(|record| record.management_event),
    },
    text!("vpc_endpoint_account_id", record.vpc_endpoint_account_id),
    text!("addendum_reason", record.addendum.reason),
    text!("tls_version", record.tls_details.tls_version),
    text!("tls_cipher_suite", record.tls_details.cipher_suite),
    text!(
        "tls_client_provided_host_header",
        record.tls_details.client_provided_host_header
    ),
    text!("identity_type", record.user_identity.kind),
    text!("identity_principal_id", record.user_identity.principal_id),
    text!("identity_account_id", record.user_identity.account_id),
    text!("identity_user_name", record.user_identity.user_name),
    text!("identity_provider", record.user_identity.identity_provider),
    text!("identity_credential_id", record.user_identity.credential_id),
    text!(
        "on_behalf_of_user_id",
        record.user_identity.on_behalf_of.user_id
    ),
    text!(
        "on_behalf_of_identity_store_arn",
        record.user_identity.on_behalf_of.identity_store_arn
    ),
    text!(
        "session_issuer_type",
        record.user_identity.session_context.session_issuer.kind
    ),
    text!(
        "session_issuer_principal_id",
        record
            .user_identity
            .session_context
            .session_issuer
            .principal_id
    ),
    text!(
        "session_issuer_arn",
        record.user_identity.session_context.session_issuer.arn
    ),
    text!(
        "session_issuer_account_id",
        record
            .user_identity
            .session_context
            .session_issuer
            .account_id
    ),
    text!(
        "session_issuer_user_name",
        record
            .user_identity
            .session_context
            .session_issuer
            .user_name
    ),
    Column {
        name: "session_creation_date",
        value: Value::Time(|record| {
            &record
                .user_identity
                .session_context
                .attributes
                .creation_date
        }),
    },
    Column {
        name: "session_mfa_authenticated",
        value: Value::Flag(|record| {
            let attributes = &record.user_identity.session_context.attributes;
            attributes
                .mfa_authenticated
                .0
                .as_deref()
                .map(|text| text == "true")
        }),
    },
    text!(
        "session_source_identity",
        record.user_identity.session_context.source_identity
    ),
    text!(
        "web_id_federated_provider",
        record
            .user_identity
            .session_context
            .web_id_federation_data
            .federated_provider
    ),
];

/// The columns' values, of these records. What is no record has no values, and is kept all the same.
pub(crate) fn columns(records: &[&str]) -> Vec<ArrayRef> {
    let records: Vec<Record<'_>> = records.iter().map(|json| Record::read(json)).collect();
    let records = records.as_slice();
    COLUMNS
        .iter()
        .map(|column| -> ArrayRef {
            match column.value {
                Value::Text(text) => {
                    let texts = records.iter().map(|record| text(record).0.as_deref());
                    Arc::new(texts.collect::<StringArray>())
                }
                Value::Flag(flag) => Arc::new(records.iter().map(flag).collect::<BooleanArray>()),
                Value::Time(text) => {
                    let times = records.iter().map(|record| {
                        let time = text(record).0.as_deref()?.parse::<Timestamp>().ok()?;
                        Some(time.as_microsecond())
                    });
                    Arc::new(
                        times
                            .collect::<TimestampMicrosecondArray>()
                            .with_timezone("UTC"),
                    )
                }
            }
        })
        .collect()
}

/// What is read out of a value as it is written; a value of another form is as good as none.
trait Read<'a> {
    fn read(value: &'a str) -> Self;
}

/// A text, a number or a flag, as text.
#[derive(Debug, Default, Clone)]
struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Read<'a> for Text<'a> {
    fn read(value: &'a str) -> Self {
        let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        Self(match inner {
            Some(text) if memchr(b'\\', text.as_bytes()).is_none() => Some(Cow::Borrowed(text)),
            Some(_) => serde_json::from_str(value).ok().map(Cow::Owned),
            None if value == "null" || value.starts_with(['{', '[']) => None,
            None => Some(Cow::Borrowed(value)),
        })
    }
}

impl<'a> Read<'a> for Option<bool> {
    fn read(value: &'a str) -> Self {
        value.parse().ok()
    }
}

/// An object of which some members are read.
macro_rules! object {
    ($name:ident { $($member:literal => $field:ident: $kind:ty,)+ }) => {
        #[derive(Default)]
        struct $name<'a> {
            $($field: $kind,)+
        }

        impl<'a> Read<'a> for $name<'a> {
            fn read(value: &'a str) -> Self {
                let mut object = Self::default();
                let whole = members(value, |name, value| match name {
                    $($member => object.$field = Read::read(value),)+
                    _ => {}
                });
                whole.map_or_else(Self::default, |()| object)
            }
        }
    };
}

object!(Record {
    "eventVersion" => event_version: Text<'a>,
    "sourceIPAddress" => source_ip_address: Text<'a>,
    "userAgent" => user_agent: Text<'a>,
    "errorMessage" => error_message: Text<'a>,
    "requestID" => request_id: Text<'a>,
    "sharedEventID" => shared_event_id: Text<'a>,
    "apiVersion" => api_version: Text<'a>,
    "managementEvent" => management_event: Option<bool>,
    "vpcEndpointAccountId" => vpc_endpoint_account_id: Text<'a>,
    "addendum" => addendum: Addendum<'a>,
    "tlsDetails" => tls_details: Tls<'a>,
    "userIdentity" => user_identity: Identity<'a>,
});

object!(Addendum {
    "reason" => reason: Text<'a>,
});

object!(Tls {
    "tlsVersion" => tls_version: Text<'a>,
    "cipherSuite" => cipher_suite: Text<'a>,
    "clientProvidedHostHeader" => client_provided_host_header: Text<'a>,
});

object!(Identity {
    "type" => kind: Text<'a>,
    "principalId" => principal_id: Text<'a>,
    "accountId" => account_id: Text<'a>,
    "userName" => user_name: Text<'a>,
    "identityProvider" => identity_provider: Text<'a>,
    "credentialId" => credential_id: Text<'a>,
    "onBehalfOf" => on_behalf_of: OnBehalfOf<'a>,
    "sessionContext" => session_context: Session<'a>,
});

object!(OnBehalfOf {
    "userId" => user_id: Text<'a>,
    "identityStoreArn" => identity_store_arn: Text<'a>,
});

object!(Session {
    "sessionIssuer" => session_issuer: Issuer<'a>,
    "attributes" => attributes: Attributes<'a>,
    "sourceIdentity" => source_identity: Text<'a>,
    "webIdFederationData" => web_id_federation_data: WebId<'a>,
});

object!(Issuer {
    "type" => kind: Text<'a>,
    "principalId" => principal_id: Text<'a>,
    "arn" => arn: Text<'a>,
    "accountId" => account_id: Text<'a>,
    "userName" => user_name: Text<'a>,
});

object!(Attributes {
    "creationDate" => creation_date: Text<'a>,
    "mfaAuthenticated" => mfa_authenticated: Text<'a>,
});

object!(WebId {
    "federatedProvider" => federated_provider: Text<'a>,
});

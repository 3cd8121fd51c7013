//! Columns that are read out of the record for those who query the files; look-ups do without them.

use std::{borrow::Cow, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field};
use jiff::Timestamp;
use serde::Deserialize;

use super::{REQUEST_ID, time_type};
use crate::tail::Row;

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

/// The columns' values.
pub(crate) fn columns(rows: &[Arc<Row>]) -> Vec<ArrayRef> {
    let records: Vec<Record<'_>> = rows
        .iter()
        // What is no record has no columns, and is kept all the same.
        .map(|row| serde_json::from_slice(&row.event.json).unwrap_or_default())
        .collect();
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

/// A text of the record; what stands there in another form is no text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Text<'de>, E> {
                let text = if flag { "true" } else { "false" };
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Text<'de>, A::Error> {
                while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<Text<'de>, A::Error> {
                type Ignored = serde::de::IgnoredAny;
                while members.next_entry::<Ignored, Ignored>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `null` as well as nothing is the default.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record<'a> {
    #[serde(borrow)]
    event_version: Text<'a>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Text<'a>,
    #[serde(borrow)]
    user_agent: Text<'a>,
    #[serde(borrow)]
    error_message: Text<'a>,
    #[serde(borrow, rename = "requestID")]
    request_id: Text<'a>,
    #[serde(borrow, rename = "sharedEventID")]
    shared_event_id: Text<'a>,
    #[serde(borrow)]
    api_version: Text<'a>,
    management_event: Option<bool>,
    #[serde(borrow)]
    vpc_endpoint_account_id: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    addendum: Addendum<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    tls_details: Tls<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    user_identity: Identity<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Addendum<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tls<'a> {
    #[serde(borrow)]
    tls_version: Text<'a>,
    #[serde(borrow)]
    cipher_suite: Text<'a>,
    #[serde(borrow)]
    client_provided_host_header: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    principal_id: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    user_name: Text<'a>,
    #[serde(borrow)]
    identity_provider: Text<'a>,
    #[serde(borrow)]
    credential_id: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    on_behalf_of: OnBehalfOf<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    session_context: Session<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OnBehalfOf<'a> {
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    identity_store_arn: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Session<'a> {
    #[serde(borrow, deserialize_with = "lenient")]
    session_issuer: Issuer<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    attributes: Attributes<'a>,
    #[serde(borrow)]
    source_identity: Text<'a>,
    #[serde(borrow, deserialize_with = "lenient")]
    web_id_federation_data: WebId<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Issuer<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    principal_id: Text<'a>,
    #[serde(borrow)]
    arn: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    user_name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Attributes<'a> {
    #[serde(borrow)]
    creation_date: Text<'a>,
    #[serde(borrow)]
    mfa_authenticated: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WebId<'a> {
    #[serde(borrow)]
    federated_provider: Text<'a>,
}

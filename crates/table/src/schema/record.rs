//! Columns that are read out of the record for those who query the files; look-ups do without them.

use std::{borrow::Cow, sync::Arc};

use arrow_array::{
    ArrayRef,
    builder::{BooleanBuilder, StringBuilder, TimestampMicrosecondBuilder},
};
use arrow_schema::{DataType, Field};
use jiff::Timestamp;
use memchr::memchr;
use pugmark_core::event::record::{Member, Members, timestamp};

use super::{REQUEST_ID, time_type};

/// Room for a text to begin with.
const TEXT_BYTES: usize = 32;

/// A column and the member of the record whose value it has.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    member: Member,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Time,
}

impl Column {
    const fn text(name: &'static str, member: Member) -> Self {
        Self {
            name,
            member,
            kind: Kind::Text,
        }
    }

    const fn flag(name: &'static str, member: Member) -> Self {
        Self {
            name,
            member,
            kind: Kind::Flag,
        }
    }

    const fn time(name: &'static str, member: Member) -> Self {
        Self {
            name,
            member,
            kind: Kind::Time,
        }
    }

    pub(crate) fn field(&self) -> Field {
        let kind = match self.kind {
            Kind::Text => DataType::Utf8,
            Kind::Flag => DataType::Boolean,
            Kind::Time => time_type(),
        };
        Field::new(self.name, kind, true)
    }
}

/// The columns, in the order of the file.
#[rustfmt::skip]
pub(crate) static COLUMNS: &[Column] = &[
    Column::text("event_version", Member::EventVersion),
    Column::text("source_ip_address", Member::SourceIpAddress),
    Column::text("user_agent", Member::UserAgent),
    Column::text("error_message", Member::ErrorMessage),
    Column::text(REQUEST_ID, Member::RequestId),
    Column::text("shared_event_id", Member::SharedEventId),
    Column::text("api_version", Member::ApiVersion),
    Column::flag("management_event", Member::ManagementEvent),
    Column::text("vpc_endpoint_account_id", Member::VpcEndpointAccountId),
    Column::text("addendum_reason", Member::AddendumReason),
    Column::text("tls_version", Member::TlsVersion),
    Column::text("tls_cipher_suite", Member::TlsCipherSuite),
    Column::text("tls_client_provided_host_header", Member::TlsClientProvidedHostHeader),
    Column::text("identity_type", Member::IdentityType),
    Column::text("identity_principal_id", Member::IdentityPrincipalId),
    Column::text("identity_account_id", Member::IdentityAccountId),
    Column::text("identity_user_name", Member::IdentityUserName),
    Column::text("identity_provider", Member::IdentityProvider),
    Column::text("identity_credential_id", Member::IdentityCredentialId),
    Column::text("on_behalf_of_user_id", Member::OnBehalfOfUserId),
    Column::text("on_behalf_of_identity_store_arn", Member::OnBehalfOfIdentityStoreArn),
    Column::text("session_issuer_type", Member::SessionIssuerType),
    Column::text("session_issuer_principal_id", Member::SessionIssuerPrincipalId),
    Column::text("session_issuer_arn", Member::SessionIssuerArn),
    Column::text("session_issuer_account_id", Member::SessionIssuerAccountId),
    Column::text("session_issuer_user_name", Member::SessionIssuerUserName),
    Column::time("session_creation_date", Member::SessionCreationDate),
    Column::flag("session_mfa_authenticated", Member::SessionMfaAuthenticated),
    Column::text("session_source_identity", Member::SessionSourceIdentity),
    Column::text("web_id_federated_provider", Member::WebIdFederatedProvider),
];

/// The values of a column, as they come.
enum Values {
    Text(StringBuilder),
    Flag(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl Values {
    fn of(column: &Column, rows: usize) -> Self {
        match column.kind {
            Kind::Text => Self::Text(StringBuilder::with_capacity(rows, TEXT_BYTES * rows)),
            Kind::Flag => Self::Flag(BooleanBuilder::with_capacity(rows)),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::with_capacity(rows)),
        }
    }

    #[inline]
    fn append(&mut self, value: Option<&str>) {
        match self {
            Self::Text(texts) => match value.and_then(text) {
                Some(text) => texts.append_value(text),
                None => texts.append_null(),
            },
            Self::Flag(flags) => flags.append_option(value.and_then(flag)),
            Self::Time(times) => {
                let time = value.and_then(text).and_then(|text| timestamp(&text));
                times.append_option(time.map(Timestamp::as_microsecond));
            }
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut texts) => Arc::new(texts.finish()),
            Self::Flag(mut flags) => Arc::new(flags.finish()),
            Self::Time(mut times) => Arc::new(times.finish().with_timezone("UTC")),
        }
    }
}

/// The columns' values, of these records, of which each goes to `take`. What is no record has no values, and is kept all the same.
pub(crate) fn columns(records: &[&Members], mut take: impl FnMut(&str)) -> Vec<ArrayRef> {
    let columns = COLUMNS.iter();
    let mut columns: Vec<(Member, Values)> = columns
        .map(|column| (column.member, Values::of(column, records.len())))
        .collect();
    // Record by record, and first as a whole: all of them are more than the processor's nearest memory holds, and it reads ahead
    // where bytes are read in order.
    for record in records {
        take(record.text());
        for (member, values) in &mut columns {
            values.append(record.get(*member));
        }
    }
    let columns = columns.into_iter();
    columns.map(|(_, values)| values.finish()).collect()
}

/// A text, a number or a flag, as text; any other value is as good as none.
fn text(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    match inner {
        Some(text) if memchr(b'\\', text.as_bytes()).is_none() => Some(Cow::Borrowed(text)),
        Some(_) => serde_json::from_str(value).ok().map(Cow::Owned),
        None if value == "null" || value.starts_with(['{', '[']) => None,
        None => Some(Cow::Borrowed(value)),
    }
}

/// `true`, also as a text.
fn flag(value: &str) -> Option<bool> {
    text(value)?.parse().ok()
}

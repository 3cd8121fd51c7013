//! What an event can be asked for: a typed column, or a path in its record.

use arrow_array::{Array, BooleanArray, ListArray, RecordBatch, StringArray, StructArray};
use pugmark_core::event::EventKeys;

use crate::{
    LookupKey,
    schema::{self, Damage},
};

/// Longest path, in names.
const NAMES_MAX: usize = 32;

/// A field of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field(pub(super) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Column(Column),
    /// Names from the outermost on.
    Path(Vec<String>),
}

/// A field with a column of its own, whose content is the record's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Key(LookupKey),
    EventType,
    ErrorCode,
    VpcEndpointId,
    IdentityArn,
    InvokedBy,
    Account,
    Region,
    Category,
}

/// A text that names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FieldError(String);

/// Names of columns: the attributes of `LookupEvents`, and the paths in the record that say the same.
const COLUMNS: [(&str, Column); 20] = [
    ("EventId", Column::Key(LookupKey::EventId)),
    ("EventName", Column::Key(LookupKey::EventName)),
    ("EventSource", Column::Key(LookupKey::EventSource)),
    ("ReadOnly", Column::Key(LookupKey::ReadOnly)),
    ("Username", Column::Key(LookupKey::Username)),
    ("AccessKeyId", Column::Key(LookupKey::AccessKeyId)),
    (
        "userIdentity.accessKeyId",
        Column::Key(LookupKey::AccessKeyId),
    ),
    ("ResourceName", Column::Key(LookupKey::ResourceName)),
    ("ResourceType", Column::Key(LookupKey::ResourceType)),
    ("eventType", Column::EventType),
    ("errorCode", Column::ErrorCode),
    ("vpcEndpointId", Column::VpcEndpointId),
    ("userIdentity.arn", Column::IdentityArn),
    ("userIdentity.invokedBy", Column::InvokedBy),
    ("recipientAccountId", Column::Account),
    ("AccountId", Column::Account),
    ("awsRegion", Column::Region),
    ("Region", Column::Region),
    ("eventCategory", Column::Category),
    ("EventCategory", Column::Category),
];

/// Paths that newer files have a column for, in small letters; older files do not, and events in memory neither.
const HINTS: [(&str, &str); 27] = [
    ("eventversion", "event_version"),
    ("sourceipaddress", "source_ip_address"),
    ("useragent", "user_agent"),
    ("errormessage", "error_message"),
    ("requestid", "request_id"),
    ("sharedeventid", "shared_event_id"),
    ("apiversion", "api_version"),
    ("vpcendpointaccountid", "vpc_endpoint_account_id"),
    ("addendum.reason", "addendum_reason"),
    ("tlsdetails.tlsversion", "tls_version"),
    ("tlsdetails.ciphersuite", "tls_cipher_suite"),
    (
        "tlsdetails.clientprovidedhostheader",
        "tls_client_provided_host_header",
    ),
    ("useridentity.type", "identity_type"),
    ("useridentity.principalid", "identity_principal_id"),
    ("useridentity.accountid", "identity_account_id"),
    ("useridentity.username", "identity_user_name"),
    ("useridentity.identityprovider", "identity_provider"),
    ("useridentity.credentialid", "identity_credential_id"),
    ("useridentity.onbehalfof.userid", "on_behalf_of_user_id"),
    (
        "useridentity.onbehalfof.identitystorearn",
        "on_behalf_of_identity_store_arn",
    ),
    (
        "useridentity.sessioncontext.sessionissuer.type",
        "session_issuer_type",
    ),
    (
        "useridentity.sessioncontext.sessionissuer.principalid",
        "session_issuer_principal_id",
    ),
    (
        "useridentity.sessioncontext.sessionissuer.arn",
        "session_issuer_arn",
    ),
    (
        "useridentity.sessioncontext.sessionissuer.accountid",
        "session_issuer_account_id",
    ),
    (
        "useridentity.sessioncontext.sessionissuer.username",
        "session_issuer_user_name",
    ),
    (
        "useridentity.sessioncontext.sourceidentity",
        "session_source_identity",
    ),
    (
        "useridentity.sessioncontext.webidfederationdata.federatedprovider",
        "web_id_federated_provider",
    ),
];

/// The column that newer files have for a path.
pub(super) fn hint(path: &[String]) -> Option<&'static str> {
    let path = path.join(".").to_ascii_lowercase();
    let found = HINTS.iter().find(|(known, _)| *known == path);
    found.map(|(_, column)| *column)
}

impl Field {
    /// Reads an attribute of `LookupEvents` or a path such as `userIdentity.sessionContext.sessionIssuer.userName`;
    /// letter case is ignored, a name in quotation marks may have dots.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let column = COLUMNS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        if let Some((_, column)) = column {
            return Ok(Self(Kind::Column(*column)));
        }
        Ok(Self(Kind::Path(names(text)?)))
    }
}

/// Splits a path at its dots.
fn names(text: &str) -> Result<Vec<String>, FieldError> {
    let wrong = |what: &str| FieldError(format!("{text:?} is no field: {what}"));
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let name = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted
                    .find('"')
                    .ok_or_else(|| wrong("a quotation mark is not closed"))?;
                rest = &quoted[end + 1..];
                &quoted[..end]
            }
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let name = &rest[..end];
                rest = &rest[end..];
                if name.contains('"') {
                    return Err(wrong("a quotation mark stands within a name"));
                }
                name
            }
        };
        if name.is_empty() {
            return Err(wrong("a name between the dots is empty"));
        }
        names.push(name.to_owned());
        if names.len() > NAMES_MAX {
            return Err(wrong(&format!("it has more than {NAMES_MAX} names")));
        }
        rest = match (rest.is_empty(), rest.strip_prefix('.')) {
            (true, _) => return Ok(names),
            (false, Some(rest)) => rest,
            (false, None) => return Err(wrong("a dot must follow a quoted name")),
        };
    }
}

impl Column {
    /// The column in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Key(key) => schema::column_of(key).0,
            Self::EventType => "event_type",
            Self::ErrorCode => "error_code",
            Self::VpcEndpointId => "vpc_endpoint_id",
            Self::IdentityArn => "identity_arn",
            Self::InvokedBy => "invoked_by",
            Self::Account => "recipient_account_id",
            Self::Region => "aws_region",
            Self::Category => schema::CATEGORY,
        }
    }

    /// Its leaf with a bloom filter.
    pub(super) fn bloomed(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Key(key) => schema::column_of(key).1,
            _ => None,
        }
    }

    /// The values of an event in memory.
    pub(super) fn values<'a>(self, keys: &'a EventKeys, each: &mut dyn FnMut(&str)) {
        let text = |text: &'a Option<String>, each: &mut dyn FnMut(&str)| {
            if let Some(text) = text {
                each(text);
            }
        };
        match self {
            Self::Key(LookupKey::EventId) => {
                each(keys.id.hyphenated().encode_lower(&mut [0; 36]));
            }
            Self::Key(LookupKey::EventName) => each(&keys.name),
            Self::Key(LookupKey::EventSource) => each(&keys.source),
            Self::Key(LookupKey::ReadOnly) => {
                if let Some(flag) = keys.read_only {
                    each(truth(flag));
                }
            }
            Self::Key(LookupKey::Username) => text(&keys.username, each),
            Self::Key(LookupKey::AccessKeyId) => text(&keys.access_key_id, each),
            Self::Key(LookupKey::ResourceName) => {
                for resource in &keys.lookup_resources {
                    each(&resource.name);
                }
            }
            Self::Key(LookupKey::ResourceType) => {
                for kind in keys
                    .lookup_resources
                    .iter()
                    .filter_map(|it| it.kind.as_ref())
                {
                    each(kind);
                }
            }
            Self::EventType => each(&keys.event_type),
            Self::ErrorCode => text(&keys.error_code, each),
            Self::VpcEndpointId => text(&keys.vpc_endpoint_id, each),
            Self::IdentityArn => text(&keys.identity_arn, each),
            Self::InvokedBy => text(&keys.invoked_by, each),
            Self::Account => each(keys.account.as_str()),
            Self::Region => each(keys.region.as_str()),
            Self::Category => each(keys.category.as_str()),
        }
    }

    /// The column of a batch of a file.
    pub(super) fn of(self, batch: &RecordBatch) -> Result<ColumnValues<'_>, Damage> {
        let name = self.name();
        Ok(match self {
            Self::Key(LookupKey::ReadOnly) => ColumnValues::Flags(schema::column(batch, name)?),
            Self::Key(key @ (LookupKey::ResourceName | LookupKey::ResourceType)) => {
                let list: &ListArray = schema::column(batch, name)?;
                let entries: Option<&StructArray> = list.values().as_any().downcast_ref();
                let part = if key == LookupKey::ResourceName {
                    "name"
                } else {
                    "type"
                };
                let texts = entries
                    .and_then(|entries| entries.column_by_name(part))
                    .and_then(|column| column.as_any().downcast_ref());
                ColumnValues::Listed(
                    list,
                    texts.ok_or_else(|| format!("field {part} is missing"))?,
                )
            }
            _ => ColumnValues::Texts(schema::column(batch, name)?),
        })
    }
}

/// A column's values, by row.
pub(super) enum ColumnValues<'a> {
    Texts(&'a StringArray),
    Flags(&'a BooleanArray),
    Listed(&'a ListArray, &'a StringArray),
}

impl ColumnValues<'_> {
    pub(super) fn values(&self, row: usize, each: &mut dyn FnMut(&str)) {
        match self {
            Self::Texts(texts) => {
                if texts.is_valid(row) {
                    each(texts.value(row));
                }
            }
            Self::Flags(flags) => {
                if flags.is_valid(row) {
                    each(truth(flags.value(row)));
                }
            }
            Self::Listed(list, texts) => {
                let offsets = list.value_offsets();
                for at in offsets[row] as usize..offsets[row + 1] as usize {
                    if texts.is_valid(at) {
                        each(texts.value(at));
                    }
                }
            }
        }
    }
}

fn truth(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn path(names: &[&str]) -> Kind {
        Kind::Path(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn fields_are_columns_or_paths() {
        for (text, kind) in [
            ("EventName", Kind::Column(Column::Key(LookupKey::EventName))),
            ("eventname", Kind::Column(Column::Key(LookupKey::EventName))),
            (
                "useridentity.ACCESSKEYID",
                Kind::Column(Column::Key(LookupKey::AccessKeyId)),
            ),
            ("errorCode", Kind::Column(Column::ErrorCode)),
            ("errorMessage", path(&["errorMessage"])),
            ("resources.ARN", path(&["resources", "ARN"])),
            (r#"a."b.c".d"#, path(&["a", "b.c", "d"])),
            (r#""a""#, path(&["a"])),
        ] {
            assert_eq!(Field::parse(text).unwrap().0, kind, "{text}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", r#""a"#, r#""a"b"#, r#"a"b"#] {
            assert!(Field::parse(bad).is_err(), "{bad}");
        }
        let deep = |names: usize| Field::parse(&vec!["a"; names].join("."));
        assert!(deep(NAMES_MAX).is_ok() && deep(NAMES_MAX + 1).is_err());
    }
}

//! The members of a record that something is made of, borrowed from its bytes: its keys, and the columns of event tables.
//!
//! Lenient where a key can stay absent: a member of another shape than AWS's is as if it were not there. A member that comes
//! twice is an error: nobody could tell which of them others read.

use super::{
    json::{Walk, Wrong},
    names::Names,
};
use crate::event::resources::RESOURCES_MAX;

/// What is read where a walk stands.
pub(super) trait Read<'a>: Sized {
    /// Passes the value.
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong>;
}

/// An object of which some members are read; its default where there is none. Those that most records have stand first, in the
/// order in which AWS writes them, so that the next one is mostly the one that comes, and its name is compared, not searched.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($member:literal => $field:ident: $kind:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: $kind,)+
        }

        impl<'a> Read<'a> for $name<'a> {
            fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
                #[allow(non_camel_case_types)]
                #[derive(Clone, Copy)]
                enum Member { $($field,)+ }
                const MEMBERS: &[Member] = &[$(Member::$field,)+];
                let mut object = Self::default();
                if walk.peek()? != b'{' {
                    walk.value()?;
                    return Ok(object);
                }
                let (mut next, mut seen) = (MEMBERS.first(), 0_u64);
                walk.object(|walk| {
                    let member = match next {
                        $(Some(Member::$field) if walk.pass(concat!("\"", $member, "\":")) => Member::$field,)+
                        _ => match &*walk.name()? {
                            $($member => Member::$field,)+
                            _ => return walk.value().map(drop),
                        },
                    };
                    let bit = 1 << member as u32;
                    if seen & bit != 0 {
                        return walk.wrong("a member comes a second time before this place");
                    }
                    seen |= bit;
                    next = MEMBERS.get(member as usize + 1);
                    match member {
                        $(Member::$field => object.$field = Read::read(walk)?,)+
                    }
                    Ok(())
                })?;
                Ok(object)
            }
        }
    };
}

object!(
    /// A record.
    Fields {
        "eventVersion" => event_version: Raw<'a>,
        "userIdentity" => user_identity: Identity<'a>,
        "eventTime" => event_time: Text<'a>,
        "eventSource" => event_source: Text<'a>,
        "eventName" => event_name: Text<'a>,
        "awsRegion" => aws_region: Text<'a>,
        "sourceIPAddress" => source_ip_address: Raw<'a>,
        "userAgent" => user_agent: Raw<'a>,
        "requestParameters" => request_parameters: Names<'a>,
        "responseElements" => response_elements: Names<'a>,
        "requestID" => request_id: Raw<'a>,
        "eventID" => event_id: Text<'a>,
        "readOnly" => read_only: Flag<'a>,
        "eventType" => event_type: Text<'a>,
        "managementEvent" => management_event: Flag<'a>,
        "recipientAccountId" => recipient_account_id: Text<'a>,
        "eventCategory" => event_category: Text<'a>,
        "tlsDetails" => tls_details: TlsDetails<'a>,
        "sessionCredentialFromConsole" => session_credential_from_console: Flag<'a>,
        // What few records have.
        "errorCode" => error_code: Text<'a>,
        "errorMessage" => error_message: Raw<'a>,
        "resources" => resources: List<Entry<'a>>,
        "apiVersion" => api_version: Raw<'a>,
        "sharedEventID" => shared_event_id: Raw<'a>,
        "vpcEndpointId" => vpc_endpoint_id: Text<'a>,
        "vpcEndpointAccountId" => vpc_endpoint_account_id: Raw<'a>,
        "addendum" => addendum: Addendum<'a>,
        "insightDetails" => insight_details: InsightDetails<'a>,
        // Of aggregated events.
        "accountId" => account_id: Text<'a>,
        "eventId" => aggregated_id: Text<'a>,
        "timeWindow" => time_window: TimeWindow<'a>,
        "summary" => summary: Summary<'a>,
    }
);

object!(Identity {
    "type" => kind: Text<'a>,
    "principalId" => principal_id: Text<'a>,
    "arn" => arn: Text<'a>,
    "accountId" => account_id: Text<'a>,
    "accessKeyId" => access_key_id: Text<'a>,
    "sessionContext" => session_context: SessionContext<'a>,
    "userName" => user_name: Text<'a>,
    "invokedBy" => invoked_by: Text<'a>,
    "identityProvider" => identity_provider: Raw<'a>,
    "credentialId" => credential_id: Raw<'a>,
    "onBehalfOf" => on_behalf_of: OnBehalfOf<'a>,
});

object!(OnBehalfOf {
    "userId" => user_id: Raw<'a>,
    "identityStoreArn" => identity_store_arn: Raw<'a>,
});

object!(SessionContext {
    "sessionIssuer" => session_issuer: SessionIssuer<'a>,
    "attributes" => attributes: SessionAttributes<'a>,
    "sourceIdentity" => source_identity: Raw<'a>,
    "webIdFederationData" => web_id_federation_data: WebIdFederationData<'a>,
});

object!(SessionIssuer {
    "type" => kind: Raw<'a>,
    "principalId" => principal_id: Raw<'a>,
    "arn" => arn: Raw<'a>,
    "accountId" => account_id: Raw<'a>,
    "userName" => user_name: Raw<'a>,
});

object!(SessionAttributes {
    "creationDate" => creation_date: Raw<'a>,
    "mfaAuthenticated" => mfa_authenticated: Raw<'a>,
});

object!(WebIdFederationData {
    "federatedProvider" => federated_provider: Raw<'a>,
});

object!(Addendum {
    "reason" => reason: Raw<'a>,
});

object!(TlsDetails {
    "tlsVersion" => tls_version: Raw<'a>,
    "cipherSuite" => cipher_suite: Raw<'a>,
    "clientProvidedHostHeader" => client_provided_host_header: Text<'a>,
});

object!(
    /// An entry of `resources`; some services write other cases of the names.
    Entry {
        "type" => kind: Text<'a>,
        "ARN" => arn: Text<'a>,
        "arn" => lower_case_arn: Text<'a>,
        "ARNPrefix" => arn_prefix: Text<'a>,
        "accountId" => account_id: Text<'a>,
    }
);

object!(InsightDetails {
    "eventSource" => event_source: Text<'a>,
    "eventName" => event_name: Text<'a>,
    "errorCode" => error_code: Text<'a>,
});

object!(TimeWindow {
    "windowStart" => window_start: Text<'a>,
});

object!(Summary {
    "primaryDimension" => primary_dimension: Dimension<'a>,
});

object!(Dimension {
    "dimension" => dimension: Text<'a>,
    "statistics" => statistics: List<Statistic<'a>>,
});

object!(Statistic {
    "name" => name: Text<'a>,
});

impl List<Statistic<'_>> {
    pub(super) fn first_name(&self) -> Option<&str> {
        self.0.first()?.name.as_deref()
    }
}

/// A value as it is written.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Raw<'a>(pub(super) Option<&'a str>);

impl<'a> Read<'a> for Raw<'a> {
    #[inline]
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        walk.value().map(|value| Self(Some(value)))
    }
}

/// A text; absent when it is missing, null, empty, or no text.
#[derive(Debug, Default)]
pub(super) struct Text<'a> {
    pub(super) raw: Raw<'a>,
    /// What it says, where that is not what is written.
    unescaped: Option<Box<str>>,
}

impl Text<'_> {
    pub(super) fn as_deref(&self) -> Option<&str> {
        let text = match &self.unescaped {
            Some(text) => text,
            None => self.raw.0?.strip_prefix('"')?.strip_suffix('"')?,
        };
        (!text.is_empty()).then_some(text)
    }

    /// This, else the other.
    pub(super) fn or<'t>(&'t self, other: &'t Text<'_>) -> Option<&'t str> {
        self.as_deref().or_else(|| other.as_deref())
    }
}

impl<'a> Read<'a> for Text<'a> {
    #[inline]
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        if walk.peek()? != b'"' {
            return Ok(Self {
                raw: Raw::read(walk)?,
                unescaped: None,
            });
        }
        let quoted = walk.quoted()?;
        Ok(Self {
            raw: Raw(Some(quoted.written())),
            unescaped: match quoted.unescaped() {
                Ok(unescaped) => unescaped.map(String::into_boxed_str),
                Err(_) => return walk.wrong("the escapes before this place make no text"),
            },
        })
    }
}

/// `true`, `"true"`, or absent.
#[derive(Debug, Default)]
pub(super) struct Flag<'a> {
    pub(super) raw: Raw<'a>,
    pub(super) value: Option<bool>,
}

impl<'a> Read<'a> for Flag<'a> {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        let written = walk.value()?;
        Ok(Self {
            raw: Raw(Some(written)),
            value: match written {
                "true" | "\"true\"" => Some(true),
                "false" | "\"false\"" => Some(false),
                _ => None,
            },
        })
    }
}

/// The first entries of a list, defaults for those that are no objects; empty for anything else.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T: Read<'a>> Read<'a> for List<T> {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        let mut items = Vec::new();
        if walk.peek()? != b'[' {
            walk.value()?;
            return Ok(Self(items));
        }
        walk.list(|walk| {
            if items.len() < RESOURCES_MAX {
                items.push(T::read(walk)?);
            } else {
                walk.value()?;
            }
            Ok(())
        })?;
        Ok(Self(items))
    }
}

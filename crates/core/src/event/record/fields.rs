//! The members of a record that something is made of, borrowed from its bytes: its keys, and the columns of event tables.
//!
//! Lenient where a key can stay absent: a member of another shape than AWS's is as if it were not there. A member that comes
//! twice is an error: nobody could tell which of them others read.

use std::{borrow::Cow, ops::Deref};

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

/// An object of which some members are read; its default where there is none.
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
                enum Member { $($field,)+ }
                let mut object = Self::default();
                if walk.peek()? != b'{' {
                    walk.value()?;
                    return Ok(object);
                }
                let mut seen = 0_u64;
                walk.object(|walk, name| {
                    let member = match name.as_bytes() {
                        $($member => {
                            object.$field = Read::read(walk)?;
                            1 << Member::$field as u32
                        })+
                        _ => return walk.value().map(drop),
                    };
                    if seen & member != 0 {
                        return walk.wrong("a member comes twice before this place");
                    }
                    seen |= member;
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
        b"eventVersion" => event_version: Raw<'a>,
        b"userIdentity" => user_identity: Identity<'a>,
        b"eventTime" => event_time: Text<'a>,
        b"eventSource" => event_source: Text<'a>,
        b"eventName" => event_name: Text<'a>,
        b"awsRegion" => aws_region: Text<'a>,
        b"sourceIPAddress" => source_ip_address: Raw<'a>,
        b"userAgent" => user_agent: Raw<'a>,
        b"errorCode" => error_code: Text<'a>,
        b"errorMessage" => error_message: Raw<'a>,
        b"requestParameters" => request_parameters: Names<'a>,
        b"responseElements" => response_elements: Names<'a>,
        b"requestID" => request_id: Raw<'a>,
        b"eventID" => event_id: Text<'a>,
        // Of aggregated events.
        b"eventId" => aggregated_id: Text<'a>,
        b"readOnly" => read_only: Flag,
        b"resources" => resources: List<Entry<'a>>,
        b"eventType" => event_type: Text<'a>,
        b"apiVersion" => api_version: Raw<'a>,
        b"managementEvent" => management_event: RawFlag<'a>,
        b"recipientAccountId" => recipient_account_id: Text<'a>,
        // Of aggregated events.
        b"accountId" => account_id: Text<'a>,
        b"sharedEventID" => shared_event_id: Raw<'a>,
        b"vpcEndpointId" => vpc_endpoint_id: Text<'a>,
        b"vpcEndpointAccountId" => vpc_endpoint_account_id: Raw<'a>,
        b"eventCategory" => event_category: Text<'a>,
        b"addendum" => addendum: Addendum<'a>,
        b"tlsDetails" => tls_details: TlsDetails<'a>,
        b"sessionCredentialFromConsole" => session_credential_from_console: Flag,
        b"insightDetails" => insight_details: InsightDetails<'a>,
        b"timeWindow" => time_window: TimeWindow<'a>,
        b"summary" => summary: Summary<'a>,
    }
);

object!(Identity {
    b"type" => kind: Text<'a>,
    b"principalId" => principal_id: Text<'a>,
    b"arn" => arn: Text<'a>,
    b"accountId" => account_id: Text<'a>,
    b"accessKeyId" => access_key_id: Text<'a>,
    b"userName" => user_name: Text<'a>,
    b"invokedBy" => invoked_by: Text<'a>,
    b"identityProvider" => identity_provider: Raw<'a>,
    b"credentialId" => credential_id: Raw<'a>,
    b"onBehalfOf" => on_behalf_of: OnBehalfOf<'a>,
    b"sessionContext" => session_context: SessionContext<'a>,
});

object!(OnBehalfOf {
    b"userId" => user_id: Raw<'a>,
    b"identityStoreArn" => identity_store_arn: Raw<'a>,
});

object!(SessionContext {
    b"sessionIssuer" => session_issuer: SessionIssuer<'a>,
    b"attributes" => attributes: SessionAttributes<'a>,
    b"sourceIdentity" => source_identity: Raw<'a>,
    b"webIdFederationData" => web_id_federation_data: WebIdFederationData<'a>,
});

object!(SessionIssuer {
    b"type" => kind: Raw<'a>,
    b"principalId" => principal_id: Raw<'a>,
    b"arn" => arn: Raw<'a>,
    b"accountId" => account_id: Raw<'a>,
    b"userName" => user_name: Raw<'a>,
});

object!(SessionAttributes {
    b"creationDate" => creation_date: Raw<'a>,
    b"mfaAuthenticated" => mfa_authenticated: Raw<'a>,
});

object!(WebIdFederationData {
    b"federatedProvider" => federated_provider: Raw<'a>,
});

object!(Addendum {
    b"reason" => reason: Raw<'a>,
});

object!(TlsDetails {
    b"tlsVersion" => tls_version: Raw<'a>,
    b"cipherSuite" => cipher_suite: Raw<'a>,
    b"clientProvidedHostHeader" => client_provided_host_header: Text<'a>,
});

object!(
    /// An entry of `resources`; some services write other cases of the names.
    Entry {
        b"type" => kind: Text<'a>,
        b"ARN" => arn: Text<'a>,
        b"arn" => lower_case_arn: Text<'a>,
        b"ARNPrefix" => arn_prefix: Text<'a>,
        b"accountId" => account_id: Text<'a>,
    }
);

object!(InsightDetails {
    b"eventSource" => event_source: Text<'a>,
    b"eventName" => event_name: Text<'a>,
    b"errorCode" => error_code: Text<'a>,
});

object!(TimeWindow {
    b"windowStart" => window_start: Text<'a>,
});

object!(Summary {
    b"primaryDimension" => primary_dimension: Dimension<'a>,
});

object!(Dimension {
    b"dimension" => dimension: Text<'a>,
    b"statistics" => statistics: List<Statistic<'a>>,
});

object!(Statistic {
    b"name" => name: Text<'a>,
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
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        walk.value().map(|value| Self(Some(value)))
    }
}

/// A text; absent when it is missing, null, empty, or no text.
#[derive(Debug, Default)]
pub(super) struct Text<'a> {
    pub(super) raw: Raw<'a>,
    text: Option<Cow<'a, str>>,
}

impl Text<'_> {
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// This, else the other.
    pub(super) fn or<'t>(&'t self, other: &'t Text<'_>) -> Option<&'t str> {
        self.as_deref().or(other.as_deref())
    }
}

impl<'a> Deref for Text<'a> {
    type Target = Option<Cow<'a, str>>;

    fn deref(&self) -> &Self::Target {
        &self.text
    }
}

impl<'a> Read<'a> for Text<'a> {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        if walk.peek()? != b'"' {
            return Ok(Self {
                raw: Raw::read(walk)?,
                text: None,
            });
        }
        let quoted = walk.quoted()?;
        let Some(text) = quoted.read() else {
            return walk.wrong("the escapes before this place make no text");
        };
        Ok(Self {
            raw: Raw(Some(quoted.written())),
            text: (!text.is_empty()).then_some(text),
        })
    }
}

/// `true`, `"true"`, or absent.
#[derive(Debug, Default)]
pub(super) struct Flag(Option<bool>);

impl Deref for Flag {
    type Target = Option<bool>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Read<'a> for Flag {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        RawFlag::read(walk).map(|flag| flag.flag)
    }
}

/// A flag, and as it is written.
#[derive(Debug, Default)]
pub(super) struct RawFlag<'a> {
    pub(super) raw: Raw<'a>,
    pub(super) flag: Flag,
}

impl<'a> Read<'a> for RawFlag<'a> {
    fn read(walk: &mut Walk<'a>) -> Result<Self, Wrong> {
        let written = walk.value()?;
        let flag = match written {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        };
        Ok(Self {
            raw: Raw(Some(written)),
            flag: Flag(flag),
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

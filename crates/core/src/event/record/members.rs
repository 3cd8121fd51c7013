//! Where the members of a record stand of which no key is made, but a column of event tables.

use std::str::Utf8Error;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    fields::{Fields, Raw},
    fields_of,
    json::Walk,
};

macro_rules! members {
    ($($(#[$doc:meta])* $member:ident => $($path:ident).+,)+) => {
        /// A member of a record, by its path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Member {
            $($(#[$doc])* $member,)+
        }

        const COUNT: usize = [$(Member::$member),+].len();

        fn raws<'a>(fields: &Fields<'a>) -> [Raw<'a>; COUNT] {
            [$(fields.$($path).+),+]
        }
    };
}

members! {
    /// `eventVersion`.
    EventVersion => event_version,
    /// `sourceIPAddress`.
    SourceIpAddress => source_ip_address,
    /// `userAgent`.
    UserAgent => user_agent,
    /// `errorMessage`.
    ErrorMessage => error_message,
    /// `requestID`.
    RequestId => request_id,
    /// `sharedEventID`.
    SharedEventId => shared_event_id,
    /// `apiVersion`.
    ApiVersion => api_version,
    /// `managementEvent`.
    ManagementEvent => management_event.raw,
    /// `vpcEndpointAccountId`.
    VpcEndpointAccountId => vpc_endpoint_account_id,
    /// `addendum.reason`.
    AddendumReason => addendum.reason,
    /// `tlsDetails.tlsVersion`.
    TlsVersion => tls_details.tls_version,
    /// `tlsDetails.cipherSuite`.
    TlsCipherSuite => tls_details.cipher_suite,
    /// `tlsDetails.clientProvidedHostHeader`.
    TlsClientProvidedHostHeader => tls_details.client_provided_host_header.raw,
    /// `userIdentity.type`.
    IdentityType => user_identity.kind.raw,
    /// `userIdentity.principalId`.
    IdentityPrincipalId => user_identity.principal_id.raw,
    /// `userIdentity.accountId`.
    IdentityAccountId => user_identity.account_id.raw,
    /// `userIdentity.userName`.
    IdentityUserName => user_identity.user_name.raw,
    /// `userIdentity.identityProvider`.
    IdentityProvider => user_identity.identity_provider,
    /// `userIdentity.credentialId`.
    IdentityCredentialId => user_identity.credential_id,
    /// `userIdentity.onBehalfOf.userId`.
    OnBehalfOfUserId => user_identity.on_behalf_of.user_id,
    /// `userIdentity.onBehalfOf.identityStoreArn`.
    OnBehalfOfIdentityStoreArn => user_identity.on_behalf_of.identity_store_arn,
    /// `userIdentity.sessionContext.sessionIssuer.type`.
    SessionIssuerType => user_identity.session_context.session_issuer.kind,
    /// `userIdentity.sessionContext.sessionIssuer.principalId`.
    SessionIssuerPrincipalId => user_identity.session_context.session_issuer.principal_id,
    /// `userIdentity.sessionContext.sessionIssuer.arn`.
    SessionIssuerArn => user_identity.session_context.session_issuer.arn,
    /// `userIdentity.sessionContext.sessionIssuer.accountId`.
    SessionIssuerAccountId => user_identity.session_context.session_issuer.account_id,
    /// `userIdentity.sessionContext.sessionIssuer.userName`.
    SessionIssuerUserName => user_identity.session_context.session_issuer.user_name,
    /// `userIdentity.sessionContext.attributes.creationDate`.
    SessionCreationDate => user_identity.session_context.attributes.creation_date,
    /// `userIdentity.sessionContext.attributes.mfaAuthenticated`.
    SessionMfaAuthenticated => user_identity.session_context.attributes.mfa_authenticated,
    /// `userIdentity.sessionContext.sourceIdentity`.
    SessionSourceIdentity => user_identity.session_context.source_identity,
    /// `userIdentity.sessionContext.webIdFederationData.federatedProvider`.
    WebIdFederatedProvider => user_identity.session_context.web_id_federation_data.federated_provider,
}

/// A record's text, and where the values of its [`Member`]s stand in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    text: ByteString,
    /// Byte ranges; empty ones for those that it does not have.
    ranges: [(u32, u32); COUNT],
}

impl Members {
    /// Of a record and the fields that were read from it.
    pub(super) fn new(fields: &Fields<'_>, text: ByteString) -> Self {
        let begin = text.as_ptr() as usize;
        // Records are far shorter than this.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let ranges = raws(fields).map(|raw| match raw.0 {
            Some(value) => {
                let start = value.as_ptr() as usize - begin;
                (place(start), place(start + value.len()))
            }
            None => (0, 0),
        });
        Self { text, ranges }
    }

    /// Those of a record; of what is no record, none.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn of(json: Bytes) -> Result<Self, Utf8Error> {
        let text = ByteString::try_from(json)?;
        let fields = fields_of(&mut Walk::new(&text)).unwrap_or_default();
        Ok(Self::new(&fields, text.clone()))
    }

    /// The record.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A member's value, as it is written.
    pub fn get(&self, member: Member) -> Option<&str> {
        let (start, end) = self.ranges[member as usize];
        let value = self.text.get(start as usize..end as usize);
        value.filter(|value| !value.is_empty())
    }
}

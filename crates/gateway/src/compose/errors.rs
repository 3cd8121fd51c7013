//! `errorCode` and `errorMessage`, and what an error does to the rest of the record.

use pugmark_wire::{catalogue::Protocol, project::ErrorInfo, recognize::Call};

use super::{Facts, tables};

/// An error as the record tells it.
pub(super) struct Recorded {
    pub(super) code: String,
    pub(super) message: Option<String>,
    /// The message, where the service puts it in `responseElements` instead.
    pub(super) in_response: Option<String>,
}

/// The error's name in the record: mostly the exception's name, which may differ from the code on the wire.
pub(super) fn recorded(facts: &Facts<'_>, error: &ErrorInfo) -> Recorded {
    let service = facts.call.map_or("", |call| call.service.id());
    let code = match tables::ERROR_NAMES
        .iter()
        .find(|(wire, _)| *wire == error.code)
    {
        _ if service == "s3" => error.code.clone(),
        Some((_, name)) if service != "ec2" => (*name).to_owned(),
        _ => named(facts, service, &error.code),
    };
    let keeps_message = !tables::ERRORS_IN_RESPONSE.contains(&service);
    let message = error.message.clone().filter(|_| keeps_message);
    Recorded {
        code,
        message,
        in_response: error.message.clone().filter(|_| !keeps_message),
    }
}

fn named(facts: &Facts<'_>, service: &str, code: &str) -> String {
    if service == "ec2" {
        let side = if facts.status.is_some_and(|status| status.is_server_error()) {
            "Server"
        } else {
            "Client"
        };
        let prefixed = code.starts_with("Client.") || code.starts_with("Server.");
        return if prefixed {
            code.to_owned()
        } else {
            format!("{side}.{code}")
        };
    }
    facts
        .call
        .and_then(|call| call.service.exception_name(code))
        .unwrap_or(code)
        .to_owned()
}

/// Whether the call was denied or throttled, and its service then records no `requestParameters`.
pub(super) fn hides_request(call: &Call, error: &ErrorInfo) -> bool {
    let code = error.code.strip_prefix("Client.").unwrap_or(&error.code);
    let service = call.service.id();
    tables::DENIALS.contains(&code)
        && match call.protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::Query | Protocol::Cbor => {
                !tables::KEEP_REQUEST_WHEN_DENIED.contains(&service)
            }
            Protocol::RestJson | Protocol::RestXml => {
                tables::HIDE_REQUEST_WHEN_DENIED.contains(&service)
            }
            Protocol::Ec2 => false,
        }
}

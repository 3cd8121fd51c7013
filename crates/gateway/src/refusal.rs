//! Errors that the gateway itself answers with: AWS's codes, and a message that says what to do next.

use std::borrow::Cow;

use pugmark_wire::recognize::Ambiguity;

/// An error answer before it is put in a protocol's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// AWS's error code.
    pub(crate) code: Cow<'static, str>,
    /// For people.
    pub(crate) message: String,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after_seconds: Option<u32>,
}

impl Refusal {
    /// An error of the given code, status and message.
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            retry_after_seconds: None,
        }
    }

    pub(crate) fn busy() -> Self {
        let message = "The audit journal takes no more events now, so the call was not made. Try again shortly; if this \
                       lasts, see the journal's figures at /-/metrics on the admin address";
        Self {
            retry_after_seconds: Some(5),
            ..Self::new("ServiceUnavailable", 503, message)
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            "InternalFailure",
            500,
            "The gateway failed on this call; its log says why",
        )
    }

    pub(crate) fn unrecorded() -> Self {
        let message =
            "The call was made, but its event could not be recorded, so its answer is withheld";
        Self::new("InternalFailure", 500, message)
    }

    pub(crate) fn incomplete_body() -> Self {
        Self::new(
            "IncompleteBody",
            400,
            "The request's body ended before it was complete",
        )
    }

    pub(crate) fn slow_body() -> Self {
        Self::new(
            "RequestTimeout",
            408,
            "The request's body did not arrive in time",
        )
    }

    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let message = format!("The request's body is larger than {bytes_max} bytes");
        Self::new("RequestEntityTooLargeException", 413, message)
    }

    pub(crate) fn no_upstream(service: Option<&str>) -> Self {
        let service = service.unwrap_or("this service");
        let message = format!(
            "No upstream is configured for {service}: start Pugmark with --upstream URL, or set it in [upstream.services]"
        );
        // Not 503: clients retry that, and waiting does not help.
        Self::new("NotImplemented", 501, message)
    }

    pub(crate) fn ambiguous(ambiguity: &Ambiguity) -> Self {
        Self::new("InvalidRequest", 400, ambiguity.to_string())
    }

    pub(crate) fn upstream_unavailable() -> Self {
        let message = "The upstream endpoint could not be reached or closed the connection; check the --upstream setting";
        Self::new("ServiceUnavailable", 503, message)
    }
}

//! Answers that are errors: AWS's code, its status, its message.

use pugmark_catalog::WriteError;
use pugmark_journal::JournalError;

/// An error as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// AWS's error code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to tell the user.
    pub message: String,
}

impl ApiError {
    /// Any error that CloudTrail's model names: all of them are 400 on the wire.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status: 400,
            message: message.into(),
        }
    }

    /// Something that AWS has and Pugmark not yet.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("UnsupportedOperationException", message)
    }

    /// The body cannot be read as the operation's input.
    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    /// A value breaks a constraint of the model; `constraint` such as `Member must not be null`.
    pub(crate) fn constraint(path: &str, value: &str, constraint: &str) -> Self {
        Self::new(
            "ValidationException",
            format!(
                "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"
            ),
        )
    }
}

impl From<WriteError<ApiError>> for ApiError {
    fn from(error: WriteError<ApiError>) -> Self {
        match error {
            WriteError::Refused(refused) => refused,
            WriteError::Journal(JournalError::Full { .. }) => Self {
                code: "ServiceUnavailable",
                status: 503,
                message:
                    "The journal is full; try again when the trails' files have been delivered."
                        .into(),
            },
            WriteError::Journal(JournalError::DiskFull { .. }) => Self {
                code: "ServiceUnavailable",
                status: 503,
                message: "The journal's disk is full; try again when there is room on it.".into(),
            },
            WriteError::Journal(error) => {
                tracing::error!(%error, "a catalog change could not be appended");
                Self {
                    code: "InternalFailure",
                    status: 500,
                    message: "The change could not be stored.".into(),
                }
            }
        }
    }
}

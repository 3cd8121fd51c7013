//! What another AWS service answers when it does not do what it is asked.

/// A service's refusal, or its silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The service's error code; `None` when it did not answer, so that trying again makes sense.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
}

impl ServiceError {
    /// What a trail's status says of a service that cannot be reached and so gives no code of its own.
    pub const NOT_REACHED: &str = "ServiceUnavailable";

    /// The code that a trail's status shows.
    pub fn status_code(self) -> String {
        self.code.unwrap_or_else(|| Self::NOT_REACHED.to_owned())
    }

    /// Whether the service does not let the caller do this.
    pub fn is_denied(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        code.contains("AccessDenied")
            || code.contains("Authorization")
            || code == "InvalidClientTokenId"
    }
}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServiceError {}

//! The tree of values that a request or response says, by the names of the service's model.

/// A value. Secrets and payloads never enter it: they are [`Value::Hidden`], [`Value::Blob`] or [`Value::Stream`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An explicit null, or an XML element without content where a structure was expected.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A number with a fraction, or beyond 64 bits.
    Float(f64),
    /// A text.
    String(String),
    /// A moment.
    Timestamp(jiff::Timestamp),
    /// A blob of so many bytes; its content is not kept.
    Blob(u64),
    /// A streaming member or HTTP payload; its content is not kept.
    Stream,
    /// A member that the model marks `sensitive`; its content is not kept.
    Hidden,
    /// A list.
    List(Vec<Value>),
    /// A map: keys are the caller's own.
    Map(Vec<(String, Value)>),
    /// A structure: members by the model's names, in the order in which they were found.
    Structure(Vec<Member>),
}

/// A member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The member's name in the model, such as `DBInstanceIdentifier`; not the wire's name.
    pub name: &'static str,
    /// The name on the wire (`locationName`, query name, XML element, header), where it differs.
    pub wire_name: Option<&'static str>,
    /// Where it stood.
    pub location: Location,
    /// What it says.
    pub value: Value,
}

/// Where a member stands in a request or response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body.
    Body,
    /// A label of the URI's path.
    Uri,
    /// The query string.
    Query,
    /// A header.
    Header,
    /// Headers with a common prefix.
    HeaderPrefix,
    /// The HTTP status.
    Status,
}

impl Value {
    /// The value of a structure's member, by its name in the model.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Structure(members) => members
                .iter()
                .find(|member| member.name == name)
                .map(|member| &member.value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

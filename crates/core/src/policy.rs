//! IAM policies: documents parsed once, evaluated as AWS does: an explicit deny wins, then an allow, else nothing is allowed.
//!
//! After the IAM User Guide, "IAM JSON policy elements reference" and "Policy evaluation logic".

mod condition;

use std::collections::HashMap;

pub use condition::Condition;
use serde_json::Value;

/// A policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Statement {
    is_allow: bool,
    principal: Option<Matching>,
    action: Matching,
    resource: Matching,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, and so on.
#[derive(Debug, Clone, PartialEq)]
struct Matching {
    patterns: Vec<String>,
    is_not: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// Such as `cloudtrail:LookupEvents`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// Who asks, for resource policies: an ARN, a service name or an account.
    pub principal: Option<&'a str>,
    /// Condition keys (lower case) and their values.
    pub context: HashMap<String, Vec<String>>,
}

/// What policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Neither a built-in name nor JSON.
    #[error("{0:?} is neither a built-in policy ({names}) nor a JSON policy document", names = BUILT_IN_NAMES.join(", "))]
    Unknown(String),
    /// JSON, but no policy.
    #[error("policy document: {0}")]
    Invalid(String),
}

const BUILT_IN_NAMES: [&str; 4] = [
    "AdministratorAccess",
    "ReadOnlyAccess",
    "AWSCloudTrail_FullAccess",
    "AWSCloudTrail_ReadOnlyAccess",
];

fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "AdministratorAccess" => {
            r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
        }
        "ReadOnlyAccess" => {
            r#"{"Statement":[{"Effect":"Allow","Resource":"*","Action":["*:Get*","*:List*","*:Describe*","*:Head*","cloudtrail:LookupEvents","cloudtrail:SearchEvents"]}]}"#
        }
        "AWSCloudTrail_FullAccess" => {
            r#"{"Statement":[{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},{"Effect":"Allow","Action":["s3:CreateBucket","s3:PutBucketPolicy"],"Resource":"arn:aws:s3:::aws-cloudtrail-logs*"},{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation","s3:GetBucketPolicy"],"Resource":"*"}]}"#
        }
        "AWSCloudTrail_ReadOnlyAccess" => {
            r#"{"Statement":[{"Effect":"Allow","Resource":"*","Action":["cloudtrail:Get*","cloudtrail:Describe*","cloudtrail:List*","cloudtrail:LookupEvents","cloudtrail:SearchEvents"]}]}"#
        }
        _ => return None,
    })
}

impl Policy {
    /// Parses a document, or takes a built-in policy by name.
    ///
    /// # Errors
    /// When the text is neither, or says something that would not be evaluated (an unknown operator, a missing effect).
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document = match built_in(text.trim()) {
            Some(document) => document,
            None if text.trim_start().starts_with('{') => text,
            None => return Err(PolicyError::Unknown(text.chars().take(100).collect())),
        };
        let json: Value = serde_json::from_str(document)
            .map_err(|error| PolicyError::Invalid(error.to_string()))?;
        let statements = match &json["Statement"] {
            Value::Array(list) => list.iter().map(Statement::parse).collect::<Result<_, _>>(),
            one @ Value::Object(_) => Statement::parse(one).map(|one| vec![one]),
            _ => Err("Statement is missing".to_owned()),
        };
        Ok(Self {
            statements: statements.map_err(PolicyError::Invalid)?,
        })
    }
}

/// What a set of policies says of a request.
pub fn evaluate<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: &Request<'_>,
) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
        if statement.applies(request) {
            match statement.is_allow {
                true => decision = Decision::Allow,
                false => return Decision::ExplicitDeny,
            }
        }
    }
    decision
}

impl Statement {
    fn parse(json: &Value) -> Result<Self, String> {
        let known = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let object = json.as_object().ok_or("a statement is not an object")?;
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown element {key}"));
        }
        let is_allow = match json["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("Effect must be Allow or Deny".into()),
        };
        let mut conditions = Vec::new();
        for (operator, keys) in json["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().ok_or("a condition is not an object")? {
                conditions.push(Condition::parse(operator, key, &texts(values)?)?);
            }
        }
        Ok(Self {
            is_allow,
            principal: Matching::parse(json, "Principal", "NotPrincipal")?,
            action: Matching::parse(json, "Action", "NotAction")?.ok_or("Action is missing")?,
            // A trust policy has no resource.
            resource: Matching::parse(json, "Resource", "NotResource")?.unwrap_or(Matching {
                patterns: vec!["*".into()],
                is_not: false,
            }),
            conditions,
        })
    }

    fn applies(&self, request: &Request<'_>) -> bool {
        let principal = match (&self.principal, request.principal) {
            (None, _) => true,
            (Some(matching), Some(principal)) => {
                matching.matches(|pattern| is_principal(pattern, principal))
            }
            (Some(matching), None) => matching.matches(|pattern| pattern == "*"),
        };
        principal
            && self.action.matches(|pattern| {
                wildcard(
                    &pattern.to_ascii_lowercase(),
                    &request.action.to_ascii_lowercase(),
                )
            })
            && self.resource.matches(|pattern| {
                request.resource == "*" && pattern == "*" || wildcard(pattern, request.resource)
            })
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(&request.context))
    }
}

impl Matching {
    fn parse(json: &Value, name: &str, not_name: &str) -> Result<Option<Self>, String> {
        let (value, is_not) = match (&json[name], &json[not_name]) {
            (Value::Null, Value::Null) => return Ok(None),
            (value, Value::Null) => (value, false),
            (Value::Null, value) => (value, true),
            _ => return Err(format!("{name} and {not_name} exclude each other")),
        };
        let patterns = match value {
            // Principal: {"AWS": …, "Service": …}
            Value::Object(kinds) => {
                let lists: Result<Vec<_>, _> = kinds.values().map(texts).collect();
                lists?.into_iter().flatten().collect()
            }
            value => texts(value)?,
        };
        Ok(Some(Self { patterns, is_not }))
    }

    fn matches(&self, is_match: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| is_match(pattern)) != self.is_not
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        value => text(value).map(|text| vec![text]),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("a value is neither a text nor a list of texts".into()),
    }
}

/// A principal pattern is `*`, an ARN, a service, or an account that stands for all of its principals.
fn is_principal(pattern: &str, principal: &str) -> bool {
    let account = |text: &str| {
        text.strip_prefix("arn:aws:iam::")
            .and_then(|rest| rest.strip_suffix(":root"))
            .map(str::to_owned)
    };
    let owner = crate::account::Arn::parse(principal).map(|arn| arn.account);
    pattern == "*"
        || pattern == principal
        || (owner.is_some() && (owner == Some(pattern) || owner == account(pattern).as_deref()))
}

/// `*` matches any text and `?` any one character; linear in memory, never exponential in time.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern + 1, at_text));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match &mut star {
                Some((after_star, taken)) => {
                    *taken += 1;
                    (at_pattern, at_text) = (*after_star, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;

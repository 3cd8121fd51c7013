//! Conditions on a field: how values are compared, and what must be in a record's bytes before they need be compared.

use std::ops::Range;

use memchr::memmem::Finder;

use super::{
    field::{Field, Kind, hint},
    pages::Find,
};

/// How a value is compared; negation is said apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// It is the same, letter by letter.
    Equals,
    /// It begins so.
    StartsWith,
    /// It ends so.
    EndsWith,
    /// It has this in it.
    Contains,
    /// There is one, whatever it is.
    Exists,
}

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Of which field.
    pub field: Field,
    /// How its values are compared.
    pub operator: Operator,
    /// The condition holds if no value of the field fits.
    pub is_negated: bool,
    /// Any of them suffices; unused with [`Operator::Exists`].
    pub values: Vec<String>,
}

impl Condition {
    /// Whether one value of the field fits, negation aside.
    pub(super) fn fits(&self, value: &str) -> bool {
        let any =
            |fits: fn(&str, &str) -> bool| self.values.iter().any(|wanted| fits(value, wanted));
        match self.operator {
            Operator::Equals => any(|value, wanted| value == wanted),
            Operator::StartsWith => any(|value, wanted| value.starts_with(wanted)),
            Operator::EndsWith => any(|value, wanted| value.ends_with(wanted)),
            Operator::Contains => any(|value, wanted| value.contains(wanted)),
            Operator::Exists => true,
        }
    }

    /// Whether the condition holds for a field with the values that `values` gives.
    pub(super) fn holds(&self, values: impl FnOnce(&mut dyn FnMut(&str))) -> bool {
        let mut fits = false;
        values(&mut |value| fits = fits || self.fits(value));
        fits != self.is_negated
    }

    /// The names of its path, if it has no column.
    pub(super) fn path(&self) -> Option<&[String]> {
        match &self.field.0 {
            Kind::Path(path) => Some(path),
            Kind::Column(_) => None,
        }
    }
}

/// A condition on a path, with what must be in a record's bytes for it to hold.
pub(super) struct RecordCondition {
    pub(super) condition: Condition,
    /// The column that newer files have for its path.
    pub(super) hint: Option<&'static str>,
    /// Any of these; empty: nothing is known.
    needles: Vec<Finder<'static>>,
    escape: Finder<'static>,
}

impl RecordCondition {
    pub(super) fn new(condition: Condition) -> Self {
        let runs: Option<Vec<&[u8]>> = match (condition.is_negated, condition.operator) {
            (true, _) | (_, Operator::Exists) => None,
            _ => condition
                .values
                .iter()
                .map(|value| plain_run(value))
                .collect(),
        };
        let needles = runs.unwrap_or_default();
        let needles = needles
            .into_iter()
            .map(|run| Finder::new(run).into_owned())
            .collect();
        let hint = condition.path().and_then(hint);
        Self {
            condition,
            hint,
            needles,
            escape: Finder::new(b"\\u"),
        }
    }

    /// Whether there is anything that must be in a record's bytes.
    pub(super) fn has_needles(&self) -> bool {
        !self.needles.is_empty()
    }

    fn may_hold(&self, json: &[u8]) -> bool {
        self.needles.is_empty()
            || self.needles.iter().any(|needle| needle.find(json).is_some())
            // Whoever writes letters as escapes can hide a value.
            || self.escape.find(json).is_some()
    }

    pub(super) fn holds(&self, json: &[u8]) -> bool {
        let path = self.condition.path().unwrap_or_default();
        self.may_hold(json)
            && self
                .condition
                .holds(|each| super::path::values(json, path, each))
    }
}

impl Find for RecordCondition {
    /// Those that have what must be there.
    fn find_in(
        &self,
        data: &[u8],
        records: impl Iterator<Item = Range<usize>>,
        mut found: impl FnMut(usize),
    ) {
        for (number, record) in records.enumerate() {
            if self.may_hold(&data[record]) {
                found(number);
            }
        }
    }
}

/// The longest run of a value that stands in JSON as it is, if that says anything.
fn plain_run(value: &str) -> Option<&[u8]> {
    // `/` may stand as `\/`, and letters beyond ASCII as `\u…`.
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/');
    value
        .as_bytes()
        .split(|byte| !is_plain(byte))
        .max_by_key(|run| run.len())
        .filter(|run| run.len() >= 2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(field: &str, operator: Operator, values: &[&str], json: &str, expected: bool) {
        for is_negated in [false, true] {
            let condition = Condition {
                field: Field::parse(field).unwrap(),
                operator,
                is_negated,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            };
            let holds = RecordCondition::new(condition).holds(json.as_bytes());
            assert_eq!(
                holds,
                expected != is_negated,
                "{field} {operator:?} {values:?} {json}"
            );
        }
    }

    #[test]
    fn conditions_hold_for_any_value_of_the_field() {
        let json =
            r#"{"p":{"bucketName":"audit-logs","n":443},"r":[{"ARN":"a/b"},{"ARN":"c\u0064"}]}"#;
        for (field, operator, values, expected) in [
            ("p.bucketName", Operator::Equals, &["audit-logs"][..], true),
            ("p.bucketName", Operator::Equals, &["x", "audit-logs"], true),
            ("p.bucketName", Operator::Equals, &["audit"], false),
            ("p.bucketName", Operator::StartsWith, &["audit"], true),
            ("p.bucketName", Operator::EndsWith, &["logs"], true),
            ("p.bucketName", Operator::Contains, &["it-lo"], true),
            ("p.bucketName", Operator::Contains, &["Audit"], false),
            ("p.n", Operator::Equals, &["443"], true),
            ("p", Operator::Contains, &["\"n\":443"], true),
            ("r.arn", Operator::Equals, &["a/b"], true),
            ("r.ARN", Operator::Equals, &["cd"], true),
            ("r.ARN", Operator::Exists, &[], true),
            ("q", Operator::Exists, &[], false),
            ("q", Operator::Contains, &[""], false),
        ] {
            check(field, operator, values, json, expected);
        }
        check("a", Operator::Equals, &["x/y"], r#"{"a":"x\/y"}"#, true);
    }

    #[test]
    fn runs_leave_out_what_json_may_write_otherwise() {
        assert_eq!(
            plain_run("arn:aws:s3:::a/longer-run"),
            Some(&b"arn:aws:s3:::a"[..])
        );
        assert_eq!(plain_run("ü\"x"), None);
    }
}

//! The flags that ask for events, shared by `pugmark lookup` and `pugmark export`, and the question that they make.

use anyhow::bail;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::moment;

/// Which events.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Question {
    /// The API operation, such as CreateBucket.
    #[arg(long, value_name = "NAME")]
    pub(super) event: Option<String>,
    /// The service, such as iam or iam.amazonaws.com.
    #[arg(long, value_name = "SERVICE")]
    pub(super) source: Option<String>,
    /// The user name, role session name, or root.
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// Name or ARN of what the call touched.
    #[arg(long, value_name = "NAME")]
    pub(super) resource: Option<String>,
    /// Type of what the call touched, such as AWS::IAM::Role.
    #[arg(long, value_name = "TYPE")]
    pub(super) resource_type: Option<String>,
    /// The access key that signed.
    #[arg(long, value_name = "ID")]
    pub(super) access_key: Option<String>,
    /// The event's id.
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// Only calls that change nothing.
    #[arg(long, conflicts_with = "writes")]
    pub(super) reads: bool,
    /// Only calls that change something.
    #[arg(long)]
    pub(super) writes: bool,
    /// Only calls that failed.
    #[arg(long)]
    pub(super) errors: bool,
    /// Only Insights events.
    #[arg(long)]
    pub(super) insights: bool,
    /// A condition on any field of the record: FIELD=VALUE, FIELD!=VALUE, FIELD (is there), !FIELD (is not).
    ///
    /// A * at the beginning or end of VALUE stands for anything; | separates alternatives; \ takes * | \ literally.
    /// Such as userIdentity.arn=*:role/admin, errorCode=AccessDenied|Client.*, 'requestParameters.bucketName=audit-*'.
    /// May be given several times: all must hold.
    #[arg(long, value_name = "CONDITION")]
    pub(super) filter: Vec<String>,
    /// Words that must all be anywhere in the record, letter case ignored; "quotation marks" keep a phrase together.
    #[arg(long, value_name = "WORDS")]
    pub(super) text: Option<String>,
    /// From when: 15m, 2h, 7d ago, or a time such as 2026-01-19T21:00:00Z.
    #[arg(long, value_name = "WHEN")]
    pub(super) since: Option<String>,
    /// Until when, in the same forms.
    #[arg(long, value_name = "WHEN")]
    pub(super) until: Option<String>,
    /// Another account's events, or * for all that you may see; may be given several times.
    #[arg(long, value_name = "ID")]
    pub(super) account: Vec<String>,
    /// Only events that were recorded, or only imported ones.
    #[arg(long, value_name = "ORIGIN")]
    pub(super) origin: Option<Origin>,
    /// Oldest events first.
    #[arg(long)]
    pub(super) oldest_first: bool,
}

/// Where events come from.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Origin {
    Recorded,
    Imported,
}

/// A time range, read once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Question {
    pub(crate) fn range(&self, now: Timestamp) -> anyhow::Result<Range> {
        let read = |flag, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| moment(flag, text, now)).transpose()
        };
        Ok(Range {
            since: read("--since", &self.since)?,
            until: read("--until", &self.until)?,
        })
    }

    /// The attributes of LookupEvents that are asked for, the most selective first.
    pub(super) fn attributes(&self) -> Vec<(&'static str, String)> {
        let source = self
            .source
            .as_ref()
            .map(|source| match source.contains('.') {
                true => source.clone(),
                false => format!("{source}.amazonaws.com"),
            });
        let read_only = (self.reads || self.writes).then(|| self.reads.to_string());
        [
            ("EventId", self.id.clone()),
            ("ResourceName", self.resource.clone()),
            ("AccessKeyId", self.access_key.clone()),
            ("Username", self.user.clone()),
            ("EventName", self.event.clone()),
            ("ResourceType", self.resource_type.clone()),
            ("EventSource", source),
            ("ReadOnly", read_only),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    /// The first flag that only SearchEvents can answer.
    pub(super) fn needs_search(&self) -> Option<&'static str> {
        [
            ("--filter", !self.filter.is_empty()),
            ("--text", self.text.is_some()),
            ("--account", !self.account.is_empty()),
            ("--origin", self.origin.is_some()),
            ("--oldest-first", self.oldest_first),
        ]
        .into_iter()
        .find_map(|(flag, is_set)| is_set.then_some(flag))
    }

    /// The input of SearchEvents and its kin, without an order.
    pub(crate) fn input(&self, range: Range, all_regions: bool) -> anyhow::Result<Value> {
        let mut filters: Vec<Value> = self
            .attributes()
            .into_iter()
            .map(|(field, value)| json!({"Field": field, "Values": [value]}))
            .collect();
        if self.errors {
            filters.push(json!({"Field": "errorCode", "Operator": "Exists"}));
        }
        for text in &self.filter {
            filters.push(condition(text)?);
        }
        let mut input = json!({"Filters": filters});
        let mut put = |name: &str, value: Value| input[name] = value;
        if let Some(since) = range.since {
            put("StartTime", epoch(since));
        }
        if let Some(until) = range.until {
            put("EndTime", epoch(until));
        }
        if let Some(text) = &self.text {
            put("Text", text.as_str().into());
        }
        if self.insights {
            put("EventCategories", json!(["Insight"]));
        }
        if all_regions {
            put("Regions", json!(["*"]));
        }
        if !self.account.is_empty() {
            put("Accounts", json!(self.account));
        }
        match self.origin {
            Some(Origin::Recorded) => put("Origins", json!(["Recorded"])),
            Some(Origin::Imported) => put("Origins", json!(["Imported"])),
            None => {}
        }
        Ok(input)
    }

    /// Adds the order, which CountEvents does not have: nothing is listed there.
    pub(crate) fn put_order(&self, input: &mut Value) {
        if self.oldest_first {
            input["Order"] = "OldestFirst".into();
        }
    }
}

fn epoch(time: Timestamp) -> Value {
    (time.as_millisecond() as f64 / 1000.0).into()
}

/// A condition as it is typed.
fn condition(text: &str) -> anyhow::Result<Value> {
    let Some((field, values)) = text.split_once('=') else {
        let (operator, field) = match text.strip_prefix('!') {
            Some(field) => ("NotExists", field),
            None => ("Exists", text),
        };
        return Ok(json!({"Field": field, "Operator": operator}));
    };
    let (field, not) = match field.strip_suffix('!') {
        Some(field) => (field, "Not"),
        None => (field, ""),
    };
    if field.is_empty() {
        bail!("--filter {text:?}: a field must stand before the =");
    }
    let mut operator = None;
    let mut plain = Vec::new();
    for value in alternatives(values) {
        let (of_value, value) = pattern(&value)
            .ok_or_else(|| anyhow::anyhow!("--filter {text:?}: a * may stand at the beginning or end of a value only (\\* for the character)"))?;
        if *operator.get_or_insert(of_value) != of_value {
            bail!("--filter {text:?}: alternatives must have their * in the same places");
        }
        plain.push(value);
    }
    let operator = operator.unwrap_or("Equals");
    if operator == "Exists" {
        return Ok(json!({"Field": field, "Operator": format!("{not}Exists")}));
    }
    Ok(json!({"Field": field, "Operator": format!("{not}{operator}"), "Values": plain}))
}

/// A letter, and whether a `\` took it literally.
type Letter = (char, bool);

/// Splits at `|`.
fn alternatives(text: &str) -> Vec<Vec<Letter>> {
    let mut all = vec![Vec::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '|' => all.push(Vec::new()),
            '\\' if letters
                .peek()
                .is_some_and(|next| matches!(next, '*' | '|' | '\\')) =>
            {
                let literal = letters.next().unwrap_or('\\');
                if let Some(last) = all.last_mut() {
                    last.push((literal, true));
                }
            }
            letter => {
                if let Some(last) = all.last_mut() {
                    last.push((letter, false));
                }
            }
        }
    }
    all
}

/// The operator and its value; `None` for a `*` in the middle.
fn pattern(letters: &[Letter]) -> Option<(&'static str, String)> {
    let star = ('*', false);
    let (operator, rest) = match letters {
        [only] if *only == star => ("Exists", &[][..]),
        [first, rest @ .., last] if *first == star && *last == star => ("Contains", rest),
        [rest @ .., last] if *last == star => ("StartsWith", rest),
        [first, rest @ ..] if *first == star => ("EndsWith", rest),
        all => ("Equals", all),
    };
    if rest.contains(&star) {
        return None;
    }
    Some((operator, rest.iter().map(|(letter, _)| letter).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn conditions_are_read_as_they_are_typed() {
        for (text, operator, values) in [
            ("a.b=c", "Equals", &["c"][..]),
            ("a.b!=c", "NotEquals", &["c"]),
            ("a.b=c|d", "Equals", &["c", "d"]),
            ("a.b=c*|d*", "StartsWith", &["c", "d"]),
            ("a.b!=*c", "NotEndsWith", &["c"]),
            ("a.b=*c=d*", "Contains", &["c=d"]),
            (r"a.b=\*c\|\\d\e", "Equals", &[r"*c|\d\e"]),
            ("a.b=", "Equals", &[""]),
        ] {
            let expected = json!({"Field": "a.b", "Operator": operator, "Values": values});
            assert_eq!(condition(text).unwrap(), expected, "{text}");
        }
        for (text, operator) in [
            ("a", "Exists"),
            ("!a", "NotExists"),
            ("a=*", "Exists"),
            ("a!=*", "NotExists"),
        ] {
            assert_eq!(
                condition(text).unwrap(),
                json!({"Field": "a", "Operator": operator}),
                "{text}"
            );
        }
        for bad in ["=x", "!=x", "a=b*c", "a=b*|c", "a=*b*c*"] {
            assert!(condition(bad).is_err(), "{bad}");
        }
    }
}

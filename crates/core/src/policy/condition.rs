//! `Condition` of a policy statement. An operator that is not known is refused at parse, never silently true.

use std::{collections::HashMap, net::IpAddr};

use jiff::Timestamp;

use super::wildcard;

/// One operator on one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Lower case.
    key: String,
    test: Test,
    is_negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Quantifier {
    None,
    ForAll,
    ForAny,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Vec<String>),
    EqualsIgnoreCase(Vec<String>),
    Like(Vec<String>),
    Number(Comparison, Vec<f64>),
    Date(Comparison, Vec<Timestamp>),
    Address(Vec<(IpAddr, u8)>),
    Null(bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Parses an operator, a key and its values.
    ///
    /// # Errors
    /// When the operator is unknown or a value is not of its kind.
    pub(super) fn parse(operator: &str, key: &str, values: &[String]) -> Result<Self, String> {
        let (quantifier, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::ForAll, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAny, rest),
            _ => (Quantifier::None, operator),
        };
        let (name, if_exists) = rest
            .strip_suffix("IfExists")
            .map_or((rest, false), |name| (name, true));
        let unknown = || format!("unknown condition operator {operator}");
        let comparison = |name: &str| {
            Some(match name {
                "Equals" | "NotEquals" => Comparison::Equal,
                "LessThan" => Comparison::Less,
                "LessThanEquals" => Comparison::LessOrEqual,
                "GreaterThan" => Comparison::Greater,
                "GreaterThanEquals" => Comparison::GreaterOrEqual,
                _ => return None,
            })
        };
        let bad = |value: &str| format!("{operator}: {value:?} is not of the operator's kind");
        let test = match name {
            "StringEquals" | "StringNotEquals" => Test::Equals(values.to_vec()),
            "Bool" | "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
                Test::EqualsIgnoreCase(values.to_vec())
            }
            "StringLike" | "StringNotLike" | "ArnEquals" | "ArnLike" | "ArnNotEquals"
            | "ArnNotLike" => Test::Like(values.to_vec()),
            "IpAddress" | "NotIpAddress" => Test::Address(
                values
                    .iter()
                    .map(|it| network(it).ok_or_else(|| bad(it)))
                    .collect::<Result<_, _>>()?,
            ),
            "Null" => Test::Null(
                values
                    .first()
                    .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            ),
            _ => match (name.strip_prefix("Numeric"), name.strip_prefix("Date")) {
                (Some(name), _) => Test::Number(
                    comparison(name).ok_or_else(unknown)?,
                    values
                        .iter()
                        .map(|it| it.parse().map_err(|_| bad(it)))
                        .collect::<Result<_, _>>()?,
                ),
                (_, Some(name)) => Test::Date(
                    comparison(name).ok_or_else(unknown)?,
                    values
                        .iter()
                        .map(|it| date(it).ok_or_else(|| bad(it)))
                        .collect::<Result<_, _>>()?,
                ),
                _ => return Err(unknown()),
            },
        };
        let is_negated = name.contains("Not");
        Ok(Self {
            key: key.to_ascii_lowercase(),
            test,
            is_negated,
            if_exists,
            quantifier,
        })
    }

    /// Whether the condition holds for the request's keys.
    pub(super) fn holds(&self, context: &HashMap<String, Vec<String>>) -> bool {
        let values = context.get(&self.key).filter(|values| !values.is_empty());
        if let Test::Null(must_be_absent) = self.test {
            return values.is_none() == must_be_absent;
        }
        let Some(values) = values else {
            // A missing key satisfies a negated operator, as AWS has it, and ForAllValues.
            return self.if_exists || self.is_negated || self.quantifier == Quantifier::ForAll;
        };
        let one = |value: &String| self.test.is_met(value) != self.is_negated;
        match self.quantifier {
            Quantifier::ForAll => values.iter().all(one),
            Quantifier::ForAny | Quantifier::None => values.iter().any(one),
        }
    }
}

impl Test {
    fn is_met(&self, value: &str) -> bool {
        match self {
            Self::Equals(wanted) => wanted.iter().any(|wanted| wanted == value),
            Self::EqualsIgnoreCase(wanted) => wanted
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(value)),
            Self::Like(patterns) => patterns.iter().any(|pattern| wildcard(pattern, value)),
            Self::Number(comparison, wanted) => value
                .parse::<f64>()
                .is_ok_and(|value| wanted.iter().any(|it| comparison.compare(&value, it))),
            Self::Date(comparison, wanted) => date(value)
                .is_some_and(|value| wanted.iter().any(|it| comparison.compare(&value, it))),
            Self::Address(networks) => value.parse().is_ok_and(|address| {
                networks
                    .iter()
                    .any(|(network, bits)| is_within(address, *network, *bits))
            }),
            Self::Null(_) => false,
        }
    }
}

impl Comparison {
    fn compare<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// ISO 8601 or epoch seconds.
fn date(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| Timestamp::from_second(text.parse().ok()?).ok())
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
    (bits <= most).then_some((address, bits))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

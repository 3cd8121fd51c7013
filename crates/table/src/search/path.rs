//! Reads the values of a path out of a record's JSON without making a tree of it.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Gives each value at a path: texts unescaped, numbers, truth values and objects as the JSON that stands there; lists are
/// searched through; `null` is no value. Names are compared without letter case. What is not JSON has no values.
pub(super) fn values(json: &[u8], path: &[String], each: &mut dyn FnMut(&str)) {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // An error in the record's JSON leaves out what comes after it.
    let _ = Walk { path, each }.deserialize(&mut deserializer);
}

struct Walk<'p, 'f> {
    path: &'p [String],
    each: &'f mut dyn FnMut(&str),
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            let raw: &RawValue = serde::Deserialize::deserialize(deserializer)?;
            leaf(raw.get(), self.each, 0);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_wanted) = map.next_key_seed(Name(&self.path[0]))? {
            if is_wanted {
                map.next_value_seed(Walk {
                    path: &self.path[1..],
                    each: &mut *self.each,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Walk {
                path: self.path,
                each: &mut *self.each,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Compares an object's key.
struct Name<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(self.0.eq_ignore_ascii_case(name))
    }
}

/// How deep lists in lists are searched through.
const LISTS_MAX: usize = 64;

fn leaf(raw: &str, each: &mut dyn FnMut(&str), depth: usize) {
    match raw.as_bytes().first() {
        Some(b'"') => {
            if let Ok(text) = serde_json::from_str::<Text<'_>>(raw) {
                each(&text.0);
            }
        }
        Some(b'[') if depth < LISTS_MAX => {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw) {
                for item in items {
                    leaf(item.get(), each, depth + 1);
                }
            }
        }
        // `null`, and lists deeper than anybody writes them.
        Some(b'n' | b'[') | None => {}
        Some(_) => each(raw),
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, path: &str, expected: &[&str]) {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let mut found = Vec::new();
        values(json.as_bytes(), &path, &mut |value| {
            found.push(value.to_owned());
        });
        assert_eq!(found, expected, "{json} {path:?}");
    }

    #[test]
    fn values_of_every_kind_are_found() {
        let json = r#"{"a":"x\u0041\n","b":{"c":[1,2.50,true,null,{"d":"e"},["f"]],"C":"g"},"n":null,"o":{}}"#;
        check(json, "a", &["xA\n"]);
        check(json, "A", &["xA\n"]);
        check(
            json,
            "b.c",
            &["1", "2.50", "true", r#"{"d":"e"}"#, "f", "g"],
        );
        check(json, "b.c.d", &["e"]);
        check(json, "n", &[]);
        check(json, "n.m", &[]);
        check(json, "o", &["{}"]);
        check(json, "a.b", &[]);
        check(json, "missing", &[]);
    }

    #[test]
    fn what_is_no_json_has_no_values() {
        check("", "a", &[]);
        check("[", "a", &[]);
        check(r#"{"a":1,"b"#, "a", &["1"]);
        check(&"[".repeat(100_000), "a", &[]);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        check(&deep, "a", &[]);
    }
}

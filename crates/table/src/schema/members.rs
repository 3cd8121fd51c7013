//! The members of a JSON object without reading their values: brackets and texts are followed, nothing else is looked at.
//! Several times as fast as a parser that must know what each value is, where most are passed over.

use memchr::memchr2;

/// Tells the name and the value of each member of an object, as they are written; `None` when that is not possible, for it is no
/// object. What is within a value may still be no JSON.
pub(super) fn members<'a>(object: &'a str, mut each: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut scan = Scan {
        text: object,
        at: 0,
    };
    scan.token(b'{')?;
    if scan.next()? == b'}' {
        return Some(());
    }
    loop {
        let name = scan.value()?;
        let name = name.strip_prefix('"')?.strip_suffix('"')?;
        scan.token(b':')?;
        each(name, scan.value()?);
        match scan.next()? {
            b',' => scan.at += 1,
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// The next byte that is no space, which is not passed.
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn token(&mut self, wanted: u8) -> Option<()> {
        let found = self.next()?;
        self.at += 1;
        (found == wanted).then_some(())
    }

    fn value(&mut self) -> Option<&'a str> {
        let first = self.next()?;
        let start = self.at;
        match first {
            b'"' => self.pass_text()?,
            b'{' | b'[' => self.pass_brackets()?,
            _ => {
                let rest = &self.text.as_bytes()[start..];
                let is_end =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                self.at += rest.iter().position(is_end)?;
            }
        }
        self.text
            .get(start..self.at)
            .filter(|value| !value.is_empty())
    }

    /// From a quote to behind the one that ends the text.
    fn pass_text(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            self.at += memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Some(());
            }
            self.at += 2;
        }
    }

    /// From a bracket to behind the one that closes it.
    fn pass_brackets(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b'"' => {
                    self.pass_text()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn a_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            r#"[a-z"\\{}\[\]:, \n\u{e4}\u{1f600}]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn read(text: &str) -> Option<Map<String, Value>> {
        let mut found = Map::new();
        let mut is_json = true;
        members(text, |name, value| {
            let name = serde_json::from_str(&format!("\"{name}\""));
            match (name, serde_json::from_str(value)) {
                (Ok(name), Ok(value)) => _ = found.insert(name, value),
                _ => is_json = false,
            }
        })?;
        is_json.then_some(found)
    }

    proptest! {
        #[test]
        fn members_are_those_that_a_parser_finds(
            object in prop::collection::btree_map(".{0,4}", a_value(), 0..6),
            is_pretty: bool,
        ) {
            let object: Map<String, Value> = object.into_iter().collect();
            let text = if is_pretty {
                serde_json::to_string_pretty(&object).unwrap()
            } else {
                serde_json::to_string(&object).unwrap()
            };
            prop_assert_eq!(read(&text), Some(object));
            // Cut anywhere, it is no object; nothing panics.
            for end in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                prop_assert_eq!(read(&text[..end]), None);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"[{}\[\]",:\\ a1\u{e4}]{0,40}"#) {
            _ = members(&text, |_, _| {});
        }
    }
}

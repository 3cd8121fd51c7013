//! A walk over a JSON text, in one pass and as strict as a parser: the values that are wanted are told as they are written,
//! the others are passed over, and nothing is built but texts with escapes.
//!
//! Of a record some forty members are wanted, most of them in the order in which AWS writes them. Log files are read in three
//! quarters of the time that a parser takes which is told to ignore the rest, unpacking included; and it is known where each
//! value stands.

use std::borrow::Cow;

/// Deepest nesting: that of the parsers which read records later.
const DEPTH_MAX: u32 = 127;

/// Why a text is no JSON, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub(super) struct Wrong {
    /// In bytes from the text's begin.
    pub(super) at: usize,
    /// What is wrong there.
    pub(super) what: &'static str,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// Objects and lists that it is in, without those that are only passed over.
    depth: u32,
    has_line_breaks: bool,
}

/// A JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'a> {
    written: &'a str,
    has_escapes: bool,
}

impl<'a> Quoted<'a> {
    /// As it is written, with its quotes.
    pub(super) fn written(self) -> &'a str {
        self.written
    }

    /// As it is written, without its quotes.
    #[inline]
    pub(super) fn inner(self) -> &'a str {
        let end = self.written.len().saturating_sub(1);
        self.written.get(1..end).unwrap_or_default()
    }

    /// What it says, where that is not what is written.
    ///
    /// # Errors
    /// When its escapes make no text.
    #[inline]
    pub(super) fn unescaped(self) -> Result<Option<String>, serde_json::Error> {
        match self.has_escapes {
            true => serde_json::from_str(self.written),
            false => Ok(None),
        }
    }

    /// What it says; none when its escapes make no text.
    #[inline]
    pub(super) fn read(self) -> Option<Cow<'a, str>> {
        let unescaped = self.unescaped().ok()?;
        Some(unescaped.map_or(Cow::Borrowed(self.inner()), Cow::Owned))
    }
}

impl<'a> Walk<'a> {
    /// Begins at the text's begin.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            has_line_breaks: false,
        }
    }

    /// How far it came, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether a line break stood between the tokens so far.
    pub(super) fn has_line_breaks(&self) -> bool {
        self.has_line_breaks
    }

    pub(super) fn wrong<T>(&self, what: &'static str) -> Result<T, Wrong> {
        Err(Wrong { at: self.at, what })
    }

    /// The next byte that is no space, which is not passed.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Wrong> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\n' | b'\r') => {
                    self.has_line_breaks = true;
                    self.at += 1;
                }
                Some(byte) => return Ok(*byte),
                None => return self.wrong("the text ends early"),
            }
        }
    }

    /// Only space is left.
    pub(super) fn finish(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => self.wrong("something follows the value"),
        }
    }

    #[inline]
    fn token(&mut self, wanted: u8, what: &'static str) -> Result<(), Wrong> {
        if self.peek()? != wanted {
            return self.wrong(what);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes an object: `each` passes a member, its name and its value.
    #[inline]
    pub(super) fn object(
        &mut self,
        each: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.token(b'{', "an object is expected")?;
        self.elements(b'}', "a comma or the object's end is expected", each)
    }

    /// Passes a list: `each` passes one of its values.
    pub(super) fn list(
        &mut self,
        each: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.token(b'[', "a list is expected")?;
        self.elements(b']', "a comma or the list's end is expected", each)
    }

    /// From behind a bracket to behind `end`.
    #[inline]
    fn elements(
        &mut self,
        end: u8,
        otherwise: &'static str,
        mut each: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.depth += 1;
        if self.peek()? != end {
            each(self)?;
            while self.peek()? == b',' {
                self.at += 1;
                each(self)?;
            }
        }
        self.token(end, otherwise)?;
        self.depth -= 1;
        Ok(())
    }

    /// Passes a member's name and the colon behind it.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Wrong> {
        match self.raw_name()?.read() {
            Some(name) => Ok(name),
            None => self.wrong("a member's name is no text"),
        }
    }

    /// Passes exactly this, if it comes next.
    #[inline]
    pub(super) fn pass(&mut self, wanted: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_next = rest.starts_with(wanted.as_bytes());
        if is_next {
            self.at += wanted.len();
        }
        is_next
    }

    #[inline]
    fn raw_name(&mut self) -> Result<Quoted<'a>, Wrong> {
        let name = self.quoted()?;
        self.token(b':', "a colon is expected")?;
        Ok(name)
    }

    /// Passes a text.
    #[inline]
    pub(super) fn quoted(&mut self) -> Result<Quoted<'a>, Wrong> {
        self.token(b'"', "a text is expected")?;
        let start = self.at - 1;
        let has_escapes = self.pass_text()?;
        Ok(Quoted {
            written: self.text.get(start..self.at).unwrap_or_default(),
            has_escapes,
        })
    }

    /// Passes any value, and tells it as it is written.
    #[inline]
    pub(super) fn value(&mut self) -> Result<&'a str, Wrong> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => {
                self.at += 1;
                self.pass_text()?;
            }
            b'{' | b'[' => self.pass_brackets()?,
            _ => self.pass_scalar(first)?,
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// From behind a text's first quote to behind its last; tells whether there are escapes. Eight bytes at a time.
    #[inline]
    fn pass_text(&mut self) -> Result<bool, Wrong> {
        let bytes = self.text.as_bytes();
        let (mut at, mut has_escapes) = (self.at, false);
        loop {
            while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
                match first_special(u64::from_le_bytes(*chunk)) {
                    Some(index) => {
                        at += index;
                        break;
                    }
                    None => at += 8,
                }
            }
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    at += match bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u')
                            if bytes
                                .get(at + 2..at + 6)
                                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
                        {
                            6
                        }
                        _ => {
                            self.at = at;
                            return self.wrong("an escape is cut off or not known");
                        }
                    };
                }
                Some(..0x20) => {
                    self.at = at;
                    return self.wrong("a control character stands in a text");
                }
                Some(_) => at += 1,
                None => {
                    self.at = at;
                    return self.wrong("the text ends early");
                }
            }
        }
    }

    /// From a bracket to behind the one that closes it.
    fn pass_brackets(&mut self) -> Result<(), Wrong> {
        // Open brackets; bit 0 of `kinds` is the innermost: 1 an object, 0 a list.
        let (mut depth, mut kinds) = (0, 0_u128);
        loop {
            // At a value's begin.
            let first = self.peek()?;
            match first {
                b'{' | b'[' => {
                    if self.depth + depth == DEPTH_MAX {
                        return self.wrong("nested too deeply");
                    }
                    self.at += 1;
                    // `{` and `[` are two before their counterparts.
                    if self.peek()? != first + 2 {
                        depth += 1;
                        kinds = kinds << 1 | u128::from(first == b'{');
                        if first == b'{' {
                            self.raw_name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                b'"' => {
                    self.at += 1;
                    self.pass_text()?;
                }
                _ => self.pass_scalar(first)?,
            }
            // Behind a value.
            loop {
                let is_object = kinds & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if is_object {
                            self.raw_name()?;
                        }
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return self.wrong("a comma or a closing bracket is expected"),
                }
                self.at += 1;
                kinds >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn pass_scalar(&mut self, first: u8) -> Result<(), Wrong> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = match first {
            b't' if rest.starts_with(b"true") => 4,
            b'f' if rest.starts_with(b"false") => 5,
            b'n' if rest.starts_with(b"null") => 4,
            b'-' | b'0'..=b'9' => match number_length(rest) {
                Some(length) => length,
                None => return self.wrong("not a number"),
            },
            _ => return self.wrong("a value is expected"),
        };
        self.at += length;
        Ok(())
    }
}

/// The first byte of eight that a text cannot hold as it is: a quote, a backslash, a control character.
#[inline]
fn first_special(eight: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte that is 0; and, above one that is, of some that are not: only the lowest is used.
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is_control = eight.wrapping_sub(ONES * 0x20) & !eight;
    let quote = is_zero(eight ^ (ONES * b'"' as u64));
    let backslash = is_zero(eight ^ (ONES * b'\\' as u64));
    match (is_control | quote | backslash) & HIGHS {
        0 => None,
        found => Some(found.trailing_zeros() as usize / 8),
    }
}

fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut end = match bytes.get(start)? {
        b'0' => start + 1,
        _ => digits(start)?,
    };
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let is_signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(end + 1 + usize::from(is_signed))?;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn whole(text: &str) -> Result<&str, Wrong> {
        let mut walk = Walk::new(text);
        let value = walk.value()?;
        walk.finish()?;
        Ok(value)
    }

    /// The members of an object, each read by a parser.
    fn members(text: &str) -> Option<Map<String, Value>> {
        let mut found = Map::new();
        let mut walk = Walk::new(text);
        walk.object(|walk| {
            let name = walk.name()?;
            let value = serde_json::from_str(walk.value()?).unwrap();
            found.insert(name.into_owned(), value);
            Ok(())
        })
        .ok()?;
        walk.finish().ok()?;
        Some(found)
    }

    #[test]
    fn what_is_json_is_what_the_parser_takes() {
        let texts = [
            "0",
            "-0",
            "00",
            "01",
            "-",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1E+5",
            "1e",
            "1e-",
            "-1.25e-3",
            "+1",
            "1x",
            "true",
            "tru",
            "truefalse",
            "null",
            "nul",
            "false",
            "\"",
            "\"a\"",
            "\"a",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\\u00e4\"",
            "\"a\nb\"",
            "\"\u{7f}\u{e4}\u{1f600}\"",
            "\"\u{1}\"",
            "{}",
            "[]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1,2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":[{}],\"b\":{\"c\":[]}}",
            "[}",
            "{]",
            "{\"a\":[1}",
            "[[[]]",
            "",
            " ",
            " [ 1 , 2 ] ",
            "1 2",
            "{,}",
            "[\"a\":1]",
            "{1:2}",
            "{\"a\":1}}",
        ];
        for text in texts {
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(text);
            assert_eq!(
                whole(text).is_ok(),
                parsed.is_ok(),
                "{text}: {:?}",
                whole(text)
            );
        }
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(whole(&nested(DEPTH_MAX as usize)).is_ok());
        assert!(whole(&nested(DEPTH_MAX as usize + 1)).is_err());
    }

    fn a_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            r#"[a-z"\\{}\[\]:, \n\u{e4}\u{1f600}]{0,20}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_that_a_parser_finds(
            object in prop::collection::btree_map(".{0,4}", a_value(), 0..6),
            is_pretty: bool,
            at: prop::sample::Index,
            other: char,
        ) {
            let object: Map<String, Value> = object.into_iter().collect();
            let mut text = if is_pretty {
                serde_json::to_string_pretty(&object).unwrap()
            } else {
                serde_json::to_string(&object).unwrap()
            };
            let expected: Map<String, Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(members(&text), Some(expected));
            // Cut anywhere, it is no object.
            for end in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                prop_assert_eq!(members(&text[..end]), None);
            }
            // Changed anywhere, it is what the parser says that it is.
            let places: Vec<(usize, char)> = text.char_indices().collect();
            let (start, old) = places[at.index(places.len())];
            text.replace_range(start..start + old.len_utf8(), other.encode_utf8(&mut [0; 4]));
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            prop_assert_eq!(whole(&text).is_ok(), parsed.is_ok(), "{}", text);
        }

        #[test]
        fn no_text_is_taken_that_is_no_json(text in r#"[{}\[\]",:\\ a1e\-.\u{e4}]{0,40}"#) {
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            prop_assert_eq!(whole(&text).is_ok(), parsed.is_ok());
        }

        #[test]
        fn the_first_special_byte_is_found(bytes: [u8; 8]) {
            let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
            prop_assert_eq!(first_special(u64::from_le_bytes(bytes)), bytes.iter().position(is_special));
        }
    }
}

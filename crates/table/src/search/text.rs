//! Free text: words that must all be in a record, letter case ignored.

use std::ops::Range;

use aho_corasick::packed;

use super::pages::Find;

/// Words of a text, at most.
const WORDS_MAX: usize = 50;
/// Letters of a needle that are looked for first: each doubles the number of its spellings.
const WINDOW_LETTERS_MAX: usize = 3;
const WINDOW_BYTES_MAX: usize = 4;
/// Bytes that are frequent in records, the most frequent first.
const FREQUENT: &[u8] = b"\"e,:aitnosr10\\-d/cm.u2lp345678g9bfvhykw_{}x";

/// Words that must all be in a record, each anywhere.
#[derive(Debug, Clone)]
pub struct Text {
    words: Vec<Word>,
}

/// A word, in each of the forms in which JSON may have it.
#[derive(Debug, Clone)]
struct Word {
    forms: Vec<Needle>,
}

/// Finds a text in bytes, letter case ignored.
#[derive(Debug, Clone)]
struct Needle {
    /// In small letters.
    lower: String,
    /// The longest run of ASCII in it, which is looked for first.
    run: Run,
}

#[derive(Debug, Clone)]
struct Run {
    lower: Vec<u8>,
    /// All spellings of a few rare bytes of it, and where they stand in it.
    window: Option<packed::Searcher>,
    window_at: usize,
    /// Those bytes, for where there is no such searcher.
    window_lower: Vec<u8>,
}

/// A text that cannot be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(String);

impl Text {
    /// Reads words separated by blanks; quotation marks keep blanks, and `\` takes a quotation mark or itself literally.
    ///
    /// # Errors
    /// When there is no word, or too many, or a quotation mark is not closed.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let words = split(text)?;
        if words.is_empty() {
            return Err(TextError("the text has no word".into()));
        }
        if words.len() > WORDS_MAX {
            return Err(TextError(format!(
                "the text has more than {WORDS_MAX} words"
            )));
        }
        let mut words: Vec<Word> = words.iter().map(|word| Word::new(word)).collect();
        // The longest word leaves the fewest records for the others.
        words.sort_by_key(|word| std::cmp::Reverse(word.forms[0].lower.len()));
        Ok(Self { words })
    }

    /// Whether a record has all words.
    pub(super) fn is_in(&self, json: &[u8]) -> bool {
        self.words.iter().all(|word| word.is_in(json))
    }
}

impl Find for Text {
    /// Those that have all words.
    fn find_in(
        &self,
        data: &[u8],
        records: impl Iterator<Item = Range<usize>>,
        mut found: impl FnMut(usize),
    ) {
        let (first, rest) = match self.words.split_first() {
            Some((first, rest)) if first.forms.len() == 1 => (&first.forms[0], rest),
            _ => {
                for (row, record) in records.enumerate() {
                    if self.is_in(&data[record]) {
                        found(row);
                    }
                }
                return;
            }
        };
        // Looked for over all records at once: most have none of it.
        let mut next = first.run.find(data, 0);
        for (row, record) in records.enumerate() {
            if next.is_some_and(|at| at < record.start) {
                // What lies between two records, or reaches from one into the other.
                next = first.run.find(data, record.start);
            }
            let Some(at) = next else { return };
            if at < record.end {
                let json = &data[record];
                if first.is_in(json) && rest.iter().all(|word| word.is_in(json)) {
                    found(row);
                }
            }
        }
    }
}

/// Splits at blanks outside quotation marks.
fn split(text: &str) -> Result<Vec<String>, TextError> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '\\' => {
                let rest = letters.as_str();
                match rest.chars().next() {
                    Some(literal @ ('"' | '\\')) => {
                        word.push(literal);
                        letters.next();
                    }
                    _ => word.push('\\'),
                }
            }
            letter if letter.is_whitespace() && !is_quoted => {
                words.push(std::mem::take(&mut word));
            }
            letter => word.push(letter),
        }
    }
    if is_quoted {
        return Err(TextError("a quotation mark is not closed".into()));
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

impl Word {
    fn new(word: &str) -> Self {
        let mut forms = vec![Needle::new(word)];
        let quoted = serde_json::Value::from(word).to_string();
        let escaped = &quoted[1..quoted.len() - 1];
        if escaped != word {
            // It may be looked for within a value, where JSON escapes it, or as a piece of the JSON itself.
            forms.push(Needle::new(escaped));
        }
        Self { forms }
    }

    fn is_in(&self, json: &[u8]) -> bool {
        self.forms.iter().any(|form| form.is_in(json))
    }
}

impl Needle {
    fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let run = lower
            .as_bytes()
            .split(|byte| !byte.is_ascii())
            .max_by_key(|run| run.len());
        let run = Run::new(run.unwrap_or_default());
        Self { lower, run }
    }

    fn is_in(&self, json: &[u8]) -> bool {
        if self.run.find(json, 0).is_none() {
            return false;
        }
        self.run.lower.len() == self.lower.len()
            || String::from_utf8_lossy(json)
                .to_lowercase()
                .contains(&self.lower)
    }
}

impl Run {
    fn new(lower: &[u8]) -> Self {
        let (window_at, length) = window(lower);
        let window_lower = lower[window_at..window_at + length].to_vec();
        let searcher = packed::Config::new()
            .builder()
            .extend(spellings(&window_lower))
            .build()
            .filter(|_| !window_lower.is_empty());
        Self {
            lower: lower.to_vec(),
            window: searcher,
            window_at,
            window_lower,
        }
    }

    /// Where it stands, at `from` or later.
    fn find(&self, data: &[u8], from: usize) -> Option<usize> {
        if self.lower.is_empty() {
            return Some(from);
        }
        let mut at = from.checked_add(self.window_at)?;
        loop {
            let found = self.find_window(data, at)?;
            let start = found - self.window_at;
            let end = start + self.lower.len();
            if data.get(start..end)?.eq_ignore_ascii_case(&self.lower) {
                return Some(start);
            }
            at = found + 1;
        }
    }

    fn find_window(&self, data: &[u8], from: usize) -> Option<usize> {
        if let Some(searcher) = &self.window {
            let span = aho_corasick::Span {
                start: from,
                end: data.len(),
            };
            if span.start > span.end {
                return None;
            }
            return searcher.find_in(data, span).map(|found| found.start());
        }
        let first = *self.window_lower.first()?;
        let rest = data.get(from..)?;
        memchr::memchr2(first, first.to_ascii_uppercase(), rest).map(|at| from + at)
    }
}

/// The bytes of a needle to look for first: rare ones, with few letters.
fn window(lower: &[u8]) -> (usize, usize) {
    let cost = |byte: &u8| {
        let place = FREQUENT.iter().position(|frequent| frequent == byte);
        // How much each byte narrows the search: a rare one most.
        place.map_or(0, |place| FREQUENT.len() - place)
    };
    let length = lower.len().min(WINDOW_BYTES_MAX);
    let letters = |window: &[u8]| {
        window
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count()
    };
    let mut best: Option<(usize, usize, usize)> = None;
    for at in 0..=lower.len() - length {
        let mut window = &lower[at..at + length];
        while letters(window) > WINDOW_LETTERS_MAX {
            window = &window[..window.len() - 1];
        }
        let average = window.iter().map(cost).sum::<usize>() * 16 / window.len().max(1);
        // A longer window is better than a rarer one.
        let score = average + (WINDOW_BYTES_MAX - window.len()) * 200;
        if best.is_none_or(|(_, _, least)| score < least) {
            best = Some((at, window.len(), score));
        }
    }
    best.map_or((0, 0), |(at, length, _)| (at, length))
}

/// The bytes in every mix of small and capital letters.
fn spellings(lower: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for byte in lower {
        let upper = byte.to_ascii_uppercase();
        let mut more = Vec::new();
        for mut spelling in all {
            if upper != *byte {
                let mut other = spelling.clone();
                other.push(upper);
                more.push(other);
            }
            spelling.push(*byte);
            more.push(spelling);
        }
        all = more;
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_at_blanks_outside_quotation_marks() {
        for (text, expected) in [
            ("a b", &["a", "b"][..]),
            ("  a\tb  ", &["a", "b"]),
            ("\"a b\" c", &["a b", "c"]),
            ("x\"a b\"y", &["xa by"]),
            (r#"\"a\" \\b c\d"#, &["\"a\"", "\\b", "c\\d"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        for bad in ["", "  ", "\"\"", "\"a", &"a ".repeat(60)] {
            assert!(Text::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        let json = r#"{"userAgent":"Boto3/1.40","path":"C:\\Users\\Ünal","q":"say \"hi\""}"#;
        for (text, expected) in [
            ("boto3", true),
            ("BOTO3/1.4 useragent", true),
            ("boto4", false),
            ("boto3 missing", false),
            ("ünal", true),
            ("ÜNAL", true),
            ("ünalx", false),
            (r"c:\\users", true),
            (r#"\"say"#, true),
            (r#"\"path\":"#, true),
            (r#"\"hi\""#, true),
            ("\"say \\\"hi\"", true),
            ("{", true),
            ("o", true),
            ("z", false),
        ] {
            assert_eq!(
                Text::parse(text).unwrap().is_in(json.as_bytes()),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn many_records_at_once_are_as_each_alone(
            records in proptest::collection::vec("[a-cA-C\"]{0,12}", 0..20),
            text in "[a-cA-C]{1,6}( [a-cA-C]{1,2})?",
            gap in proptest::sample::select(&["", "ab", "c"][..]),
        ) {
            let parsed = Text::parse(&text).unwrap();
            let has = |record: &str| {
                let record = record.to_lowercase();
                text.to_lowercase().split(' ').all(|word| record.contains(word))
            };
            let expected: Vec<usize> = (0..records.len()).filter(|at| has(&records[*at])).collect();
            // Other bytes stand between them.
            let (mut data, mut ranges) = (String::new(), Vec::new());
            for record in &records {
                data.push_str(gap);
                ranges.push(data.len()..data.len() + record.len());
                data.push_str(record);
            }
            let mut found = Vec::new();
            parsed.find_in(data.as_bytes(), ranges.into_iter(), |row| found.push(row));
            prop_assert_eq!(&found, &expected);
            let alone: Vec<usize> = (0..records.len()).filter(|at| parsed.is_in(records[*at].as_bytes())).collect();
            prop_assert_eq!(alone, expected);
        }
    }
}

//! The limits of single fields (CloudTrail event reference, "size limits").

use std::io;

use pugmark_core::limits;
use serde_json::{Map, Value as Json, json};

/// A text cut to 1 KB, on a character's border.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::SHORT_FIELD_BYTES_MAX)]
}

/// A field's value, or the note that stands for one of more than 100 KB.
pub(super) fn omitted_above(name: &str, value: Json) -> Json {
    match size_of(&value) {
        size if size > limits::FIELD_BYTES_MAX => omitted(name, size),
        _ => value,
    }
}

/// The note that stands for content that was too large.
pub(super) fn omitted(name: &str, size: usize) -> Json {
    json!({"reason": format!("{name} too large"), "omitted": true, "originalSize": size})
}

/// The note that stands for content that nobody here could read, but the service could. Ours: AWS knows no such content.
pub(super) fn unreadable(name: &str, size: u64) -> Json {
    json!({"reason": format!("{name} could not be read"), "omitted": true, "originalSize": size})
}

/// Minified JSON.
pub(super) fn bytes(record: &Map<String, Json>) -> Vec<u8> {
    serde_json::to_vec(record).expect("maps with text keys and finite numbers are always JSON")
}

/// How many bytes a value takes as minified JSON.
pub(super) fn size_of(value: &Json) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("counting never fails");
    count.0
}

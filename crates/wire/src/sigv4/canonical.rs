//! The canonical request: what exactly is signed.

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// A path as it is signed, and as S3 takes an object's key in a URL: all but unreserved characters and slashes encoded.
pub fn encoded_path(path: &str) -> String {
    utf8_percent_encode(path, ENCODED_PATH).to_string()
}

/// A request's parts as they were received.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) signed_headers: &'a [String],
    /// The payload's hash in hex, or a literal such as `UNSIGNED-PAYLOAD`.
    pub(super) payload: &'a str,
}

impl Request<'_> {
    /// The canonical request; `normalize` and `encode_twice` hold for all services but S3.
    pub(super) fn canonical(&self, normalize: bool, encode_twice: bool) -> String {
        let mut out = String::with_capacity(512);
        out.push_str(self.method);
        out.push('\n');
        out.push_str(&path(self.path, normalize, encode_twice));
        out.push('\n');
        out.push_str(&query(self.query));
        out.push('\n');
        for name in self.signed_headers {
            out.push_str(name);
            out.push(':');
            for (index, value) in self.headers.get_all(name).iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                fold(&mut out, &String::from_utf8_lossy(value.as_bytes()));
            }
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.signed_headers.join(";"));
        out.push('\n');
        out.push_str(self.payload);
        out
    }
}

/// A header's value trimmed, with runs of spaces made one.
fn fold(out: &mut String, value: &str) {
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

pub(super) fn path(path: &str, normalize: bool, encode_twice: bool) -> String {
    let normalized = if normalize {
        remove_dots(path)
    } else {
        path.to_owned()
    };
    let path = if normalized.is_empty() {
        "/".to_owned()
    } else {
        normalized
    };
    if encode_twice {
        return encoded_path(&path);
    }
    // Encoded once: bring whatever the client encoded to the one canonical form.
    let encode = |segment: &str| {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        percent_encoding::percent_encode(&decoded, ENCODED).to_string()
    };
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// RFC 3986, 5.2.4, and empty segments removed.
fn remove_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let ends_open = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let slash = if ends_open && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", kept.join("/"))
}

/// Parameters but the signature itself, encoded canonically and sorted.
fn query(query: &str) -> String {
    let encode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, ENCODED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| *key != "X-Amz-Signature")
        .map(|(key, value)| (encode(key), encode(value)))
        .collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

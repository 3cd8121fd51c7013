//! Uploads by HTML forms (S3's "POST Object"): bucket in the path or the host, all else in the fields of a form before the file. They
//! are recorded as what they do and what allows them, `PutObject`.

use std::borrow::Cow;

use http::{Method, header, request::Parts};
use memchr::memmem;

use super::{Ambiguity, Labels, header_text, virtual_bucket};

/// S3 takes at most 20 KB of fields; a few more are looked at.
const FIELDS_MAX: usize = 200;

/// The fields of a form, up to its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UploadForm {
    /// Names in small letters, and values.
    fields: Vec<(String, String)>,
    file_name: Option<String>,
}

/// Who says to have signed a form.
#[derive(Debug, PartialEq, Eq)]
pub struct FormSigner {
    /// The access key id.
    pub access_key_id: String,
    /// The Region of Signature Version 4; `None` in version 2.
    pub region: Option<String>,
}

/// The bucket that a form is sent to; `None` if the request is no upload by a form.
pub(super) fn bucket(parts: &Parts) -> Option<Cow<'_, str>> {
    boundary(parts)?;
    let path = parts.uri.path().trim_matches('/');
    match virtual_bucket(parts) {
        Some(bucket) if path.is_empty() => Some(bucket.into()),
        None if !path.is_empty() && !path.contains('/') => {
            Some(percent_encoding::percent_decode_str(path).decode_utf8_lossy())
        }
        _ => None,
    }
}

fn boundary(parts: &Parts) -> Option<&str> {
    let content_type = header_text(parts, header::CONTENT_TYPE.as_str());
    let (kind, parameters) = content_type.split_once(';')?;
    if parts.method != Method::POST || !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (!boundary.is_empty() && boundary.len() <= 70).then_some(boundary)
}

/// A parameter of a header's value, without its quotes, within which a `;` is a letter.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut is_quoted = false;
    let pairs = parameters.split(|c| {
        is_quoted ^= c == '"';
        c == ';' && !is_quoted
    });
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

impl UploadForm {
    /// Reads the fields at the begin of a body; `None` if the file does not begin within it.
    pub fn read(parts: &Parts, body: &[u8]) -> Option<Self> {
        let delimiter = format!("--{}", boundary(parts)?);
        let mut rest = body.strip_prefix(delimiter.as_bytes())?;
        let delimiter = format!("\r\n{delimiter}");
        let mut form = Self::default();
        while form.fields.len() < FIELDS_MAX {
            rest = rest.strip_prefix(b"\r\n")?;
            let head = memmem::find(rest, b"\r\n\r\n")?;
            let (name, file_name) = disposition(&rest[..head])?;
            rest = &rest[head + 4..];
            if name == "file" {
                form.file_name = file_name;
                return Some(form);
            }
            let end = memmem::find(rest, delimiter.as_bytes())?;
            let value = String::from_utf8_lossy(&rest[..end]).into_owned();
            form.fields.push((name, value));
            rest = &rest[end + delimiter.len()..];
        }
        None
    }

    fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Bucket and key.
    pub(super) fn labels(&self, bucket: &str) -> Option<Labels> {
        let file_name = self.file_name.as_deref().unwrap_or_default();
        let key = self.field("key")?.replace("${filename}", file_name);
        Some(vec![("Bucket", bucket.to_owned()), ("Key", key)])
    }

    /// Who says to have signed it.
    pub fn signer(&self) -> Option<FormSigner> {
        let Some(credential) = self.field("x-amz-credential") else {
            return Some(FormSigner {
                access_key_id: self.field("awsaccesskeyid")?.to_owned(),
                region: None,
            });
        };
        let mut scope = credential.split('/');
        Some(FormSigner {
            access_key_id: scope.next()?.to_owned(),
            region: scope.nth(1).map(str::to_owned),
        })
    }

    /// A field that is there twice, or two signatures.
    pub(super) fn ambiguity(&self) -> Option<Ambiguity> {
        let mut names: Vec<&str> = self.fields.iter().map(|(name, _)| &name[..]).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        let name: Option<String> = match twice {
            Some(pair) => Some(pair[0].chars().take(64).collect()),
            None if names.contains(&"x-amz-credential") && names.contains(&"awsaccesskeyid") => {
                Some("a signature".to_owned())
            }
            None => None,
        };
        name.map(|name| Ambiguity::Twice(name.into()))
    }
}

/// The name of a field in small letters, and of a file as it is.
fn disposition(head: &[u8]) -> Option<(String, Option<String>)> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, value) =
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))?;
    let (_, parameters) = value.split_once(';')?;
    let name = parameter(parameters, "name")?.to_ascii_lowercase();
    let file_name = parameter(parameters, "filename").map(|path| {
        // Some browsers send the whole path.
        let name = path.rsplit(['/', '\\']).next();
        name.unwrap_or_default().to_owned()
    });
    Some((name, file_name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parts(uri: &str, content_type: &str) -> Parts {
        let request = http::Request::post(uri).header("content-type", content_type);
        request.body(()).unwrap().into_parts().0
    }

    fn form(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b c.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n";
        body.into_bytes()
    }

    #[test]
    fn a_form_names_key_and_signer() {
        let post = parts("/b", "multipart/form-data; boundary=\"x\"");
        let fields = [
            ("Key", "up/${filename}"),
            (
                "X-Amz-Credential",
                "AKID/20261122/eu-west-1/s3/aws4_request",
            ),
        ];
        let read = UploadForm::read(&post, &form(&fields)).unwrap();
        let key = read.labels("b").unwrap();
        assert_eq!(
            key,
            [
                ("Bucket", "b".to_owned()),
                ("Key", "up/a;b c.txt".to_owned())
            ]
        );
        let signer = read.signer().unwrap();
        assert_eq!(
            (&signer.access_key_id[..], signer.region.as_deref()),
            ("AKID", Some("eu-west-1"))
        );
        assert_eq!(read.ambiguity(), None);
        let old =
            UploadForm::read(&post, &form(&[("AWSAccessKeyId", "AKID"), ("key", "k")])).unwrap();
        assert_eq!(
            old.signer(),
            Some(FormSigner {
                access_key_id: "AKID".into(),
                region: None
            })
        );
        for twice in [
            &[("key", "a"), ("Key", "b")][..],
            &[("AWSAccessKeyId", "a"), ("x-amz-credential", "b/c")],
        ] {
            assert!(
                UploadForm::read(&post, &form(twice))
                    .unwrap()
                    .ambiguity()
                    .is_some()
            );
        }
        assert_eq!(
            UploadForm::read(&post, &form(&[])).unwrap().labels("b"),
            None
        );
    }

    #[test]
    fn what_is_no_form_or_not_whole_is_not_read() {
        let post = parts("/b", "multipart/form-data; boundary=x");
        let whole = form(&[("key", "k")]);
        let file = memmem::find(&whole, b"hello").unwrap();
        for end in 0..whole.len() {
            assert_eq!(
                UploadForm::read(&post, &whole[..end]).is_some(),
                end >= file,
                "{end}"
            );
        }
        let many: Vec<_> = (0..FIELDS_MAX).map(|_| ("x", "y")).collect();
        assert_eq!(UploadForm::read(&post, &form(&many)), None);
        let bucket = |uri, content_type| bucket(&parts(uri, content_type)).map(Cow::into_owned);
        assert_eq!(
            bucket("/b/", "Multipart/Form-Data; boundary=x"),
            Some("b".to_owned())
        );
        assert_eq!(
            bucket("/%62", "multipart/form-data; boundary=x"),
            Some("b".to_owned())
        );
        for (uri, content_type) in [
            ("/", "multipart/form-data; boundary=x"),
            ("/b/k", "multipart/form-data; boundary=x"),
            ("/b", "multipart/form-data"),
            ("/b", "multipart/mixed; boundary=x"),
            ("/b", "application/x-www-form-urlencoded"),
        ] {
            assert_eq!(bucket(uri, content_type), None, "{uri} {content_type}");
        }
    }
}

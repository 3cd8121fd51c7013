//! `pugmark explain`: how a saved request is recognised, and why its record looks as it does.

use std::{
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use pugmark_core::account::{AccountId, Region};
use pugmark_gateway::explain::{Saved, explain};

const HEADERS_MAX: usize = 200;
/// No saved message is longer than what the gateway keeps of one.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// `pugmark explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// The request as it went over the wire (request line, headers, empty line, body); - reads standard input.
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// The answer, saved in the same way; without it the record has no response elements.
    #[arg(long, value_name = "FILE")]
    response: Option<PathBuf>,
    /// The account that the caller belongs to.
    #[arg(long, env = "PUGMARK_ACCOUNT_ID", default_value = "123456789012")]
    account_id: String,
    /// The Region of unsigned calls.
    #[arg(long, env = "PUGMARK_REGION", default_value = "us-east-1")]
    region: String,
    /// Print the record only.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let account: AccountId = command.account_id.parse().context("--account-id")?;
    let region: Region = command.region.parse().context("--region")?;
    let bytes = read(&command.request)?;
    let (parts, body) =
        parse_request(&bytes).with_context(|| command.request.display().to_string())?;
    let response = match &command.response {
        Some(path) => {
            let parsed = parse_response(&read(path)?);
            Some(parsed.with_context(|| path.display().to_string())?)
        }
        None => None,
    };
    let saved = Saved {
        parts,
        body,
        response,
    };
    let explanation = explain(&saved, account, &region);
    let record: serde_json::Value =
        serde_json::from_slice(&explanation.event.json).context("the record")?;
    let mut out = std::io::stdout().lock();
    if !command.json {
        let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        for (step, finding) in &explanation.steps {
            // The request is somebody else's text: nothing of it may steer the terminal.
            let finding: String = finding.chars().filter(|c| !c.is_control()).collect();
            match color {
                true => writeln!(out, "\u{1b}[1m{step:<11}\u{1b}[0m {finding}")?,
                false => writeln!(out, "{step:<11} {finding}")?,
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => {
            Box::new(std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?)
        }
    };
    let mut bytes = Vec::new();
    source.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        bail!(
            "{}: longer than {BYTES_MAX} bytes; save the head and the beginning of the body",
            path.display()
        );
    }
    Ok(bytes)
}

fn parse_request(bytes: &[u8]) -> anyhow::Result<(http::request::Parts, Vec<u8>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = complete(parsed.parse(bytes))?;
    let (mut parts, ()) = Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default())
        .body(())
        .context("request line")?
        .into_parts();
    parts.headers = header_map(parsed.headers)?;
    let body = body(&parts.headers, &bytes[length..])?;
    Ok((parts, body))
}

fn parse_response(bytes: &[u8]) -> anyhow::Result<(StatusCode, HeaderMap, Vec<u8>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let length = complete(parsed.parse(bytes))?;
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default()).context("status line")?;
    let headers = header_map(parsed.headers)?;
    let body = body(&headers, &bytes[length..])?;
    Ok((status, headers, body))
}

fn complete(parsed: httparse::Result<usize>) -> anyhow::Result<usize> {
    match parsed.context("this is no HTTP/1.1 message")? {
        httparse::Status::Complete(length) => Ok(length),
        httparse::Status::Partial => {
            bail!("the head has no end: an empty line is missing after the headers")
        }
    }
}

fn header_map(headers: &[httparse::Header<'_>]) -> anyhow::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for header in headers {
        let name: HeaderName = header.name.parse().context("header name")?;
        map.append(name, HeaderValue::from_bytes(header.value)?);
    }
    Ok(map)
}

/// The body as it was meant: editors and `tee` like to add a newline at the end.
fn body(headers: &HeaderMap, rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    if headers.contains_key(http::header::TRANSFER_ENCODING) {
        bail!("the body is in HTTP chunks: save it decoded, without Transfer-Encoding");
    }
    let length = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(rest.len());
    Ok(rest[..length.min(rest.len())].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_messages_are_read_with_either_line_end() {
        for text in [
            "PUT /b/k?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok\n",
            "PUT /b/k?x=1 HTTP/1.1\nHost: h\nContent-Length: 2\n\nok\n",
        ] {
            let (parts, body) = parse_request(text.as_bytes()).unwrap();
            assert_eq!(parts.uri, "/b/k?x=1");
            assert_eq!(
                (parts.headers["host"].as_bytes(), &body[..]),
                (&b"h"[..], &b"ok"[..])
            );
        }
    }

    #[test]
    fn what_is_no_message_is_named() {
        for (text, expected) in [
            ("GET / HTTP/1.1\r\nHost: h\r\n", "an empty line is missing"),
            ("hello\r\n\r\n", "no HTTP/1.1 message"),
            (
                "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "save it decoded",
            ),
        ] {
            let error = format!("{:#}", parse_request(text.as_bytes()).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}

//! Errors of every protocol: read from an upstream's answer, and rendered for answers of our own.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value as Json;

use super::{cbor, xml};
use crate::catalogue::Protocol;

/// An error answer's code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorInfo {
    /// The code on the wire, without namespace.
    pub code: String,
    /// The message, if there is one.
    pub message: Option<String>,
}

/// An error answer: headers and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Content type, request id, error type.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The error in an answer; an answer without one (HEAD) is named by its status.
pub fn error(
    protocol: Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> ErrorInfo {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (mut code, mut message) = match (
        protocol,
        body.iter().find(|byte| !byte.is_ascii_whitespace()),
    ) {
        (_, None) => (None, None),
        (Protocol::Cbor, _) => from_cbor(body),
        // Emulators answer some errors in another protocol's form: the first byte tells.
        (_, Some(b'<')) => from_xml(body),
        (_, Some(b'{')) => from_json(body),
        _ => (None, None),
    };
    if let Some(kind) = header("x-amzn-errortype") {
        code = Some(kind.to_owned());
    }
    message = message.or_else(|| header("x-amz-error-message").map(str::to_owned));
    code = code.or_else(|| header("x-amz-error-code").map(str::to_owned));
    let code = code
        .map(|code| without_namespace(&code).to_owned())
        .filter(|code| !code.is_empty());
    ErrorInfo {
        code: code.unwrap_or_else(|| of_status(status)),
        message,
    }
}

/// `aws.protocoltests#FooError:http://…` is `FooError`.
fn without_namespace(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

fn of_status(status: StatusCode) -> String {
    match status.as_u16() {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "AccessDenied",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        412 => "PreconditionFailed",
        429 => "TooManyRequests",
        500 => "InternalError",
        501 => "NotImplemented",
        503 => "ServiceUnavailable",
        other => return other.to_string(),
    }
    .to_owned()
}

type CodeAndMessage = (Option<String>, Option<String>);

fn from_json(body: &[u8]) -> CodeAndMessage {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return (None, None);
    };
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| json[*name].as_str().map(str::to_owned))
    };
    (
        text(&["__type", "code", "Code"]),
        text(&["message", "Message", "errorMessage"]),
    )
}

fn from_xml(body: &[u8]) -> CodeAndMessage {
    let Ok(root) = xml::parse(body) else {
        return (None, None);
    };
    let Some(error) = root.find("Error") else {
        return (None, None);
    };
    let text = |name: &str| error.child(name).map(|element| element.text.clone());
    (text("Code"), text("Message"))
}

fn from_cbor(body: &[u8]) -> CodeAndMessage {
    let Ok(cbor::Item::Map(map)) = cbor::parse(body) else {
        return (None, None);
    };
    let text = |names: &[&str]| {
        map.iter().find_map(|(key, item)| match item {
            cbor::Item::Text(text) if names.contains(&key.as_str()) => Some(text.clone()),
            _ => None,
        })
    };
    (text(&["__type"]), text(&["message", "Message"]))
}

/// The request id as the service answered it: a header, or an element of a query answer.
pub fn request_id(protocol: Protocol, headers: &HeaderMap, body: &[u8]) -> Option<String> {
    for name in ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"] {
        if let Some(id) = headers.get(name).and_then(|value| value.to_str().ok()) {
            return Some(id.to_owned());
        }
    }
    if !matches!(
        protocol,
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml
    ) {
        return None;
    }
    // Near the end of the body and seldom used: not worth a parse of the whole.
    let text = std::str::from_utf8(body).ok()?;
    for name in ["RequestId", "requestId", "RequestID"] {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        if let Some((_, rest)) = text.split_once(&open) {
            return rest.split_once(&close).map(|(id, _)| id.trim().to_owned());
        }
    }
    None
}

/// An error of our own in a protocol's shape. `s3_resource` (the path) makes it S3's shape.
pub fn render_error(
    protocol: Protocol,
    code: &str,
    message: &str,
    request_id: &str,
    s3_resource: Option<&str>,
) -> Rendered {
    let (code_x, message_x, id_x) = (escape(code), escape(message), escape(request_id));
    let kind = if code.starts_with("Internal") || code.starts_with("Service") {
        "Receiver"
    } else {
        "Sender"
    };
    let (content_type, id_header, body) = match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let content = if protocol == Protocol::Json10 {
                "application/x-amz-json-1.0"
            } else {
                "application/x-amz-json-1.1"
            };
            (
                content,
                "x-amzn-requestid",
                serde_json::json!({"__type": code, "message": message})
                    .to_string()
                    .into_bytes(),
            )
        }
        Protocol::RestJson => (
            "application/json",
            "x-amzn-requestid",
            serde_json::json!({"message": message})
                .to_string()
                .into_bytes(),
        ),
        Protocol::Cbor => (
            "application/cbor",
            "x-amzn-requestid",
            render_cbor(code, message),
        ),
        Protocol::Query => {
            let body = format!(
                "<ErrorResponse><Error><Type>{kind}</Type><Code>{code_x}</Code><Message>{message_x}</Message></Error>\
                 <RequestId>{id_x}</RequestId></ErrorResponse>"
            );
            ("text/xml", "x-amzn-requestid", body.into_bytes())
        }
        Protocol::Ec2 => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code_x}</Code>\
                 <Message>{message_x}</Message></Error></Errors><RequestID>{id_x}</RequestID></Response>"
            );
            (
                "text/xml;charset=UTF-8",
                "x-amzn-requestid",
                body.into_bytes(),
            )
        }
        Protocol::RestXml => match s3_resource {
            Some(resource) => {
                let resource = escape(resource);
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code_x}</Code><Message>{message_x}</Message>\
                     <Resource>{resource}</Resource><RequestId>{id_x}</RequestId></Error>"
                );
                ("application/xml", "x-amz-request-id", body.into_bytes())
            }
            None => {
                let body = format!(
                    "<ErrorResponse><Error><Type>{kind}</Type><Code>{code_x}</Code><Message>{message_x}</Message></Error>\
                     <RequestId>{id_x}</RequestId></ErrorResponse>"
                );
                ("text/xml", "x-amzn-requestid", body.into_bytes())
            }
        },
    };
    let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.push((HeaderName::from_static(id_header), id));
    }
    if let (Protocol::RestJson, Ok(code)) = (protocol, HeaderValue::from_str(code)) {
        headers.push((HeaderName::from_static("x-amzn-errortype"), code));
    }
    if protocol == Protocol::Cbor {
        headers.push((
            HeaderName::from_static("smithy-protocol"),
            HeaderValue::from_static("rpc-v2-cbor"),
        ));
    }
    Rendered { headers, body }
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// `{"__type": code, "message": message}` in CBOR.
fn render_cbor(code: &str, message: &str) -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
        out.push(0x79);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&text.as_bytes()[..usize::from(len)]);
    }
    let mut out = vec![0xa2];
    text(&mut out, "__type");
    text(&mut out, code);
    text(&mut out, "message");
    text(&mut out, message);
    out
}

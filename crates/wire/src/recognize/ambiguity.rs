//! Requests that two readers may understand differently: the recorder, and the service that answers. Records would then say what did
//! not happen, so such requests are refused. No client makes them.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    hash::BuildHasher,
};

use http::{HeaderMap, header, request::Parts};
use memchr::{memchr, memchr2};

use super::{
    Call, SSO_TOKEN, UploadForm, form_decode, is_at_root, is_no_form, is_query, template, text_of,
};
use crate::{
    catalogue::{Kind, MemberShape, Operation, Protocol, Service},
    project::{NODES_MAX, PARAMETERS_MAX},
    value::Location,
};

/// What may come once, besides an operation's own headers.
const SINGLE_HEADERS: [&str; 5] = [
    "host",
    "authorization",
    "x-amz-target",
    "x-amz-date",
    "x-amz-security-token",
];

/// Headers that decide what a request does, apart from those that begin with `x-amz-`.
const DECIDING_HEADERS: [&str; 7] = [
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "smithy-protocol",
    "transfer-encoding",
];

/// No parameter of a form has a longer name.
const NAME_BYTES_MAX: usize = 1024;

/// Why nobody can say for sure what a request calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// Services take the first, or the last.
    #[error(
        "The request has {0} more than once, so that nobody could say for sure what it calls; send it once"
    )]
    Twice(Cow<'static, str>),
    /// Some services take small letters for capitals.
    #[error(
        "The request's method has small letters, so that nobody could say for sure what it calls; methods are written in capitals"
    )]
    Method,
    /// It is made to no host, or to two.
    #[error(
        "The request does not say once, in its Host header, which host it is made to, so that nobody could say for sure what it calls"
    )]
    Host,
    /// A parameter that makes another operation of a request.
    #[error(
        "The request has {0}, which is no parameter of {1} but belongs to other operations, so that nobody could say for sure what it \
         calls; leave it out"
    )]
    Foreign(String, &'static str),
    /// Of a form that is no text one reader takes parameters that the next leaves out.
    #[error(
        "The request's form, or the name of a parameter, is no UTF-8 text, so that nobody could say for sure what it calls; send \
         other bytes percent-encoded, in values"
    )]
    Text,
    /// Nobody looks for it there.
    #[error(
        "The request is a long form that says only at its end what it calls; send Action first"
    )]
    Late,
    /// It has more parameters than are recorded.
    #[error(
        "The request has more than {PARAMETERS_MAX} parameters, or longer names of parameters than are recorded; send fewer"
    )]
    Many,
    /// Services that get headers as variables of an environment do not tell `-` and `_` apart.
    #[error(
        "The request has the header {0}, which some services read as if it had hyphens, so that nobody could say for sure what it \
         calls; send it with hyphens"
    )]
    Underscore(String),
}

/// What is ambiguous in a request, whose body may be there in part, and which was recognised as this call.
pub fn ambiguity(parts: &Parts, body: &[u8], call: Option<&Call>) -> Option<Ambiguity> {
    let mut method = parts.method.as_str().bytes();
    let has_small = method.any(|letter| letter.is_ascii_lowercase());
    has_small
        .then_some(Ambiguity::Method)
        .or_else(|| host(parts))
        .or_else(|| underscore(&parts.headers))
        .or_else(|| {
            names(query(parts))
                .nth(PARAMETERS_MAX)
                .map(|_| Ambiguity::Many)
        })
        .or_else(|| repeated_header(&parts.headers, call).map(Ambiguity::Twice))
        .or_else(|| repeated_action(parts, body, call).map(|it| Ambiguity::Twice(it.into())))
        .or_else(|| form_parameters(parts, body, call?))
        .or_else(|| repeated_parameter(parts, call?).map(Ambiguity::Twice))
        .or_else(|| foreign_parameter(parts, call?))
        .or_else(|| UploadForm::read(parts, body)?.ambiguity())
}

/// Who forwards a request without a host puts one there, and of two hosts RFC 9112 has a proxy take the request line's.
fn host(parts: &Parts) -> Option<Ambiguity> {
    let header = parts.headers.get(header::HOST).map(|host| host.as_bytes());
    let line = parts.uri.authority().map(|host| host.as_str().as_bytes());
    let is_one = header.is_some_and(|header| {
        !header.is_empty() && line.is_none_or(|line| line.eq_ignore_ascii_case(header))
    });
    (!is_one).then_some(Ambiguity::Host)
}

fn underscore(headers: &HeaderMap) -> Option<Ambiguity> {
    let names = headers.keys().map(|name| name.as_str());
    let mut aliases = names.filter(|name| {
        if !name.contains('_') || *name == SSO_TOKEN {
            return false;
        }
        let read = name.replace('_', "-");
        // Whoever names metadata may name it so.
        let is_amz = read.starts_with("x-amz-") && !read.starts_with("x-amz-meta-");
        is_amz || DECIDING_HEADERS.contains(&&read[..])
    });
    aliases
        .next()
        .map(|name| Ambiguity::Underscore(name.into()))
}

fn repeated_header(headers: &HeaderMap, call: Option<&Call>) -> Option<Cow<'static, str>> {
    if headers.keys_len() == headers.len() {
        return None;
    }
    let is_repeated = |name: &str| headers.get_all(name).iter().nth(1).is_some();
    let fixed = SINGLE_HEADERS.into_iter().find(|name| is_repeated(name));
    // Of HTTP's own headers some are lists, whose parts may come one by one.
    let decides = |it: &MemberShape| {
        let name = it.wire_name().as_bytes();
        let is_amz = name.len() > 6 && name[..6].eq_ignore_ascii_case(b"x-amz-");
        is_amz || name.eq_ignore_ascii_case(b"range")
    };
    let own = || {
        let mut members = single_members(call?, Location::Header).filter(decides);
        members.find(|it| is_repeated(it.wire_name()))
    };
    fixed
        .or_else(|| own().map(|it| it.wire_name()))
        .map(Cow::Borrowed)
}

/// The members of a call that have one value in a place.
fn single_members(call: &Call, location: Location) -> impl Iterator<Item = MemberShape> {
    members(call.operation, location).filter(|member| {
        let kind = member.shape().map(|shape| shape.kind());
        !matches!(kind, Some(Kind::List | Kind::Map))
    })
}

/// The call itself, told in several places.
fn repeated_action(parts: &Parts, body: &[u8], call: Option<&Call>) -> Option<&'static str> {
    if !is_at_root(parts) {
        return None;
    }
    // A service that reads forms may do so whatever the body calls itself.
    let has_form = call.is_some_and(reads_forms) || !is_no_form(parts);
    let form = if has_form {
        text_of(body)
    } else {
        Cow::Borrowed("")
    };
    let actions = names(&form).chain(names(query(parts)));
    let actions = actions.filter(|name| name == "Action").count();
    let targets = usize::from(parts.headers.contains_key("x-amz-target"));
    (actions > 0 && actions + targets > 1).then_some("Action or X-Amz-Target")
}

/// The parameters of a call that is told by a form: what they set is recorded of all of them, or of none.
fn form_parameters(parts: &Parts, body: &[u8], call: &Call) -> Option<Ambiguity> {
    if !reads_forms(call) {
        return None;
    }
    let form = text_of(body);
    if let Cow::Owned(_) = form {
        return Some(Ambiguity::Text);
    }
    let mut seen = Names::default();
    let mut all = names(&form).chain(names(query(parts)));
    all.try_for_each(|name| seen.add(&name)).err()
}

/// The names of a form's parameters, each of which comes once: lists number their elements.
#[derive(Debug, Default)]
struct Names {
    /// Hashes of names: two that are not the same are told apart but for one in 2^64.
    seen: HashSet<u64>,
    segments: usize,
}

impl Names {
    fn add(&mut self, name: &str) -> Result<(), Ambiguity> {
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Ambiguity::Text);
        }
        self.segments += name.split('.').count();
        if self.seen.len() == PARAMETERS_MAX || self.segments > NODES_MAX {
            return Err(Ambiguity::Many);
        }
        if self.seen.insert(self.seen.hasher().hash_one(name)) {
            return Ok(());
        }
        let name: String = name.chars().take(64).collect();
        Err(Ambiguity::Twice(Cow::Owned(name)))
    }
}

/// Looks at the names in a form that is too long to be read whole, as it passes: first the beginning by which it was recognised, in one
/// piece, then what follows, which must not change what was recognised. It takes ASCII alone.
#[derive(Debug)]
pub struct FormWatch {
    /// Of a call that a form tells; of others only `Action` counts.
    names: Option<Names>,
    has_action: bool,
    /// Whether what was recognised has passed.
    is_late: bool,
    /// The name that is being read; `None` in a value.
    name: Option<Vec<u8>>,
}

impl FormWatch {
    /// For a request whose beginning was recognised as this call.
    pub fn new(parts: &Parts, call: Option<&Call>) -> Self {
        let mut watch = Self {
            names: call.is_some_and(reads_forms).then(Names::default),
            has_action: false,
            is_late: false,
            name: Some(Vec::new()),
        };
        for name in names(query(parts)) {
            // What is wrong in the query alone was told before.
            _ = watch.check(&name);
        }
        watch
    }

    /// Takes the form's next bytes.
    ///
    /// # Errors
    /// When the form cannot be understood in one way.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Ambiguity> {
        if self.names.is_some() && !bytes.is_ascii() {
            return Err(Ambiguity::Text);
        }
        while !bytes.is_empty() {
            let Some(name) = &mut self.name else {
                let Some(end) = memchr(b'&', bytes) else {
                    break;
                };
                self.name = Some(Vec::new());
                bytes = &bytes[end + 1..];
                continue;
            };
            let end = memchr2(b'&', b'=', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            // Longer ones are those of no parameter.
            let room = NAME_BYTES_MAX + 1 - name.len();
            name.extend_from_slice(&part[..part.len().min(room)]);
            let Some(end) = end else { break };
            self.end()?;
            self.name = (bytes[end] == b'&').then(Vec::new);
            bytes = &bytes[end + 1..];
        }
        self.is_late = true;
        Ok(())
    }

    /// The form has ended.
    ///
    /// # Errors
    /// When its last name makes it ambiguous.
    pub fn finish(&mut self) -> Result<(), Ambiguity> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Ambiguity> {
        match self.name.take() {
            Some(name) if name.len() > NAME_BYTES_MAX && self.names.is_some() => {
                Err(Ambiguity::Many)
            }
            Some(name) if !name.is_empty() => {
                self.check(&form_decode(&String::from_utf8_lossy(&name)))
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, name: &str) -> Result<(), Ambiguity> {
        if name == "Action" {
            if std::mem::replace(&mut self.has_action, true) {
                return Err(Ambiguity::Twice("Action".into()));
            }
            if self.is_late {
                return Err(Ambiguity::Late);
            }
        }
        self.names.as_mut().map_or(Ok(()), |names| names.add(name))
    }
}

fn repeated_parameter(parts: &Parts, call: &Call) -> Option<Cow<'static, str>> {
    if reads_forms(call) {
        return None;
    }
    names(query(parts)).nth(1)?;
    let is_repeated = |name: &str| names(query(parts)).filter(|it| it == name).nth(1).is_some();
    single_members(call, Location::Query)
        .map(|member| member.wire_name())
        .find(|name| is_repeated(name))
        .map(Cow::Borrowed)
}

/// A parameter that tells operations of one path apart, and not this one: of `?acl&policy` one service takes the first, another the
/// second.
fn foreign_parameter(parts: &Parts, call: &Call) -> Option<Ambiguity> {
    if !matches!(call.protocol, Protocol::RestXml | Protocol::RestJson) {
        return None;
    }
    let is_own = |name: &str| {
        let mut members = members(call.operation, Location::Query);
        literals(call.operation).any(|it| it == name)
            || members.any(|it| it.wire_name() == name || is_map(it))
    };
    let deciding = call.service.deciding_parameters();
    let tells_apart = |name: &str| deciding.binary_search(&name).is_ok();
    let foreign = names(query(parts)).find(|name| tells_apart(name) && !is_own(name))?;
    let operation = call.operation.name();
    Some(Ambiguity::Foreign(foreign.into_owned(), operation))
}

/// The parameters that tell a service's operations of one path apart, in order.
pub(crate) fn deciding_parameters(service: &'static Service) -> Box<[&'static str]> {
    // S3 tells a part's upload from an object's by a parameter that it requires; elsewhere paths do that.
    let is_s3 = service.id() == "s3";
    let names = service.operations().flat_map(|operation| {
        let required = members(operation, Location::Query).filter(|it| is_s3 && it.is_required());
        literals(operation).chain(required.map(|member| member.wire_name()))
    });
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().collect()
}

fn members(operation: Operation, location: Location) -> impl Iterator<Item = MemberShape> {
    let members = operation.input().into_iter();
    let members = members.flat_map(|input| input.members());
    members.filter(move |member| member.location() == location)
}

fn is_map(member: MemberShape) -> bool {
    member.shape().is_some_and(|it| it.kind() == Kind::Map)
}

/// The names in the query of an operation's template.
fn literals(operation: Operation) -> impl Iterator<Item = &'static str> {
    let (_, query) = template(operation);
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    names.filter(|name| !name.is_empty())
}

fn reads_forms(call: &Call) -> bool {
    is_query(&call.protocol)
}

fn query(parts: &Parts) -> &str {
    parts.uri.query().unwrap_or_default()
}

/// The names of a form's parameters, decoded.
fn names(form: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| form_decode(pair.split('=').next().unwrap_or_default()))
}

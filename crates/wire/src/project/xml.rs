//! XML bodies (REST-XML both ways, answers of AWS Query and EC2 Query).

use quick_xml::{Reader, events::Event};

use super::{NESTING_MAX, ProjectError, found, scalar};
use crate::{
    catalogue::{Kind, MemberShape, Shape},
    value::{Location, Value},
};

const MALFORMED: ProjectError = ProjectError::Malformed("XML");
/// Most elements of a body.
const ELEMENTS_MAX: usize = 200_000;

/// An element with its attributes, text and children; names are without their namespace.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Whether this element or one below it has the name; the first in document order.
    pub(super) fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name {
            Some(self)
        } else {
            self.children.iter().find_map(|child| child.find(name))
        }
    }
}

/// Parses a body to its root element.
pub(super) fn parse(body: &[u8]) -> Result<Element, ProjectError> {
    let mut reader = Reader::from_reader(body);
    let mut stack = vec![Element::default()];
    let mut elements = 0;
    loop {
        match reader.read_event().map_err(|_| MALFORMED)? {
            Event::Start(start) => {
                elements += 1;
                if stack.len() > NESTING_MAX || elements > ELEMENTS_MAX {
                    return Err(MALFORMED);
                }
                stack.push(element(&start));
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(MALFORMED);
                }
                let empty = element(&start);
                stack.last_mut().ok_or(MALFORMED)?.children.push(empty);
            }
            Event::End(_) => {
                let done = stack.pop().ok_or(MALFORMED)?;
                stack.last_mut().ok_or(MALFORMED)?.children.push(done);
            }
            Event::Text(text) => {
                stack
                    .last_mut()
                    .ok_or(MALFORMED)?
                    .text
                    .push_str(&text.decode().map_err(|_| MALFORMED)?);
            }
            Event::CData(text) => {
                stack
                    .last_mut()
                    .ok_or(MALFORMED)?
                    .text
                    .push_str(&String::from_utf8_lossy(&text));
            }
            Event::GeneralRef(reference) => {
                let open = stack.last_mut().ok_or(MALFORMED)?;
                match reference.resolve_char_ref().map_err(|_| MALFORMED)? {
                    Some(letter) => open.text.push(letter),
                    None => open.text.push_str(match &*reference {
                        b"amp" => "&",
                        b"lt" => "<",
                        b"gt" => ">",
                        b"quot" => "\"",
                        b"apos" => "'",
                        // Other entities would have to be declared; AWS's bodies declare none.
                        _ => return Err(MALFORMED),
                    }),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let root = stack.pop().filter(|_| stack.is_empty()).ok_or(MALFORMED)?;
    root.children.into_iter().next().ok_or(MALFORMED)
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Element {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let attributes = start
        .attributes()
        .flatten()
        .map(|it| {
            (
                text(it.key.as_ref()),
                it.unescape_value()
                    .map(|value| value.into_owned())
                    .unwrap_or_default(),
            )
        })
        .collect();
    Element {
        name: text(start.local_name().as_ref()),
        attributes,
        ..Element::default()
    }
}

/// A structure in a body; an empty body has no members.
pub(super) fn structure(shape: Shape, body: &[u8]) -> Result<Value, ProjectError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Structure(Vec::new()));
    }
    Ok(of_shape(shape, &parse(body)?, 0))
}

/// An answer, within its wrapper if it has one.
pub(super) fn response(
    shape: Shape,
    body: &[u8],
    wrapper: Option<&str>,
) -> Result<Value, ProjectError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Structure(Vec::new()));
    }
    let root = parse(body)?;
    let inner = wrapper.and_then(|name| root.child(name)).unwrap_or(&root);
    Ok(of_shape(shape, inner, 0))
}

fn of_shape(shape: Shape, element: &Element, depth: usize) -> Value {
    if depth > NESTING_MAX {
        return Value::Null;
    }
    if shape.is_sensitive() {
        return Value::Hidden;
    }
    match shape.kind() {
        Kind::Structure => {
            let members = shape.members().filter(|it| it.location() == Location::Body);
            Value::Structure(
                members
                    .filter_map(|member| {
                        Some(found(member, of_member(member, element, depth + 1)?))
                    })
                    .collect(),
            )
        }
        Kind::List => of_list(shape, element.children.iter(), depth + 1),
        Kind::Map if shape.has_sensitive_keys() => Value::Hidden,
        Kind::Map => of_map(shape, element.children.iter(), depth + 1),
        _ => scalar::from_text(shape, &element.text),
    }
}

fn of_member(member: MemberShape, parent: &Element, depth: usize) -> Option<Value> {
    let shape = member.shape()?;
    if member.is_xml_attribute() {
        // `xsi:type`: the prefix is the document's choice.
        let name = member.wire_name().rsplit(':').next().unwrap_or_default();
        let attribute = parent
            .attributes
            .iter()
            .find(|(key, _)| key.rsplit(':').next() == Some(name))?;
        return Some(scalar::from_text(shape, &attribute.1));
    }
    if !member.is_flattened() {
        return Some(of_shape(shape, parent.child(member.wire_name())?, depth));
    }
    let element_name = shape
        .members()
        .next()
        .and_then(|element| element.location_name());
    let name = match shape.kind() {
        Kind::List => element_name.unwrap_or_else(|| member.wire_name()),
        _ => member.wire_name(),
    };
    let mut named = parent
        .children
        .iter()
        .filter(|child| child.name == name || child.name == member.wire_name())
        .peekable();
    named.peek()?;
    Some(match shape.kind() {
        _ if shape.is_sensitive() || shape.has_sensitive_keys() => Value::Hidden,
        Kind::Map => of_map(shape, named, depth),
        _ => of_list(shape, named, depth),
    })
}

fn of_list<'a>(shape: Shape, elements: impl Iterator<Item = &'a Element>, depth: usize) -> Value {
    match shape.members().next().and_then(|member| member.shape()) {
        Some(content) => Value::List(
            elements
                .map(|element| of_shape(content, element, depth))
                .collect(),
        ),
        None => Value::Null,
    }
}

fn of_map<'a>(shape: Shape, entries: impl Iterator<Item = &'a Element>, depth: usize) -> Value {
    let mut members = shape.members();
    let (Some(key), Some(value)) = (members.next(), members.next()) else {
        return Value::Null;
    };
    let Some(content) = value.shape() else {
        return Value::Null;
    };
    let pairs = entries.filter_map(|entry| {
        let key = entry.child(key.location_name().unwrap_or("key"))?;
        let value = entry.child(value.location_name().unwrap_or("value"))?;
        Some((key.text.clone(), of_shape(content, value, depth)))
    });
    Value::Map(pairs.collect())
}

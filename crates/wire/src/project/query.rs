//! Form parameters of AWS Query and EC2 Query: `Filter.1.Value.2=x` back to lists, maps and structures.

use std::{borrow::Cow, collections::BTreeMap};

use http::request::Parts;

use super::{NESTING_MAX, NODES_MAX, PARAMETERS_MAX, found, scalar};
use crate::{
    catalogue::{Kind, MemberShape, Protocol, Shape},
    recognize::{Call, form_decode},
    value::{Member, Value},
};

/// Parameters by their dotted segments.
#[derive(Default)]
struct Node<'a> {
    text: Option<Cow<'a, str>>,
    children: BTreeMap<Cow<'a, str>, Node<'a>>,
}

/// The members of a request in its form, or in its query string for GET.
pub(super) fn structure(call: &Call, input: Shape, parts: &Parts, body: &[u8]) -> Value {
    let form = String::from_utf8_lossy(body);
    let mut root = Node::default();
    let mut nodes = 0;
    let pairs = form
        .split('&')
        .chain(parts.uri.query().unwrap_or_default().split('&'));
    for pair in pairs.filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut node = &mut root;
        for segment in form_decode(key).split('.').take(NESTING_MAX) {
            // A node costs far more memory than the two bytes that can ask for it.
            nodes += 1;
            if nodes > NODES_MAX {
                break;
            }
            node = node
                .children
                .entry(Cow::Owned(segment.to_owned()))
                .or_default();
        }
        if nodes > NODES_MAX {
            break;
        }
        node.text = Some(form_decode(value));
    }
    let is_ec2 = call.protocol == Protocol::Ec2;
    structure_at(input, &root, is_ec2, 0).unwrap_or(Value::Structure(Vec::new()))
}

fn structure_at(shape: Shape, node: &Node<'_>, is_ec2: bool, depth: usize) -> Option<Value> {
    let mut members: Vec<Member> = Vec::new();
    for member in shape.members() {
        let value = member_at(member, node, is_ec2, depth);
        members.extend(value.map(|value| found(member, value)));
    }
    (!members.is_empty()).then_some(Value::Structure(members))
}

fn member_at(member: MemberShape, node: &Node<'_>, is_ec2: bool, depth: usize) -> Option<Value> {
    let shape = member.shape()?;
    if is_ec2 {
        return value_at(
            shape,
            node.children.get(ec2_name(member).as_ref())?,
            true,
            false,
            depth + 1,
        );
    }
    let flattened = member.is_flattened();
    // A flattened list stands under its element's name, if that has one.
    let element_name = || {
        shape
            .members()
            .next()
            .and_then(|element| element.location_name())
    };
    let name = match shape.kind() {
        Kind::List if flattened => element_name().unwrap_or_else(|| member.wire_name()),
        _ => member.wire_name(),
    };
    value_at(shape, node.children.get(name)?, false, flattened, depth + 1)
}

/// EC2: `queryName`, else the location name with a capital, else the member's name.
fn ec2_name(member: MemberShape) -> Cow<'static, str> {
    match (member.query_name(), member.location_name()) {
        (Some(name), _) => name.into(),
        (None, Some(name)) => {
            let mut letters = name.chars();
            letters.next().map_or(Cow::Borrowed(""), |first| {
                Cow::Owned(first.to_uppercase().chain(letters).collect())
            })
        }
        (None, None) => member.name().into(),
    }
}

fn value_at(
    shape: Shape,
    node: &Node<'_>,
    is_ec2: bool,
    flattened: bool,
    depth: usize,
) -> Option<Value> {
    if depth > NESTING_MAX {
        return None;
    }
    if shape.is_sensitive() || shape.has_sensitive_keys() {
        return Some(Value::Hidden);
    }
    match shape.kind() {
        Kind::Structure => structure_at(shape, node, is_ec2, depth),
        Kind::List => {
            let member = shape.members().next()?;
            let element = member.shape()?;
            let node = match is_ec2 || flattened {
                true => node,
                // `X=` (empty) says an empty list; `X.member.N` its elements.
                false => match node
                    .children
                    .get(member.location_name().unwrap_or("member"))
                {
                    Some(inner) => inner,
                    None => return node.text.as_ref().map(|_| Value::List(Vec::new())),
                },
            };
            let values = numbered(node)
                .filter_map(|child| value_at(element, child, is_ec2, false, depth + 1))
                .collect();
            Some(Value::List(values))
        }
        Kind::Map => {
            let (key, value) = (shape.members().next()?, shape.members().nth(1)?);
            let content = value.shape()?;
            let entries = match flattened || is_ec2 {
                true => node,
                false => node.children.get("entry")?,
            };
            let pairs = numbered(entries).filter_map(|entry| {
                let key = entry
                    .children
                    .get(key.location_name().unwrap_or("key"))?
                    .text
                    .as_ref()?;
                let value = entry
                    .children
                    .get(value.location_name().unwrap_or("value"))?;
                Some((
                    key.to_string(),
                    value_at(content, value, is_ec2, false, depth + 1)?,
                ))
            });
            Some(Value::Map(pairs.collect()))
        }
        _ => node
            .text
            .as_ref()
            .map(|text| scalar::from_text(shape, text)),
    }
}

/// The children `1`, `2`, … in the order of their numbers.
fn numbered<'n, 'a>(node: &'n Node<'a>) -> impl Iterator<Item = &'n Node<'a>> {
    let mut numbered: Vec<(u32, &Node<'_>)> = node
        .children
        .iter()
        .filter_map(|(key, child)| Some((key.parse().ok()?, child)))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, child)| child)
}

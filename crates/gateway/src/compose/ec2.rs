//! EC2's parameters and answers: XML names, sets as `{"items": […]}`, newer operations wrapped in `XRequest`.

use pugmark_core::limits;
use pugmark_wire::{
    catalogue::Kind,
    recognize::Call,
    value::{Member, Value},
};
use serde_json::{Map, Value as Json, json};

use super::{
    render::{HIDDEN, add_defaults, lower_first, marker, scalar_json, upper_first, xml_scalar},
    tables::{self, TimeStyle},
};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// `requestParameters`.
pub(super) fn request_parameters(call: &Call, request: &Value) -> Json {
    let operation = call.operation.name();
    let Value::Structure(members) = request else {
        return Json::Null;
    };
    if is_wrapped(operation) {
        let inner = Wrapped { operation }
            .structure(members, "", true, 0)
            .unwrap_or_else(|| "".into());
        return json!({ (format!("{operation}Request")): inner });
    }
    let mut map = Map::new();
    let mut gathered = Map::new();
    for member in members {
        let Some((name, value)) = request_member(operation, member, "", 0) else {
            continue;
        };
        // `availabilityZone` and `tenancy` stand beside the other parameters (seen).
        if let ("RunInstances", "Placement", Json::Object(inner)) = (operation, member.name, &value)
        {
            map.extend(inner.clone());
            continue;
        }
        if operation == "RunInstances" && tables::RUN_INSTANCES_SET.contains(&member.name) {
            gathered.insert(name, value);
        } else {
            map.insert(name, value);
        }
    }
    if !gathered.is_empty() {
        map.insert("instancesSet".to_owned(), json!({"items": [gathered]}));
    }
    if operation.starts_with("Describe") {
        add_empty_sets(call, &mut map);
    }
    add_defaults(call, &mut map);
    if map.is_empty() {
        Json::Null
    } else {
        Json::Object(map)
    }
}

/// `responseElements`.
pub(super) fn response_elements(call: &Call, response: &Value, request_id: Option<&str>) -> Json {
    let operation = call.operation.name();
    let members = if let Value::Structure(members) = response {
        members.as_slice()
    } else {
        &[]
    };
    let mut map = Map::new();
    if is_wrapped(operation) {
        map.insert("xmlns".to_owned(), NAMESPACE.into());
    }
    if let Some(id) = request_id {
        map.insert("requestId".to_owned(), id.into());
    }
    if is_wrapped(operation) {
        if let Some(Json::Object(inner)) = (Wrapped { operation }).structure(members, "", false, 0)
        {
            map.extend(inner);
        }
        return json!({ (format!("{operation}Response")): map });
    }
    if call.operation.output().is_none() {
        // The model leaves out `<return>true</return>`; AWS's answers and records have it.
        map.insert("_return".to_owned(), true.into());
    }
    for member in members {
        let listed = tables::EC2_ANSWER_NAMES
            .iter()
            .find(|(of, name, _)| *of == operation && *name == member.name);
        let name = match listed {
            Some((_, _, name)) => (*name).to_owned(),
            None => lower_first(member.wire_name.unwrap_or(member.name)),
        };
        let name = if name == "return" {
            "_return".to_owned()
        } else {
            name
        };
        if let Some(json) = answered(operation, member, "", 0) {
            map.insert(name, json);
        }
    }
    Json::Object(map)
}

/// Whether the operation writes its parameters as one structure; the others stand in [`tables::EC2_PLAIN`], sorted.
fn is_wrapped(operation: &str) -> bool {
    tables::EC2_PLAIN.binary_search(&operation).is_err()
}

/// Older operations name the sets that a request leaves out: `"filterSet": {}`.
fn add_empty_sets(call: &Call, map: &mut Map<String, Json>) {
    let members = call
        .operation
        .input()
        .into_iter()
        .flat_map(|input| input.members());
    for member in members.filter(|member| {
        member
            .shape()
            .is_some_and(|shape| shape.kind() == Kind::List)
    }) {
        let (name, _) = set_name(call.operation.name(), member.name(), member.location_name());
        let absent = tables::EC2_ABSENT_SETS.contains(&(call.operation.name(), name.as_str()));
        if !absent && !map.contains_key(&name) {
            map.insert(name, json!({}));
        }
    }
}

fn treated(operation: &str, member: &Member, within: &str) -> Option<Option<Json>> {
    if member.value == Value::Hidden {
        let treatment = tables::treatment("ec2", operation, within, member.name);
        return Some(treatment.map_or_else(
            || Some(HIDDEN.into()),
            |treatment| marker(treatment, &member.value),
        ));
    }
    tables::treatment("ec2", operation, within, member.name)
        .map(|treatment| marker(treatment, &member.value))
}

/// The name of a list in a request, and the name of a scalar within an item.
fn set_name(operation: &str, member: &str, wire_name: Option<&str>) -> (String, String) {
    let listed = tables::EC2_SETS
        .iter()
        .find(|(of, name, _, _)| *name == member && (of.is_empty() || *of == operation));
    if let Some((_, _, set, item)) = listed {
        return ((*set).to_owned(), (*item).to_owned());
    }
    match wire_name {
        // `Value.1=x` is `valueSet: {items: [{value: x}]}`.
        Some(name) if name.starts_with(char::is_uppercase) => {
            let item = lower_first(name);
            (format!("{item}Set"), item)
        }
        // Structures in older lists, such as `ipPermissions`.
        Some(name) => (name.to_owned(), name.to_owned()),
        None => (lower_first(member), lower_first(member)),
    }
}

fn request_member(
    operation: &str,
    member: &Member,
    within: &str,
    depth: usize,
) -> Option<(String, Json)> {
    if depth > limits::NESTING_MAX {
        return None;
    }
    let listed = tables::EC2_NAMES
        .iter()
        .find(|(of, name, _)| *of == operation && *name == member.name);
    let name = match listed {
        Some((_, _, "")) => return None,
        Some((_, _, name)) => (*name).to_owned(),
        None => lower_first(member.wire_name.unwrap_or(member.name)),
    };
    if let Some(marked) = treated(operation, member, within) {
        return Some((name, marked?));
    }
    match &member.value {
        // Tags within a specification are a plain list (CreateVolume, RunInstances samples).
        Value::List(items) if member.name == "Tags" && within == "TagSpecifications" => {
            let items = items
                .iter()
                .filter_map(|item| request_value(operation, member.name, item, depth + 1));
            Some(("tags".to_owned(), items.collect()))
        }
        Value::List(items) => {
            let (set, item_name) = set_name(operation, member.name, member.wire_name);
            let sets = tables::EC2_ITEM_SETS
                .iter()
                .find(|(name, _)| *name == member.name)
                .map_or(&[][..], |(_, sets)| sets);
            let items: Vec<Json> = items
                .iter()
                .filter_map(|item| {
                    let mut json = request_value(operation, member.name, item, depth + 1)?;
                    if let Json::Object(map) = &mut json {
                        for set in sets {
                            map.entry(*set).or_insert_with(|| json!({}));
                        }
                    }
                    Some(if json.is_object() || item_name.is_empty() {
                        json
                    } else {
                        json!({ (item_name.as_str()): json })
                    })
                })
                .collect();
            Some((
                set,
                if items.is_empty() {
                    json!({})
                } else if tables::EC2_ITEM.contains(&operation) {
                    json!({"item": items})
                } else {
                    json!({"items": items})
                },
            ))
        }
        Value::Integer(number) if tables::EC2_TEXTS.contains(&(operation, member.name)) => {
            Some((name, number.to_string().into()))
        }
        value => Some((
            name,
            request_value(operation, member.name, value, depth + 1)?,
        )),
    }
}

fn request_value(operation: &str, within: &str, value: &Value, depth: usize) -> Option<Json> {
    if depth > limits::NESTING_MAX {
        return None;
    }
    match value {
        Value::Structure(members) => {
            let members = members
                .iter()
                .filter_map(|member| request_member(operation, member, within, depth + 1));
            Some(Json::Object(members.collect()))
        }
        Value::Hidden => Some(HIDDEN.into()),
        Value::List(items) => Some(
            items
                .iter()
                .filter_map(|item| request_value(operation, within, item, depth + 1))
                .collect(),
        ),
        Value::Map(pairs) => {
            let json = |(key, value): &(String, Value)| {
                Some((
                    key.clone(),
                    request_value(operation, within, value, depth + 1)?,
                ))
            };
            Some(Json::Object(pairs.iter().filter_map(json).collect()))
        }
        scalar => scalar_json(scalar, TimeStyle::EpochMillis),
    }
}

fn answered(operation: &str, member: &Member, within: &str, depth: usize) -> Option<Json> {
    match treated(operation, member, within) {
        Some(marked) => marked,
        None => answered_value(operation, member.name, &member.value, depth + 1),
    }
}

fn answered_value(operation: &str, within: &str, value: &Value, depth: usize) -> Option<Json> {
    if depth > limits::NESTING_MAX {
        return None;
    }
    match value {
        Value::Structure(members) => {
            let json = |member: &Member| {
                Some((
                    lower_first(member.wire_name.unwrap_or(member.name)),
                    answered(operation, member, within, depth + 1)?,
                ))
            };
            Some(Json::Object(members.iter().filter_map(json).collect()))
        }
        Value::List(items) if items.is_empty() => Some(json!({})),
        Value::List(items) => {
            let items = items
                .iter()
                .filter_map(|item| answered_value(operation, within, item, depth + 1));
            Some(json!({"items": items.collect::<Vec<_>>()}))
        }
        other => request_value(operation, within, other, depth + 1),
    }
}

/// The form of newer operations: the names on the wire, a numbered element as `{"content": x, "tag": 1}`.
struct Wrapped<'a> {
    operation: &'a str,
}

impl Wrapped<'_> {
    fn structure(
        &self,
        members: &[Member],
        within: &str,
        is_request: bool,
        depth: usize,
    ) -> Option<Json> {
        if depth > limits::NESTING_MAX {
            return None;
        }
        let mut map = Map::new();
        for member in members {
            let wire_name = member.wire_name.unwrap_or(member.name);
            let name = if is_request {
                upper_first(wire_name)
            } else {
                lower_first(wire_name)
            };
            let json = match treated(self.operation, member, within) {
                Some(marked) => marked,
                None => self.value(&member.value, member.name, is_request, depth + 1),
            };
            if let Some(json) = json {
                map.insert(name, json);
            }
        }
        (!map.is_empty()).then_some(Json::Object(map))
    }

    fn value(&self, value: &Value, within: &str, is_request: bool, depth: usize) -> Option<Json> {
        if depth > limits::NESTING_MAX {
            return None;
        }
        match value {
            Value::Structure(members) => Some(
                self.structure(members, within, is_request, depth + 1)
                    .unwrap_or_else(|| "".into()),
            ),
            Value::List(items) => {
                let items = items
                    .iter()
                    .filter_map(|item| self.value(item, within, is_request, depth + 1));
                let items: Vec<Json> = match is_request {
                    true => items
                        .zip(1..)
                        .map(|(item, tag)| numbered(item, tag))
                        .collect(),
                    false => items.collect(),
                };
                match (is_request, one_or_list(items)) {
                    (_, None) => Some("".into()),
                    (true, Some(items)) => Some(items),
                    (false, Some(items)) => Some(json!({"item": items})),
                }
            }
            Value::Timestamp(moment) => Some(format!("{moment:.3}").into()),
            Value::String(text) => Some(xml_scalar(text)),
            other => request_value(self.operation, within, other, depth + 1),
        }
    }
}

fn numbered(item: Json, tag: u64) -> Json {
    match item {
        Json::Object(mut map) => {
            map.insert("tag".to_owned(), tag.into());
            Json::Object(map)
        }
        scalar => json!({"content": scalar, "tag": tag}),
    }
}

fn one_or_list(mut items: Vec<Json>) -> Option<Json> {
    match items.len() {
        0 => None,
        1 => items.pop(),
        _ => Some(items.into()),
    }
}

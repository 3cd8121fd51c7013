//! `resources` of the record, and the resources by which `LookupEvents` finds it.

use std::cell::Cell;

use pugmark_core::{
    account::Arn,
    event::{
        EventCategory, LookupResource, Resource,
        resources::{
            DEPTH_MAX, LookupResources, NAME_BYTES_MAX, RESOURCES_MAX, kind_of, named_arn,
            queue_arn,
        },
    },
    limits,
};
use pugmark_wire::{recognize::Call, value::Value};
use serde_json::{Map, Value as Json};

use super::{Class, Facts, class, s3, tables};

/// `resources` of the record.
pub(super) fn of_record(
    facts: &Facts<'_>,
    class: &Class,
    request: Option<&Value>,
) -> Vec<Resource> {
    let Some(call) = facts.call else {
        return Vec::new();
    };
    let mut resources = match call.service.id() {
        "s3" => of_s3(facts, class, call),
        "dynamodb" if class.category == EventCategory::Data => of_tables(facts, class, request),
        _ if class.category == EventCategory::Data => of_data(facts, class, call, request),
        service => of_management(facts, class, service, request),
    };
    for resource in &mut resources {
        resource.arn.take_if(|arn| arn.len() > NAME_BYTES_MAX);
    }
    bounded(resources)
}

/// As many as there is room for; the type alone stands for those for which there is none.
fn bounded(mut resources: Vec<Resource>) -> Vec<Resource> {
    let mut left_out: Vec<Resource> = Vec::new();
    while resources.len() + left_out.len() > RESOURCES_MAX
        && let Some(Resource { kind, .. }) = resources.pop()
    {
        let kind = of_kind(kind.as_deref().unwrap_or_default());
        if !left_out.contains(&kind) {
            left_out.push(kind);
        }
    }
    resources.extend(left_out);
    resources
}

/// The element; absent without any.
pub(super) fn json(resources: &[Resource]) -> Option<Json> {
    let entry = |resource: &Resource| {
        let mut entry = Map::new();
        let mut put = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                entry.insert(name.to_owned(), value.as_str().into());
            }
        };
        put("accountId", resource.account.as_ref());
        put("type", resource.kind.as_ref());
        put(
            if resource.is_prefix {
                "ARNPrefix"
            } else {
                "ARN"
            },
            resource.arn.as_ref(),
        );
        Json::Object(entry)
    };
    (!resources.is_empty()).then(|| resources.iter().map(entry).collect())
}

/// Names and ARNs of what the call touched.
pub(super) fn for_lookup(
    facts: &Facts<'_>,
    class: &Class,
    request: Option<&Value>,
    resources: &[Resource],
) -> Vec<LookupResource> {
    let Some(call) = facts.call else {
        return Vec::new();
    };
    let service = call.service.id();
    let mut found = LookupResources::new(service, &class.region, facts.account);
    for resource in resources.iter().filter(|resource| !resource.is_prefix) {
        if let Some(arn) = &resource.arn {
            found.arn(arn, resource.kind.as_deref());
        }
    }
    let is_warehouse = class.event_source == "s3tables.amazonaws.com";
    if service == "s3"
        && !is_warehouse
        && let Some(bucket) = s3::label(call, "Bucket")
    {
        found.name("Bucket", bucket);
    }
    // What is looked for is not touched: a search for a bucket must not be found by the next search for it.
    let asks = service == "cloudtrail" && tables::LOOK_UPS.contains(&call.operation.name());
    if let Some(request) = request.filter(|_| !is_warehouse && !asks) {
        walk(&mut found, service, request, 0);
    }
    // What a read answers is not what the call touched.
    let answers = !class.read_only
        || tables::READS_WITH_RESPONSE.contains(&(call.service.id(), call.operation.name()));
    if let (true, None, Some(response)) = (answers, facts.error, facts.response) {
        walk(&mut found, service, response, 0);
    }
    found.into_entries()
}

/// Reads names off a request or an answer.
fn walk(found: &mut LookupResources<'_>, service: &str, value: &Value, depth: usize) {
    if depth > DEPTH_MAX || found.is_full() {
        return;
    }
    match value {
        Value::Structure(members) => {
            for member in members {
                if tables::treatment(service, "", "", member.name).is_some() {
                    continue;
                }
                match &member.value {
                    Value::String(text) => found.name(member.name, text),
                    Value::List(items) => {
                        for item in items.iter().take(RESOURCES_MAX) {
                            match item {
                                Value::String(text) => found.name(member.name, text),
                                other => walk(found, service, other, depth + 1),
                            }
                        }
                    }
                    other => walk(found, service, other, depth + 1),
                }
            }
        }
        Value::List(items) => items
            .iter()
            .take(RESOURCES_MAX)
            .for_each(|item| walk(found, service, item, depth + 1)),
        _ => {}
    }
}

/// What stands for a template's `P`, `R` or `A`.
fn arn_part(part: &str, facts: &Facts<'_>, class: &Class) -> Option<String> {
    match part {
        "P" => Some(class.region.partition().to_owned()),
        "R" => Some(class.region.to_string()),
        "A" => Some(facts.account.to_string()),
        _ => None,
    }
}

/// A resource of which only the type is known.
fn of_kind(kind: &str) -> Resource {
    Resource {
        kind: Some(kind.to_owned()),
        arn: None,
        account: None,
        is_prefix: false,
    }
}

fn owned(kind: &str, arn: String, account: Option<String>) -> Resource {
    Resource {
        kind: Some(kind.to_owned()),
        arn: Some(arn),
        account,
        is_prefix: false,
    }
}

/// The account in an ARN, else the caller's.
fn owner(arn: &str, facts: &Facts<'_>) -> Option<String> {
    let account = Arn::parse(arn)
        .map(|arn| arn.account)
        .filter(|account| !account.is_empty());
    Some(account.map_or_else(|| facts.account.to_string(), str::to_owned))
}

/// Object and bucket; a listing has its prefix, a management event of a bucket that is not there nothing (seen).
fn of_s3(facts: &Facts<'_>, class: &Class, call: &Call) -> Vec<Resource> {
    let Some(bucket) = s3::label(call, "Bucket") else {
        return Vec::new();
    };
    // A data event keeps them: trails select it by its object.
    let is_missing = facts
        .error
        .is_some_and(|error| error.code == "NoSuchBucket");
    if is_missing && class.category == EventCategory::Management {
        return Vec::new();
    }
    let place = s3::place(bucket, facts.bucket_host());
    if place == s3::Place::TableWarehouse {
        return match class.category {
            EventCategory::Data => s3::WAREHOUSE_KINDS.map(of_kind).to_vec(),
            _ => Vec::new(),
        };
    }
    let arn = place.arn(bucket, facts, class);
    let mut resources = Vec::new();
    if let (EventCategory::Data, Some(objects)) = (class.category, place.objects()) {
        let key = s3::label(call, "Key");
        let name = key.map_or_else(
            || s3::parameter(facts, "prefix").unwrap_or_default(),
            str::to_owned,
        );
        resources.push(Resource {
            kind: Some(objects.to_owned()),
            arn: Some(format!("{arn}/{name}")),
            account: None,
            is_prefix: key.is_none(),
        });
    }
    let account = owner(&arn, facts);
    resources.push(owned(place.kind(), arn, account));
    resources
}

const TABLE: &str = "AWS::DynamoDB::Table";

/// The tables of a DynamoDB request: one by member, or those of a batch.
fn of_tables(facts: &Facts<'_>, class: &Class, request: Option<&Value>) -> Vec<Resource> {
    let mut names: Vec<&str> = Vec::new();
    let member = |name| request.and_then(|request| request.member(name));
    names.extend(member("TableName").and_then(Value::as_str));
    if let Some(Value::Map(items)) = member("RequestItems") {
        names.extend(items.iter().map(|(table, _)| table.as_str()));
    }
    if let Some(Value::List(items)) = member("TransactItems") {
        for item in items {
            let Value::Structure(actions) = item else {
                continue;
            };
            names.extend(
                actions
                    .iter()
                    .filter_map(|action| action.value.member("TableName")?.as_str()),
            );
        }
    }
    let mut resources: Vec<Resource> = Vec::new();
    // A statement's table is not read off it: trails must take it for any.
    if names.is_empty() {
        resources.push(of_kind(TABLE));
    }
    for name in names {
        if resources.len() > RESOURCES_MAX {
            break;
        }
        let arn = named_arn("dynamodb", &class.region, facts.account, "TableName", name)
            .unwrap_or_else(|| name.to_owned());
        let resource = owned(TABLE, arn.clone(), owner(&arn, facts));
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    resources
}

/// The resources of other services' data events, by the table; the type alone where AWS gives no more.
fn of_data(
    facts: &Facts<'_>,
    class: &Class,
    call: &Call,
    request: Option<&Value>,
) -> Vec<Resource> {
    let lines: Vec<_> = class::data_events(call.operation).collect();
    let resource = |line: &tables::DataEvents, arn: Option<String>| Resource {
        kind: Some(line.kind.to_owned()),
        account: arn.as_deref().and_then(|arn| owner(arn, facts)),
        arn,
        is_prefix: false,
    };
    let of_line = |line: &tables::DataEvents| -> Vec<Resource> {
        let arns = request.map(|request| data_arns(facts, class, line.arn, request));
        let arns = arns.unwrap_or_default().into_iter();
        arns.map(|arn| resource(line, Some(arn))).collect()
    };
    let instead: Vec<_> = lines.iter().copied().filter(|line| !line.beside).collect();
    let mut named = instead.iter().map(|line| of_line(line));
    let mut resources = named.find(|named| !named.is_empty()).unwrap_or_default();
    if resources.is_empty() {
        // What could not be read may be any of them.
        let may_be = if facts.request_is_partial {
            instead.len()
        } else {
            1
        };
        for line in instead.iter().take(may_be) {
            let unknown = resource(line, None);
            resources.extend(Some(unknown).filter(|it| !resources.contains(it)));
        }
    }
    // Not an entry beside nothing.
    if !resources.is_empty() {
        let beside = lines.iter().copied().filter(|line| line.beside);
        resources.extend(beside.flat_map(|line| match line.arn {
            "" => vec![resource(line, None)],
            _ => of_line(line),
        }));
    }
    resources
}

/// The ARNs by a data event's template, one for each entry of a list that it goes through, or one more than there is room for; none
/// without the members that it names.
fn data_arns(facts: &Facts<'_>, class: &Class, template: &str, request: &Value) -> Vec<String> {
    let mut arns: Vec<String> = Vec::new();
    let mut entry = Entry::default();
    while arns.len() <= RESOURCES_MAX && entry.number <= entry.last.get() {
        let arn = data_arn(facts, class, template, (request, &entry));
        arns.extend(arn.filter(|arn| !arns.contains(arn)));
        entry.number += 1;
    }
    arns
}

/// Which entry of lists is read; of a list with one, that one.
#[derive(Default)]
struct Entry {
    number: usize,
    /// The last one of the longest list.
    last: Cell<usize>,
}

impl Entry {
    fn of<'a>(&self, items: &'a [Value]) -> Option<&'a Value> {
        let last = items.len().saturating_sub(1);
        self.last.set(self.last.get().max(last));
        items.get(if last > 0 { self.number } else { 0 })
    }
}

/// A data event's ARN by its template; `None` without the members that it names.
fn data_arn(
    facts: &Facts<'_>,
    class: &Class,
    template: &str,
    request: (&Value, &Entry),
) -> Option<String> {
    let mut arn = String::new();
    for (index, part) in template.split(':').enumerate() {
        if index > 0 {
            arn.push(':');
        }
        let part = arn_part(part, facts, class).unwrap_or_else(|| part.to_owned());
        let mut rest = part.as_str();
        while let Some((before, (place, after))) = rest
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            let (path, text) = placed(request, place)?;
            let queue = queue_arn(&class.region, facts.account, path, text);
            let text = queue.as_deref().unwrap_or(text);
            if text.starts_with("arn:") {
                // What the template says before it stands in the ARN itself.
                arn = text.to_owned();
            } else {
                arn.push_str(before);
                arn.push_str(match path {
                    // `111122223333:function:name` and a function's version or alias are no part of its ARN.
                    "FunctionName" => function_name(text),
                    _ => text,
                });
            }
            rest = after;
        }
        arn.push_str(rest);
    }
    arn.starts_with("arn:").then_some(arn)
}

/// What stands at a template's `{place}`: the member's path, and its text or the part of it that the place asks for.
fn placed<'a, 'b>(
    (request, entry): (&'a Value, &Entry),
    place: &'b str,
) -> Option<(&'b str, &'a str)> {
    let text = |path: &str| text_of(request, path, entry, 0).filter(|text| !text.is_empty());
    if let Some((path, prefix)) = place.split_once('=') {
        let text = text(path)?;
        let name = Arn::parse(text).map_or(text, |arn| arn.resource);
        name.starts_with(prefix).then_some((path, text))
    } else if let Some((path, end)) = place.split_once('<') {
        Some((path, text(path)?.split_once(end)?.0))
    } else {
        Some((place, text(place)?))
    }
}

fn function_name(text: &str) -> &str {
    let name = text.rsplit_once("function:").map_or(text, |(_, name)| name);
    name.split(':').next().unwrap_or_default()
}

/// The text of a member, at the top or in an entry of a list; `Outer.Member` is one in a structure.
fn text_of<'a>(value: &'a Value, path: &str, entry: &Entry, depth: usize) -> Option<&'a str> {
    if depth > DEPTH_MAX || path.is_empty() {
        return None;
    }
    let one = |value: &'a Value| match value {
        Value::List(items) => entry.of(items),
        other => Some(other),
    };
    if let Some((outer, inner)) = path.split_once('.') {
        return text_of(one(value.member(outer)?)?, inner, entry, depth + 1);
    }
    match value {
        Value::Structure(members) => {
            let direct = value.member(path).and_then(one).and_then(Value::as_str);
            direct.or_else(|| {
                let lists = members
                    .iter()
                    .filter(|it| matches!(it.value, Value::List(_)));
                lists
                    .into_iter()
                    .find_map(|it| text_of(&it.value, path, entry, depth + 1))
            })
        }
        Value::List(items) => entry
            .of(items)
            .and_then(|item| text_of(item, path, entry, depth + 1)),
        _ => None,
    }
}

/// `resources` of the few services that write them for management events.
fn of_management(
    facts: &Facts<'_>,
    class: &Class,
    service: &str,
    request: Option<&Value>,
) -> Vec<Resource> {
    let Some((_, kind)) = tables::RECORD_RESOURCES
        .iter()
        .find(|(id, _)| *id == service)
    else {
        return Vec::new();
    };
    // The answer knows the ARN where the request has an alias.
    let answered = facts.response.filter(|_| facts.error.is_none());
    let mut resources: Vec<Resource> = Vec::new();
    let members: &[&str] = match service {
        "dynamodb" => &["TableArn", "TableName"],
        "kms" => &["Arn", "KeyId", "TargetKeyId"],
        "ssm" => &["Name", "Names"],
        _ => &["RoleArn"],
    };
    for value in [answered, request].into_iter().flatten() {
        for member in members {
            for name in texts_of(value, member).into_iter().take(RESOURCES_MAX) {
                let arn = match service {
                    "ssm" => parameter_arn(facts, class, name),
                    _ if name.starts_with("alias/") => None,
                    _ => named_arn(service, &class.region, facts.account, member, name),
                };
                let Some(arn) = arn.filter(|arn| arn.len() <= limits::FIELD_BYTES_MAX) else {
                    continue;
                };
                let is_kind = service == "ssm" || Arn::parse(&arn).and_then(kind_of) == Some(*kind);
                let account = owner(&arn, facts);
                let kind = (service != "ssm").then(|| (*kind).to_owned());
                let resource = Resource {
                    kind,
                    arn: Some(arn),
                    account,
                    is_prefix: false,
                };
                if is_kind && !resources.contains(&resource) && resources.len() < RESOURCES_MAX {
                    resources.push(resource);
                }
            }
        }
    }
    resources
}

fn parameter_arn(facts: &Facts<'_>, class: &Class, name: &str) -> Option<String> {
    if name.starts_with("arn:") {
        return Some(name.to_owned());
    }
    let (partition, region) = (class.region.partition(), &class.region);
    Some(format!(
        "arn:{partition}:ssm:{region}:{}:parameter/{}",
        facts.account,
        name.trim_start_matches('/')
    ))
}

/// A member's texts, at the top or one structure below it.
fn texts_of<'a>(value: &'a Value, member: &str) -> Vec<&'a str> {
    let Value::Structure(members) = value else {
        return Vec::new();
    };
    let inner = members
        .iter()
        .map(|it| &it.value)
        .filter(|it| matches!(it, Value::Structure(_)));
    let found = std::iter::once(value)
        .chain(inner)
        .filter_map(|value| value.member(member));
    found
        .flat_map(|value| match value {
            Value::List(items) => items.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

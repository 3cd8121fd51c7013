//! Events as rows of columns, and back. The columns are described in `docs/formats.md`, "Event file, version 3".

mod record;

use std::sync::{Arc, LazyLock};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
    builder::{BooleanBuilder, ListBuilder, StringBuilder, StructBuilder},
};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::event::{
    Event, EventCategory, EventKeys, LookupResource, Resource, record::Members,
};
use uuid::Uuid;

use crate::{
    LookupEvent, LookupKey,
    tail::{Row, id_of},
};

/// In the file's key-value metadata: which version of these columns it has.
pub(crate) const VERSION_KEY: &str = "pugmark.events.version";
pub(crate) const VERSION: &str = "3";
/// The columns by which a table is divided; they stand in paths and log, not in files.
pub(crate) const PARTITIONS: [&str; 3] = ["account", "region", "month"];

pub(crate) const EVENT_TIME: &str = "event_time";
pub(crate) const SEQ: &str = "seq";
pub(crate) const CATEGORY: &str = "event_category";
pub(crate) const EVENT: &str = "event";
pub(crate) const EVENT_ID: &str = "event_id";
pub(crate) const REQUEST_ID: &str = "request_id";
pub(crate) const EVENT_NAME: &str = "event_name";
pub(crate) const EVENT_SOURCE: &str = "event_source";
pub(crate) const READ_ONLY: &str = "read_only";
pub(crate) const USERNAME: &str = "username";
pub(crate) const ACCESS_KEY_ID: &str = "access_key_id";
pub(crate) const LOOKUP_RESOURCES: &str = "lookup_resources";

/// Leaf columns with a bloom filter.
pub(crate) const BLOOMED: [&[&str]; 6] = [
    &[EVENT_ID],
    &[EVENT_NAME],
    &[EVENT_SOURCE],
    &[USERNAME],
    &[ACCESS_KEY_ID],
    RESOURCE_NAMES,
];
/// The leaf column of the names of resources.
pub(crate) const RESOURCE_NAMES: &[&str] = &[LOOKUP_RESOURCES, "list", "item", "name"];

/// All columns but the record, which comes behind them.
pub(crate) static COLUMNS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let flag = |name: &str, nullable| Field::new(name, DataType::Boolean, nullable);
    let list = |name: &str, fields: Fields| {
        Field::new(
            name,
            DataType::List(Arc::new(Field::new_list_field(
                DataType::Struct(fields),
                false,
            ))),
            false,
        )
    };
    let mut columns = vec![
        Field::new(EVENT_TIME, time_type(), false),
        Field::new(SEQ, DataType::Int64, false),
        text(EVENT_ID, false),
        text(CATEGORY, false),
        text("recipient_account_id", false),
        text("aws_region", false),
        text(EVENT_SOURCE, false),
        text(EVENT_NAME, false),
        text("event_type", false),
        flag(READ_ONLY, true),
        flag("global_service", false),
        text(USERNAME, true),
        text(ACCESS_KEY_ID, true),
        text("identity_arn", true),
        text("invoked_by", true),
        text("error_code", true),
        text("vpc_endpoint_id", true),
        flag("from_console", false),
        list("resources", resource_fields()),
        list(LOOKUP_RESOURCES, lookup_resource_fields()),
    ];
    columns.extend(record::COLUMNS.iter().map(record::Column::field));
    Arc::new(Schema::new(columns))
});

pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let record = Arc::new(Field::new(EVENT, DataType::Utf8, false));
    let columns = COLUMNS.fields().iter().cloned();
    Arc::new(Schema::new(columns.chain([record]).collect::<Fields>()))
});

/// The columns of what a look-up tells, but for the record.
pub(crate) const TOLD: [&str; 8] = [
    EVENT_TIME,
    EVENT_ID,
    EVENT_SOURCE,
    EVENT_NAME,
    READ_ONLY,
    USERNAME,
    ACCESS_KEY_ID,
    LOOKUP_RESOURCES,
];

/// The columns from which an event is made again, but for its record.
pub(crate) fn is_key(name: &str) -> bool {
    name != EVENT && !record::COLUMNS.iter().any(|column| column.name == name)
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The schema as a table's log states it: all columns and those in the paths.
pub(crate) fn delta_schema() -> String {
    fn field(name: &str, kind: serde_json::Value, nullable: bool) -> serde_json::Value {
        serde_json::json!({ "name": name, "type": kind, "nullable": nullable, "metadata": {} })
    }
    fn kind(data_type: &DataType) -> serde_json::Value {
        match data_type {
            DataType::Boolean => "boolean".into(),
            DataType::Int64 => "long".into(),
            DataType::Timestamp(..) => "timestamp".into(),
            DataType::List(item) => serde_json::json!({
                "type": "array", "elementType": kind(item.data_type()), "containsNull": item.is_nullable(),
            }),
            DataType::Struct(fields) => structure(fields, Vec::new()),
            _ => "string".into(),
        }
    }
    fn structure(fields: &Fields, more: Vec<serde_json::Value>) -> serde_json::Value {
        // Files of version 1 lack some columns: nothing but the oldest ones may be promised.
        let all = fields.iter();
        let all = all.map(|it| field(it.name(), kind(it.data_type()), it.is_nullable()));
        let fields: Vec<_> = all.chain(more).collect();
        serde_json::json!({ "type": "struct", "fields": fields })
    }
    let partitions = PARTITIONS.map(|name| field(name, "string".into(), true));
    structure(SCHEMA.fields(), partitions.into()).to_string()
}

fn resource_fields() -> Fields {
    Fields::from(vec![
        Field::new("type", DataType::Utf8, true),
        Field::new("arn", DataType::Utf8, true),
        Field::new("account_id", DataType::Utf8, true),
        Field::new("is_prefix", DataType::Boolean, false),
    ])
}

fn lookup_resource_fields() -> Fields {
    Fields::from(vec![
        Field::new("type", DataType::Utf8, true),
        Field::new("name", DataType::Utf8, false),
    ])
}

/// The column that answers a look-up key, and its leaf with a bloom filter if there is one.
pub(crate) fn column_of(key: LookupKey) -> (&'static str, Option<&'static [&'static str]>) {
    match key {
        LookupKey::EventId => (EVENT_ID, Some(BLOOMED[0])),
        LookupKey::EventName => (EVENT_NAME, Some(BLOOMED[1])),
        LookupKey::EventSource => (EVENT_SOURCE, Some(BLOOMED[2])),
        LookupKey::Username => (USERNAME, Some(BLOOMED[3])),
        LookupKey::AccessKeyId => (ACCESS_KEY_ID, Some(BLOOMED[4])),
        LookupKey::ResourceName => (LOOKUP_RESOURCES, Some(BLOOMED[5])),
        LookupKey::ResourceType => (LOOKUP_RESOURCES, None),
        LookupKey::ReadOnly => (READ_ONLY, None),
    }
}

/// Rows as columns, the record among them.
pub(crate) fn batch(rows: &[Arc<Row>]) -> Result<RecordBatch, ArrowError> {
    let bytes = rows.iter().map(|row| row.event.json.len()).sum();
    let mut records = StringBuilder::with_capacity(rows.len(), bytes);
    let columns = columns(rows, |record| records.append_value(record))?;
    let mut columns = columns.columns().to_vec();
    columns.push(Arc::new(records.finish()));
    RecordBatch::try_new(SCHEMA.clone(), columns)
}

/// Rows as [`COLUMNS`]; their records go to `take`, in order. The JSON must be UTF-8: the follower lets nothing else in.
pub(crate) fn columns(
    rows: &[Arc<Row>],
    take: impl FnMut(&str),
) -> Result<RecordBatch, ArrowError> {
    fn texts<'a>(rows: &'a [Arc<Row>], text: impl Fn(&'a EventKeys) -> &'a str) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| text(&row.event.keys)),
        ))
    }
    fn texts_opt(rows: &[Arc<Row>], text: impl Fn(&EventKeys) -> &Option<String>) -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| text(&row.event.keys).as_deref())
                .collect::<StringArray>(),
        )
    }
    fn flags(rows: &[Arc<Row>], flag: impl Fn(&EventKeys) -> Option<bool>) -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| flag(&row.event.keys))
                .collect::<BooleanArray>(),
        )
    }
    let times = rows.iter().map(|row| row.event.keys.time.as_microsecond());
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let ids = StringArray::from_iter_values(rows.iter().map(|row| row.event.keys.id.to_string()));
    let found = rows.iter().map(|row| match &row.members {
        Some(_) => Ok(None),
        None => Ok(Some(Box::new(Members::of(row.event.json.clone())?))),
    });
    let found: Result<Vec<Option<Box<Members>>>, std::str::Utf8Error> = found.collect();
    let found = found.map_err(|error| ArrowError::InvalidArgumentError(error.to_string()))?;
    let members = rows.iter().zip(&found);
    let members = members.filter_map(|(row, found)| row.members.as_deref().or(found.as_deref()));
    let members: Vec<&Members> = members.collect();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(times),
        Arc::new(Int64Array::from_iter_values(
            rows.iter().map(|row| row.seq as i64),
        )),
        Arc::new(ids),
        texts(rows, |keys| keys.category.as_str()),
        texts(rows, |keys| keys.account.as_str()),
        texts(rows, |keys| keys.region.as_str()),
        texts(rows, |keys| &keys.source),
        texts(rows, |keys| &keys.name),
        texts(rows, |keys| &keys.event_type),
        flags(rows, |keys| keys.read_only),
        flags(rows, |keys| Some(keys.global_service)),
        texts_opt(rows, |keys| &keys.username),
        texts_opt(rows, |keys| &keys.access_key_id),
        texts_opt(rows, |keys| &keys.identity_arn),
        texts_opt(rows, |keys| &keys.invoked_by),
        texts_opt(rows, |keys| &keys.error_code),
        texts_opt(rows, |keys| &keys.vpc_endpoint_id),
        flags(rows, |keys| Some(keys.from_console)),
        resources(rows),
        lookup_resources(rows),
    ];
    columns.extend(record::columns(&members, take));
    RecordBatch::try_new(COLUMNS.clone(), columns)
}

fn resources(rows: &[Arc<Row>]) -> ArrayRef {
    let item = Field::new_list_field(DataType::Struct(resource_fields()), false);
    let mut list =
        ListBuilder::new(StructBuilder::from_fields(resource_fields(), 0)).with_field(item);
    for row in rows {
        for resource in &row.event.keys.resources {
            let entry = list.values();
            for (index, text) in [&resource.kind, &resource.arn, &resource.account]
                .into_iter()
                .enumerate()
            {
                text_field(entry, index).append_option(text.as_deref());
            }
            let flag: &mut BooleanBuilder =
                entry.field_builder(3).expect("the fourth field is a flag");
            flag.append_value(resource.is_prefix);
            entry.append(true);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}

fn lookup_resources(rows: &[Arc<Row>]) -> ArrayRef {
    let item = Field::new_list_field(DataType::Struct(lookup_resource_fields()), false);
    let mut list =
        ListBuilder::new(StructBuilder::from_fields(lookup_resource_fields(), 0)).with_field(item);
    for row in rows {
        for resource in &row.event.keys.lookup_resources {
            let entry = list.values();
            text_field(entry, 0).append_option(resource.kind.as_deref());
            text_field(entry, 1).append_value(&resource.name);
            entry.append(true);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}

fn text_field(entry: &mut StructBuilder, index: usize) -> &mut StringBuilder {
    entry
        .field_builder(index)
        .expect("the first fields of both kinds of resources are texts")
}

/// The columns by which rows are chosen.
pub(crate) struct Keys<'a> {
    times: Times<'a>,
    seqs: &'a Int64Array,
    categories: &'a StringArray,
    filter: Option<FilterColumn<'a>>,
}

enum FilterColumn<'a> {
    Text(&'a StringArray, &'a str),
    Flag(&'a BooleanArray, bool),
    Resource(&'a ListArray, &'a StringArray, &'a str),
    Nothing,
}

/// The event times of a batch: version 1 has them in milliseconds.
pub(crate) enum Times<'a> {
    Millis(&'a TimestampMillisecondArray),
    Micros(&'a TimestampMicrosecondArray),
}

impl<'a> Times<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Result<Self, Damage> {
        column(batch, EVENT_TIME)
            .map(Self::Micros)
            .or_else(|_| column(batch, EVENT_TIME).map(Self::Millis))
    }

    pub(crate) fn seconds(&self, row: usize) -> i64 {
        match self {
            Self::Millis(times) => times.value(row).div_euclid(1_000),
            Self::Micros(times) => times.value(row).div_euclid(1_000_000),
        }
    }
}

/// A file's content that is not what this version writes.
pub(crate) type Damage = String;

impl<'a> Keys<'a> {
    pub(crate) fn of(
        batch: &'a RecordBatch,
        filter: Option<&'a (LookupKey, String)>,
    ) -> Result<Self, Damage> {
        let filter = match filter {
            None => None,
            Some((key, value)) => {
                let (name, _) = column_of(*key);
                Some(match key {
                    LookupKey::ReadOnly => match value.as_str() {
                        "true" => FilterColumn::Flag(column(batch, name)?, true),
                        "false" => FilterColumn::Flag(column(batch, name)?, false),
                        _ => FilterColumn::Nothing,
                    },
                    LookupKey::EventId if id_of(value).is_none() => FilterColumn::Nothing,
                    LookupKey::ResourceName | LookupKey::ResourceType => {
                        let list: &ListArray = column(batch, name)?;
                        FilterColumn::Resource(list, resource_texts(list, *key)?, value)
                    }
                    _ => FilterColumn::Text(column(batch, name)?, value),
                })
            }
        };
        Ok(Self {
            times: Times::of(batch)?,
            seqs: column(batch, SEQ)?,
            categories: column(batch, CATEGORY)?,
            filter,
        })
    }

    pub(crate) fn place(&self, row: usize) -> crate::query::Place {
        crate::query::Place {
            seconds: self.times.seconds(row),
            seq: self.seqs.value(row) as u64,
        }
    }

    pub(crate) fn category(&self, row: usize) -> &'a str {
        self.categories.value(row)
    }

    pub(crate) fn matches(&self, row: usize, category: &str) -> bool {
        self.categories.value(row) == category
            && match &self.filter {
                None => true,
                Some(FilterColumn::Nothing) => false,
                Some(FilterColumn::Text(texts, value)) => {
                    texts.is_valid(row) && texts.value(row) == *value
                }
                Some(FilterColumn::Flag(flags, value)) => {
                    flags.is_valid(row) && flags.value(row) == *value
                }
                Some(FilterColumn::Resource(list, texts, value)) => {
                    let range =
                        list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
                    range
                        .into_iter()
                        .any(|at| texts.is_valid(at) && texts.value(at) == *value)
                }
            }
    }
}

/// The records of a batch.
pub(crate) fn records(batch: &RecordBatch) -> Result<Vec<Bytes>, Damage> {
    let records: &StringArray = column(batch, EVENT)?;
    let records = records.iter().map(Option::unwrap_or_default);
    Ok(records
        .map(|record| Bytes::copy_from_slice(record.as_bytes()))
        .collect())
}

/// What look-ups tell: of a batch that has these columns, and the rows' records.
pub(crate) fn told(batch: &RecordBatch, records: Vec<Bytes>) -> Result<Vec<LookupEvent>, Damage> {
    let text = |name: &str| column::<StringArray>(batch, name);
    let times = Times::of(batch)?;
    let ids = text(EVENT_ID)?;
    let (sources, names) = (text(EVENT_SOURCE)?, text(EVENT_NAME)?);
    let read_only: &BooleanArray = column(batch, READ_ONLY)?;
    let (usernames, access_keys) = (text(USERNAME)?, text(ACCESS_KEY_ID)?);
    let resources: &ListArray = column(batch, LOOKUP_RESOURCES)?;
    if records.len() != batch.num_rows() {
        return Err("it has fewer records than rows".into());
    }
    let told = |(row, json)| {
        Ok(LookupEvent {
            id: Uuid::try_parse(ids.value(row)).map_err(|_| damage("event id"))?,
            time: Timestamp::from_second(times.seconds(row)).map_err(|_| damage("event time"))?,
            source: sources.value(row).to_owned(),
            name: names.value(row).to_owned(),
            read_only: read_only.is_valid(row).then(|| read_only.value(row)),
            username: optional(usernames, row),
            access_key_id: optional(access_keys, row),
            resources: read_lookup_resources(resources, row)?,
            json,
        })
    };
    (0..).zip(records).map(told).collect()
}

/// The rows of a batch that has all keys, and their records.
pub(crate) fn rows(batch: &RecordBatch, records: Vec<Bytes>) -> Result<Vec<Row>, Damage> {
    let text = |name: &str| column::<StringArray>(batch, name);
    let flag = |name: &str| column::<BooleanArray>(batch, name);
    let seqs: &Int64Array = column(batch, SEQ)?;
    let (categories, types) = (text(CATEGORY)?, text("event_type")?);
    let (accounts, regions) = (text("recipient_account_id")?, text("aws_region")?);
    let (global, console) = (flag("global_service")?, flag("from_console")?);
    let (arns, invokers) = (text("identity_arn")?, text("invoked_by")?);
    let (errors, endpoints) = (text("error_code")?, text("vpc_endpoint_id")?);
    let resources: &ListArray = column(batch, "resources")?;
    let row = |(row, told): (usize, LookupEvent)| {
        let keys = EventKeys {
            id: told.id,
            time: told.time,
            category: category(categories.value(row)).ok_or_else(|| damage("event category"))?,
            account: accounts.value(row).parse().map_err(|_| damage("account"))?,
            region: regions.value(row).parse().map_err(|_| damage("Region"))?,
            source: told.source,
            name: told.name,
            event_type: types.value(row).to_owned(),
            read_only: told.read_only,
            global_service: global.value(row),
            username: told.username,
            access_key_id: told.access_key_id,
            identity_arn: optional(arns, row),
            invoked_by: optional(invokers, row),
            error_code: optional(errors, row),
            vpc_endpoint_id: optional(endpoints, row),
            from_console: console.value(row),
            resources: read_resources(resources, row)?,
            lookup_resources: told.resources,
        };
        let json = told.json;
        Ok(Row::new(seqs.value(row) as u64, Event { keys, json }))
    };
    (0..).zip(told(batch, records)?).map(row).collect()
}

fn read_resources(list: &ListArray, row: usize) -> Result<Vec<Resource>, Damage> {
    let entries = list.value(row);
    let entries = entries
        .as_any()
        .downcast_ref::<StructArray>()
        .ok_or_else(|| damage("resources"))?;
    let (kinds, arns) = (
        field::<StringArray>(entries, "type")?,
        field::<StringArray>(entries, "arn")?,
    );
    let (accounts, prefixes) = (
        field(entries, "account_id")?,
        field::<BooleanArray>(entries, "is_prefix")?,
    );
    let resource = |at| Resource {
        kind: optional(kinds, at),
        arn: optional(arns, at),
        account: optional(accounts, at),
        is_prefix: prefixes.value(at),
    };
    Ok((0..entries.len()).map(resource).collect())
}

fn read_lookup_resources(list: &ListArray, row: usize) -> Result<Vec<LookupResource>, Damage> {
    let entries = list.value(row);
    let entries = entries
        .as_any()
        .downcast_ref::<StructArray>()
        .ok_or_else(|| damage(LOOKUP_RESOURCES))?;
    let (kinds, names) = (
        field::<StringArray>(entries, "type")?,
        field::<StringArray>(entries, "name")?,
    );
    let resource = |at| LookupResource {
        kind: optional(kinds, at),
        name: names.value(at).to_owned(),
    };
    Ok((0..entries.len()).map(resource).collect())
}

fn optional(texts: &StringArray, row: usize) -> Option<String> {
    texts.is_valid(row).then(|| texts.value(row).to_owned())
}

/// The names or types of all look-up resources of a batch.
pub(crate) fn resource_texts(list: &ListArray, key: LookupKey) -> Result<&StringArray, Damage> {
    let part = if key == LookupKey::ResourceName {
        "name"
    } else {
        "type"
    };
    field(structs(list)?, part)
}

/// A column of this type.
pub(crate) fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T, Damage> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| format!("column {name} is missing"))?;
    column
        .as_any()
        .downcast_ref()
        .ok_or_else(|| format!("column {name} has another type"))
}

fn structs(list: &ListArray) -> Result<&StructArray, Damage> {
    list.values()
        .as_any()
        .downcast_ref()
        .ok_or_else(|| damage(LOOKUP_RESOURCES))
}

fn field<'a, T: 'static>(entries: &'a StructArray, name: &str) -> Result<&'a T, Damage> {
    let column = entries
        .column_by_name(name)
        .ok_or_else(|| format!("field {name} is missing"))?;
    column
        .as_any()
        .downcast_ref()
        .ok_or_else(|| format!("field {name} has another type"))
}

fn damage(what: &str) -> Damage {
    format!("a row's {what} cannot be read")
}

fn category(name: &str) -> Option<EventCategory> {
    EventCategory::ALL
        .into_iter()
        .find(|category| category.as_str() == name)
}

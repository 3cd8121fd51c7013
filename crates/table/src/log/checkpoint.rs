//! Checkpoints: the state at one version, as Parquet, so that a reader need not begin at version 0.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use serde::{Deserialize, Serialize};

use super::{Snapshot, actions::Action, damaged};
use crate::{TableError, part};

/// What names the newest checkpoint.
pub(crate) const LAST: &str = "_last_checkpoint";
/// How names of checkpoints end.
pub(super) const SUFFIX: &str = ".checkpoint.parquet";
const BATCH_ROWS: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Last {
    version: u64,
    size: u64,
}

/// The version of the newest checkpoint, if there is one that can be read.
pub(crate) fn version(log: &Path) -> Option<u64> {
    version_in(&fs::read(log.join(LAST)).ok()?)
}

/// The version that the pointer to the newest checkpoint has.
pub(crate) fn version_in(last: &[u8]) -> Option<u64> {
    let last: Last = serde_json::from_slice(last).ok()?;
    Some(last.version)
}

/// What names the newest checkpoint, if there is one.
pub(crate) fn pointer(log: &Path) -> Result<Option<Vec<u8>>, TableError> {
    let path = log.join(LAST);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => Ok(Some(
            text.map_err(TableError::io(format!("read {}", path.display())))?,
        )),
    }
}

/// The state of the newest checkpoint, if there is one.
pub(crate) fn newest(log: &Path) -> Result<Option<Snapshot>, TableError> {
    let Some(text) = pointer(log)? else {
        return Ok(None);
    };
    let last: Last = serde_json::from_slice(&text)
        .map_err(|error| damaged(&log.join(LAST), format!("it names no checkpoint: {error}")))?;
    let path = log.join(name(last.version));
    let mut snapshot = read(&path).map_err(|detail| damaged(&path, detail))?;
    snapshot.version = Some(last.version);
    Ok(Some(snapshot))
}

fn read(path: &Path) -> Result<Snapshot, String> {
    fn text(error: impl std::fmt::Display) -> String {
        error.to_string()
    }
    let file = File::open(path).map_err(text)?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(text)?
        .build()
        .map_err(text)?;
    let mut actions = Vec::new();
    for batch in batches {
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(&batch.map_err(text)?).map_err(text)?;
        lines.finish().map_err(text)?;
        for line in lines.into_inner().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                let line = std::str::from_utf8(line).map_err(text)?;
                actions.push(Action::parse(line)?);
            }
        }
    }
    let mut snapshot = Snapshot::default();
    snapshot.apply(actions.into_iter().map(Ok))?;
    Ok(snapshot)
}

/// Writes a checkpoint of a state.
pub(crate) fn write(log: &Path, snapshot: &Snapshot) -> Result<(), TableError> {
    let version = snapshot.version.unwrap_or(0);
    let path = log.join(name(version));
    let actions = snapshot.actions();
    let encoded = encode(&actions).map_err(|source| TableError::Write {
        path: path.clone(),
        source,
    })?;
    replace(log, &name(version), &encoded)?;
    let last = Last {
        version,
        size: actions.len() as u64,
    };
    let last = serde_json::to_vec(&last).map_err(|error| TableError::Write {
        path: log.join(LAST),
        source: Box::new(error),
    })?;
    replace(log, LAST, &last)
}

fn encode(actions: &[Action]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties))?;
    let mut decoder = ReaderBuilder::new(schema()).build_decoder()?;
    for actions in actions.chunks(BATCH_ROWS) {
        decoder.serialize(actions)?;
        if let Some(batch) = decoder.flush()? {
            writer.write(&batch)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// Deletes checkpoints of earlier versions; what stays does no harm.
pub(crate) fn delete_below(log: &Path, version: u64) {
    for entry in fs::read_dir(log).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().filter(|name| name.ends_with(SUFFIX));
        let number = name.and_then(super::version_of);
        if number.is_some_and(|number| number < version) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn replace(log: &Path, name: &str, bytes: &[u8]) -> Result<(), TableError> {
    let (path, temporary) = (log.join(name), log.join(format!(".{name}.tmp")));
    let failed = |action: &str| TableError::io(format!("{action} {}", path.display()));
    let mut file = File::create(&temporary).map_err(failed("create"))?;
    file.write_all(bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("sync"))?;
    fs::rename(&temporary, &path).map_err(failed("rename"))?;
    part::sync_dir(log)
}

fn name(version: u64) -> String {
    format!("{version:020}{SUFFIX}")
}

/// One column for each kind of action, of which each row has one.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    let map = |name: &str| {
        let entry = Fields::from(vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Utf8, true),
        ]);
        let entries = Field::new("key_value", DataType::Struct(entry), false);
        Field::new(name, DataType::Map(Arc::new(entries), false), true)
    };
    let action = |name: &str, fields: Vec<Field>| {
        Field::new(name, DataType::Struct(Fields::from(fields)), true)
    };
    let format = Fields::from(vec![text("provider"), map("options")]);
    let columns = Field::new_list_field(DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        action(
            "txn",
            vec![text("appId"), long("version"), long("lastUpdated")],
        ),
        action(
            "add",
            vec![
                text("path"),
                map("partitionValues"),
                long("size"),
                long("modificationTime"),
                flag("dataChange"),
                text("stats"),
            ],
        ),
        action(
            "remove",
            vec![text("path"), long("deletionTimestamp"), flag("dataChange")],
        ),
        action(
            "metaData",
            vec![
                text("id"),
                text("name"),
                Field::new("format", DataType::Struct(format), true),
                text("schemaString"),
                Field::new("partitionColumns", DataType::List(Arc::new(columns)), true),
                map("configuration"),
                long("createdTime"),
            ],
        ),
        action(
            "protocol",
            vec![int("minReaderVersion"), int("minWriterVersion")],
        ),
    ]))
}

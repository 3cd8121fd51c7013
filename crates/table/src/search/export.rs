//! Events as a Parquet file that is written while it is read, with the columns of event history's own files.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::Found;
use crate::{TableError, schema, tail::Row};

/// A row group ends with the page that reaches so many rows or bytes of records.
const GROUP_ROWS: usize = 16 * 1024;
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// A Parquet file under way.
pub struct ParquetExport {
    writer: ArrowWriter<Chunks>,
    written: Chunks,
    group_rows: usize,
    group_bytes: usize,
}

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Chunks(Arc<Mutex<Vec<u8>>>);

impl Chunks {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut chunks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ParquetExport {
    /// A file without rows.
    ///
    /// # Errors
    /// When the format's library refuses.
    pub fn new() -> Result<Self, TableError> {
        let make = || {
            let properties = WriterProperties::builder()
                .set_created_by(format!("pugmark {}", env!("CARGO_PKG_VERSION")))
                .set_key_value_metadata(Some(vec![KeyValue::new(
                    schema::VERSION_KEY.into(),
                    schema::VERSION.to_owned(),
                )]))
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                .build();
            let written = Chunks::default();
            let writer =
                ArrowWriter::try_new(written.clone(), schema::SCHEMA.clone(), Some(properties))?;
            Ok(Self {
                writer,
                written,
                group_rows: 0,
                group_bytes: 0,
            })
        };
        make().map_err(failed)
    }

    /// Adds events; returns the file's next bytes, which may be none.
    ///
    /// # Errors
    /// When the format's library refuses.
    pub fn write(&mut self, events: Vec<Found>) -> Result<Vec<u8>, TableError> {
        if events.is_empty() {
            return Ok(self.written.take());
        }
        self.group_rows += events.len();
        let rows: Vec<Arc<Row>> = events
            .into_iter()
            .map(|found| {
                self.group_bytes += found.event.json.len();
                Arc::new(Row::new(found.seq, found.event))
            })
            .collect();
        let mut add = || {
            self.writer.write(&schema::batch(&rows)?)?;
            if self.group_rows >= GROUP_ROWS || self.group_bytes >= GROUP_BYTES {
                (self.group_rows, self.group_bytes) = (0, 0);
                self.writer.flush()?;
            }
            Ok(())
        };
        add().map_err(failed)?;
        Ok(self.written.take())
    }

    /// The last bytes of the file.
    ///
    /// # Errors
    /// When the format's library refuses.
    pub fn end(self) -> Result<Vec<u8>, TableError> {
        self.writer.close().map_err(failed)?;
        Ok(self.written.take())
    }
}

fn failed(error: ParquetError) -> TableError {
    TableError::Write {
        path: "an exported file".into(),
        source: Box::new(error),
    }
}

//! Records out of their pages, each page unpacked only as far as the last of its rows that is wanted: half of it on average.

mod write;

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding},
    column::page::{Page, PageReader},
    file::{
        metadata::ColumnChunkMetaData, page_index::offset_index::PageLocation,
        serialized_reader::SerializedPageReader,
    },
};
use zstd::{stream::read::Decoder, zstd_safe::DCtx};

#[cfg(test)]
pub(crate) use self::write::PAGE_BYTES;
pub(crate) use self::write::{PAGE_ROWS, RecordsPage, RecordsWriter, rows_of_page};
use crate::{
    scan::{Opened, PartReader, leaf, text},
    schema::{self, Damage},
    threads::PROCESSORS,
};

/// As much as zstd unpacks in one step.
const STEP_BYTES: usize = 128 * 1024;

/// A new context has more than a MiB of memory that the system must find first.
static CONTEXTS: Mutex<Vec<DCtx<'static>>> = Mutex::new(Vec::new());

/// The pages of a row group's records.
pub(crate) struct RecordPages<'a> {
    opened: &'a Opened,
    chunk: &'a ColumnChunkMetaData,
    locations: &'a [PageLocation],
}

impl<'a> RecordPages<'a> {
    /// `None` if they hold more than values, or it is not known where they are.
    pub(crate) fn of(opened: &'a Opened, group: usize) -> Option<Self> {
        let metadata = opened.footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let column = leaf(columns, &[schema::EVENT])?;
        let has_levels = columns.column(column).max_def_level() > 0
            || columns.column(column).max_rep_level() > 0;
        let chunk = metadata.row_groups().get(group)?.columns().get(column)?;
        let index = metadata.offset_index()?.get(group)?.get(column)?;
        (!has_levels).then_some(Self {
            opened,
            chunk,
            locations: index.page_locations(),
        })
    }

    /// Reads them whole, one after the other.
    pub(crate) fn reader(&self) -> Result<SerializedPageReader<PartReader>, Damage> {
        self.reader_of(self.chunk, self.locations.to_vec())
    }

    fn reader_of(
        &self,
        chunk: &ColumnChunkMetaData,
        locations: Vec<PageLocation>,
    ) -> Result<SerializedPageReader<PartReader>, Damage> {
        let reader = Arc::new(self.opened.reader.clone());
        let rows = usize::try_from(chunk.num_values()).map_err(text)?;
        SerializedPageReader::new(reader, chunk, rows, Some(locations)).map_err(text)
    }

    /// These rows, in ascending order, page by page.
    pub(crate) fn divided<'r>(&self, rows: &'r [usize]) -> Vec<&'r [usize]> {
        rows.chunk_by(|one, next| self.page_of(*one) == self.page_of(*next))
            .collect()
    }

    /// How many pages begin at this row or before it.
    fn page_of(&self, row: usize) -> usize {
        self.locations
            .partition_point(|page| page.first_row_index as usize <= row)
    }

    /// The records of rows that lie in one page, in ascending order; `None` if it is no page as this version writes them.
    pub(crate) fn read(&self, rows: &[usize]) -> Result<Option<Vec<Bytes>>, Damage> {
        let Some(first) = rows.first() else {
            return Ok(Some(Vec::new()));
        };
        let location = self.page_of(*first).checked_sub(1);
        let location = location.ok_or("its first page of records is missing")?;
        let location = &self.locations[location];
        let Some(packed) = self.packed(location)? else {
            return Ok(None);
        };
        let mut context = taken();
        let mut page =
            BufReader::with_capacity(STEP_BYTES, Decoder::with_context(&packed[..], &mut context));
        let mut at = usize::try_from(location.first_row_index).map_err(text)?;
        if at > *first {
            return Err("its pages of records are out of order".into());
        }
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            while at < *row {
                let length = length(&mut page)?;
                pass(&mut page, length)?;
                at += 1;
            }
            let length = length(&mut page)?;
            records.push(record(&mut page, length)?);
            at += 1;
        }
        drop(page);
        give_back(context);
        Ok(Some(records))
    }

    /// A page as it lies in the file, without its header.
    fn packed(&self, location: &PageLocation) -> Result<Option<Bytes>, Damage> {
        if !matches!(self.chunk.compression(), Compression::ZSTD(_)) {
            return Ok(None);
        }
        // The reader of pages unpacks nothing of a column that says that it is not packed.
        let chunk = self.chunk.clone().into_builder();
        let chunk = chunk
            .set_compression(Compression::UNCOMPRESSED)
            .set_data_page_offset(location.offset)
            .set_dictionary_page_offset(None)
            .build()
            .map_err(text)?;
        let mut pages = self.reader_of(&chunk, vec![location.clone()])?;
        Ok(match pages.get_next_page().map_err(text)? {
            Some(Page::DataPage {
                buf,
                encoding: Encoding::PLAIN,
                ..
            }) => Some(buf),
            _ => None,
        })
    }
}

/// The bytes of a record, which stand before it (Parquet, "Plain encoding").
fn length(page: &mut impl BufRead) -> Result<usize, Damage> {
    let mut length = [0; 4];
    page.read_exact(&mut length).map_err(text)?;
    Ok(u32::from_le_bytes(length) as usize)
}

fn pass(page: &mut impl BufRead, mut bytes: usize) -> Result<(), Damage> {
    while bytes > 0 {
        let there = page.fill_buf().map_err(text)?.len().min(bytes);
        if there == 0 {
            return Err(ENDS_EARLY.into());
        }
        page.consume(there);
        bytes -= there;
    }
    Ok(())
}

fn record(page: &mut impl BufRead, length: usize) -> Result<Bytes, Damage> {
    // The length may be damaged: no room is made for more than is there.
    let mut record = Vec::with_capacity(length.min(STEP_BYTES));
    page.take(length as u64)
        .read_to_end(&mut record)
        .map_err(text)?;
    if record.len() < length {
        return Err(ENDS_EARLY.into());
    }
    std::str::from_utf8(&record).map_err(text)?;
    Ok(record.into())
}

const ENDS_EARLY: &str = "a page of records ends within a record";

fn taken() -> DCtx<'static> {
    let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    contexts.pop().unwrap_or_default()
}

fn give_back(context: DCtx<'static>) {
    let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if contexts.len() < *PROCESSORS {
        contexts.push(context);
    }
}

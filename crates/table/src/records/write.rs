//! Records into their pages: gathered once, and packed from there, in memory that is used again; Parquet's own writer copies each
//! record three times and makes room for each page.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, EncodingMask, PageType, ZstdLevel},
    column::{
        page::{CompressedPage, Page, PageWriter},
        writer::ColumnCloseResult,
    },
    errors::Result,
    file::{
        metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats},
        writer::{SerializedPageWriter, TrackedWrite},
    },
    schema::types::ColumnDescPtr,
};
use zstd::bulk::Compressor;

use crate::threads::PROCESSORS;

/// A page has at most so many bytes, or one record. One event out of a file costs unpacking one page up to it; smaller pages take
/// more room.
pub(crate) const PAGE_BYTES: usize = 256 * 1024;
/// Of zstd. Records of a page are alike: higher levels find no more.
const LEVEL: i32 = 1;

/// A page of anything has at most so many rows: of a small column, what a look-up decodes to reach one of them.
pub(crate) const PAGE_ROWS: usize = 4096;

/// How many of the next records, given by their lengths, a page holds.
pub(crate) fn rows_of_page(lengths: impl Iterator<Item = usize>) -> usize {
    let ends = lengths.take(PAGE_ROWS).scan(0, |end, length| {
        *end += plain_bytes(length);
        Some(*end)
    });
    ends.take_while(|end| *end <= PAGE_BYTES).count().max(1)
}

/// What a record takes in a page: its length stands before it (Parquet, "Plain encoding").
fn plain_bytes(length: usize) -> usize {
    size_of::<u32>() + length
}

/// The records of a page.
pub(crate) struct RecordsPage {
    bytes: Vec<u8>,
    rows: usize,
}

impl RecordsPage {
    pub(crate) fn new() -> Self {
        let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            bytes: pages.pop().unwrap_or_default(),
            rows: 0,
        }
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &str) {
        // Records are far shorter: what would not fit is refused where it comes in.
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record.as_bytes());
        self.rows += 1;
    }
}

/// What packs pages. A new one has memory that the system must find first.
#[derive(Default)]
struct Packer {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
}

static PACKERS: Mutex<Vec<Packer>> = Mutex::new(Vec::new());
/// The memory of pages that were written.
static PAGES: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// As many are filled, wait, or are packed at the same time, for each processor.
const PAGES_A_PROCESSOR: usize = 4;
/// Of a page that had a larger record, so much memory is kept.
const KEPT_BYTES: usize = PAGE_BYTES;

/// The records of a row group, one after the other.
pub(crate) struct RecordsWriter {
    column: ColumnDescPtr,
    packer: Packer,
    /// The pages so far, with their headers.
    chunk: TrackedWrite<Vec<u8>>,
    pages: OffsetIndexBuilder,
    page_count: i32,
    rows: u64,
    unpacked_bytes: usize,
}

impl RecordsWriter {
    /// For a column that holds one value in each row.
    pub(crate) fn new(column: ColumnDescPtr) -> Result<Self> {
        let mut packer = taken();
        packer.compressor.set_compression_level(LEVEL)?;
        Ok(Self {
            column,
            packer,
            chunk: TrackedWrite::new(Vec::new()),
            pages: OffsetIndexBuilder::new(),
            page_count: 0,
            rows: 0,
            unpacked_bytes: 0,
        })
    }

    /// Adds a page.
    pub(crate) fn write(&mut self, page: RecordsPage) -> Result<()> {
        let Packer { compressor, packed } = &mut self.packer;
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(page.bytes.len()));
        compressor.compress_to_buffer(&page.bytes[..], packed)?;
        let data = Page::DataPage {
            // Into the chunk, behind its header, and from there into the file.
            buf: Bytes::copy_from_slice(packed),
            num_values: page.rows as u32,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = SerializedPageWriter::new(&mut self.chunk)
            .write_page(CompressedPage::new(data, page.bytes.len()))?;
        let compressed = i32::try_from(written.compressed_size)?;
        self.pages
            .append_offset_and_size(written.offset as i64, compressed);
        self.pages.append_row_count(page.rows as i64);
        self.page_count += 1;
        self.rows += page.rows as u64;
        self.unpacked_bytes += written.uncompressed_size;
        let mut bytes = page.bytes;
        bytes.clear();
        // One record may have had a page of its own.
        bytes.shrink_to(KEPT_BYTES);
        put_by(&PAGES, bytes, PAGES_A_PROCESSOR * *PROCESSORS);
        Ok(())
    }

    /// The chunk of the column, to be put into its row group.
    pub(crate) fn finish(mut self) -> Result<(Bytes, ColumnCloseResult)> {
        self.packer
            .packed
            .shrink_to(zstd::zstd_safe::compress_bound(KEPT_BYTES));
        put_by(&PACKERS, self.packer, *PROCESSORS);
        let chunk = self.chunk.into_inner()?;
        let plain = PageEncodingStats {
            page_type: PageType::DATA_PAGE,
            encoding: Encoding::PLAIN,
            count: self.page_count,
        };
        let encodings = [Encoding::PLAIN, Encoding::RLE];
        let metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(vec![plain])
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(self.unpacked_bytes as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(0)
            .build()?;
        let closed = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(self.pages.build()),
        };
        Ok((chunk.into(), closed))
    }
}

fn taken() -> Packer {
    let mut packers = PACKERS.lock().unwrap_or_else(PoisonError::into_inner);
    packers.pop().unwrap_or_default()
}

/// Keeps what is used again, if there are not enough.
fn put_by<T>(kept: &Mutex<Vec<T>>, one: T, enough: usize) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < enough {
        kept.push(one);
    }
}

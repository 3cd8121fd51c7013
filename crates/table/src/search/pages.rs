//! Looks for texts and values in the pages of records as they are decompressed, without making columns of them: most pages
//! have nothing of what is looked for.

use std::ops::Range;

use parquet::{
    basic::Encoding,
    column::page::{Page, PageReader},
};

use super::groups::Patience;
use crate::{
    records::RecordPages,
    scan::{Opened, text},
    schema::Damage,
};

/// Finds, among records that lie in these bytes, the ones that may match, and gives their numbers in ascending order.
pub(crate) trait Find {
    fn find_in(
        &self,
        data: &[u8],
        records: impl Iterator<Item = Range<usize>>,
        found: impl FnMut(usize),
    );
}

/// Of these rows (ascending) of a row group, the indexes of those whose records are found; with `limit`, no more than so many.
/// `None` if the file's pages are not laid out plainly.
pub(crate) fn rows_with(
    opened: &Opened,
    group: usize,
    rows: &[usize],
    (wanted, limit): (&impl Find, Option<usize>),
    patience: &Patience<'_>,
) -> Result<Option<Vec<usize>>, Damage> {
    let Some(pages) = RecordPages::of(opened, group) else {
        return Ok(None);
    };
    let mut pages = pages.reader()?;
    let (mut found, mut at, mut first) = (Vec::new(), 0, 0);
    while let Some(row) = rows.get(at) {
        if patience.is_over() {
            break;
        }
        let Some(page) = pages.peek_next_page().map_err(text)? else {
            return Err("it has fewer records than rows".into());
        };
        let count = page.num_rows.or(page.num_levels).filter(|_| !page.is_dict);
        let Some(count) = count else { return Ok(None) };
        let end = first + count;
        if *row >= end {
            pages.skip_next_page().map_err(text)?;
            first = end;
            continue;
        }
        let Some(page) = pages.get_next_page().map_err(text)? else {
            return Err("it has fewer records than rows".into());
        };
        let Some(data) = plain(&page) else {
            return Ok(None);
        };
        let records = records(data, count)?;
        wanted.find_in(data, records.into_iter(), |hit| {
            let hit = first + hit;
            at += rows[at..].partition_point(|row| *row < hit);
            if rows.get(at) == Some(&hit) {
                found.push(at);
            }
        });
        at += rows[at..].partition_point(|row| *row < end);
        first = end;
        if let Some(limit) = limit
            && found.len() >= limit
        {
            found.truncate(limit);
            break;
        }
    }
    Ok(Some(found))
}

/// The bytes of a page that has nothing but values, one after the other.
fn plain(page: &Page) -> Option<&[u8]> {
    match page {
        Page::DataPage {
            buf,
            encoding: Encoding::PLAIN,
            ..
        } => Some(buf),
        Page::DataPageV2 {
            buf,
            encoding: Encoding::PLAIN,
            def_levels_byte_len: 0,
            rep_levels_byte_len: 0,
            ..
        } => Some(buf),
        _ => None,
    }
}

/// Where each value lies: four bytes of length stand before it (Parquet, "Plain encoding").
fn records(data: &[u8], count: usize) -> Result<Vec<Range<usize>>, Damage> {
    let mut at = 0_usize;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let value = || {
            let begin = at.checked_add(4)?;
            let length = <[u8; 4]>::try_from(data.get(at..begin)?).ok()?;
            let end = begin.checked_add(u32::from_le_bytes(length) as usize)?;
            (end <= data.len()).then_some(begin..end)
        };
        let record = value().ok_or("a page of records ends within a record")?;
        at = record.end;
        records.push(record);
    }
    Ok(records)
}

//! The table of imported events.

use std::{
    io::IsTerminal,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use pugmark_core::event::record::Record;
use pugmark_import::Sink;
use pugmark_table::{Bulk, BulkSettings, TableError};

use crate::wiring;

/// A server locks the table while it deletes files that no longer count.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(100);

/// Fills `<data-dir>/imports/`; no second import can while this one is there.
pub(super) struct TableSink(Bulk);

impl TableSink {
    /// Opens the table, made if need be.
    ///
    /// # Errors
    /// When another import is running, or the table cannot be read.
    pub(super) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        wiring::create_private_dir(data_dir)?;
        let (dir, began) = (data_dir.join(wiring::IMPORTS), Instant::now());
        loop {
            match Bulk::open(dir.clone(), BulkSettings::default()) {
                Err(TableError::Locked(_)) if began.elapsed() < LOCK_WAIT => {
                    thread::sleep(LOCK_RETRY);
                }
                bulk => return Ok(Self(bulk.context("open the table of imported events")?)),
            }
        }
    }
}

impl Sink for TableSink {
    type Error = TableError;

    fn resumed(&self, source: &str) -> Option<String> {
        self.0.resumed(source).map(str::to_owned)
    }

    fn push(&mut self, record: Record) -> Result<(), TableError> {
        self.0.push(record)
    }

    fn commit(&mut self, marks: &[(String, String)]) -> Result<(u64, u64), TableError> {
        let committed = self.0.commit(marks)?;
        Ok((committed.added, committed.duplicates))
    }

    fn finish(mut self) -> Result<(), TableError> {
        let (mut steps, is_terminal) = (0, std::io::stderr().is_terminal());
        let done = self.0.optimize(|| {
            steps += 1;
            if is_terminal {
                eprint!(
                    "\r{:<100}",
                    format!("putting small files together: {steps}")
                );
            }
        });
        if is_terminal && steps > 0 {
            eprint!("\r{:100}\r", "");
        }
        done
    }
}

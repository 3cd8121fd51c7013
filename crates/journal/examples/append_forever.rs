//! Appends numbered entries from many tasks until it is killed, and prints the range of each acknowledged batch.
//!
//! `append_forever DIRECTORY`: each line is `first end batch`, written after the journal has acknowledged it. The
//! crash test kills it and compares the journal with what was printed.

use std::{error::Error, io::Write, path::Path, sync::Arc};

use bytes::Bytes;
use pugmark_journal::{EmbeddedJournal, Entry, EntryKind, Journal, Settings};

const TASKS: u64 = 16;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let dir = std::env::args()
        .nth(1)
        .ok_or("usage: append_forever DIRECTORY")?;
    let settings = Settings {
        segment_bytes: 256 * 1024,
        ..Settings::default()
    };
    let journal = Arc::new(EmbeddedJournal::open(Path::new(&dir), settings)?);
    let start = journal.head().borrow().0;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(append(journal.clone(), start, task)))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Appends batches named `start-task-round`, so that names never repeat over restarts.
async fn append(
    journal: Arc<EmbeddedJournal>,
    start: u64,
    task: u64,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    for round in 0_u64.. {
        let name = format!("{start}-{task}-{round}");
        let count = 1 + (task + round) % 4;
        let batch = (0..count)
            .map(|index| Entry {
                kind: EntryKind::Event,
                payload: Bytes::from(format!("{name} {index} {count} {}", "x".repeat(500))),
            })
            .collect();
        let range = journal.append(batch).await?;
        // One write per line: a line that is there is whole.
        std::io::stdout()
            .write_all(format!("{} {} {name}\n", range.start.0, range.end.0).as_bytes())?;
    }
    Ok(())
}

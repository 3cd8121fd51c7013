//! Appends per second with 1, 64 and 512 callers, beside a naive "write and sync each entry" on the same disk.
//!
//! `cargo bench -p pugmark-journal --bench append -- [DIRECTORY]`; without one it uses the temporary directory, which
//! must be on a real disk for the numbers to mean anything.

use std::{
    error::Error,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use pugmark_journal::{EmbeddedJournal, Entry, EntryKind, Journal, Settings};

const ENTRY_BYTES: usize = 1500;
const TIME: Duration = Duration::from_secs(3);
const CALLERS: [usize; 3] = [1, 64, 512];

/// What a run measured.
struct Measured {
    per_second: f64,
    /// Sorted, in microseconds.
    latencies: Vec<u64>,
}

impl Measured {
    fn new(elapsed: Duration, mut latencies: Vec<u64>) -> Self {
        latencies.sort_unstable();
        Self {
            per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
            latencies,
        }
    }

    fn print(&self, name: &str, naive: f64) {
        let at = |share: f64| self.latencies[((self.latencies.len() - 1) as f64 * share) as usize];
        println!(
            "{name:<24} {:>10.0} appends/s {:>8} us p50 {:>8} us p99 {:>8.1} x naive",
            self.per_second,
            at(0.5),
            at(0.99),
            self.per_second / naive
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let dir = tempfile::tempdir_in(parent.map_or_else(std::env::temp_dir, PathBuf::from))?;
    let naive = naive(&dir.path().join("naive"))?;
    naive.print("naive, 1 caller", naive.per_second);
    for callers in CALLERS {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let measured = runtime.block_on(journal(&dir.path().join(callers.to_string()), callers))?;
        measured.print(&format!("journal, {callers} callers"), naive.per_second);
    }
    Ok(())
}

/// Writes and syncs each entry alone. More callers would not help it: they would wait for one another.
fn naive(path: &Path) -> Result<Measured, Box<dyn Error>> {
    let mut file = File::create(path)?;
    let payload = vec![b'x'; ENTRY_BYTES];
    let mut latencies = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME {
        let before = Instant::now();
        file.write_all(&payload)?;
        file.sync_data()?;
        latencies.push(before.elapsed().as_micros() as u64);
    }
    Ok(Measured::new(start.elapsed(), latencies))
}

async fn journal(dir: &Path, callers: usize) -> Result<Measured, Box<dyn Error>> {
    let settings = Settings {
        max_bytes: 64 << 30,
        ..Settings::default()
    };
    let journal = Arc::new(EmbeddedJournal::open(dir, settings)?);
    let payload = Bytes::from(vec![b'x'; ENTRY_BYTES]);
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (journal, payload) = (journal.clone(), payload.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < TIME {
                    let before = Instant::now();
                    let entry = Entry {
                        kind: EntryKind::Event,
                        payload: payload.clone(),
                    };
                    journal
                        .append(vec![entry])
                        .await
                        .map_err(|error| error.to_string())?;
                    latencies.push(before.elapsed().as_micros() as u64);
                }
                Ok::<_, String>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let measured = Measured::new(start.elapsed(), latencies);
    // What has been read by everybody goes, as in real life; the next run needs the disk.
    journal.release(*journal.head().borrow()).await?;
    Ok(measured)
}

//! Insights: one more follower of the journal. What it finds becomes events of the journal, so that event history, log files,
//! CloudWatch Logs and EventBridge have them like any other.
//!
//! `insights/state`: the journal position (u64, little-endian) and the analyzer's state below it, written beside and renamed.
//! After a crash the entries from there are analysed again; findings have the same ids then, and those that stand in the
//! journal already are not appended twice.

use std::{
    collections::HashSet,
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use pugmark_catalog::{Catalog, CatalogWriter};
use pugmark_core::{
    clock::Clock,
    event::{self, Event, EventCategory},
};
use pugmark_insights::{Analyzer, Settings};
use pugmark_journal::{Entry, EntryKind, Journal, Seq};
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

use crate::listen;

const READ_BYTES: usize = 4 * 1024 * 1024;
/// How often time is told to the analyzer when no event does.
const TICK: Duration = Duration::from_secs(1);
/// The state is saved this often, or after so many entries: what is not saved is kept by the journal.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);
const SAVE_ENTRIES: u64 = 200_000;

/// The follower, and what is asked of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Insights(Arc<Inner>);

struct Inner {
    analyzer: Mutex<Analyzer>,
    journal: Arc<dyn Journal>,
    catalog: Arc<CatalogWriter>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    position: watch::Sender<Seq>,
}

impl Insights {
    /// Loads the state that was saved last.
    ///
    /// # Errors
    /// When it is damaged, or cannot be read.
    pub(crate) fn open(
        dir: PathBuf,
        journal: Arc<dyn Journal>,
        catalog: Arc<CatalogWriter>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        let path = dir.join("state");
        let (analyzer, position) = match fs::read(&path) {
            Ok(bytes) => {
                let (position, state) = bytes
                    .split_first_chunk::<8>()
                    .with_context(|| format!("{} is cut off", path.display()))?;
                let analyzer = Analyzer::load(settings, state).with_context(|| {
                    format!(
                        "read {}; without the file Insights learn anew",
                        path.display()
                    )
                })?;
                (analyzer, Seq(u64::from_le_bytes(*position)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Analyzer::new(settings), journal.first())
            }
            Err(error) => {
                return Err(error).with_context(|| format!("read {}", path.display()));
            }
        };
        // What is gone from the journal was seen by no finding; the analyzer takes it for a time in which nobody looked.
        let position = position.max(journal.first());
        Ok(Self(Arc::new(Inner {
            analyzer: Mutex::new(analyzer),
            journal,
            catalog,
            clock,
            dir,
            position: watch::Sender::new(position),
        })))
    }

    /// Journal entries below are in the saved state.
    pub(crate) fn position(&self) -> watch::Receiver<Seq> {
        self.0.position.subscribe()
    }

    /// The analyzer, for questions about its numbers.
    pub(crate) fn analyzer(&self) -> MutexGuard<'_, Analyzer> {
        self.0
            .analyzer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the journal until `shutdown` turns true, then saves the state.
    ///
    /// # Errors
    /// When the journal or the state fails, or an entry cannot be understood.
    pub(crate) async fn run(&self, mut shutdown: watch::Receiver<bool>) -> anyhow::Result<()> {
        let inner = &self.0;
        let mut next = *inner.position.borrow();
        let mut head = inner.journal.head();
        // Findings that stand in the journal already come behind what they are about: none is told, nor the state saved
        // without it, before all of them are known.
        let (mut known, known_below) = (HashSet::new(), *head.borrow());
        let mut saved = Instant::now();
        let mut looked_at = inner.catalog.snapshot();
        self.forget_others(&looked_at);
        loop {
            head.mark_unchanged();
            loop {
                let entries = inner.journal.read(next, READ_BYTES).await?;
                let Some(last) = entries.last() else { break };
                next = last.seq.next();
                let catalog = inner.catalog.snapshot();
                if !Arc::ptr_eq(&catalog, &looked_at) {
                    self.forget_others(&catalog);
                    looked_at = catalog;
                }
                for stored in &entries {
                    if stored.entry.kind == EntryKind::Event {
                        let event = event::decode(&stored.entry.payload)
                            .with_context(|| format!("journal entry {}", stored.seq.0))?;
                        if event.keys.category == EventCategory::Insight && stored.seq < known_below
                        {
                            known.insert(event.keys.id);
                        }
                        self.observe(&event, &looked_at);
                    }
                }
                if next < known_below {
                    continue;
                }
                self.tell(&mut known).await?;
                if next.0 - inner.position.borrow().0 >= SAVE_ENTRIES {
                    self.save(next).await?;
                    saved = Instant::now();
                }
            }
            self.analyzer().advance(inner.clock.now());
            self.tell(&mut known).await?;
            if saved.elapsed() >= SAVE_INTERVAL && next != *inner.position.borrow() {
                self.save(next).await?;
                saved = Instant::now();
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = listen::stopped(&mut shutdown) => break,
            }
        }
        self.save(next).await
    }

    /// Counts an event; a data event for each trail that logs it and has Insights on data events.
    fn observe(&self, event: &Event, catalog: &Catalog) {
        let mut analyzer = self.analyzer();
        analyzer.observe(event);
        if event.keys.category == EventCategory::Data {
            let trails = catalog.trails.values();
            let looking = trails.filter(|it| !it.data_insights.is_empty() && it.wants(&event.keys));
            analyzer.observe_data(event, looking.map(|trail| trail.arn.0.as_str()));
        }
    }

    /// Forgets what trails counted that were stopped, deleted, or do not look at data events any more.
    fn forget_others(&self, catalog: &Catalog) {
        let is_looking = |arn: &str| {
            let mut trails = catalog.trails.values();
            trails.any(|it| it.arn.0 == arn && it.is_logging && !it.data_insights.is_empty())
        };
        self.analyzer().retain_trails(is_looking);
    }

    /// Appends what was found and a trail wants.
    async fn tell(&self, known: &mut HashSet<Uuid>) -> anyhow::Result<()> {
        let found = self.analyzer().take_findings();
        for finding in found {
            let event: Event = finding.event;
            if known.remove(&event.keys.id) || !self.0.catalog.snapshot().wants(&event.keys) {
                continue;
            }
            tracing::info!(
                source = event.keys.source,
                name = event.keys.name,
                insight = finding.series.insight.as_str(),
                state = finding.state.as_str(),
                account = %event.keys.account,
                region = %event.keys.region,
                "unusual activity"
            );
            metrics::counter!("pugmark_insights_total", "state" => finding.state.as_str())
                .increment(1);
            let entry = Entry {
                kind: EntryKind::Event,
                payload: event::encode(&event),
            };
            loop {
                match self.0.journal.append(vec![entry.clone()]).await {
                    Ok(_) => break,
                    // Other followers make room; without it nothing else is recorded either.
                    Err(error) if error.is_full() => tokio::time::sleep(TICK).await,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Saves the state below `position`.
    async fn save(&self, position: Seq) -> anyhow::Result<()> {
        let this = self.clone();
        let write = tokio::task::spawn_blocking(move || {
            let state = this.analyzer().save();
            let (path, new) = (this.0.dir.join("state"), this.0.dir.join("state.new"));
            let mut bytes = position.0.to_le_bytes().to_vec();
            bytes.extend(state);
            let file = fs::File::create(&new)?;
            io::Write::write_all(&mut &file, &bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            fs::File::open(&this.0.dir)?.sync_all()
        });
        write.await?.context("save the state of Insights")?;
        self.0.position.send_replace(position);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Searches in event history: several conditions at once, any field, free text, all accounts and Regions, in three orders;
//! counts and exports over the same questions.
//!
//! A search looks at each event's cheap columns first and reads records only of the events that are left.

mod columns;
mod count;
mod export;
mod field;
mod filter;
mod groups;
mod pages;
mod path;
mod scan;
mod text;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pugmark_core::{
    account::{AccountId, Region},
    event::{Event, EventCategory},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::{
    count::{CountQuestion, Counts},
    export::ParquetExport,
    field::{Field, FieldError},
    filter::{Condition, Operator},
    text::{Text, TextError},
};
#[cfg(test)]
pub(crate) use self::{groups::Patience, pages::rows_with};
use crate::{
    EventHistory, TableError, log::Part, scan::Files, search::scan::Asked, tail::Row,
    threads::PROCESSORS,
};

/// Searches that wait for their turn; more are refused.
const WAITING_MAX: usize = 64;

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Recorded by this Pugmark.
    Recorded,
    /// Imported from log files.
    Imported,
}

/// In which order events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// By event time, newest first; within a second, the later journal position first.
    NewestFirst,
    /// The same order turned round.
    OldestFirst,
    /// By journal position, the first recorded first; recorded events only.
    Arrival,
}

/// Which events are asked for; all conditions must hold.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whose events.
    pub accounts: Vec<AccountId>,
    /// Whose imported events; `None` is everyone's.
    pub imported_accounts: Option<Vec<AccountId>>,
    /// Where they occurred; `None` is everywhere.
    pub regions: Option<Vec<Region>>,
    /// Which kinds.
    pub categories: Vec<EventCategory>,
    /// Where they come from.
    pub origins: Vec<Origin>,
    /// The earliest event time, inclusive.
    pub start: Option<Timestamp>,
    /// The latest event time, inclusive.
    pub end: Option<Timestamp>,
    /// What their fields must be.
    pub conditions: Vec<Condition>,
    /// What must be in their records.
    pub text: Option<Text>,
}

/// A place in the order of an answer: what has a greater one comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Seconds, turned round for the newest first; 0 in the order of arrival.
    pub time: i64,
    /// Of the origin, likewise.
    pub origin: u8,
    /// The journal's position, likewise; in the order of arrival, the one that follows it.
    pub seq: u64,
}

/// How much one page may be.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    /// Events at most; at least one.
    pub events: usize,
    /// The page ends with the record that reaches so many bytes.
    pub bytes: usize,
    /// The page ends after so much searching, with what was found by then.
    pub time: Duration,
}

/// An event that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it comes from.
    pub origin: Origin,
    /// Its position in the journal, or in the imports.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// In the order that was asked for.
    pub events: Vec<Found>,
    /// Where the next page begins, if there may be more. Always there in the order of arrival.
    pub next: Option<Rank>,
    /// Whether everything that there is now has been searched.
    pub is_last: bool,
    /// Damaged files whose events are missing, if the question asks for events like theirs.
    pub damaged: Vec<DamagedFile>,
}

/// A file that cannot be read: searches answer without its events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedFile {
    /// Whose table it belongs to.
    pub origin: Origin,
    /// Its place in the table's directory.
    pub path: String,
}

/// What a search reads, seen at one moment.
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// The oldest event time that is shown, epoch seconds.
    pub(crate) reach: i64,
    /// Everything below this position is in tail or files.
    pub(crate) head: u64,
    pub(crate) tail: Vec<Arc<Row>>,
    pub(crate) parts: Vec<Arc<Part>>,
    pub(crate) files: Arc<Files>,
}

/// Searches take turns: as many threads search as there are processors, so that one alone is fast and many are fair.
#[derive(Debug)]
pub(crate) struct Searches {
    threads: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Default for Searches {
    fn default() -> Self {
        Self {
            threads: Arc::new(Semaphore::new(*PROCESSORS)),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Searches {
    /// The right to search with so many threads as there are permits.
    async fn turn(&self) -> Result<Vec<OwnedSemaphorePermit>, TableError> {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= WAITING_MAX {
            return Err(TableError::Busy);
        }
        let first = self.threads.clone().acquire_owned().await;
        let mut permits = vec![first.map_err(|error| TableError::Task(error.to_string()))?];
        while let Ok(permit) = self.threads.clone().try_acquire_owned() {
            permits.push(permit);
        }
        Ok(permits)
    }
}

impl Order {
    fn rank(self, seconds: i64, origin: Origin, seq: u64) -> Rank {
        let origin = origin as u8;
        match self {
            Self::NewestFirst => Rank {
                time: !seconds,
                origin: !origin,
                seq: !seq,
            },
            Self::OldestFirst => Rank {
                time: seconds,
                origin,
                seq,
            },
            Self::Arrival => Rank::below(seq.saturating_add(1)),
        }
    }
}

impl Rank {
    /// The last place before what stands at this position of the journal, in the order of arrival.
    fn below(seq: u64) -> Self {
        Self {
            time: 0,
            origin: 0,
            seq,
        }
    }

    /// The event time down to which (or up to which) an answer has come at this place.
    pub fn seconds(self, order: Order) -> Option<i64> {
        match order {
            Order::NewestFirst => Some(!self.time),
            Order::OldestFirst => Some(self.time),
            Order::Arrival => None,
        }
    }
}

/// Ends a search when nobody waits for it any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl EventHistory {
    /// One page of the events that a question asks for. Dropping the future ends the search.
    ///
    /// First waits, up to a second, until everything is seen that was in the journal when the call began.
    ///
    /// # Errors
    /// When too many searches wait already, or the system lets no file be opened. Damaged files are no error: see
    /// [`SearchPage::damaged`].
    pub async fn search(
        &self,
        question: &Question,
        order: Order,
        after: Option<Rank>,
        limits: PageLimits,
    ) -> Result<SearchPage, TableError> {
        let asked = Asked::new(question, order, after);
        self.searching(asked, move |asked, sources, threads, stop| {
            scan::page(asked, sources, limits, threads, stop)
        })
        .await
    }

    /// Counts the events that a question asks for. Dropping the future ends it.
    ///
    /// # Errors
    /// As [`Self::search`]; and [`TableError::Exceeded`] when it takes longer than `time`, or has too many intervals.
    pub async fn count(
        &self,
        question: &Question,
        counted: &CountQuestion,
        time: Duration,
    ) -> Result<Counts, TableError> {
        let asked = Asked::new(question, Order::NewestFirst, None);
        let counted = counted.clone();
        self.searching(asked, move |asked, sources, threads, stop| {
            let deadline = Instant::now() + time;
            count::count(asked, &counted, sources, threads, deadline, stop)
        })
        .await
    }

    /// Waits until something has arrived that comes after this place in the order of arrival, or the time is over.
    pub async fn wait_beyond(&self, place: Rank, time: Duration) {
        let mut ingested = self.ingested();
        let _ = tokio::time::timeout(time, ingested.wait_for(|seq| seq.0 > place.seq)).await;
    }

    async fn searching<T: Send + 'static>(
        &self,
        asked: Asked,
        work: impl FnOnce(&Asked, &[Source], usize, &AtomicBool) -> Result<T, TableError>
        + Send
        + 'static,
    ) -> Result<T, TableError> {
        let turn = self.searches().turn().await?;
        let mut sources = self.sources().await;
        sources.retain(|source| asked.origins.contains(&source.origin));
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Stop(stopped.clone());
        let done = tokio::task::spawn_blocking(move || {
            // The turn lasts until the threads have ended, even if the caller goes away meanwhile.
            let threads = turn.len();
            let done = work(&asked, &sources, threads, &stopped);
            drop(turn);
            done
        })
        .await;
        drop(stop);
        done.map_err(|error| TableError::Task(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn who_comes_when_many_wait_is_refused() {
        let searches = Arc::new(Searches::default());
        let turn = searches.turn().await.unwrap();
        let waiting: Vec<_> = (0..WAITING_MAX)
            .map(|_| {
                let searches = searches.clone();
                tokio::spawn(async move { searches.turn().await.map(|turn| turn.len()) })
            })
            .collect();
        while searches.waiting.load(Ordering::Relaxed) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert!(matches!(searches.turn().await, Err(TableError::Busy)));
        drop(turn);
        for turn in waiting {
            assert!(turn.await.unwrap().unwrap() > 0);
        }
        assert!(searches.turn().await.is_ok());
    }
}

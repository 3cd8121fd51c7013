//! One round: a random stream of events and changes, a program that stops, dies and starts again, buckets that go down.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use pugmark_catalog::{CatalogWriter, Change, Trail, TrailArn};
use pugmark_core::{
    clock::Clock,
    event::{self, Event, EventCategory},
};
use pugmark_delivery::{Delivery, DeliveryError, PolicyCheck, Settings};
use pugmark_journal::{Entry, EntryKind, Journal, MemoryJournal};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use crate::{
    oracle,
    streams::{self, BUCKETS},
    world::{Random, SimBuckets, SimClock, SimTopic},
};

const STEPS: u64 = 500;
const TRAILS_MAX: usize = 6;
const DELIVERY_INTERVAL: Duration = Duration::from_secs(60);
/// Between two digests.
pub(crate) const DIGEST_INTERVAL: Duration = Duration::from_secs(900);

/// What a trail, with all its lives under one name, should have in its bucket.
#[derive(Default)]
pub(crate) struct Expected {
    /// As it was last.
    pub(crate) trail: Option<Trail>,
    pub(crate) events: BTreeSet<Uuid>,
    /// Events of the second in which logging stopped: they may be there.
    pub(crate) optional: BTreeSet<Uuid>,
    pub(crate) data_events: BTreeSet<Uuid>,
    /// Epoch second of the latest stop or deletion, with the trail as it was until then.
    ended: Option<(i64, Trail)>,
}

impl Expected {
    /// The trail, or what it was before its deletion.
    pub(crate) fn last(&self) -> Option<&Trail> {
        self.trail
            .as_ref()
            .or(self.ended.as_ref().map(|(_, trail)| trail))
    }
}

/// What happened, so that a simulation in which nothing happens is found out.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Events that were appended.
    pub events: u64,
    /// Events that trails wanted, once for each trail.
    pub wanted: u64,
    /// Times that the program died.
    pub crashes: u64,
    /// Times that it was stopped.
    pub stops: u64,
    /// Puts that failed or lost their answer.
    pub faults: u64,
    /// Log files.
    pub files: u64,
    /// Digest files.
    pub digests: u64,
}

/// All that is left of a round.
pub(crate) struct Outcome {
    pub(crate) expected: BTreeMap<u64, Expected>,
    pub(crate) buckets: SimBuckets,
    pub(crate) topic: SimTopic,
    pub(crate) delivery: Delivery,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) counts: Counts,
}

struct Round {
    random: Random,
    clock: Arc<SimClock>,
    journal: Arc<MemoryJournal>,
    catalog: CatalogWriter,
    buckets: SimBuckets,
    topic: SimTopic,
    settings: Settings,
    life: Option<Life>,
    expected: BTreeMap<u64, Expected>,
    next_trail: u64,
    counts: Counts,
}

/// A run of the program.
struct Life {
    delivery: Delivery,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), DeliveryError>>,
}

/// Lives through a round in a directory of its own.
pub(crate) async fn run(seed: u64, dir: &Path) -> anyhow::Result<Outcome> {
    let mut random = Random::new(seed);
    let journal = Arc::new(MemoryJournal::new(1 << 30));
    let catalog = CatalogWriter::open(dir.join("catalog"), journal.clone()).await?;
    let mut round = Round {
        clock: Arc::new(SimClock::new()),
        buckets: SimBuckets::new(random.next()),
        topic: SimTopic::default(),
        settings: Settings {
            delivery_interval: DELIVERY_INTERVAL,
            digest_interval: DIGEST_INTERVAL,
            open_bytes_max: *random.pick(&[4 << 10, 1 << 20]),
            file_bytes_max: *random.pick(&[2 << 10, 50_000_000]),
            file_events_max: *random.pick(&[3, usize::MAX]),
            policy_check: PolicyCheck::Auto,
            spool_bytes_max: *random.pick(&[8 << 10, 1 << 30]),
        },
        random,
        journal,
        catalog,
        life: None,
        expected: BTreeMap::new(),
        next_trail: 0,
        counts: Counts::default(),
    };
    round.start(dir).await?;
    for _ in 0..STEPS {
        round.step(dir).await?;
    }
    round.buckets.heal();
    if round.life.is_none() {
        round.start(dir).await?;
    }
    // Every event in a file, every file in the bucket and in a digest.
    tokio::time::sleep(3 * DIGEST_INTERVAL).await;
    round.stop().await?;
    round.start(dir).await?;
    tokio::time::sleep(DIGEST_INTERVAL).await;
    let life = round.life.take().context("it runs")?;
    life.stop.send_replace(true);
    life.task.await??;
    round.counts.faults = round.buckets.faults();
    Ok(Outcome {
        expected: round.expected,
        buckets: round.buckets,
        topic: round.topic,
        delivery: life.delivery,
        clock: round.clock,
        counts: round.counts,
    })
}

impl Round {
    async fn step(&mut self, dir: &Path) -> anyhow::Result<()> {
        let pause = self.random.below(12_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match self.random.below(100) {
            0..=69 => {
                let count = 1 + self.random.below(12);
                self.append(count).await?;
            }
            70..=78 => self.change().await?,
            79..=86 => {
                let bucket = *self.random.pick(&BUCKETS);
                let is_down = self.random.one_in(2);
                self.buckets.set_down(bucket, is_down);
            }
            87..=92 => match self.life.is_some() {
                true if self.random.one_in(2) => self.stop().await?,
                true => self.crash().await,
                false => self.start(dir).await?,
            },
            _ => {
                // The program often comes back at once.
                if self.life.is_none() {
                    self.start(dir).await?;
                }
            }
        }
        if let Some(life) = &self.life
            && life.task.is_finished()
        {
            let life = self.life.take().context("it is there")?;
            life.task.await?.context("delivery ended by itself")?;
        }
        Ok(())
    }

    async fn start(&mut self, dir: &Path) -> anyhow::Result<()> {
        // What the life before left on threads of its own may hold the ledger for a moment.
        let delivery = loop {
            let opened = Delivery::open(
                dir.join("delivery"),
                self.journal.clone(),
                Arc::new(self.buckets.clone()),
                Arc::new(self.topic.clone()),
                self.clock.clone(),
                self.settings.clone(),
            );
            match opened.await {
                Ok(delivery) => break delivery,
                Err(error) if error.to_string().contains("already open") => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error.into()),
            }
        };
        let (stop, stopped) = watch::channel(false);
        let running = delivery.clone();
        let task = tokio::spawn(async move { running.run(stopped).await });
        self.life = Some(Life {
            delivery,
            stop,
            task,
        });
        Ok(())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(life) = self.life.take() {
            life.stop.send_replace(true);
            life.task.await??;
            self.counts.stops += 1;
        }
        Ok(())
    }

    /// It dies between any two steps of its work.
    async fn crash(&mut self) {
        if let Some(life) = self.life.take() {
            life.task.abort();
            let _ = life.task.await;
            self.counts.crashes += 1;
        }
    }

    async fn append(&mut self, count: u64) -> anyhow::Result<()> {
        let mut batch = Vec::new();
        for _ in 0..count {
            let event = streams::event(&mut self.random, self.counts.events, self.clock.now());
            self.counts.events += 1;
            self.expect(&event)?;
            let entry = Entry {
                kind: EntryKind::Event,
                payload: event::encode(&event),
            };
            batch.push(entry.clone());
            if self.random.one_in(30) {
                // The same event once more: a producer that tried again.
                batch.push(entry);
            }
        }
        self.journal.append(batch).await?;
        Ok(())
    }

    fn expect(&mut self, event: &Event) -> anyhow::Result<()> {
        let record: Value = serde_json::from_slice(&event.json)?;
        for expected in self.expected.values_mut() {
            let id = event.keys.id;
            if let Some(trail) = &expected.trail
                && oracle::records(trail, &record)
            {
                expected.events.insert(id);
                if event.keys.category == EventCategory::Data && !trail.aggregations.is_empty() {
                    expected.data_events.insert(id);
                }
                self.counts.wanted += 1;
            } else if let Some((second, trail)) = &expected.ended
                && *second == event.keys.time.as_second()
                && oracle::records(trail, &record)
            {
                expected.optional.insert(id);
            }
        }
        Ok(())
    }

    /// A trail is made, changed, started, stopped or deleted.
    async fn change(&mut self) -> anyhow::Result<()> {
        let numbers: Vec<u64> = self.expected.keys().copied().collect();
        let makes_new = numbers.is_empty() || numbers.len() < TRAILS_MAX && self.random.one_in(2);
        let number = match makes_new {
            true => {
                self.next_trail += 1;
                self.next_trail
            }
            false => *self.random.pick(&numbers),
        };
        let now = self.clock.now();
        let current = self.expected.entry(number).or_default().trail.clone();
        let (changed, arn) = match current {
            None => {
                // New, or of a name that there was before.
                let trail = match &self.expected[&number].ended {
                    Some((_, before)) => Trail {
                        id: streams::trail(&mut self.random, number).id,
                        is_logging: false,
                        ..before.clone()
                    },
                    None => streams::trail(&mut self.random, number),
                };
                let arn = trail.arn.clone();
                (Some(trail), arn)
            }
            Some(trail) => {
                let arn = trail.arn.clone();
                let changed = match self.random.below(8) {
                    0..=2 if !trail.is_logging => Some(Trail {
                        is_logging: true,
                        started: Some(now),
                        ..trail
                    }),
                    0 => Some(Trail {
                        is_logging: false,
                        stopped: Some(now),
                        ..trail
                    }),
                    1 => None,
                    _ => Some(Trail {
                        selectors: streams::selectors(&mut self.random),
                        ..trail
                    }),
                };
                (changed, arn)
            }
        };
        let before = self.expected[&number].trail.clone();
        let was_on = before.as_ref().is_some_and(|trail| trail.is_logging);
        let is_on = changed.as_ref().is_some_and(|trail| trail.is_logging);
        self.commit(&arn, changed.clone(), now).await?;
        let expected = self.expected.entry(number).or_default();
        if let Some(before) = before
            && (changed.is_none() || was_on && !is_on)
        {
            expected.ended = Some((now.as_second(), before));
        }
        expected.trail = changed;
        Ok(())
    }

    async fn commit(
        &self,
        arn: &TrailArn,
        trail: Option<Trail>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let change = match trail {
            Some(trail) => Change::PutTrail(Box::new(trail)),
            None => Change::DeleteTrail(arn.clone(), Some(now)),
        };
        let committed = self
            .catalog
            .change(|_| Ok::<_, std::convert::Infallible>((Some(change), ())));
        committed.await.context("change the catalog")
    }
}

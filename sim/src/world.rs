//! What surrounds the program: a clock that runs as fast as it can, buckets that fail, a topic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_core::{account::AccountId, clock::Clock, service::ServiceError};
use pugmark_delivery::{Announcer, Bucket, PutObject, Stored};
use tokio::time::Instant;

/// A small generator (SplitMix64): the same seed gives the same run.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// tokio's paused clock as wall-clock time.
#[derive(Debug)]
pub(crate) struct SimClock {
    began: Instant,
    base: Timestamp,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            base: Timestamp::from_second(1_800_000_000).unwrap_or_default(),
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.base + self.began.elapsed()
    }
}

/// Buckets; clones are the same ones.
#[derive(Clone)]
pub(crate) struct SimBuckets(Arc<Mutex<Buckets>>);

struct Buckets {
    random: Random,
    objects: BTreeMap<String, BTreeMap<String, Stored>>,
    down: BTreeSet<String>,
    /// One put in so many takes effect and is answered by a failure.
    lost_answers: u64,
    faults: u64,
}

impl SimBuckets {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Buckets {
            random: Random::new(seed),
            objects: BTreeMap::new(),
            down: BTreeSet::new(),
            lost_answers: 8,
            faults: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, Buckets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_down(&self, bucket: &str, is_down: bool) {
        let mut state = self.state();
        match is_down {
            true => state.down.insert(bucket.to_owned()),
            false => state.down.remove(bucket),
        };
    }

    /// From here on nothing fails.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.down.clear();
        state.lost_answers = u64::MAX;
    }

    pub(crate) fn objects(&self, bucket: &str) -> BTreeMap<String, Stored> {
        self.state()
            .objects
            .get(bucket)
            .cloned()
            .unwrap_or_default()
    }

    /// How many puts were refused or lost their answer.
    pub(crate) fn faults(&self) -> u64 {
        self.state().faults
    }
}

#[async_trait]
impl Bucket for SimBuckets {
    async fn is_requester_pays(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }

    async fn is_of(&self, _: &str, _: AccountId) -> Result<bool, ServiceError> {
        Ok(true)
    }

    async fn put(&self, object: PutObject) -> Result<(), ServiceError> {
        let delay = Duration::from_millis(self.state().random.below(2000));
        tokio::time::sleep(delay).await;
        let mut state = self.state();
        if state.down.contains(&object.bucket) {
            state.faults += 1;
            return Err(ServiceError {
                code: state.random.one_in(2).then(|| "SlowDown".to_owned()),
                message: "the bucket is down".to_owned(),
            });
        }
        let stored = Stored {
            body: object.body,
            metadata: object.metadata,
        };
        let objects = state.objects.entry(object.bucket).or_default();
        let before = objects.insert(object.key.clone(), stored.clone());
        assert!(
            before.is_none_or(|before| before == stored),
            "{} was put twice with different bytes",
            object.key
        );
        let chance = state.lost_answers;
        if chance != u64::MAX && state.random.one_in(chance) {
            state.faults += 1;
            return Err(ServiceError {
                code: None,
                message: "the answer was lost".to_owned(),
            });
        }
        Ok(())
    }

    async fn exists(&self, _: &str) -> Result<bool, ServiceError> {
        Ok(true)
    }

    async fn policy(&self, _: &str) -> Result<Option<String>, ServiceError> {
        Ok(None)
    }
}

/// A topic that remembers what it was told.
#[derive(Clone, Default)]
pub(crate) struct SimTopic(Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>);

impl SimTopic {
    /// The keys of the log files that a topic was told of.
    pub(crate) fn told(&self, topic: &str) -> BTreeSet<String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(topic).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Announcer for SimTopic {
    async fn publish(&self, topic: &str, message: &str) -> Result<(), ServiceError> {
        let message: serde_json::Value = serde_json::from_str(message).unwrap_or_default();
        let key = message["s3ObjectKey"][0].as_str().unwrap_or_default();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(topic.to_owned())
            .or_default()
            .insert(key.to_owned());
        Ok(())
    }
}

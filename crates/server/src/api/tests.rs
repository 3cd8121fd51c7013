//! Every operation and every error code, over a journal in memory.

#![allow(clippy::unwrap_used)]

mod errors;
mod selectors;
mod trails;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use pugmark_catalog::{CatalogWriter, Trail, TrailId};
use pugmark_core::{
    account::{AccountId, Region},
    clock::{Clock, ManualClock},
    identity::Identity,
    service::ServiceError,
};
use pugmark_journal::MemoryJournal;
use pugmark_notify::{BusEntry, LogEvent, Organization, Services};
use pugmark_table::{
    CountQuestion, Counts, Order, PageLimits, Question, Rank, SearchPage, TableError,
};
use serde_json::{Value, json};

use super::{
    Api, ApiError, Caller, DeliveryPort, HistoryPort,
    port::{CheckError, PublicKey, TrailStatus},
};

const ACCOUNT: &str = "111122223333";
const HOME: &str = "eu-central-1";
const NOW: &str = "2026-01-19T21:17:28.5Z";

/// The operations with the parts beside them under the test's control.
pub(super) struct World {
    pub(super) api: Api,
    clock: Arc<ManualClock>,
    journal: Arc<MemoryJournal>,
    delivery: Arc<FakeDelivery>,
    dir: tempfile::TempDir,
}

/// Knows buckets by their names, and says what it was told to say.
#[derive(Default)]
struct FakeDelivery {
    status: Mutex<TrailStatus>,
    keys: Mutex<Vec<PublicKey>>,
    asked: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl DeliveryPort for FakeDelivery {
    fn status(&self, trail: &TrailId, region: &Region) -> TrailStatus {
        self.asked
            .lock()
            .unwrap()
            .push((trail.0.clone(), region.to_string()));
        self.status.lock().unwrap().clone()
    }

    fn public_keys(
        &self,
        region: &Region,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<PublicKey>, String> {
        self.asked
            .lock()
            .unwrap()
            .push((format!("{from} {to}"), region.to_string()));
        Ok(self.keys.lock().unwrap().clone())
    }

    async fn check(&self, trail: &Trail, _: AccountId) -> Result<(), CheckError> {
        match trail.bucket.as_str() {
            "missing" => Err(CheckError::NoSuchBucket),
            "denied" => Err(CheckError::Denied("AccessDenied".into())),
            "down" => Err(CheckError::Unreachable("connection refused".into())),
            _ => Ok(()),
        }
    }
}

/// Other services: what is called `missing`, `denied` or `down` is so.
struct FakeServices;

fn said(name: &str, missing: &'static str) -> Result<(), ServiceError> {
    let code = match name {
        _ if name.contains("missing") => Some(missing.to_owned()),
        _ if name.contains("denied") => Some("AccessDeniedException".to_owned()),
        _ if name.contains("disabled") => Some("DisabledException".to_owned()),
        _ if name.contains("down") => None,
        _ => return Ok(()),
    };
    Err(ServiceError {
        code,
        message: name.to_owned(),
    })
}

#[async_trait]
impl Services for FakeServices {
    async fn publish(&self, topic: &str, _: &str) -> Result<(), ServiceError> {
        said(topic, "NotFound")
    }

    async fn check_key(
        &self,
        region: &Region,
        key: &str,
        _: &str,
        _: &str,
    ) -> Result<String, ServiceError> {
        said(key, "NotFoundException")?;
        let id = key.rsplit('/').next().unwrap_or_default();
        Ok(format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}"))
    }

    async fn check_role(&self, role: &str) -> Result<(), ServiceError> {
        said(role, "NoSuchEntity")
    }

    async fn create_stream(&self, _: &str, group: &str, _: &str) -> Result<(), ServiceError> {
        said(group, "ResourceNotFoundException")
    }

    async fn put_logs(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: Vec<LogEvent>,
    ) -> Result<(), ServiceError> {
        Ok(())
    }

    async fn put_events(
        &self,
        _: &Region,
        entries: Vec<BusEntry>,
    ) -> Result<Vec<Option<ServiceError>>, ServiceError> {
        Ok(vec![None; entries.len()])
    }

    async fn organization(&self) -> Result<Option<Organization>, ServiceError> {
        Ok(None)
    }

    async fn trusts_cloudtrail(&self) -> Result<bool, ServiceError> {
        Ok(false)
    }
}

/// Repeats what it was asked.
struct FakeHistory;

#[async_trait]
impl HistoryPort for FakeHistory {
    async fn lookup_events(
        &self,
        caller: &Caller,
        now: Timestamp,
        input: &Value,
    ) -> Result<Value, ApiError> {
        Ok(json!({"account": caller.account.as_str(), "now": now.to_string(), "input": input}))
    }

    async fn search(
        &self,
        _: &Question,
        _: Order,
        _: Option<Rank>,
        _: PageLimits,
    ) -> Result<SearchPage, TableError> {
        Err(TableError::Busy)
    }

    async fn count(
        &self,
        _: &Question,
        _: &CountQuestion,
        _: Duration,
    ) -> Result<Counts, TableError> {
        Err(TableError::Busy)
    }

    async fn wait_beyond(&self, _: Rank, _: Duration) {}

    async fn list_insights_data(
        &self,
        query: super::lookup::DataInsights,
    ) -> Result<Value, ApiError> {
        Ok(json!({"query": format!("{query:?}")}))
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(MemoryJournal::new(1 << 24));
        let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let delivery = Arc::new(FakeDelivery::default());
        let api = Self::api(&dir, &journal, &clock, &delivery).await;
        Self {
            api,
            clock,
            journal,
            delivery,
            dir,
        }
    }

    async fn api(
        dir: &tempfile::TempDir,
        journal: &Arc<MemoryJournal>,
        clock: &Arc<ManualClock>,
        delivery: &Arc<FakeDelivery>,
    ) -> Api {
        let catalog = CatalogWriter::open(dir.path().into(), journal.clone())
            .await
            .unwrap();
        let clock: Arc<dyn Clock> = clock.clone();
        Api::new(
            Arc::new(catalog),
            Arc::new(FakeHistory),
            delivery.clone(),
            Arc::new(FakeServices),
            clock,
        )
    }

    /// As after a restart of the program.
    async fn restart(&mut self) {
        self.api = Self::api(&self.dir, &self.journal, &self.clock, &self.delivery).await;
    }

    async fn raw(&self, region: &str, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
        let caller = Self::caller_in(region);
        self.api.call(&caller, operation, body).await
    }

    pub(super) fn caller(&self) -> Caller {
        Self::caller_in(HOME)
    }

    fn caller_in(region: &str) -> Caller {
        let account = ACCOUNT.parse().unwrap();
        Caller {
            identity: Identity::root(account, None),
            account,
            region: region.parse().unwrap(),
            access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()),
        }
    }

    async fn call_in(
        &self,
        region: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, ApiError> {
        self.raw(region, operation, input.to_string().as_bytes())
            .await
    }

    pub(super) async fn call(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        self.call_in(HOME, operation, input).await
    }

    async fn create(&self, name: &str, more: Value) -> Value {
        self.create_in(HOME, name, more).await
    }

    async fn create_in(&self, region: &str, name: &str, more: Value) -> Value {
        let mut input = json!({"Name": name, "S3BucketName": "logs"});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.call_in(region, "CreateTrail", input).await.unwrap()
    }

    async fn trail(&self, name: &str) -> Value {
        self.call("GetTrail", json!({"Name": name})).await.unwrap()["Trail"].clone()
    }
}

fn arn(name: &str) -> String {
    arn_in(HOME, name)
}

fn arn_in(region: &str, name: &str) -> String {
    format!("arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/{name}")
}

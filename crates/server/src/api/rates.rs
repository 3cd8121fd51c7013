//! CloudTrail's request rates, for those who test how their client throttles (`limits.rates = "aws"`).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use pugmark_core::account::{AccountId, Region};

use super::{ApiError, Caller};

/// Buckets that are kept; the fullest go first, for they say nothing.
const BUCKETS_MAX: usize = 10_000;

/// A token bucket for each account, Region and operation: a second's requests may come at once.
#[derive(Default)]
pub(crate) struct Rates {
    buckets: Mutex<HashMap<(AccountId, Region, String), Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// Requests a second of an account in a Region (CloudTrail user guide, "Quotas").
fn rate(operation: &str) -> f64 {
    match operation {
        "ListInsightsMetricData" => 1.0,
        "LookupEvents" | "SearchEvents" | "CountEvents" | "ListInsightsData" => 2.0,
        "StartQuery" | "CancelQuery" => 3.0,
        "SearchSampleQueries"
        | "RegisterOrganizationDelegatedAdmin"
        | "DeregisterOrganizationDelegatedAdmin" => 10.0,
        _ if ["Get", "Describe", "List"]
            .iter()
            .any(|prefix| operation.starts_with(prefix)) =>
        {
            10.0
        }
        _ => 1.0,
    }
}

impl Rates {
    /// Takes a request's token.
    pub(super) fn check(
        &self,
        caller: &Caller,
        operation: &str,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let rate = rate(operation);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs_f64() < 1.0);
        }
        let key = (caller.account, caller.region.clone(), operation.to_owned());
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: rate,
            at: now,
        });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * rate).min(rate);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(ApiError::new("ThrottlingException", "Rate exceeded"));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

//! What must be in the buckets at the end of a round.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use anyhow::{Context, bail, ensure};
use pugmark_delivery::Stored;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    round::{Counts, Expected, Outcome},
    streams::BUCKETS,
};

/// Compares the buckets with what was expected; adds to the counts.
pub(crate) fn check(outcome: &Outcome) -> anyhow::Result<Counts> {
    let mut counts = outcome.counts;
    for (number, expected) in &outcome.expected {
        let mut files = Files::default();
        for bucket in BUCKETS {
            for (key, object) in outcome.buckets.objects(bucket) {
                if key.starts_with(&format!("p{number}/")) {
                    files.take(bucket, key, &object)?;
                }
            }
        }
        files
            .judge(expected, outcome)
            .with_context(|| format!("trail {number}"))?;
        counts.files += files.logs.len() as u64;
        counts.digests += files
            .digests
            .values()
            .map(|it| it.len() as u64)
            .sum::<u64>();
    }
    Ok(counts)
}

#[derive(Default)]
struct Files {
    /// Log files by key.
    logs: BTreeSet<String>,
    events: BTreeMap<Uuid, String>,
    /// Counted by aggregated events, by primary dimension.
    aggregated: BTreeMap<String, u64>,
    /// Digests of an account and Region, in the order of their keys.
    digests: BTreeMap<String, Vec<Value>>,
}

impl Files {
    fn take(&mut self, bucket: &str, key: String, object: &Stored) -> anyhow::Result<()> {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&object.body[..])
            .read_to_end(&mut plain)
            .with_context(|| format!("{key} is no gzip file"))?;
        let file: Value = serde_json::from_slice(&plain).with_context(|| key.clone())?;
        let parts: Vec<&str> = key
            .split('/')
            .filter(|part| !part.starts_with("o-"))
            .collect();
        let [_, "AWSLogs", account, folder, region, ..] = parts[..] else {
            bail!("{key} is in no folder of CloudTrail");
        };
        if folder == "CloudTrail-Digest" {
            ensure!(file["digestS3Bucket"] == bucket && file["digestS3Object"] == key);
            self.digests
                .entry(format!("{account}/{region}"))
                .or_default()
                .push(file);
            return Ok(());
        }
        self.logs.insert(key.clone());
        for record in file["Records"].as_array().context("Records")? {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            let category = text("eventCategory");
            ensure!(
                text("awsRegion") == region,
                "{key} has another Region's event"
            );
            if category == "Aggregated" {
                ensure!(folder == "CloudTrail-Aggregated" && text("accountId") == account);
                let summary = &record["summary"]["primaryDimension"];
                let dimension = summary["dimension"].as_str().unwrap_or_default();
                let count = summary["statistics"][0]["value"].as_u64().unwrap_or(0);
                *self.aggregated.entry(dimension.to_owned()).or_default() += count;
                continue;
            }
            let of_category = match category {
                "NetworkActivity" => "CloudTrail-NetworkActivity",
                _ => "CloudTrail",
            };
            ensure!(text("recipientAccountId") == account && folder == of_category);
            let id: Uuid = text("eventID").parse()?;
            if let Some(other) = self.events.insert(id, key.clone()) {
                bail!("event {id} is in {other} and in {key}");
            }
        }
        Ok(())
    }

    fn judge(&self, expected: &Expected, outcome: &Outcome) -> anyhow::Result<()> {
        for id in &expected.events {
            ensure!(self.events.contains_key(id), "event {id} is in no log file");
        }
        for (id, key) in &self.events {
            ensure!(
                expected.events.contains(id) || expected.optional.contains(id),
                "event {id} should not be in {key}"
            );
        }
        let Some(trail) = expected.last() else {
            return Ok(());
        };
        if !trail.aggregations.is_empty() {
            let optional = |id: &&Uuid| !expected.optional.contains(id);
            let least = expected.data_events.iter().filter(optional).count() as u64;
            let most = (expected.data_events.len() + expected.optional.len()) as u64;
            for (dimension, count) in &self.aggregated {
                ensure!(
                    (least..=most).contains(count),
                    "{count} data events are counted by {dimension}, not {least} to {most}"
                );
            }
            ensure!(least == 0 || self.aggregated.len() == 3);
        }
        if let Some(topic) = trail.topic_arn() {
            let told = outcome.topic.told(&topic);
            for key in &self.logs {
                ensure!(told.contains(key), "the topic was not told of {key}");
            }
        }
        if !trail.log_file_validation {
            ensure!(self.digests.is_empty(), "digests that nobody asked for");
            return Ok(());
        }
        let mut covered = BTreeSet::new();
        for (place, digests) in &self.digests {
            // A trail that is deleted and made anew within a minute has two chains there for that while.
            let by_key: BTreeMap<&str, &Value> = digests
                .iter()
                .map(|digest| {
                    (
                        digest["digestS3Object"].as_str().unwrap_or_default(),
                        digest,
                    )
                })
                .collect();
            for digest in digests {
                if let Some(key) = digest["previousDigestS3Object"].as_str() {
                    let before = by_key
                        .get(key)
                        .with_context(|| format!("{key} is missing"))?;
                    ensure!(
                        digest["digestStartTime"] == before["digestEndTime"],
                        "{place}: a gap before {}",
                        digest["digestS3Object"]
                    );
                }
                for file in digest["logFiles"].as_array().into_iter().flatten() {
                    let key = file["s3Object"].as_str().unwrap_or_default().to_owned();
                    ensure!(covered.insert(key.clone()), "{key} is covered twice");
                }
            }
        }
        ensure!(
            covered == self.logs,
            "log files without digest: {:?}",
            self.logs.difference(&covered).collect::<Vec<_>>()
        );
        Ok(())
    }
}

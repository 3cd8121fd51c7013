//! A round's buckets and keys as one JSON file, for AWS's own validator (`conformance/sim_validate.py`).

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use pugmark_core::{clock::Clock, clock::iso_seconds};
use serde_json::{Map, Value, json};

use crate::{
    round::Outcome,
    streams::{ACCOUNTS, BUCKETS, ORGANIZATION, REGIONS},
};

pub(crate) fn write(outcome: &Outcome, path: &Path) -> anyhow::Result<()> {
    let mut trails = Vec::new();
    for expected in outcome.expected.values() {
        let Some(trail) = expected.last().filter(|trail| trail.log_file_validation) else {
            continue;
        };
        trails.push(json!({
            "arn": trail.arn.0,
            "name": trail.name,
            "bucket": trail.bucket,
            "prefix": trail.key_prefix,
            "home": trail.home_region.as_str(),
            "account": trail.account.as_str(),
            "organization": trail.organization.as_ref().map(|_| ORGANIZATION),
            "accounts": match trail.organization.is_some() {
                true => ACCOUNTS.to_vec(),
                false => vec![trail.account.as_str()],
            },
            "multi_region": trail.is_multi_region,
        }));
    }
    let mut keys = Map::new();
    for region in REGIONS {
        let found = outcome.delivery.public_keys(
            &region.parse()?,
            Timestamp::UNIX_EPOCH,
            Timestamp::MAX,
        )?;
        let listed: Vec<Value> = found
            .iter()
            .map(
                |key| json!({"Value": STANDARD.encode(&key.value), "Fingerprint": key.fingerprint}),
            )
            .collect();
        keys.insert(region.to_owned(), listed.into());
    }
    let mut buckets = Map::new();
    for bucket in BUCKETS {
        let objects = outcome
            .buckets
            .objects(bucket)
            .into_iter()
            .map(|(key, object)| {
                let object =
                    json!({"body": STANDARD.encode(&object.body), "metadata": object.metadata});
                (key, object)
            });
        buckets.insert(bucket.to_owned(), Value::Object(objects.collect()));
    }
    let end = iso_seconds(outcome.clock.now());
    let dump = json!({
        "trails": trails, "regions": REGIONS, "keys": keys, "buckets": buckets, "end": end,
    });
    std::fs::write(path, dump.to_string())?;
    Ok(())
}

//! Where digests and log files are: buckets, or a folder that holds a copy of one.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{Region, ResponseChecksumValidation, StalledStreamProtectionConfig},
    error::DisplayErrorContext,
};
use bytes::Bytes;
use tokio::sync::Mutex;

use super::{digest::Object, plain::Plain};

/// A place for objects.
pub(crate) enum Store {
    /// S3, each bucket through a client of its Region.
    Buckets(Box<Buckets>),
    /// A copy of one bucket: keys are paths below the folder; metadata is lost.
    Folder(PathBuf),
}

pub(crate) struct Buckets {
    config: SdkConfig,
    endpoint: Option<String>,
    clients: Mutex<HashMap<String, Client>>,
    /// Gets objects instead, where the endpoint speaks plain HTTP.
    plain: Option<Plain>,
}

impl Store {
    pub(crate) fn buckets(config: SdkConfig, endpoint: Option<String>) -> Self {
        let plain = endpoint
            .as_deref()
            .and_then(|endpoint| Plain::new(&config, endpoint));
        Self::Buckets(Box::new(Buckets {
            plain,
            config,
            endpoint,
            clients: Mutex::default(),
        }))
    }

    /// Whether objects have metadata.
    pub(super) fn has_metadata(&self) -> bool {
        matches!(self, Self::Buckets(_))
    }

    /// The keys with the prefix that come after `after`, in order, until `is_last` says so.
    pub(crate) async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        is_last: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<String>> {
        let mut keys = Vec::new();
        match self {
            Self::Buckets(buckets) => {
                let client = buckets.client(bucket).await?;
                let mut marker = after.to_owned();
                loop {
                    let page = client
                        .list_objects()
                        .bucket(bucket)
                        .prefix(prefix)
                        .marker(&marker)
                        .send()
                        .await;
                    let page = page.map_err(|error| {
                        anyhow::anyhow!(
                            "list s3://{bucket}/{prefix}: {}",
                            DisplayErrorContext(&error)
                        )
                    })?;
                    let found: Vec<String> = page
                        .contents()
                        .iter()
                        .filter_map(|object| object.key().map(str::to_owned))
                        .collect();
                    let Some(last) = found.last().cloned() else {
                        return Ok(keys);
                    };
                    let ends = is_last(&last);
                    keys.extend(found);
                    if ends || page.is_truncated() != Some(true) {
                        return Ok(keys);
                    }
                    marker = last;
                }
            }
            Self::Folder(root) => {
                let (root, prefix, after) = (root.clone(), prefix.to_owned(), after.to_owned());
                tokio::task::spawn_blocking(move || {
                    walk(&root, &root.join(&prefix), &mut keys)?;
                    keys.retain(|key| key.starts_with(&prefix) && *key > after);
                    keys.sort();
                    Ok(keys)
                })
                .await?
            }
        }
    }

    /// A client for a bucket.
    pub(crate) async fn client(&self, bucket: &str) -> anyhow::Result<Client> {
        match self {
            Self::Buckets(buckets) => buckets.client(bucket).await,
            Self::Folder(root) => anyhow::bail!("{} is no bucket", root.display()),
        }
    }

    /// An object; `None` if it is not there.
    pub(crate) async fn get(&self, bucket: &str, key: &str) -> anyhow::Result<Option<Object>> {
        match self {
            Self::Buckets(buckets) => {
                if let Some(plain) = &buckets.plain {
                    return plain.get(bucket, key).await;
                }
                let answer = match buckets
                    .client(bucket)
                    .await?
                    .get_object()
                    .bucket(bucket)
                    .key(key)
                    .send()
                    .await
                {
                    Ok(answer) => answer,
                    Err(error)
                        if error
                            .as_service_error()
                            .is_some_and(|error| error.is_no_such_key()) =>
                    {
                        return Ok(None);
                    }
                    Err(error) => {
                        anyhow::bail!("get s3://{bucket}/{key}: {}", DisplayErrorContext(&error))
                    }
                };
                let metadata = answer.metadata().cloned().unwrap_or_default();
                let body = answer
                    .body
                    .collect()
                    .await
                    .with_context(|| format!("get s3://{bucket}/{key}"))?;
                Ok(Some(Object {
                    body: body.into_bytes(),
                    metadata,
                }))
            }
            Self::Folder(root) => {
                // A key is no path of its own choice.
                if Path::new(key)
                    .components()
                    .any(|part| !matches!(part, std::path::Component::Normal(_)))
                {
                    return Ok(None);
                }
                match tokio::fs::read(root.join(key)).await {
                    Ok(body) => Ok(Some(Object {
                        body: Bytes::from(body),
                        metadata: HashMap::new(),
                    })),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => {
                        Err(error).with_context(|| format!("read {}", root.join(key).display()))
                    }
                }
            }
        }
    }
}

impl Buckets {
    async fn client(&self, bucket: &str) -> anyhow::Result<Client> {
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(bucket) {
            return Ok(client.clone());
        }
        // The digests' hashes are the check; a second one of S3's own would cost as much again.
        let mut builder = aws_sdk_s3::config::Builder::from(&self.config)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        match &self.endpoint {
            Some(url) => builder = builder.endpoint_url(url).force_path_style(true),
            None => {
                let client = Client::new(&self.config);
                let answer = client.get_bucket_location().bucket(bucket).send().await;
                let answer = answer.map_err(|error| {
                    anyhow::anyhow!("locate bucket {bucket}: {}", DisplayErrorContext(&error))
                })?;
                let region = match answer.location_constraint().map(|it| it.as_str()) {
                    None | Some("") => "us-east-1",
                    Some("EU") => "eu-west-1",
                    Some(region) => region,
                };
                builder = builder.region(Region::new(region.to_owned()));
            }
        }
        let client = Client::from_conf(builder.build());
        clients.insert(bucket.to_owned(), client.clone());
        Ok(client)
    }
}

fn walk(root: &Path, at: &Path, keys: &mut Vec<String>) -> anyhow::Result<()> {
    let entries = match std::fs::read_dir(at) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("read {}", at.display())),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, keys)?;
        } else if let Some(key) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            keys.push(key.to_owned());
        }
    }
    Ok(())
}

//! How the store behind Pugmark reads hosts, where `[upstream] s3_domains` does not say it. The store itself is asked, once in a while
//! for each domain: for the list of a bucket that is not there, by the host that would name it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sigv4::http_request::SignableBody;
use http::{Request, Uri};
use pugmark_core::account::Region;
use pugmark_gateway::{AskedHosts, BoxError, UpstreamClient, empty_body};
use pugmark_wire::recognize::BucketHosts;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{caller, client::root_cause, signer::Signer};

/// What the store said counts so long: it may be set up anew.
const KNOWN_FOR: Duration = Duration::from_secs(600);
/// What it said that tells nothing, so long.
const UNCLEAR_FOR: Duration = Duration::from_secs(30);
/// Domains that are remembered; strangers may send any.
const DOMAINS_MAX: usize = 1000;
/// How many questions are on their way at a time.
const QUESTIONS_MAX: usize = 4;
/// How long a call waits for what the store says, and for its turn to ask.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A longer answer tells nothing: a bucket that is not there has no list.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A store, and what it has said of its hosts.
pub(crate) struct StoreHosts {
    client: UpstreamClient,
    store: Uri,
    /// Of a key that the store knows; without one it is asked as a stranger asks.
    credentials: Option<Credentials>,
    region: Region,
    questions: Semaphore,
    /// By the part of a host after its first label.
    known: Mutex<HashMap<String, (Instant, Arc<BucketHosts>)>>,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// The host names a bucket, as it does at AWS.
    AsAws,
    /// Hosts name buckets below this domain.
    Below(String),
    /// Hosts name no buckets.
    PathsAlone,
    /// Nothing of it.
    Unclear,
}

impl fmt::Debug for StoreHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreHosts")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AskedHosts for StoreHosts {
    async fn rule(&self, host: &str) -> Result<Arc<BucketHosts>, BoxError> {
        Ok(self.rule_of(host).await?)
    }
}

impl StoreHosts {
    pub(crate) fn new(store: Uri, credentials: Option<Credentials>, region: Region) -> Self {
        Self {
            client: UpstreamClient::default(),
            store,
            credentials,
            region,
            questions: Semaphore::new(QUESTIONS_MAX),
            known: Mutex::default(),
        }
    }

    async fn rule_of(&self, host: &str) -> anyhow::Result<Arc<BucketHosts>> {
        let host = host.to_ascii_lowercase();
        let (_, domain) = host.split_once('.').context("the host has no domain")?;
        if let Some(rule) = self.fresh(domain) {
            return Ok(rule);
        }
        let asked = async {
            let _turn = self.questions.acquire().await?;
            match self.fresh(domain) {
                Some(rule) => Ok(rule),
                None => self.ask(domain).await,
            }
        };
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, asked).await;
        asked
            .context("the store did not answer in time")
            .flatten()
            .with_context(|| format!("ask the store how it reads the host {host}"))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<BucketHosts>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, domain: &str) -> Option<Arc<BucketHosts>> {
        let known = self.known();
        let (until, rule) = known.get(domain)?;
        (Instant::now() < *until).then(|| rule.clone())
    }

    async fn ask(&self, domain: &str) -> anyhow::Result<Arc<BucketHosts>> {
        // A name that nobody can have given to a bucket of theirs.
        let bucket = format!("pugmark-{}", Uuid::new_v4().simple());
        let host = format!("{bucket}.{domain}");
        let mut request = Request::get("/").header("host", &host).body(empty_body())?;
        if let Some(credentials) = self.credentials.clone() {
            let config = SdkConfig::builder()
                .region(aws_config::Region::new(self.region.to_string()))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .build();
            let signer = Signer::new(format!("http://{host}").parse()?, config);
            let payload = SignableBody::Bytes(b"");
            request = signer.sign("s3", payload, request).await?;
        }
        let answer = self.client.send(&self.store, request).await;
        let answer = answer.map_err(|error| anyhow::anyhow!(root_cause(&*error)))?;
        let body = caller::whole(answer.into_body(), ANSWER_BYTES_MAX).await?;
        let is_known = self.credentials.is_some();
        let said = judge(&String::from_utf8_lossy(&body), &bucket, domain, is_known);
        let store = &self.store;
        let (rule, lasts) = match said {
            Said::AsAws => (BucketHosts::Aws, KNOWN_FOR),
            Said::Below(below) => {
                tracing::info!(%store, domain = below, "the store has buckets below this domain, and so have records");
                (BucketHosts::Below(vec![below]), KNOWN_FOR)
            }
            Said::PathsAlone => {
                tracing::info!(%store, domain, "the store looks at paths alone, whatever the host, and so do records");
                (BucketHosts::Below(Vec::new()), KNOWN_FOR)
            }
            Said::Unclear => {
                tracing::warn!(
                    %store, domain,
                    "the store does not say whether hosts of this domain name buckets; they are read as AWS reads them: if that \
                     is wrong, records name other objects than were read. Set s3_domains in [upstream], or a key of the store in \
                     [delivery]"
                );
                (BucketHosts::Aws, UNCLEAR_FOR)
            }
        };
        let rule = Arc::new(rule);
        let mut known = self.known();
        if known.len() >= DOMAINS_MAX {
            known.clear();
        }
        known.insert(domain.to_owned(), (Instant::now() + lasts, rule.clone()));
        Ok(rule)
    }
}

/// What the answer to a list of a bucket says that is not there, asked for at `BUCKET.DOMAIN`, `/`.
/// `is_known` says that it was somebody who may ask for that.
fn judge(answer: &str, bucket: &str, domain: &str, is_known: bool) -> Said {
    let (name, _) = domain.split_once(':').unwrap_or((domain, ""));
    let host = format!("{bucket}.{name}");
    // An answer may tell the host too, as a part of an address.
    let named = answer.match_indices(bucket).map(|(at, _)| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let text = &answer[at..];
        let text = &text[..text.find(|c| !is_of_name(c)).unwrap_or(text.len())];
        text.trim_end_matches('.')
    });
    let shortest = named
        .filter(|text| *text != host && host.starts_with(text))
        .min_by_key(|text| text.len());
    if let Some(named) = shortest {
        return match (
            BucketHosts::Aws.bucket(&host),
            host[named.len()..].strip_prefix('.'),
        ) {
            (Some(aws), _) if aws == named => Said::AsAws,
            (_, Some(below)) => Said::Below(below.to_owned()),
            (_, None) => Said::Unclear,
        };
    }
    let code = answer
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    match code.map(|(code, _)| code) {
        // Of no bucket but the one that the host names.
        Some("NoSuchBucket") => Said::AsAws,
        // That is said of all buckets: of a bucket that is not there, stores tell the name. Some tell strangers nothing.
        Some("AccessDenied") if is_known => Said::PathsAlone,
        None if answer.contains("<ListAllMyBucketsResult") => Said::PathsAlone,
        _ => Said::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_how_hosts_are_read() {
        let error = |code: &str, more: &str| {
            format!(
                r#"<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>"#
            )
        };
        let bucket = "<BucketName>pugmark-1</BucketName>";
        let list = "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>";
        for (answer, domain, said) in [
            // AWS, moto, Ceph RGW with `rgw_dns_name`; MinIO with `MINIO_DOMAIN` to who may not; Garage with `root_domain`.
            (
                error("NoSuchBucket", bucket),
                "s3.localhost:4580",
                Said::AsAws,
            ),
            (
                error(
                    "AccessDenied",
                    "<BucketName>pugmark-1</BucketName><Resource>/pugmark-1/</Resource>",
                ),
                "s3.example.com",
                Said::AsAws,
            ),
            (
                error(
                    "NoSuchBucket",
                    "<Message>Bucket not found: pugmark-1</Message><Resource>/</Resource>",
                ),
                "s3.garage",
                Said::AsAws,
            ),
            (error("NoSuchBucket", ""), "s3.localhost", Said::AsAws),
            // A dot in the name of the bucket, and a store whose domain begins there.
            (
                error("NoSuchBucket", "<BucketName>pugmark-1.b</BucketName>"),
                "b.s3.example.com",
                Said::AsAws,
            ),
            (
                error("NoSuchBucket", bucket),
                "b.s3.example.com:80",
                Said::Below("b.s3.example.com".into()),
            ),
            (
                error(
                    "NoSuchBucket",
                    "<HostId>http://pugmark-1.b.s3.x/</HostId><BucketName>pugmark-1.b</BucketName>",
                ),
                "b.s3.x",
                Said::AsAws,
            ),
            // What does not look at hosts.
            (list.to_owned(), "s3.localhost:4580", Said::PathsAlone),
            (
                error("AccessDenied", "<Resource>/</Resource>"),
                "s3.localhost",
                Said::PathsAlone,
            ),
            // A host is no bucket's name.
            (
                error(
                    "AccessDenied",
                    "<Resource>http://pugmark-1.s3.x:80/</Resource>",
                ),
                "s3.x",
                Said::PathsAlone,
            ),
            // A key that the store does not know; no store at all.
            (
                error("InvalidAccessKeyId", "<Resource>/</Resource>"),
                "s3.localhost",
                Said::Unclear,
            ),
            (
                "<html>It works!</html>".to_owned(),
                "s3.localhost",
                Said::Unclear,
            ),
            (String::new(), "s3.localhost", Said::Unclear),
        ] {
            assert_eq!(
                judge(&answer, "pugmark-1", domain, true),
                said,
                "{domain} {answer}"
            );
        }
        // MinIO says so of paths, and Garage whatever it is asked.
        let denied = error("AccessDenied", "<Resource>/</Resource>");
        assert_eq!(judge(&denied, "pugmark-1", "s3.x", false), Said::Unclear);
        assert_eq!(judge(list, "pugmark-1", "s3.x", false), Said::PathsAlone);
    }
}

//! Settings: flags, environment and `pugmark.toml`, in that order of precedence, validated once into [`Config`].

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use http::Uri;
use ipnet::IpNet;
use pugmark_core::{
    account::{AccountId, Region},
    limits::LOG_FILE_BYTES_MAX,
};
use pugmark_gateway::{AuditMode, OnFull, compose::VpcEndpoint};
use pugmark_wire::recognize::BucketHosts;
use serde::Deserialize;

/// The file that is read when `--config` names none, if it is there.
const DEFAULT_FILE: &str = "pugmark.toml";

/// `pugmark serve`: every setting that has a flag. Flags win over the environment, the environment over the file.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Flags {
    /// Settings file (default: pugmark.toml in the current directory, if it is there).
    #[arg(long, env = "PUGMARK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long, env = "PUGMARK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the API: every AWS protocol [default: 127.0.0.1:4580]
    #[arg(long, env = "PUGMARK_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Address of health, metrics and console [default: 127.0.0.1:4581]
    #[arg(long, env = "PUGMARK_ADMIN_LISTEN", value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
    /// Endpoint that calls of all services are forwarded to; one service's own is set in [upstream.services].
    #[arg(long, env = "PUGMARK_UPSTREAM", value_name = "URL")]
    upstream: Option<String>,
    /// The account that calls belong to when their key does not say [default: 123456789012]
    #[arg(long, env = "PUGMARK_ACCOUNT_ID", value_name = "ID")]
    account_id: Option<String>,
    /// The Region of unsigned calls and of the embedded bucket store [default: us-east-1]
    #[arg(long, env = "PUGMARK_REGION", value_name = "REGION")]
    region: Option<String>,
    /// How long events wait for others before a log file is written [default: 60s]
    #[arg(long, env = "PUGMARK_DELIVERY_INTERVAL", value_name = "DURATION")]
    delivery_interval: Option<String>,
    /// How often a digest file is written [default: 1h]
    #[arg(long, env = "PUGMARK_DIGEST_INTERVAL", value_name = "DURATION")]
    digest_interval: Option<String>,
}

/// The settings file. Unknown keys are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    account_id: Option<String>,
    region: Option<String>,
    delivery_interval: Option<String>,
    digest_interval: Option<String>,
    upstream: FileUpstream,
    audit: FileAudit,
    journal: FileJournal,
    delivery: FileDelivery,
    notify: FileNotify,
    limits: FileLimits,
    organization: Option<FileOrganization>,
    tls: Option<FileTls>,
    principals: Vec<PrincipalSettings>,
    roles: Vec<RoleSettings>,
    vpc_endpoints: Vec<FileVpcEndpoint>,
    insights: FileInsights,
    history: FileHistory,
    console: FileConsole,
}

/// Event history.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileHistory {
    /// `s3://BUCKET/PREFIX`: where the event tables are copied to.
    mirror: Option<String>,
}

/// The console, where browsers do not reach it and the API at the listeners' own addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileConsole {
    /// The API's URL as browsers reach it.
    endpoint: Option<String>,
    /// Further origins of the console's page.
    origins: Vec<String>,
}

/// How Insights judge.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileInsights {
    /// How long an API is watched before anything about it can be a finding.
    learning: Option<String>,
    /// Fewest calls in five minutes that can be a finding.
    volume_min: Option<u32>,
    /// Most APIs and errors that are told apart.
    series_max: Option<usize>,
}

/// A VPC endpoint: calls from these networks come through it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVpcEndpoint {
    id: String,
    account_id: String,
    networks: Vec<String>,
}

/// The organization, where no upstream can be asked for it. `account_id` is its management account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOrganization {
    id: String,
    members: Vec<String>,
}

/// Bounds that can be chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLimits {
    rates: Option<RatesSetting>,
}

/// Requests a second that CloudTrail's operations take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RatesSetting {
    /// As many as come.
    None,
    /// AWS's: 2 LookupEvents, 10 of each reading, 1 of each other operation, by account and Region.
    Aws,
}

/// What other services are told.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileNotify {
    /// Whether EventBridge gets events; unless set, it does if `upstream.services.events` is set.
    event_bus: Option<bool>,
    /// Whether it gets read-only management events too.
    event_bus_reads: bool,
    /// What may wait for each service that is down.
    queue_size: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileUpstream {
    url: Option<String>,
    /// Domains below which hosts name buckets; none: buckets are in paths alone. Unless set, hosts are AWS's.
    s3_domains: Option<Vec<String>>,
    services: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileAudit {
    mode: Option<ModeSetting>,
    on_full: Option<OnFullSetting>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeSetting {
    Strict,
    Durable,
    Async,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnFullSetting {
    Refuse,
    Pass,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileJournal {
    max_size: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileDelivery {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    bucket_policy: Option<PolicySetting>,
    /// Bytes of a log file before compression, at most.
    file_size: Option<String>,
    /// Events of a log file, at most.
    file_events: Option<usize>,
}

/// How bucket policies are judged when a trail is made or changed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PolicySetting {
    /// A policy must allow CloudTrail; a bucket without one is judged by a put.
    Auto,
    /// There must be one, as at AWS.
    Required,
    /// Only a put counts.
    Ignored,
}

impl std::fmt::Debug for FileDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDelivery")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    certificate: PathBuf,
    private_key: PathBuf,
}

/// `[[principals]]`, and an entry of `<data-dir>/principals.toml`.
#[derive(Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrincipalSettings {
    /// The access key id.
    pub(crate) access_key_id: String,
    /// Its secret.
    pub(crate) secret_access_key: String,
    /// For temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_token: Option<String>,
    /// Whose key it is, such as `arn:aws:iam::123456789012:user/alice`.
    pub(crate) arn: String,
    /// Names of built-in policies or policy documents as JSON. Empty: nothing is allowed in Pugmark itself.
    #[serde(default)]
    pub(crate) policies: Vec<String>,
}

impl std::fmt::Debug for PrincipalSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrincipalSettings")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// `[[roles]]`: what sessions of a role may do in Pugmark itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleSettings {
    /// Such as `arn:aws:iam::123456789012:role/auditor`.
    pub(crate) arn: String,
    /// Names of built-in policies or policy documents as JSON.
    pub(crate) policies: Vec<String>,
}

/// Settings that cannot be wrong any more.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) upstream: Option<Uri>,
    pub(crate) upstream_services: BTreeMap<String, Uri>,
    /// How hosts name buckets, unless it is AWS's way.
    pub(crate) bucket_hosts: Option<BucketHosts>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) delivery_interval: Duration,
    pub(crate) digest_interval: Duration,
    pub(crate) audit_mode: AuditMode,
    pub(crate) on_full: OnFull,
    pub(crate) journal_bytes_max: u64,
    /// Access key and secret for the upstream's S3; the root credentials when not set.
    pub(crate) delivery_credentials: Option<(String, Secret)>,
    /// Bytes of a log file before compression, at most.
    pub(crate) file_bytes_max: usize,
    /// Events of a log file, at most.
    pub(crate) file_events_max: usize,
    /// How bucket policies are judged.
    pub(crate) policy_check: pugmark_delivery::PolicyCheck,
    /// The organization, if it is set.
    pub(crate) organization: Option<pugmark_notify::Organization>,
    /// Whether AWS's request rates hold.
    pub(crate) awss_rates: bool,
    /// What other services are told.
    pub(crate) notify: pugmark_notify::Settings,
    /// Certificate chain and private key, PEM.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) principals: Vec<PrincipalSettings>,
    pub(crate) roles: Vec<RoleSettings>,
    pub(crate) insights: pugmark_insights::Settings,
    /// VPC endpoints and the networks behind them.
    pub(crate) vpc_endpoints: Vec<(VpcEndpoint, Vec<IpNet>)>,
    /// The API's URL as browsers reach it.
    pub(crate) console_endpoint: Option<String>,
    /// The bucket, and the keys' prefix without a slash at its end, to which event tables are copied.
    pub(crate) mirror: Option<(String, String)>,
    /// Further origins of the console's page.
    pub(crate) console_origins: Vec<String>,
}

/// A text that is never printed.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Config {
    /// Reads the file and puts environment and flags over it.
    pub(crate) fn load(flags: Flags) -> anyhow::Result<Self> {
        let file = match &flags.config {
            Some(path) => read_file(path)?,
            None if Path::new(DEFAULT_FILE).exists() => read_file(Path::new(DEFAULT_FILE))?,
            None => File::default(),
        };
        Self::merge(flags, file)
    }

    fn merge(flags: Flags, file: File) -> anyhow::Result<Self> {
        let upstream = flags
            .upstream
            .or(file.upstream.url)
            .filter(|url| !url.is_empty());
        let account = flags
            .account_id
            .or(file.account_id)
            .unwrap_or_else(|| "123456789012".into());
        let region = flags
            .region
            .or(file.region)
            .unwrap_or_else(|| "us-east-1".into());
        let delivery = flags
            .delivery_interval
            .or(file.delivery_interval)
            .unwrap_or_else(|| "60s".into());
        let digest = flags
            .digest_interval
            .or(file.digest_interval)
            .unwrap_or_else(|| "1h".into());
        let has_bus = file.upstream.services.contains_key("events");
        let max_size = file.journal.max_size.unwrap_or_else(|| "4GiB".into());
        Ok(Self {
            data_dir: data_dir(flags.data_dir.or(file.data_dir)),
            listen: flags
                .listen
                .or(file.listen)
                .unwrap_or_else(|| ([127, 0, 0, 1], 4580).into()),
            admin_listen: flags
                .admin_listen
                .or(file.admin_listen)
                .unwrap_or_else(|| ([127, 0, 0, 1], 4581).into()),
            upstream: upstream
                .as_deref()
                .map(|url| endpoint("upstream", url))
                .transpose()?,
            bucket_hosts: file.upstream.s3_domains.map(bucket_hosts),
            upstream_services: file
                .upstream
                .services
                .iter()
                .map(|(service, url)| {
                    Ok((
                        service.clone(),
                        endpoint(&format!("upstream.services.{service}"), url)?,
                    ))
                })
                .collect::<anyhow::Result<_>>()?,
            account: account.parse().context("account_id")?,
            region: region.parse().context("region")?,
            delivery_interval: duration("delivery_interval", &delivery)?,
            digest_interval: duration("digest_interval", &digest)?,
            audit_mode: match file.audit.mode {
                Some(ModeSetting::Strict) => AuditMode::Strict,
                Some(ModeSetting::Async) => AuditMode::Async,
                Some(ModeSetting::Durable) | None => AuditMode::Durable,
            },
            on_full: match file.audit.on_full {
                Some(OnFullSetting::Pass) => OnFull::Pass,
                Some(OnFullSetting::Refuse) | None => OnFull::Refuse,
            },
            journal_bytes_max: size("journal.max_size", &max_size)?,
            delivery_credentials: match (
                file.delivery.access_key_id,
                file.delivery.secret_access_key,
            ) {
                (Some(id), Some(secret)) => Some((id, Secret(secret))),
                (None, None) => None,
                _ => bail!(
                    "delivery.access_key_id and delivery.secret_access_key go together: set both or neither"
                ),
            },
            file_bytes_max: file_size(file.delivery.file_size.as_deref())?,
            file_events_max: match file.delivery.file_events {
                Some(0) => bail!("delivery.file_events: must be at least 1, but is 0"),
                set => set.unwrap_or(usize::MAX),
            },
            policy_check: match file.delivery.bucket_policy {
                Some(PolicySetting::Required) => pugmark_delivery::PolicyCheck::Required,
                Some(PolicySetting::Ignored) => pugmark_delivery::PolicyCheck::Ignored,
                Some(PolicySetting::Auto) | None => pugmark_delivery::PolicyCheck::Auto,
            },
            organization: file
                .organization
                .map(|set| organization(set, &account))
                .transpose()?,
            awss_rates: file.limits.rates == Some(RatesSetting::Aws),
            notify: pugmark_notify::Settings {
                bus: file.notify.event_bus.unwrap_or(has_bus),
                bus_reads: file.notify.event_bus_reads,
                queue_bytes_max: size(
                    "notify.queue_size",
                    file.notify.queue_size.as_deref().unwrap_or("1GiB"),
                )?,
            },
            tls: file.tls.map(|tls| (tls.certificate, tls.private_key)),
            principals: file.principals,
            roles: file.roles,
            insights: insights(&file.insights)?,
            mirror: file.history.mirror.as_deref().map(mirror).transpose()?,
            vpc_endpoints: file
                .vpc_endpoints
                .into_iter()
                .map(vpc_endpoint)
                .collect::<anyhow::Result<_>>()?,
            console_endpoint: file
                .console
                .endpoint
                .map(|url| origin("console.endpoint", &url))
                .transpose()?,
            console_origins: file
                .console
                .origins
                .iter()
                .map(|url| origin("console.origins", url))
                .collect::<anyhow::Result<_>>()?,
        })
    }
}

/// The data directory, `pugmark-data` unless set.
pub(crate) fn data_dir(set: Option<PathBuf>) -> PathBuf {
    set.unwrap_or_else(|| PathBuf::from("pugmark-data"))
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read settings file {}", path.display()))?;
    // toml's message quotes the line at fault, which may hold a secret: only its position and reason are shown.
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        anyhow::anyhow!(
            "settings file {}, line {line}: {}",
            path.display(),
            error.message()
        )
    })
}

/// Domains as they stand in hosts, in lower case and without a dot at the begin.
fn bucket_hosts(domains: Vec<String>) -> BucketHosts {
    let domain = |it: String| it.trim_start_matches('.').to_ascii_lowercase();
    let domains = domains.into_iter().map(domain);
    BucketHosts::Below(domains.filter(|domain| !domain.is_empty()).collect())
}

fn endpoint(setting: &str, url: &str) -> anyhow::Result<Uri> {
    let uri: Uri = url
        .parse()
        .with_context(|| format!("{setting}: {url:?} is no URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) if matches!(uri.path(), "" | "/") => Ok(uri),
        (Some("http" | "https"), Some(_)) => {
            bail!("{setting}: an endpoint has no path, but this is {url:?}")
        }
        _ => bail!("{setting}: an endpoint looks like http://127.0.0.1:9000, but this is {url:?}"),
    }
}

/// An endpoint as browsers write an origin: no path, not even `/`.
fn origin(setting: &str, url: &str) -> anyhow::Result<String> {
    endpoint(setting, url)?;
    Ok(url.trim_end_matches('/').to_owned())
}

fn duration(setting: &str, text: &str) -> anyhow::Result<Duration> {
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| {
        anyhow::anyhow!("{setting}: a duration looks like 60s, 5m or 1h, but this is {text:?}")
    })?;
    match Duration::try_from(parsed) {
        Ok(duration) if duration >= Duration::from_secs(1) => Ok(duration),
        _ => bail!("{setting}: must be at least 1s, but is {text:?}"),
    }
}

fn insights(set: &FileInsights) -> anyhow::Result<pugmark_insights::Settings> {
    let usual = pugmark_insights::Settings::default();
    let learning = match &set.learning {
        Some(text) => duration("insights.learning", text)?.as_secs() / 60,
        None => u64::from(usual.history_minutes_min),
    };
    Ok(pugmark_insights::Settings {
        history_minutes_min: u32::try_from(learning).unwrap_or(u32::MAX),
        volume_min: set.volume_min.unwrap_or(usual.volume_min),
        series_max: set.series_max.unwrap_or(usual.series_max),
        ..usual
    })
}

fn vpc_endpoint(set: FileVpcEndpoint) -> anyhow::Result<(VpcEndpoint, Vec<IpNet>)> {
    if !set.id.starts_with("vpce-") {
        bail!(
            "vpc_endpoints.id: a VPC endpoint's id begins with vpce-, not {:?}",
            set.id
        );
    }
    let network = |text: &String| {
        text.parse().map_err(|_| {
            anyhow::anyhow!(
                "vpc_endpoints.networks: a network looks like 10.0.0.0/16, but this is {text:?}"
            )
        })
    };
    let networks = set.networks.iter().map(network);
    let endpoint = VpcEndpoint {
        account: set
            .account_id
            .parse()
            .with_context(|| format!("vpc_endpoints.account_id: {:?}", set.account_id))?,
        id: set.id,
    };
    Ok((endpoint, networks.collect::<anyhow::Result<_>>()?))
}

/// `s3://BUCKET/PREFIX`, or without a prefix.
fn mirror(url: &str) -> anyhow::Result<(String, String)> {
    let place = url.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        bail!("history.mirror: must be s3://BUCKET or s3://BUCKET/PREFIX, but is {url:?}");
    }
    Ok((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

fn organization(
    set: FileOrganization,
    management: &str,
) -> anyhow::Result<pugmark_notify::Organization> {
    if !set.id.starts_with("o-") {
        bail!(
            "organization.id: an organization's id begins with o-, not {:?}",
            set.id
        );
    }
    let member = |id: String| {
        Ok(pugmark_notify::Member {
            id: id
                .parse()
                .with_context(|| format!("organization.members: {id:?}"))?,
            name: String::new(),
        })
    };
    Ok(pugmark_notify::Organization {
        id: set.id,
        management: management.parse().context("account_id")?,
        has_all_features: true,
        members: set
            .members
            .into_iter()
            .map(member)
            .collect::<anyhow::Result<_>>()?,
    })
}

/// The size of a log file, 50 MB at the most (CloudTrail limits, section 2).
fn file_size(set: Option<&str>) -> anyhow::Result<usize> {
    let Some(text) = set else {
        return Ok(LOG_FILE_BYTES_MAX);
    };
    match usize::try_from(bytes("delivery.file_size", text)?) {
        Ok(size) if (1..=LOG_FILE_BYTES_MAX).contains(&size) => Ok(size),
        _ => bail!(
            "delivery.file_size: must be at least 1 and at most {LOG_FILE_BYTES_MAX} bytes, but is {text:?}"
        ),
    }
}

/// A size of what is kept on disk.
fn size(setting: &str, text: &str) -> anyhow::Result<u64> {
    let bytes = bytes(setting, text)?;
    if bytes < 16 << 20 {
        bail!("{setting}: must be at least 16MiB, but is {text:?}");
    }
    Ok(bytes)
}

fn bytes(setting: &str, text: &str) -> anyhow::Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1_u64 << 40,
        _ => bail!("{setting}: a size looks like 512MiB or 4GiB, but this is {text:?}"),
    };
    let count: u64 = digits
        .trim()
        .parse()
        .map_err(|_| anyhow::anyhow!("{setting}: a size looks like 4GiB, but this is {text:?}"))?;
    let size = count
        .checked_mul(factor)
        .with_context(|| format!("{setting}: {text:?} is too large"))?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load(flags: Flags, file: &str) -> anyhow::Result<Config> {
        Config::merge(flags, toml::from_str(file)?)
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = "region = 'eu-west-1'\naccount_id = '111122223333'\ndelivery_interval = '5m'\n";
        let flags = Flags {
            region: Some("eu-north-1".into()),
            ..Flags::default()
        };
        let config = load(flags, file).unwrap();
        assert_eq!(config.region.as_str(), "eu-north-1");
        assert_eq!(config.account.as_str(), "111122223333");
        assert_eq!(config.delivery_interval, Duration::from_secs(300));
        assert_eq!(config.digest_interval, Duration::from_secs(3600));
    }

    #[test]
    fn a_service_can_have_its_own_upstream() {
        let file = "[upstream]\nurl = 'http://127.0.0.1:5000'\n[upstream.services]\ns3 = 'https://minio:9000'\n";
        let config = load(Flags::default(), file).unwrap();
        assert_eq!(
            config.upstream.unwrap().authority().unwrap(),
            "127.0.0.1:5000"
        );
        assert_eq!(config.upstream_services["s3"].scheme_str(), Some("https"));
    }

    #[test]
    fn wrong_settings_say_what_was_expected() {
        for (file, expected) in [
            ("regoin = 'x'", "unknown field `regoin`"),
            ("region = 'US'", "region"),
            ("account_id = '12'", "account_id"),
            (
                "delivery_interval = 'soon'",
                "delivery_interval: a duration looks like",
            ),
            ("delivery_interval = '0s'", "at least 1s"),
            (
                "[upstream]\nurl = 'localhost:5000'",
                "an endpoint looks like",
            ),
            ("[upstream]\nurl = 'http://h/p'", "has no path"),
            (
                "[console]\norigins = ['localhost']",
                "an endpoint looks like",
            ),
            ("[audit]\nmode = 'sometimes'", "unknown variant"),
            ("[journal]\nmax_size = '4 bananas'", "a size looks like"),
            ("[delivery]\naccess_key_id = 'A'", "go together"),
            ("[delivery]\nfile_size = '51MB'", "a size looks like"),
            ("[delivery]\nfile_size = '51MiB'", "at most 50000000 bytes"),
            ("[delivery]\nfile_events = 0", "at least 1"),
            (
                "[[vpc_endpoints]]\nid = 'vpce-1'\naccount_id = '123456789012'\nnetworks = ['10']",
                "a network looks like",
            ),
            (
                "[[vpc_endpoints]]\nid = '1'\naccount_id = '123456789012'\nnetworks = []",
                "begins with vpce-",
            ),
        ] {
            let error = format!("{:#}", load(Flags::default(), file).unwrap_err());
            assert!(error.contains(expected), "{file}: {error}");
        }
    }
}

//! Opens the parts, connects them, and takes them down in order.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use aws_credential_types::Credentials;
use http::{Request, Response};
use metrics_exporter_prometheus::PrometheusBuilder;
use pugmark_buckets::Buckets;
use pugmark_catalog::CatalogWriter;
use pugmark_core::{
    account::{AccountId, Arn},
    clock::{Clock, SystemClock},
    event,
    identity::Identity,
    policy::Policy,
    service::ServiceError,
};
use pugmark_delivery::{Announcer, Delivery, S3Bucket};
use pugmark_gateway::{
    Body, Connection, Gateway, HostRule, Recorder, Route, Routes, UpstreamClient,
    compose::Tls,
    identities::{Identities, Principal, Role},
};
use pugmark_journal::{EmbeddedJournal, Entry, EntryKind, Journal, Seq};
use pugmark_notify::{AwsServices, Endpoints, Notifier, Services};
use pugmark_table::{EventHistory, Mirror, MirrorBucket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    admin::Admin,
    api::{Api, Deliveries},
    cloudtrail::CloudTrail,
    console::{self, Console},
    credentials::{self, RootCredentials},
    delays::Delays,
    embedded,
    hosts::StoreHosts,
    insights::Insights,
    listen::{self, Handler, Peer},
    mirror::S3Mirror,
    principals,
    s3::{EmbeddedS3, IdentityAuthority},
    settings::{Config, PrincipalSettings, RoleSettings, Secret},
};

/// The table of imported events, in the data directory.
pub(crate) const IMPORTS: &str = "imports";
/// Where event history lies in the data directory.
pub(crate) const EVENTS: &str = "events";
/// How often the journal is told what nobody needs any more.
const RELEASE_INTERVAL: Duration = Duration::from_secs(2);
/// How often the catalog is saved, so that it holds up no release.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(60);
/// How often the organization is looked at.
const ORGANIZATION_INTERVAL: Duration = Duration::from_secs(20);
/// How often an upstream that does not answer is asked for its account.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(10);
/// How often at most.
const ACCOUNT_ATTEMPTS: usize = 30;
/// How much of the journal is read at a time when open intents are looked for.
const RECOVERY_READ_BYTES: usize = 4 * 1024 * 1024;

/// Runs the server until SIGTERM or SIGINT.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    raise_open_files();
    create_private_dir(&config.data_dir)?;
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .context("install metrics")?;
    let root = credentials::load_or_create(&config.data_dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tls = match &config.tls {
        Some((certificate, key)) => Some(listen::tls_acceptor(certificate, key)?),
        None => None,
    };
    let api_listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listen on {} for the API", config.listen))?;
    let admin_listener = TcpListener::bind(config.admin_listen)
        .await
        .with_context(|| format!("listen on {} for admin", config.admin_listen))?;
    let (ready_sender, ready) = watch::channel(false);
    let (shutdown_sender, shutdown) = watch::channel(false);
    let (followers_shutdown_sender, followers_shutdown) = watch::channel(false);

    let journal_settings = pugmark_journal::Settings {
        max_bytes: config.journal_bytes_max,
        ..pugmark_journal::Settings::default()
    };
    let journal: Arc<dyn Journal> = Arc::new(
        EmbeddedJournal::open(&config.data_dir.join("journal"), journal_settings)
            .context("open the journal")?,
    );
    let catalog = Arc::new(
        CatalogWriter::open(config.data_dir.join("catalog"), journal.clone())
            .await
            .context("open the catalog")?,
    );
    let identities = Arc::new(identities(&config, &root)?);
    let history = Arc::new(
        EventHistory::open(
            config.data_dir.join(EVENTS),
            journal.clone(),
            clock.clone(),
            pugmark_table::Settings::default(),
        )
        .await
        .context("open event history")?,
    );
    history
        .show_imports(config.data_dir.join(IMPORTS))
        .await
        .context("open the imported events")?;
    let (s3_route, s3_client) = s3(&config, &root, &identities, &clock).await?;
    let delivery_settings = pugmark_delivery::Settings {
        delivery_interval: config.delivery_interval,
        digest_interval: config.digest_interval,
        policy_check: config.policy_check,
        file_bytes_max: config.file_bytes_max,
        file_events_max: config.file_events_max,
        ..pugmark_delivery::Settings::default()
    };
    let mirrors = mirrors(&config, &s3_client, &clock);
    let upstreams = Arc::new(AwsServices::new(endpoints(&config, &root)));
    let services: Arc<dyn Services> = upstreams.clone();
    let notifier = Notifier::open(
        config.data_dir.join("notify"),
        journal.clone(),
        catalog.snapshot(),
        services.clone(),
        clock.clone(),
        config.notify.clone(),
    )
    .await
    .context("open notifications")?;
    let delivery = Delivery::open(
        config.data_dir.join("delivery"),
        journal.clone(),
        Arc::new(S3Bucket::new(s3_client)),
        Arc::new(Topics(services.clone())),
        clock.clone(),
        delivery_settings,
    )
    .await
    .context("open delivery")?;

    let recorder = Recorder::new(
        journal.clone(),
        catalog.clone(),
        config.audit_mode,
        config.on_full,
    );
    let insights = Insights::open(
        config.data_dir.join("insights"),
        journal.clone(),
        catalog.clone(),
        clock.clone(),
        config.insights.clone(),
    )
    .context("open Insights")?;
    let api = Api::new(
        catalog.clone(),
        history.clone(),
        Arc::new(Deliveries {
            files: delivery.clone(),
            notifier: notifier.clone(),
        }),
        services,
        clock.clone(),
    )
    .with_insights(insights.clone())
    .with_operator(root.access_key_id.clone())
    .with_shutdown(shutdown.clone());
    let api = Arc::new(match config.awss_rates {
        true => api.with_awss_rates(),
        false => api,
    });
    let gateway = gateway(
        &config,
        bucket_hosts(&config, &root, &s3_route),
        s3_route,
        CloudTrail::new(api.clone(), identities.clone()),
        &identities,
        &recorder,
        &clock,
    );

    let parts = Parts {
        journal: journal.clone(),
        catalog,
        history,
        delivery,
        notifier,
        insights,
        recorder,
        delays: Arc::default(),
    };
    let mut followers = parts.run(&followers_shutdown, &ready_sender);
    followers.push(tokio::spawn(watch_organization(
        api,
        followers_shutdown.clone(),
    )));
    if config.delivery_credentials.is_none() {
        let stop = followers_shutdown.clone();
        followers.push(tokio::spawn(compare_account(
            upstreams,
            config.account,
            stop,
        )));
    }
    let (mirrors_shutdown_sender, mirrors_shutdown) = watch::channel(false);
    let mirrors: Vec<JoinHandle<()>> = mirrors
        .into_iter()
        .map(|mirror| {
            let stop = mirrors_shutdown.clone();
            tokio::spawn(async move { mirror.run(stop).await })
        })
        .collect();
    let console = console(&config);
    let admin = Admin::new(metrics, ready, parts.gauges(), console.clone());
    let (admin_stop_sender, admin_stop) = watch::channel(false);
    let admin = move || admin.clone();
    let admin_task = tokio::spawn(listen::serve(admin_listener, None, 1, admin, admin_stop));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let api = move || ApiHandler {
        gateway: gateway.with_own_connections(),
        console: console.clone(),
    };
    let api_task = tokio::spawn(listen::serve(api_listener, tls, threads, api, shutdown));
    ready_sender.send_replace(true);
    banner(&config, &root);

    stop_signal().await?;
    tracing::info!("stopping: no new calls, then the pipeline drains");
    ready_sender.send_replace(false);
    shutdown_sender.send_replace(true);
    api_task.await??;
    followers_shutdown_sender.send_replace(true);
    for follower in followers {
        let _ = follower.await;
    }
    // Event history has written its tail to files: these go along.
    mirrors_shutdown_sender.send_replace(true);
    for mirror in mirrors {
        let _ = mirror.await;
    }
    parts.checkpoint().await;
    journal.close().await;
    // Health and metrics answer until all is done: a shutdown that hangs can be looked at.
    admin_stop_sender.send_replace(true);
    admin_task.await??;
    tracing::info!("stopped");
    Ok(())
}

/// The parts that follow the journal, and the journal itself.
struct Parts {
    journal: Arc<dyn Journal>,
    catalog: Arc<CatalogWriter>,
    history: Arc<EventHistory>,
    delivery: Delivery,
    notifier: Notifier,
    insights: Insights,
    recorder: Recorder,
    delays: Arc<Delays>,
}

impl Parts {
    /// Starts the followers. One that fails is told at once, and the server is not ready any more; recording goes on,
    /// for the journal keeps what the follower has not seen.
    fn run(
        &self,
        shutdown: &watch::Receiver<bool>,
        ready: &watch::Sender<bool>,
    ) -> Vec<JoinHandle<()>> {
        let (history, stop) = (self.history.clone(), shutdown.clone());
        let history = async move { history.run(stop).await.context("event history") };
        let (delivery, stop) = (self.delivery.clone(), shutdown.clone());
        let delivery = async move { delivery.run(stop).await.context("delivery") };
        let (notifier, stop) = (self.notifier.clone(), shutdown.clone());
        let notifier = async move { notifier.run(stop).await.context("notifications") };
        let (insights, stop) = (self.insights.clone(), shutdown.clone());
        let insights = async move { insights.run(stop).await.context("Insights") };
        let release = self.release(shutdown.clone());
        vec![
            tokio::spawn(supervised("history", ready.clone(), history)),
            tokio::spawn(supervised("delivery", ready.clone(), delivery)),
            tokio::spawn(supervised("notify", ready.clone(), notifier)),
            tokio::spawn(supervised("insights", ready.clone(), insights)),
            tokio::spawn(supervised("release", ready.clone(), release)),
        ]
    }

    /// Closes what the last run left open, then tells the journal every few seconds the lowest position that anybody
    /// still needs.
    fn release(
        &self,
        mut shutdown: watch::Receiver<bool>,
    ) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let (journal, catalog, recorder) = (
            self.journal.clone(),
            self.catalog.clone(),
            self.recorder.clone(),
        );
        let (history, delivery) = (self.history.position(), self.delivery.position());
        let (notifier, insights) = (self.notifier.position(), self.insights.position());
        let delays = self.delays.clone();
        async move {
            let before = *journal.head().borrow();
            tokio::select! {
                closed = close_intents(&*journal, before) => closed?,
                () = listen::stopped(&mut shutdown) => return Ok(()),
            }
            let mut saved = catalog.checkpoint().await.context("save the catalog")?;
            let mut saved_at = tokio::time::Instant::now();
            loop {
                tokio::select! {
                    () = tokio::time::sleep(RELEASE_INTERVAL) => {}
                    () = listen::stopped(&mut shutdown) => return Ok(()),
                }
                delays.note(Instant::now(), *journal.head().borrow());
                if saved_at.elapsed() >= CHECKPOINT_INTERVAL {
                    saved = catalog.checkpoint().await.context("save the catalog")?;
                    saved_at = tokio::time::Instant::now();
                }
                let followers = [
                    *history.borrow(),
                    *delivery.borrow(),
                    *notifier.borrow(),
                    *insights.borrow(),
                    saved,
                ];
                let lowest = followers
                    .into_iter()
                    .chain(recorder.lowest_open_intent())
                    .min()
                    .unwrap_or(Seq(0));
                journal
                    .release(lowest)
                    .await
                    .context("release journal entries")?;
            }
        }
    }

    fn gauges(&self) -> Arc<dyn Fn() + Send + Sync> {
        let (head, journal) = (self.journal.head(), self.journal.clone());
        let (history, delivery) = (self.history.position(), self.delivery.position());
        let (notifier, insights) = (self.notifier.position(), self.insights.position());
        let (delays, files) = (self.delays.clone(), self.history.clone());
        Arc::new(move || {
            let damaged = files.damaged_files().len();
            metrics::gauge!("pugmark_history_damaged_files").set(damaged as f64);
            let (now, head) = (Instant::now(), *head.borrow());
            metrics::gauge!("pugmark_journal_head").set(head.0 as f64);
            metrics::gauge!("pugmark_journal_entries").set((head.0 - journal.first().0) as f64);
            let has_room = journal.check_room(0).is_ok();
            metrics::gauge!("pugmark_journal_has_room").set(f64::from(u8::from(has_room)));
            for (follower, position) in [
                ("history", *history.borrow()),
                ("delivery", *delivery.borrow()),
                ("notify", *notifier.borrow()),
                ("insights", *insights.borrow()),
            ] {
                let lag = head.0.saturating_sub(position.0);
                metrics::gauge!("pugmark_follower_unsaved_entries", "follower" => follower)
                    .set(lag as f64);
                metrics::gauge!("pugmark_follower_delay_seconds", "follower" => follower)
                    .set(delays.of(now, position, head).as_secs_f64());
            }
        })
    }

    async fn checkpoint(&self) {
        if let Err(error) = self.catalog.checkpoint().await {
            tracing::error!(%error, "catalog could not be saved; the journal still has it");
        }
    }
}

/// Looks at the organization again and again, so that its trails record accounts that join.
async fn watch_organization(api: Arc<Api>, mut shutdown: watch::Receiver<bool>) {
    loop {
        if let Err(error) = api.refresh_organizations().await {
            tracing::warn!(%error, "the organization could not be looked at; its trails stay as they are");
        }
        tokio::select! {
            () = tokio::time::sleep(ORGANIZATION_INTERVAL) => {}
            () = listen::stopped(&mut shutdown) => return,
        }
    }
}

/// Tells when the upstream knows a key that Pugmark has made up, as emulators do, and says that it is of another account: role
/// sessions there would have their events in an account whose history nobody sees.
async fn compare_account(
    upstreams: Arc<AwsServices>,
    ours: AccountId,
    mut shutdown: watch::Receiver<bool>,
) {
    let theirs = tokio::select! {
        theirs = upstream_account(&upstreams) => theirs,
        () = listen::stopped(&mut shutdown) => return,
    };
    if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
        tracing::warn!(
            "the upstream's account is {theirs}, this server's is {ours}: events of the upstream's roles are recorded for \
             {theirs}, whose history nobody of {ours} may see; start with --account-id {theirs} and a new --data-dir"
        );
    }
}

async fn upstream_account(upstreams: &AwsServices) -> Option<AccountId> {
    for _ in 0..ACCOUNT_ATTEMPTS {
        match upstreams.account().await {
            Ok(account) => return Some(account),
            // It did not answer.
            Err(error) if error.code.is_none() => tokio::time::sleep(ACCOUNT_INTERVAL).await,
            // There is no STS, or it judges keys.
            Err(_) => return None,
        }
    }
    None
}

/// Tells when a follower fails, and that the server is not whole without it.
async fn supervised(
    name: &'static str,
    ready: watch::Sender<bool>,
    follower: impl Future<Output = anyhow::Result<()>>,
) {
    if let Err(error) = follower.await {
        let error = format!("{error:#}");
        tracing::error!(
            follower = name,
            error,
            "follower stopped; calls are still recorded, a restart lets it catch up"
        );
        metrics::gauge!("pugmark_follower_failed", "follower" => name).set(1.0);
        ready.send_replace(false);
    }
}

/// Closes intents below `before` that a crash left without an event: the call may have happened, so an event says
/// just that.
async fn close_intents(journal: &dyn Journal, before: Seq) -> anyhow::Result<()> {
    let mut open = std::collections::HashMap::new();
    let mut at = journal.first();
    while at < before {
        let read = journal
            .read(at, RECOVERY_READ_BYTES)
            .await
            .context("read the journal for open intents")?;
        let Some(last) = read.last() else { break };
        at = last.seq.next();
        for stored in read.into_iter().take_while(|stored| stored.seq < before) {
            match stored.entry.kind {
                EntryKind::Catalog => {}
                EntryKind::Intent => {
                    let intent =
                        event::decode(&stored.entry.payload).context("decode an intent")?;
                    open.insert(intent.keys.id, intent);
                }
                EntryKind::Event if !open.is_empty() => {
                    open.remove(
                        &event::decode(&stored.entry.payload)
                            .context("decode an event")?
                            .keys
                            .id,
                    );
                }
                EntryKind::Event => {}
            }
        }
    }
    for (id, intent) in open {
        tracing::warn!(event_id = %id, "a call was under way when the last run ended; its event says that the outcome is unknown");
        let entry = Entry {
            kind: EntryKind::Event,
            payload: event::encode(&intent),
        };
        journal
            .append(vec![entry])
            .await
            .context("record an intent without outcome")?;
    }
    Ok(())
}

/// The services that Pugmark tells and asks, at the upstream of each, with the key that delivers files.
fn endpoints(config: &Config, root: &RootCredentials) -> Endpoints {
    let services = ["sns", "kms", "logs", "events", "sts", "organizations"];
    let urls = services.into_iter().filter_map(|service| {
        let endpoint = config
            .upstream_services
            .get(service)
            .or(config.upstream.as_ref())?;
        Some((service, endpoint.to_string()))
    });
    Endpoints {
        urls: urls.collect(),
        credentials: own_credentials(config, root),
        region: config.region.clone(),
        organization: config.organization.clone(),
    }
}

/// The key with which Pugmark itself calls upstreams.
fn own_credentials(config: &Config, root: &RootCredentials) -> Credentials {
    let (access_key_id, secret) = match &config.delivery_credentials {
        Some((access_key_id, secret)) => (access_key_id, secret),
        None => (&root.access_key_id, &root.secret_access_key),
    };
    Credentials::new(access_key_id, &secret.0, None, None, "pugmark")
}

/// Topics are told through the services' port.
struct Topics(Arc<dyn Services>);

#[async_trait::async_trait]
impl Announcer for Topics {
    async fn publish(&self, topic: &str, message: &str) -> Result<(), ServiceError> {
        self.0.publish(topic, message).await
    }
}

/// Where S3 calls go, and a client for delivery to the same place.
async fn s3(
    config: &Config,
    root: &RootCredentials,
    identities: &Arc<Identities>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Route, aws_sdk_s3::Client)> {
    let builder = aws_sdk_s3::config::Builder::new()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new(config.region.to_string()))
        .credentials_provider(own_credentials(config, root))
        .force_path_style(true);
    if let Some(endpoint) = config
        .upstream_services
        .get("s3")
        .or(config.upstream.as_ref())
    {
        let client =
            aws_sdk_s3::Client::from_conf(builder.endpoint_url(endpoint.to_string()).build());
        return Ok((Route::Remote(endpoint.clone()), client));
    }
    let hosts = config.bucket_hosts.clone().unwrap_or_default();
    let buckets = Buckets::open(
        config.data_dir.join("buckets"),
        config.region.to_string(),
        config.account.to_string(),
        Arc::new(IdentityAuthority(identities.clone())),
        Box::new(move |host| hosts.bucket(host).map(str::len)),
        clock.clone(),
    )
    .await
    .context("open the embedded bucket store")?;
    let buckets = Arc::new(buckets);
    let config = builder
        .endpoint_url("http://s3.localhost")
        .http_client(embedded::http_client(buckets.clone()));
    Ok((
        Route::Local(Arc::new(EmbeddedS3(buckets))),
        aws_sdk_s3::Client::from_conf(config.build()),
    ))
}

/// Copies of the event tables, if any are wanted: of recorded events, and of imported ones.
fn mirrors(config: &Config, client: &aws_sdk_s3::Client, clock: &Arc<dyn Clock>) -> Vec<Mirror> {
    let Some((bucket, prefix)) = &config.mirror else {
        return Vec::new();
    };
    let bucket: Arc<dyn MirrorBucket> = Arc::new(S3Mirror::new(client, bucket.clone()));
    let mirror = |table: &str| {
        let prefix = match &prefix[..] {
            "" => format!("{table}/"),
            prefix => format!("{prefix}/{table}/"),
        };
        let kept = pugmark_table::Settings::default().removed_files_kept;
        let dir = config.data_dir.join(table);
        Mirror::new(dir, bucket.clone(), prefix, clock.clone(), kept)
    };
    vec![mirror(EVENTS), mirror(IMPORTS)]
}

/// Hosts name buckets as the settings say, else as the store behind says; the embedded one reads them as AWS does.
fn bucket_hosts(config: &Config, root: &RootCredentials, s3: &Route) -> HostRule {
    match (&config.bucket_hosts, s3) {
        (Some(hosts), _) => HostRule::Said(Arc::new(hosts.clone())),
        (None, Route::Local(_)) => HostRule::Aws,
        (None, Route::Remote(store)) => HostRule::Asked(Arc::new(StoreHosts::new(
            store.clone(),
            // Strangers get an answer where a key that nobody knows gets none.
            config
                .delivery_credentials
                .as_ref()
                .map(|_| own_credentials(config, root)),
            config.region.clone(),
        ))),
    }
}

fn gateway(
    config: &Config,
    bucket_hosts: HostRule,
    s3: Route,
    cloudtrail: CloudTrail,
    identities: &Arc<Identities>,
    recorder: &Recorder,
    clock: &Arc<dyn Clock>,
) -> Gateway {
    let mut routes = Routes::new(config.upstream.clone().map(Route::Remote));
    for (service, endpoint) in &config.upstream_services {
        routes.set(service, Route::Remote(endpoint.clone()));
    }
    routes.set("s3", s3);
    routes.set("cloudtrail", Route::Local(Arc::new(cloudtrail)));
    let settings = pugmark_gateway::Settings {
        account: config.account,
        region: config.region.clone(),
        bucket_hosts,
        vpc_endpoints: config.vpc_endpoints.clone(),
    };
    Gateway::new(
        routes,
        UpstreamClient::default(),
        identities.clone(),
        recorder.clone(),
        clock.clone(),
        settings,
    )
}

fn identities(config: &Config, root: &RootCredentials) -> anyhow::Result<Identities> {
    let mut configured = vec![Principal::new(
        root.access_key_id.clone(),
        root.secret_access_key.0.clone(),
        None,
        Identity::root(config.account, Some(root.access_key_id.clone())),
        vec![Policy::parse("AdministratorAccess").context("built-in policy")?],
    )];
    for settings in &config.principals {
        configured.push(principal(settings)?);
    }
    let roles = config.roles.iter().map(role);
    let roles = roles.collect::<anyhow::Result<Vec<_>>>()?;
    let data_dir = config.data_dir.clone();
    let seen = Mutex::new(None);
    let reload = move || {
        let version = principals::version(&data_dir);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.replace(version) == Some(version) {
            return None;
        }
        load_principals(&data_dir)
            .inspect_err(|error| {
                let error = format!("{error:#}");
                tracing::error!(
                    error,
                    "principals file is not readable; the last good one stays"
                );
            })
            .ok()
    };
    let identities = Identities::new(
        configured,
        Some(Box::new(reload)),
        Some(config.data_dir.join("identities.log")),
    )?;
    Ok(identities.with_roles(roles))
}

fn role(settings: &RoleSettings) -> anyhow::Result<Role> {
    let is_role = Arn::parse(&settings.arn)
        .is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
    anyhow::ensure!(
        is_role,
        "role {}: not the ARN of a role, such as arn:aws:iam::123456789012:role/auditor",
        settings.arn
    );
    Ok(Role {
        arn: settings.arn.clone(),
        policies: policies(&settings.arn, &settings.policies)?,
    })
}

fn policies(owner: &str, policies: &[String]) -> anyhow::Result<Vec<Policy>> {
    let policies = policies.iter().map(|policy| Policy::parse(policy));
    let policies = policies.collect::<Result<Vec<_>, _>>();
    policies.with_context(|| format!("policies of {owner}"))
}

fn load_principals(data_dir: &Path) -> anyhow::Result<Vec<Principal>> {
    principals::load(data_dir)?.iter().map(principal).collect()
}

fn principal(settings: &PrincipalSettings) -> anyhow::Result<Principal> {
    let identity =
        pugmark_gateway::identities::identity_from_arn(&settings.arn, &settings.access_key_id)
            .with_context(|| {
                format!(
                    "principal {}: not the ARN of a user, role session or root",
                    settings.arn
                )
            })?;
    Ok(Principal::new(
        settings.access_key_id.clone(),
        settings.secret_access_key.clone(),
        settings.session_token.clone(),
        identity,
        policies(&settings.arn, &settings.policies)?,
    ))
}

fn console(config: &Config) -> Console {
    Console::new(console::Settings {
        listen: config.listen,
        admin_listen: config.admin_listen,
        has_tls: config.tls.is_some(),
        endpoint: config.console_endpoint.clone(),
        origins: config.console_origins.clone(),
        account: config.account,
        region: config.region.clone(),
    })
}

/// The gateway as the API listener's handler, and CORS for the console's page.
#[derive(Clone)]
struct ApiHandler {
    gateway: Gateway,
    console: Console,
}

impl Handler for ApiHandler {
    async fn handle(&self, peer: Arc<Peer>, request: Request<Body>) -> Response<Body> {
        let origin = self.console.origin_of(&request);
        if let Some(origin) = &origin
            && let Some(preflight) = Console::preflight(&request, origin)
        {
            return preflight;
        }
        let tls = peer.tls.as_ref().map(|(version, suite)| Tls {
            version: version.clone(),
            cipher_suite: suite.clone(),
        });
        let connection = Connection {
            address: peer.address,
            tls,
        };
        let mut response = self.gateway.handle(connection, request).await;
        if let Some(origin) = &origin {
            Console::allow(response.headers_mut(), origin);
        }
        response
    }

    async fn finish(&self) {
        self.gateway.finish().await;
    }
}

/// Connections and files, as many as the system allows: where nobody asks, the limit is one for programs of another time.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, limit = limit.current, "the limit of open files could not be raised");
    }
}

/// Makes the data directory, if need be; others cannot look into it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn create_private_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("create data directory {}", path.display()))
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// Says where to go next; shows new root credentials this once.
fn banner(config: &Config, root: &RootCredentials) {
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    println!("Pugmark {} is ready", env!("CARGO_PKG_VERSION"));
    println!("  API    {scheme}://{}", config.listen);
    println!(
        "  admin  http://{}  (console, health, metrics)",
        config.admin_listen
    );
    println!("  data   {}", config.data_dir.display());
    for (service, upstream) in &config.upstream_services {
        println!("  {service} calls go on to {upstream}");
    }
    let has_store = config.upstream.is_none() && !config.upstream_services.contains_key("s3");
    match &config.upstream {
        Some(upstream) => println!("  calls go on to {upstream}"),
        None if has_store => println!(
            "  no upstream: S3 is answered by the embedded bucket store; other services need --upstream URL"
        ),
        None => println!("  no upstream for other services: these need --upstream URL"),
    }
    if root.is_new {
        let Secret(secret) = &root.secret_access_key;
        println!(
            "\nThe root credentials, made now and shown only this once (kept in the data directory):\n"
        );
        println!("  export AWS_ENDPOINT_URL={scheme}://{}", config.listen);
        println!("  export AWS_DEFAULT_REGION={}", config.region);
        println!("  export AWS_ACCESS_KEY_ID={}", root.access_key_id);
        println!("  export AWS_SECRET_ACCESS_KEY={secret}\n");
    }
}

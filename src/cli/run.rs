use std::collections::BTreeSet;
use std::env;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::leader_elect::LeaderElect;
use anyhow::{Context as _, bail};
use aws_config::{BehaviorVersion, Region};
use clap::{Args, ValueEnum};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, Config, ResourceExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::aws::{ClientPool, Gate};
use vpc_flow_operator::controller::{self, Backoff, Context, Ended, Options, Served};
use vpc_flow_operator::health::Health;
use vpc_flow_operator::leader::Elector;
use vpc_flow_operator::metrics::Metrics;
use vpc_flow_operator::monitor::{AllowedArn, AllowedArns, Architecture, DetectorPackage, Settings};

/// Settings of the controller.
#[derive(Debug, Args)]
pub struct Run {
    /// Name of this cluster, the first part of every ownership tag. Never change it: resources would count as somebody else's.
    /// [default: the UID of namespace kube-system]
    #[arg(long, env = "CLUSTER_NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// AWS region of monitors that name none. [default: the AWS SDK's own choice, such as `AWS_REGION`]
    #[arg(long, env = "REGION")]
    region: Option<String>,

    /// Watch this namespace only. Repeatable. [default: all]
    #[arg(long, env = "WATCH_NAMESPACE", value_parser = namespace, value_delimiter = ',')]
    watch_namespace: Vec<String>,

    /// How many monitors are worked on at once. Those that fail or take long have room of their own, and hold up no others.
    #[arg(long, env = "CONCURRENCY", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,

    /// How often a monitor at rest is compared with AWS; up to a tenth is added.
    #[arg(long, env = "RESYNC", default_value = "10m", value_parser = resync)]
    resync: Duration,

    /// The detector's deployment package. [default: detector.zip beside this program]
    #[arg(long, env = "DETECTOR_PACKAGE")]
    detector_package: Option<PathBuf>,

    /// Processor that the detector runs on in Lambda: uses detector-arm64.zip or detector-x86_64.zip beside this program, as in the container
    /// image. arm64 costs a fifth less.
    #[arg(long, env = "DETECTOR_ARCHITECTURE", value_enum, conflicts_with = "detector_package")]
    detector_architecture: Option<Architecture>,

    /// Let monitors of a namespace work through a role in another account. `*` stands for any characters but `/` and `:`, `**` for any.
    /// Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_ROLE", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_role: Vec<AllowedArn>,

    /// Let monitors of a namespace hand a role to SNS for a subscription to Data Firehose; patterns as above. Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_SUBSCRIPTION_ROLE", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_subscription_role: Vec<AllowedArn>,

    /// Let monitors of a namespace name a bucket, log group or database that nobody owns, and take it over if their adoptionPolicy is
    /// `IfUnowned`; patterns as above. Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_ADOPTION", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_adoption: Vec<AllowedArn>,

    /// Permissions boundary for every IAM role the operator makes.
    #[arg(long, env = "PERMISSIONS_BOUNDARY_ARN")]
    permissions_boundary_arn: Option<String>,

    /// Deletion policy of monitors that name none.
    #[arg(long, env = "DEFAULT_DELETION_POLICY", value_enum, default_value_t = DeletionPolicy::RetainData)]
    default_deletion_policy: DeletionPolicy,

    #[command(flatten)]
    leader: LeaderElect,

    /// Address of /metrics, /healthz and /readyz.
    #[arg(long, env = "METRICS_ADDR", default_value = "0.0.0.0:8080")]
    metrics_addr: SocketAddr,

    /// Format of the log on standard error. What is logged follows `RUST_LOG`.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The ownership tag holds it together with a namespace and a name, and tag values end at 256 characters.
const CLUSTER_NAME_CHARS: usize = 100;

fn cluster_name(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > CLUSTER_NAME_CHARS || !text.chars().all(valid) {
        return Err(format!("1 to {CLUSTER_NAME_CHARS} letters, digits, `-`, `_` or `.`"));
    }
    Ok(text.to_owned())
}

/// A name that Kubernetes takes for a namespace: an empty one would stand for all of them.
fn namespace(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 63 || !text.chars().all(valid) {
        return Err("1 to 63 lower-case letters, digits or `-`".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn resync(text: &str) -> Result<Duration, String> {
    let resync = duration(text)?;
    if resync < Duration::from_secs(1) { Err("at least 1s".to_owned()) } else { Ok(resync) }
}

impl Run {
    /// Runs the controller until SIGTERM or SIGINT.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<()> {
        self.start_log();
        let detector = DetectorPackage::read(&self.detector_package()?)?;
        let config = Config::infer().await.context("no way to the Kubernetes API")?;
        let fence = self.leader.fence();
        let watch_namespaces: BTreeSet<String> = self.watch_namespace.into_iter().collect();
        let elector = self.leader.elector(&config, &watch_namespaces, &fence)?;
        let health = Health::default();
        let clients =
            controller::clients(&config, fence.clone(), health.clone()).context("no way to the Kubernetes API")?;
        let cluster_name = match &self.cluster_name {
            Some(name) => name.clone(),
            None => cluster_uid(clients.work.clone()).await?,
        };
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let metrics = Metrics::default();
        let pool = ClientPool::new(
            &loader.load().await,
            Gate::new(metrics.clone()).with_fence(fence.clone()).with_health(health.clone()),
        );
        let options = Options {
            settings: Settings {
                cluster_name,
                permissions_boundary_arn: self.permissions_boundary_arn,
                default_deletion_policy: self.default_deletion_policy,
                allowed_subscription_roles: AllowedArns(self.allowed_subscription_role),
                allowed_adoptions: AllowedArns(self.allowed_adoption),
                detector: Arc::new(detector),
            },
            allowed_roles: AllowedArns(self.allowed_role),
            watch_namespaces,
            resync: self.resync,
            backoff: Backoff::default(),
            concurrency: self.concurrency,
        };
        let context =
            Context::new(clients.work, pool, metrics.clone(), options).watching(clients.watch, health.clone());
        let (known, ready) = watch::channel(false);
        let stop = termination()?.boxed().shared();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
        let listener = TcpListener::bind(self.metrics_addr).await;
        let listener = listener
            .with_context(|| format!("cannot serve metrics on {}; choose another --metrics-addr", self.metrics_addr))?;
        // A task of its own each: neither health nor the lease may wait for the controller.
        let serving = tokio::spawn(controller::serve(listener, Served { metrics, fence, health, ready }));
        tokio::select! {
            ended = work(elector, context, known, stop) => ended,
            served = serving => served?.context("metrics and health are no longer served"),
        }
    }

    fn start_log(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,kube=warn"));
        let log =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
        match self.log_format {
            LogFormat::Json => log.json().init(),
            LogFormat::Text => log.init(),
        }
    }

    fn detector_package(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.detector_package {
            return Ok(path.clone());
        }
        let program = env::current_exe().context("the place of this program is not known; set --detector-package")?;
        let architecture = self.detector_architecture.map(|architecture| format!("-{}", architecture.as_str()));
        Ok(program.with_file_name(format!("detector{}.zip", architecture.unwrap_or_default())))
    }
}

type Stop = Shared<BoxFuture<'static, ()>>;

/// Runs the controller, while this process leads if there is an election. Once it has led and leads no longer, it ends with an error: what
/// starts it anew gets it back without anything left from before.
async fn work(
    elector: Option<Elector>,
    context: Context,
    known: watch::Sender<bool>,
    stop: Stop,
) -> anyhow::Result<()> {
    let Some(mut elector) = elector else {
        controller::run(context, known, stop).await;
        return Ok(());
    };
    tokio::select! {
        // Standing by is all that a follower has to be ready for.
        () = elector.acquire(|_| _ = known.send_replace(true)) => {}
        () = stop.clone() => return Ok(()),
    }
    known.send_replace(false);
    let (finished, no_longer_needed) = oneshot::channel::<()>();
    let mut keeping = tokio::spawn(async move {
        tokio::select! {
            lost = elector.keep() => Err(lost),
            _ = no_longer_needed => Ok(elector),
        }
    });
    tokio::select! {
        ended = controller::run(context, known, stop) => {
            drop(finished);
            // Calls that were abandoned may still take effect: then the lease expires by itself, later.
            if let (Ended::Finished, Ok(elector)) = (ended, keeping.await?) {
                elector.release().await;
            }
            Ok(())
        }
        kept = &mut keeping => match kept? {
            Ok(_) => Ok(()),
            Err(lost) => {
                tracing::error!(reason = %lost, "leads no longer; ends at once, to be started anew");
                Err(lost.into())
            }
        }
    }
}

async fn cluster_uid(client: Client) -> anyhow::Result<String> {
    let namespaces: Api<Namespace> = Api::all(client);
    let namespace = namespaces
        .get("kube-system")
        .await
        .context("namespace kube-system, whose UID names this cluster, cannot be read; set --cluster-name")?;
    match namespace.uid() {
        Some(uid) => Ok(uid),
        None => bail!("namespace kube-system has no UID; set --cluster-name"),
    }
}

fn termination() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: steps under way are finished first");
    })
}

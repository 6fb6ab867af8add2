//! The metrics of the operator, for Prometheus. Every name begins with `vpc_flow_operator_`; docs/operations.md lists them.

mod conditions;
mod fleets;
mod monitors;
mod overviews;
mod process;
mod standings;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use fleets::Fleets;
pub use monitors::Monitors;
pub use overviews::Overviews;

use crate::api::ResourceKind;
use crate::aws::RequestOutcome;
use crate::aws::limits::LimitMetrics;
use crate::aws::operations::Operation;
use process::Process;

/// Counters, shared by all that count.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    aws_requests: Family<AwsRequestLabels, Counter>,
    aws_request_duration: Family<ServiceLabels, Histogram>,
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_errors: Counter,
    reconcile_duration: Histogram,
    changes: Family<ChangeLabels, Counter>,
    limits: LimitMetrics,
    monitors: Monitors,
    fleets: Fleets,
    overviews: Overviews,
    /// Leader, active workers, queue depth.
    live: [Gauge; 3],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AwsRequestLabels {
    service: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    action: &'static str,
    kind: &'static str,
}

/// The result of a pass over a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassResult {
    /// AWS is as declared.
    Success,
    /// Nothing failed, and there is more to do.
    Unfinished,
    /// Something failed; the monitor's conditions report it, or the log where Kubernetes did not answer.
    Error,
}

impl PassResult {
    /// The label, with the names of controller-runtime.
    const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Unfinished => "requeue_after",
            Self::Error => "error",
        }
    }
}

/// In seconds: from a pass at rest to one that empties a bucket.
const RECONCILE_BUCKETS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// In seconds, up to the time after which a call is given up.
const AWS_BUCKETS: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(Process::default()));
        let registry = root.sub_registry_with_prefix("vpc_flow_operator");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the operator", version);
        let reconciles = Family::default();
        registry.register("reconcile", "Passes over a monitor, by result", Family::clone(&reconciles));
        let reconcile_errors = Counter::default();
        registry.register("reconcile_errors", "Passes in which something failed", reconcile_errors.clone());
        let reconcile_duration = Histogram::new(RECONCILE_BUCKETS);
        let help = "Duration of passes";
        registry.register_with_unit("reconcile_duration", help, Unit::Seconds, reconcile_duration.clone());
        let aws_requests = Family::default();
        registry.register("aws_requests", "Requests to AWS", Family::clone(&aws_requests));
        let aws_request_duration: Family<ServiceLabels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(AWS_BUCKETS));
        let help = "Duration of requests to AWS, including repeats";
        registry.register_with_unit("aws_request_duration", help, Unit::Seconds, aws_request_duration.clone());
        let changes = Family::default();
        registry.register("changes", "Changes made in AWS", Family::clone(&changes));
        let limits = LimitMetrics::register(registry);
        let monitors = Monitors::default();
        registry.register_collector(Box::new(monitors.clone()));
        let fleets = Fleets::default();
        registry.register_collector(Box::new(fleets.clone()));
        let overviews = Overviews::default();
        registry.register_collector(Box::new(overviews.clone()));
        let [leader, active, queued]: [Gauge; 3] = Default::default();
        registry.register("leader", "1 while this replica works, 0 while it stands by", leader.clone());
        registry.register("active_workers", "Passes under way", active.clone());
        registry.register("queue_depth", "Monitors whose pass is due and not begun", queued.clone());
        Self {
            registry: Arc::new(root),
            live: [leader, active, queued],
            aws_requests,
            aws_request_duration,
            reconciles,
            reconcile_errors,
            reconcile_duration,
            changes,
            limits,
            monitors,
            fleets,
            overviews,
        }
    }
}

impl Metrics {
    /// The metrics of the limits on calls to AWS.
    #[must_use]
    pub const fn limits(&self) -> &LimitMetrics {
        &self.limits
    }

    /// Counts a request to AWS, and its time if it was sent.
    pub fn aws_request(&self, operation: &Operation, outcome: RequestOutcome, took: Option<Duration>) {
        let service = operation.service.id();
        let labels = AwsRequestLabels { service, operation: operation.name, outcome: outcome.label() };
        self.aws_requests.get_or_create(&labels).inc();
        if let Some(took) = took {
            self.aws_request_duration.get_or_create(&ServiceLabels { service }).observe(took.as_secs_f64());
        }
    }

    /// Counts a pass over a monitor.
    pub fn reconcile(&self, result: PassResult, took: Duration) {
        self.reconciles.get_or_create(&ReconcileLabels { result: result.label() }).inc();
        if result == PassResult::Error {
            self.reconcile_errors.inc();
        }
        self.reconcile_duration.observe(took.as_secs_f64());
    }

    /// Counts a change made in AWS.
    pub fn change(&self, action: &'static str, kind: ResourceKind) {
        self.changes.get_or_create(&ChangeLabels { action, kind: kind.noun() }).inc();
    }

    /// The states of the monitors.
    #[must_use]
    pub const fn monitors(&self) -> &Monitors {
        &self.monitors
    }

    /// The states of the fleets.
    #[must_use]
    pub const fn fleets(&self) -> &Fleets {
        &self.fleets
    }

    /// The states of the overviews.
    #[must_use]
    pub const fn overviews(&self) -> &Overviews {
        &self.overviews
    }

    /// Sets the gauges to the present values.
    pub fn now(&self, leads: bool, active: usize, queued: usize) {
        let values =
            [i64::from(leads), i64::try_from(active).unwrap_or(i64::MAX), i64::try_from(queued).unwrap_or(i64::MAX)];
        for (gauge, value) in self.live.iter().zip(values) {
            gauge.set(value);
        }
    }

    /// All metrics, in the `OpenMetrics` text format.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

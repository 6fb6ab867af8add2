//! A world for overviews: two accounts and two regions with monitors at rest, and an operator whose calls can be disturbed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use devenv::{FaultProxy, wait_for};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testkit::cluster::{Cluster, Operator};
use testkit::overviews::{Stage, has, sink};
use testkit::sandbox::REGION;
use tokio::sync::OnceCell;
use vpc_flow_operator::api::{RECONCILE_REQUESTED_AT, VpcFlowOverview};
use vpc_flow_operator::controller::Backoff;

use super::phase::Phase;
use super::state::state;
use crate::crash::points::Calls;
use crate::kube_faults::KubeFaults;
use crate::snapshot::check_same;
use crate::world::DEADLINE;

/// The name of the overview.
pub const NAME: &str = "all";

/// Namespace of the metrics of one monitor, unlike that of the others.
const METRICS: &str = "Custom/FlowLogs";

/// Two accounts and two regions with three monitors.
pub struct World {
    pub stage: Stage,
    /// A sink for the links of the other account.
    pub sink_arn: String,
    /// A key for the topic.
    pub key_arn: String,
    /// Between the operator and AWS.
    pub proxy: FaultProxy,
    /// Between the operator and Kubernetes.
    pub kube: KubeFaults,
    /// Before any overview.
    pub empty: Value,
    undisturbed: OnceCell<Undisturbed>,
    _operator: Operator,
    requests: AtomicU32,
}

/// An undisturbed life of an overview.
pub struct Undisturbed {
    /// The calls of each phase.
    pub calls: BTreeMap<Phase, Calls>,
    /// The state at its end.
    pub ends: BTreeMap<Phase, Value>,
}

impl World {
    /// `name` is unique among all tests.
    pub async fn new(name: &str) -> Result<Self> {
        let stage = Stage::new(name).await;
        let sink_arn = sink(&stage).await;
        let key_arn = stage.here.emulator.create_key_for(&stage.here.account, REGION, &["events"]).await?;
        let proxy = FaultProxy::start(stage.here.emulator.endpoint()).await?;
        let kube = KubeFaults::default();
        let cluster = Cluster { operator: kube.client(stage.cluster.operator.clone()), ..stage.cluster.clone() };
        let allowed = format!("{name}={}", stage.role.role_arn).parse()?;
        let operator = Operator::start_at(&cluster, &stage.here.config_at(proxy.endpoint()), |options| {
            options.fleets = true;
            options.allowed_roles.0.push(allowed);
            options.backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(400) };
        });
        make_monitors(&stage).await;
        let (empty, undisturbed, requests) = (Value::Null, OnceCell::new(), AtomicU32::default());
        let mut world =
            Self { stage, sink_arn, key_arn, proxy, kube, empty, undisturbed, _operator: operator, requests };
        world.empty = state(&world).await?;
        Ok(world)
    }

    /// A life in which nothing fails. It is lived when it is first asked for.
    pub async fn undisturbed(&self) -> Result<&Undisturbed> {
        self.undisturbed.get_or_try_init(|| self.live()).await
    }

    async fn live(&self) -> Result<Undisturbed> {
        let mut life = Undisturbed { calls: BTreeMap::new(), ends: BTreeMap::new() };
        for phase in Phase::ALL {
            let since = Instant::now();
            phase.begin(self).await?;
            phase.end(self).await?;
            life.calls.insert(phase, Calls::between(&self.proxy.calls(), &[], since, Instant::now()));
            life.ends.insert(phase, state(self).await?);
        }
        check_same(&self.empty, &life.ends[&Phase::Delete]).context("deleted")?;
        ensure!(self.proxy.unknown_requests().is_empty(), "{:?}", self.proxy.unknown_requests());
        Ok(life)
    }

    /// Waits until the overview is Ready for its present spec.
    pub async fn wait_ready(&self) -> Result<()> {
        self.wait("the overview to be Ready", |overview| overview.is_some_and(is_ready)).await
    }

    /// Waits until the overview is gone.
    pub async fn wait_gone(&self) -> Result<()> {
        self.wait("the overview to be gone", |overview| overview.is_none()).await
    }

    /// Waits until the overview is Ready after another pass.
    pub async fn pass(&self) -> Result<()> {
        let token = self.request_pass().await?;
        let is_so = |it: &VpcFlowOverview| handled(it) == Some(&token) && is_ready(it);
        self.wait("the requested pass", |overview| overview.is_some_and(is_so)).await
    }

    /// Waits until the overview is as `condition` says. Asks for a pass when only a person could help: a resync would come too late.
    async fn wait(&self, what: &str, condition: impl Fn(Option<&VpcFlowOverview>) -> bool) -> Result<()> {
        let (mut latest, mut asked) = (None, None);
        let waited = wait_for(what, DEADLINE, async || {
            latest = self.stage.overviews.get_opt(NAME).await?;
            if condition(latest.as_ref()) {
                return Ok(Some(()));
            }
            let is_stalled = latest.as_ref().is_some_and(|it| has_condition(it, "Stalled"));
            let is_handled = asked.is_none() || latest.as_ref().and_then(handled) == asked.as_ref();
            if is_stalled && is_handled {
                asked = Some(self.request_pass().await?);
            }
            Ok(None)
        });
        waited.await.with_context(|| format!("{:#?}", latest.and_then(|it| it.status)))
    }

    async fn request_pass(&self) -> Result<String> {
        let token = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: token}}});
        match self.stage.overviews.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await {
            // Gone meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(token),
            other => Ok(other.map(|_| token)?),
        }
    }
}

fn handled(overview: &VpcFlowOverview) -> Option<&String> {
    overview.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref())
}

fn is_ready(overview: &VpcFlowOverview) -> bool {
    has(overview, "Ready", "True", "Reconciled")
}

/// True if the condition is True.
pub fn has_condition(overview: &VpcFlowOverview, type_: &str) -> bool {
    let mut conditions = overview.status.iter().flat_map(|status| &status.conditions);
    conditions.any(|known| known.type_ == type_ && known.status == "True")
}

/// One monitor here, and two in the other account and region, all of them at rest: only the overview calls AWS from then on.
async fn make_monitors(stage: &Stage) {
    let (far, mut further) = (stage.spec_there().await, stage.spec_there().await);
    METRICS.clone_into(&mut further.detections.namespace);
    tokio::join!(
        stage.monitor("near", stage.here.spec(), json!({"team": "network", "site": "near"})),
        stage.monitor("far", far, json!({"team": "network"})),
        stage.monitor("further", further, json!({"team": "other"})),
    );
    for name in ["near", "far", "further"] {
        stage.cluster.reconcile_now(name, "rest").await;
        stage.cluster.wait_ready(name).await;
    }
}

//! The life of a fleet: it makes its monitors, and then gives them another template in two waves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testkit::cluster::{Cluster, Operator};
use testkit::fleets::{Stage, has, make_prod, small_with};
use testkit::waiting::try_until;
use vpc_flow_operator::api::RECONCILE_REQUESTED_AT;
use vpc_flow_operator::api::fleet::VpcFlowFleet;
use vpc_flow_operator::controller::Backoff;

use super::history::History;
use super::points::{Crashes, Phase, Plan, Writes, count};
use super::state::state;
use crate::crash::trap::hold_once;
use crate::kube_faults::{Hold, KubeFaults};
use crate::snapshot::check_same;
use crate::world::DEADLINE;

pub const FLEET: &str = "prod";
pub const PLACE: &str = "home";
const VPCS: u32 = 6;
const FIRST_WAVE: usize = 2;

/// An account with VPCs, a namespace, and an operator whose calls to Kubernetes can be stopped.
pub struct Life {
    pub stage: Stage,
    /// In the order of the rollout.
    pub vpcs: Vec<String>,
    pub history: History,
    kube: KubeFaults,
    operator: Option<Operator>,
    requests: AtomicU32,
}

impl Life {
    async fn new(name: &str) -> Self {
        let stage = Stage::new(name).await;
        let mut vpcs = Vec::new();
        for _ in 0..VPCS {
            vpcs.push(make_prod(&stage.here).await);
        }
        vpcs.sort();
        let history = History::record(stage.cluster.monitors.clone());
        let (kube, requests) = (KubeFaults::default(), AtomicU32::default());
        let mut life = Self { stage, vpcs, history, kube, operator: None, requests };
        life.start();
        life
    }

    pub fn first_wave(&self) -> &[String] {
        &self.vpcs[..FIRST_WAVE]
    }

    /// Starts an operator that remembers nothing. No life may wait for a resync, which would come too late.
    fn start(&mut self) {
        let cluster = &self.stage.cluster;
        let cluster = Cluster { operator: self.kube.client(cluster.operator.clone()), ..cluster.clone() };
        self.operator = Some(Operator::start_at(&cluster, &self.stage.here.config, |options| {
            options.fleets = true;
            options.backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) };
        }));
    }

    async fn kill(&mut self) -> Result<()> {
        self.operator.take().context("no operator runs")?.kill().await;
        Ok(())
    }

    async fn begin(&self, phase: Phase) {
        let traffic = if phase == Phase::Create { "ALL" } else { "REJECT" };
        let spec = json!({
            "places": [{"name": PLACE}],
            "template": small_with("trafficType", json!(traffic)),
            "rollout": {"waves": [FIRST_WAVE, "100%"], "soakSeconds": 0},
        });
        self.stage.apply(FLEET, spec).await;
    }

    /// Waits until all monitors have the present template and are Ready.
    async fn reach(&self) -> Result<()> {
        self.wait("the fleet to be Ready", is_done).await
    }

    /// The same, after another pass of the fleet.
    async fn end(&self) -> Result<()> {
        self.reach().await?;
        let token = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: token}}});
        self.stage.fleets.patch(FLEET, &PatchParams::default(), &Patch::Merge(patch)).await?;
        self.wait("the fleet to be Ready after the requested pass", |fleet| {
            let handled = fleet.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
            handled == Some(&token) && is_done(fleet)
        })
        .await
    }

    async fn wait(&self, what: &str, condition: impl Fn(&VpcFlowFleet) -> bool) -> Result<()> {
        try_until(&self.stage.fleets, FLEET, what, DEADLINE, condition).await.map(drop)
    }

    /// Goes through a phase, and is killed as often as these crashes say, if it comes to them. Returns how often.
    async fn go_through(&mut self, phase: Phase, crashes: Option<&Crashes>) -> Result<u32> {
        let mut kills = 0;
        let mut hold = self.hold(crashes, kills);
        self.begin(phase).await;
        loop {
            let ended = tokio::select! {
                biased;
                () = arrived(hold.as_ref()) => None,
                ended = self.end() => Some(ended),
            };
            if let Some(held) = &hold {
                // The last write of a phase may be held after the phase has come to its end.
                held.settled().await;
                if held.has_arrived() {
                    self.kill().await?;
                    kills += 1;
                    hold = self.hold(crashes, kills);
                    self.start();
                    continue;
                }
            }
            if let Some(ended) = ended {
                self.kube.clear();
                return ended.map(|()| kills);
            }
        }
    }

    fn hold(&self, crashes: Option<&Crashes>, kills: u32) -> Option<Hold> {
        let crashes = crashes.filter(|crashes| kills < crashes.times)?;
        Some(hold_once(&self.kube, &crashes.call, crashes.skip, crashes.moment))
    }
}

async fn arrived(hold: Option<&Hold>) {
    match hold {
        Some(hold) => hold.arrived().await,
        None => std::future::pending().await,
    }
}

fn is_done(fleet: &VpcFlowFleet) -> bool {
    let counts = fleet.status.as_ref().and_then(|status| status.monitors);
    let all = |count: u32| count == VPCS;
    has(fleet, "Ready", "True", "Reconciled")
        && counts.is_some_and(|it| all(it.wanted) && all(it.present) && all(it.updated) && all(it.ready))
}

/// The writes of each phase of an undisturbed life, and the state at its end.
pub struct Undisturbed {
    pub writes: Writes,
    pub states: BTreeMap<Phase, Value>,
}

impl Undisturbed {
    /// Keeps the writes that come in another life as well.
    pub fn keep_common(&mut self, other: &Writes) {
        self.writes.retain(|write, times| {
            *times = (*times).min(other.get(write).copied().unwrap_or_default());
            *times > 0
        });
    }
}

/// Lives a life in which nothing happens to the operator.
pub async fn undisturbed(name: &str) -> Result<Undisturbed> {
    let life = Life::new(name).await;
    let mut undisturbed = Undisturbed { writes: Writes::new(), states: BTreeMap::new() };
    for phase in Phase::ALL {
        let before = life.kube.calls().len();
        life.begin(phase).await;
        life.reach().await?;
        let calls = life.kube.calls().into_iter().skip(before).map(|(_, call)| call);
        undisturbed.writes.extend(count(phase, calls));
        life.end().await?;
        undisturbed.states.insert(phase, state(&life).await?);
    }
    Ok(undisturbed)
}

/// The result of a life.
#[derive(Default)]
pub struct Story {
    /// The crashes of each phase that ended as it should.
    pub kills: BTreeMap<Phase, u32>,
    /// The phase that went wrong, if one did; those after it did not happen.
    pub failed: Option<(Phase, anyhow::Error)>,
}

/// Lives a life in which the operator is killed as the plan says.
pub async fn killed(name: &str, plan: &Plan, undisturbed: &Undisturbed) -> Result<Story> {
    let mut life = Life::new(name).await;
    let mut story = Story::default();
    for phase in Phase::ALL {
        let ended = async {
            let kills = life.go_through(phase, plan.get(&phase)).await?;
            let should = undisturbed.states.get(&phase).context("a phase of the undisturbed life")?;
            check_same(should, &state(&life).await?).map(|()| kills)
        };
        match ended.await {
            Ok(kills) => _ = story.kills.insert(phase, kills),
            Err(error) => {
                story.failed = Some((phase, error));
                break;
            }
        }
    }
    Ok(story)
}

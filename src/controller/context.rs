use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::events::Event;
use kube::{Api, Client, Resource};
use tokio_util::sync::CancellationToken;

use super::alarm_states::AlarmStates;
use super::concurrency::Concurrency;
use super::events::Recorder;
use super::health::Health;
use super::retry::{Backoff, Memory};
use crate::api::VpcFlowMonitor;
use crate::aws::ClientPool;
use crate::metrics::Metrics;
use crate::monitor::{AllowedArns, Settings};

/// Clients, settings and state that every reconcile uses.
pub struct Context {
    pub(super) client: Client,
    pub(super) watching: Client,
    pub(super) health: Health,
    pub(super) recorder: Recorder,
    pub(super) aws: ClientPool,
    pub(super) metrics: Metrics,
    pub(super) options: Options,
    /// Cancelled once the operator is to stop.
    pub(super) stopping: CancellationToken,
    pub(super) concurrency: Concurrency,
    pub(super) alarm_states: AlarmStates,
    memories: Mutex<HashMap<String, Memory>>,
}

/// Options of the controller.
#[derive(Clone, Debug)]
pub struct Options {
    /// Settings of the operator's owner for all monitors.
    pub settings: Settings,
    /// Roles that monitors may work through, by namespace.
    pub allowed_roles: AllowedArns,
    /// Only these namespaces; all if there are none.
    pub watch_namespaces: BTreeSet<String>,
    /// Time after which a monitor at rest is compared with AWS again.
    pub resync: Duration,
    /// Waits before a failed pass is repeated.
    pub backoff: Backoff,
    /// Time between two readings of the states of all alarms.
    pub alarm_interval: Duration,
    /// True if fleets and overviews are worked on.
    pub fleets: bool,
    /// Number of monitors that are worked on at once; those that are being built, fail or take long are counted apart.
    pub concurrency: u16,
}

impl Context {
    /// A context that speaks to Kubernetes through `client` and to AWS through `aws`.
    #[must_use]
    pub fn new(client: Client, aws: ClientPool, metrics: Metrics, options: Options) -> Self {
        let concurrency = Concurrency::new(options.concurrency);
        Self {
            recorder: Recorder::new(client.clone()),
            watching: client.clone(),
            client,
            health: Health::default(),
            aws,
            metrics,
            options,
            stopping: CancellationToken::new(),
            concurrency,
            alarm_states: AlarmStates::default(),
            memories: Mutex::new(HashMap::new()),
        }
    }

    /// The same with another client for the watch, whose requests are reported to `health`.
    #[must_use]
    pub fn watching(self, client: Client, health: Health) -> Self {
        Self { watching: client, health, ..self }
    }

    /// The monitors of a namespace, as they are stored.
    pub(super) fn objects(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &ApiResource::erase::<VpcFlowMonitor>(&()))
    }

    /// Publishes events about an object, within its limit.
    pub(super) async fn publish<K: Resource<DynamicType = ()>>(&self, metadata: &ObjectMeta, events: Vec<Event>) {
        let uid = metadata.uid.clone().unwrap_or_default();
        let reference = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: metadata.name.clone(),
            namespace: metadata.namespace.clone(),
            uid: metadata.uid.clone(),
            ..ObjectReference::default()
        };
        for event in events {
            if self.with_memory(&uid, |memory| memory.events.allows(Instant::now())) {
                self.recorder.publish(event, &reference).await;
            } else {
                tracing::info!(reason = event.reason, note = event.note, "event budget used up; logged only");
            }
        }
    }

    /// Records the generation of a monitor's spec. A new one makes a pass due.
    pub(super) fn saw(&self, uid: &str, generation: Option<i64>) {
        let changed = self.with_memory(uid, |memory| memory.generation.send_replace(generation) != generation);
        if changed {
            self.health.pass_is_due(uid);
        }
    }

    /// Runs `work` on the memory of a monitor.
    pub(super) fn with_memory<T>(&self, uid: &str, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(self.memories().entry(uid.to_owned()).or_default())
    }

    /// Forgets a monitor that is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.memories().remove(uid);
        self.alarm_states.forget(uid);
        self.health.forget(uid);
        self.metrics.monitors().forget(uid);
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        // A panic elsewhere leaves at worst a wrong delay behind.
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Plans monitors.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use futures::stream::{self, StreamExt};
use kube::ResourceExt;
use tokio::sync::OnceCell;
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::api::{VpcFlowMonitor, notes};
use vpc_flow_operator::aws::{Aws, AwsGate, ClientPool};
use vpc_flow_operator::credentials;
use vpc_flow_operator::monitor::{DetectorPackage, Monitor, Owner as _};
use vpc_flow_operator::plan::cost::{Prices, estimate};
use vpc_flow_operator::plan::{self, ClusterNameSource, CustomObject, Plan as Planned, check_change};
use vpc_flow_operator::preconditions::{check_account_region, check_role};

use super::super::dry_run::{ApiServer, NotAccepted, NotAsked};
use super::super::operator_settings::{OperatorSettings, cluster_uid};
use super::super::targets::typed;
use super::Plan;

/// Monitors that are planned at once. Their calls of AWS wait for their turn.
const AT_ONCE: usize = 4;

/// Everything that the plans of monitors and fleets have in common.
pub struct Planner<'a> {
    pub command: &'a Plan,
    /// The API server, if it may be asked.
    pub server: Option<ApiServer>,
    pub pool: ClientPool,
    pub detector: DetectorPackage,
    prices: Option<(f64, Prices)>,
    cluster_uid: OnceCell<String>,
}

/// A monitor to plan.
pub struct Subject {
    /// The monitor, with the status of the cluster's.
    pub object: VpcFlowMonitor,
    /// True if the monitor has its status, or none because the cluster does not have it.
    pub knows_status: bool,
    /// True if it has another spec than the cluster's monitor.
    pub changes_spec: bool,
    /// True if its deletion is to be planned.
    pub destroy: bool,
    /// Its fleet, if the plan is that of a fleet.
    pub fleet: Option<OfFleet>,
    /// Notes on what is not known.
    pub notes: Vec<String>,
}

/// A monitor as part of the plan of a fleet.
pub struct OfFleet {
    /// `<namespace>/<name>` of the fleet.
    pub fleet: String,
    /// The wave in which it changes.
    pub wave: Option<usize>,
    /// True if the fleet does not make the change, because it is suspended.
    pub is_suspended: bool,
}

/// An object of a file in the cluster.
pub struct InCluster<K> {
    /// True if the cluster was read.
    pub is_known: bool,
    /// The object, if the cluster has it.
    pub stored: Option<K>,
    /// The reason why no API server has checked the object.
    pub note: Option<String>,
}

impl<'a> Planner<'a> {
    pub async fn new(command: &'a Plan, prices: Option<(f64, Prices)>) -> anyhow::Result<Self> {
        let asks = !command.offline;
        Ok(Self {
            command,
            server: if asks { Some(ApiServer::connect(&command.targets.cluster).await?) } else { None },
            pool: ClientPool::new(&command.settings.sdk_config().await?, AwsGate::of_plan()),
            detector: detector(&command.settings)?,
            prices,
            cluster_uid: OnceCell::new(),
        })
    }

    /// The plans of monitors from files, or from the cluster.
    pub async fn monitors(&self, objects: Vec<VpcFlowMonitor>) -> Vec<anyhow::Result<Planned>> {
        all(objects.into_iter().map(async |object| {
            let name = name(&object);
            let subject = Box::pin(self.look_up(object)).await.with_context(|| name.clone())?;
            Box::pin(self.plan(subject)).await.context(name)
        }))
        .await
    }

    /// The plans of monitors of a fleet.
    pub async fn subjects(&self, subjects: Vec<anyhow::Result<Subject>>) -> Vec<anyhow::Result<Planned>> {
        all(subjects.into_iter().map(async |subject| {
            let subject = subject?;
            let name = name(&subject.object);
            Box::pin(self.plan(subject)).await.context(name)
        }))
        .await
    }

    async fn plan(&self, subject: Subject) -> anyhow::Result<Planned> {
        let Subject { object, knows_status, changes_spec, destroy, fleet, mut notes } = subject;
        let status = object.status.as_ref();
        let not_ready = if changes_spec { notes::not_ready_before } else { notes::not_ready };
        let not_ready = status.and_then(|status| not_ready(&status.conditions));
        let region = status.and_then(|status| status.region.as_deref()).or(object.spec.region.as_deref());
        let account = status.and_then(|status| status.account_id.as_deref());
        let namespace = object.namespace().unwrap_or_default();
        let aws = self.account(&namespace, region, account, object.spec.assume_role.as_ref()).await?;
        let known_region = status.and_then(|status| status.region.as_ref());
        let known_account = status.and_then(|status| status.account_id.as_ref());
        check_account_region(Monitor::NOUN, known_account, known_region, &aws.account_region)?;
        // The places of a fleet name the regions of its monitors.
        if fleet.is_none() {
            notes.extend(self.command.settings.unused_region(&aws.account_region.region));
        }
        let owner = status.and_then(|status| status.owner.as_deref());
        let (cluster_name, source) = self.cluster_name(Monitor::NOUN, owner, &format!("/{}", name(&object))).await?;
        let settings = self.command.settings.settings(cluster_name, self.detector.clone());
        let spec = object.spec.clone();
        let monitor = Monitor::new(&namespace, &object.name_any(), spec, status, aws.account_region.clone(), settings);
        let destroy = destroy || object.metadata.deletion_timestamp.is_some();
        let mut plan = if knows_status {
            Box::pin(plan::plan(&aws, &monitor, destroy)).await
        } else {
            Box::pin(plan::plan_without_status(&aws, monitor.clone(), destroy)).await
        };
        plan.cluster_name_source = Some(source);
        if let Some(OfFleet { fleet, wave, is_suspended }) = fleet {
            plan.fleet = Some(fleet);
            plan.wave = wave;
            plan.suspended |= is_suspended;
        }
        // A reason that is among the problems of the plan is not repeated.
        notes.extend(not_ready.filter(|note| !plan.problems.iter().any(|problem| note.contains(&problem.message))));
        plan.notes.extend(notes);
        let prices = self.prices.as_ref().filter(|_| !destroy);
        plan.cost = prices.map(|(gb_per_day, prices)| estimate(&monitor, *gb_per_day, prices));
        Ok(plan)
    }

    /// Clients for the account and region of an object, with the credentials of the person. `account` is that of its status.
    pub async fn account(
        &self,
        namespace: &str,
        region: Option<&str>,
        account: Option<&str>,
        role: Option<&AssumeRole>,
    ) -> anyhow::Result<Arc<Aws>> {
        if let Some(role) = role {
            self.check_role(namespace, &role.role_arn).map_err(|refused| anyhow!(refused))?;
        }
        Ok(credentials::connect(&self.pool, region, account, role).await?)
    }

    /// The refusal of a role that the settings do not list for the namespace.
    pub fn check_role(&self, namespace: &str, role_arn: &str) -> Result<(), String> {
        check_role(&self.command.settings.allowed_roles(), namespace, role_arn)
            .map_err(|refused| format!("{refused}; give plan the same flag"))
    }

    /// The flag, or the name under which the operator has worked on the object already, or the cluster's own. `owner` is that of the status,
    /// which ends with `identity` after the name of the cluster.
    pub async fn cluster_name(
        &self,
        noun: &str,
        owner: Option<&str>,
        identity: &str,
    ) -> anyhow::Result<(String, ClusterNameSource)> {
        let of_status = owner.and_then(|owner| owner.strip_suffix(identity));
        match (&self.command.settings.cluster_name, of_status) {
            (Some(given), Some(known)) if given != known => {
                let setting = OperatorSettings::cluster_name_setting(given);
                bail!(
                    "the operator works on this {noun} as that of cluster {known} (status.owner), but this command was given {setting}: \
                     leave it away, and plan takes the name from the status"
                )
            }
            (Some(name), _) => return Ok((name.clone(), ClusterNameSource::Flag)),
            (None, Some(name)) => return Ok((name.to_owned(), ClusterNameSource::Status)),
            (None, None) => {}
        }
        let client = async {
            let client = self.command.targets.cluster.client().await;
            client.context("the cluster's name is not known: give --cluster-name here, as the operator has it")
        };
        let uid = self.cluster_uid.get_or_try_init(async || cluster_uid(client.await?).await).await?;
        Ok((uid.clone(), ClusterNameSource::KubeSystem))
    }

    /// The monitor, for a file with the status of the cluster's monitor. A file is submitted in a dry run.
    async fn look_up(&self, mut object: VpcFlowMonitor) -> anyhow::Result<Subject> {
        let destroy = self.command.destroy;
        let subject = |object, knows_status, changes_spec, note: Option<String>| {
            let notes = note.into_iter().collect();
            Subject { object, knows_status, changes_spec, destroy, fleet: None, notes }
        };
        if self.command.files.is_empty() {
            return Ok(subject(object, true, false, None));
        }
        let InCluster { is_known, stored, note } = self.in_cluster(&object, Monitor::NOUN).await?;
        let changes_spec = stored.as_ref().is_some_and(|stored| stored.spec != object.spec);
        object.status = stored.and_then(|stored| stored.status);
        Ok(subject(object, is_known, changes_spec, note))
    }

    /// Looks for an object of a file in the cluster, and submits it in a dry run.
    pub async fn in_cluster<K: CustomObject>(&self, object: &K, noun: &str) -> anyhow::Result<InCluster<K>> {
        let Some(server) = &self.server else { return Ok(InCluster { is_known: false, stored: None, note: None }) };
        let note = |why: &NotAsked| Some(not_checked(&format!("the {noun}"), why));
        let stored = match server.stored(object).await {
            Ok(stored) => stored.map(typed::<K>).transpose()?,
            Err(why) if self.command.live => bail!("the {noun} cannot be read from the cluster: {why}"),
            Err(why) => return Ok(InCluster { is_known: false, stored: None, note: note(&why) }),
        };
        let not_judged = self.submit(server, object, stored.as_ref()).await?;
        Ok(InCluster { is_known: true, stored, note: not_judged.as_ref().and_then(note) })
    }

    /// Submits the object in a dry run, unless its deletion is planned, or the cluster has it as it is. The result is the reason why no API
    /// server has judged it.
    pub async fn submit<K: CustomObject>(
        &self,
        server: &ApiServer,
        object: &K,
        stored: Option<&K>,
    ) -> anyhow::Result<Option<NotAsked>> {
        if self.command.destroy || self.command.files.is_empty() {
            return Ok(None);
        }
        match server.submit(object, stored).await {
            Ok(()) => Ok(None),
            Err(NotAccepted::Refused(why)) => bail!("the API server refuses it: {why}"),
            Err(NotAccepted::NotAsked(why)) => {
                if let Some(stored) = stored {
                    check_change(stored, object)?;
                }
                Ok(Some(why))
            }
        }
    }
}

/// The results of all, in their order.
pub async fn all<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(AT_ONCE).collect().await
}

/// The note on objects that no API server has checked.
pub fn not_checked(what: &str, why: &NotAsked) -> String {
    format!("no API server has checked {what}: {why} (--offline omits this check)")
}

/// The package, or none if no flag names it and it is not beside this program: a person who plans may have the program alone.
fn detector(settings: &OperatorSettings) -> anyhow::Result<DetectorPackage> {
    match settings.detector() {
        Err(_) if !settings.names_detector() => Ok(DetectorPackage::none()),
        package => package,
    }
}

fn name(object: &VpcFlowMonitor) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

//! Plans fleets: what the operator would find and decide, and the plans of their monitors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::Value;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::fleet::VpcFlowFleet;
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::aws::Aws;
use vpc_flow_operator::credentials::{self, AccountError};
use vpc_flow_operator::engine::Failure;
use vpc_flow_operator::fleet::{
    Decision, DesiredMonitor, FIELD_MANAGER, Input, OtherMonitor, PlaceRegion, Reading, decide, in_template,
    read_places,
};
use vpc_flow_operator::plan::fleet::{MonitorChange, Orphan, OrphanFate, PlannedMonitor, name_of};
use vpc_flow_operator::plan::{FleetPlan, Plan as Planned, checked};

use super::super::dry_run::NotAccepted;
use super::super::targets::typed;
use super::known::Known;
use super::planner::{Planner, Subject, all, not_checked};

/// The plan of a fleet, and those of its monitors.
type FleetAndMonitors = (FleetPlan, Vec<anyhow::Result<Planned>>);

/// The monitors of files as those that a fleet must leave alone.
pub fn others(monitors: &[VpcFlowMonitor]) -> Vec<OtherMonitor> {
    let other = |monitor: &VpcFlowMonitor| OtherMonitor {
        namespace: monitor.namespace().unwrap_or_default(),
        name: monitor.name_any(),
        vpc_id: monitor.spec.vpc_id.clone(),
    };
    monitors.iter().map(other).collect()
}

impl Planner<'_> {
    /// Plans a fleet. The monitors that it creates are `others` for later fleets.
    pub async fn fleet(
        &self,
        fleet: &VpcFlowFleet,
        others: &mut Vec<OtherMonitor>,
    ) -> anyhow::Result<FleetAndMonitors> {
        let name = format!("{}/{}", fleet.namespace().unwrap_or_default(), fleet.name_any());
        let known = self.known(fleet, others).await.context(name)?;
        if known.is_deleted && known.is_complete {
            return Ok(self.deletion_of_known(&known).await);
        }
        let namespace = known.identity.namespace.clone();
        let of_fleet = &namespace;
        let connect = |at: PlaceRegion| async move {
            self.connect(of_fleet, at.region.as_deref(), at.assume_role.as_ref()).await
        };
        let readings = read_places(&fleet.spec, connect).await;
        let pass = Pass { planner: self, fleet, known, readings, now: Timestamp::now() };
        let planned = pass.plan().await;
        if !fleet.spec.suspend {
            others.extend(created(&planned.0, &namespace));
        }
        Ok(planned)
    }

    /// The plan of the deletion of a fleet whose monitors are known.
    async fn deletion_of_known(&self, known: &Known) -> FleetAndMonitors {
        let monitors = known.present.iter().map(|monitor| (monitor.name.as_str(), monitor.vpc_id.as_str()));
        let plan = FleetPlan::of_deletion(&known.identity, monitors);
        let subjects = known.present.iter().map(|monitor| known.subject(&monitor.name, None, true)).collect();
        let planned = self.subjects(subjects).await;
        (plan, planned)
    }

    /// Clients for a place of a fleet or an overview, with the credentials of the person.
    pub async fn connect(
        &self,
        namespace: &str,
        region: Option<&str>,
        role: Option<&AssumeRole>,
    ) -> Result<Arc<Aws>, Failure> {
        if let Some(role) = role {
            self.check_role(namespace, &role.role_arn)
                .map_err(|refused| Failure::new(Reason::AccessDenied, refused))?;
        }
        credentials::connect(&self.pool, region, None, role).await.map_err(unreachable)
    }
}

/// The note on monitors that were not submitted.
const NOT_SUBMITTED: &str = "fields that somebody set beside the template are not in the plan";

/// A fleet whose places have been read.
struct Pass<'a> {
    planner: &'a Planner<'a>,
    fleet: &'a VpcFlowFleet,
    known: Known,
    readings: Vec<Reading>,
    now: Timestamp,
}

/// The monitors of the template.
#[derive(Default)]
struct Template {
    /// With all defaults, by the hash of their variant.
    by_hash: BTreeMap<String, VpcFlowMonitor>,
    /// Reasons for which no API server has judged them.
    not_judged: BTreeSet<String>,
}

/// The monitors as the API server would store them, by their names, or its refusals.
#[derive(Default)]
struct Submitted {
    accepted: BTreeMap<String, VpcFlowMonitor>,
    refused: BTreeMap<String, (String, String)>,
}

impl Pass<'_> {
    async fn plan(&self) -> FleetAndMonitors {
        let nothing_refused = BTreeMap::new();
        let decision = decide(self.input(&nothing_refused));
        let mut plan = self.noted(FleetPlan::new(self.input(&nothing_refused), &decision));
        let template = match self.try_template(&decision.variants).await {
            Ok(template) => template,
            Err(problems) => {
                plan.cannot_use_template(problems);
                return (plan, Vec::new());
            }
        };
        if self.known.is_deleted {
            return self.deletion(plan, &decision, &template).await;
        }
        let submitted = self.submit(&plan, &decision, &template).await;
        if !submitted.refused.is_empty() {
            // As the operator decides once it knows of the refusals.
            plan = self.noted(FleetPlan::new(self.input(&submitted.refused), &decide(self.input(&submitted.refused))));
        }
        plan.notes.extend(template.not_judged.iter().cloned());
        let wanted = plan.monitors.iter().map(|monitor| match monitor.change {
            MonitorChange::Unchanged => self.known.subject(name_of(&monitor.monitor), monitor.wave, false),
            _ => self.subject(monitor, &decision, &template, &submitted),
        });
        let is_deleted = |orphan: &&Orphan| orphan.fate == OrphanFate::Delete;
        let pruned = plan.orphans.iter().filter(is_deleted);
        let pruned = pruned.map(|orphan| self.known.subject(name_of(&orphan.monitor), None, true));
        let planned = self.planner.subjects(wanted.chain(pruned).collect()).await;
        (plan, planned)
    }

    fn input<'a>(&'a self, refused: &'a BTreeMap<String, (String, String)>) -> Input<'a> {
        Input {
            fleet: &self.known.identity,
            spec: &self.fleet.spec,
            readings: &self.readings,
            present: &self.known.present,
            others: &self.known.others,
            refused,
            now: self.now,
        }
    }

    fn noted(&self, mut plan: FleetPlan) -> FleetPlan {
        plan.notes.extend(self.known.notes.iter().cloned());
        plan
    }

    /// Checks the monitors that the template makes, each kind of them once. The error has every problem in words of the template.
    async fn try_template(&self, variants: &[DesiredMonitor]) -> Result<Template, BTreeSet<String>> {
        let (mut template, mut problems) = (Template::default(), BTreeSet::new());
        for variant in variants {
            let manifest = self.manifest(variant);
            match checked::<VpcFlowMonitor>(manifest.clone()) {
                Ok(monitor) => {
                    match self.apply(&manifest).await {
                        Some(Err(NotAccepted::Refused(why))) => _ = problems.insert(in_template(&why)),
                        Some(Err(NotAccepted::NotAsked(why))) => {
                            let note = not_checked("the monitors of the fleet", &why);
                            template.not_judged.insert(format!("{note}; {NOT_SUBMITTED}"));
                        }
                        Some(Ok(_)) | None => {}
                    }
                    template.by_hash.insert(variant.hash.clone(), monitor);
                }
                Err(found) => problems.extend(found.iter().map(|problem| in_template(&problem.to_string()))),
            }
        }
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    /// Submits the monitors that the fleet creates or changes in a dry run, as the operator applies them.
    async fn submit(&self, plan: &FleetPlan, decision: &Decision, template: &Template) -> Submitted {
        let mut submitted = Submitted::default();
        if !template.not_judged.is_empty() {
            return submitted;
        }
        let changed = plan.monitors.iter().filter(|monitor| monitor.change != MonitorChange::Unchanged);
        let desired = changed.filter_map(|monitor| desired(decision, monitor));
        let answers = all(desired.map(async |desired| (desired, self.apply(&self.manifest(desired)).await))).await;
        for (desired, answer) in answers {
            let name = desired.name.clone();
            match answer {
                Some(Ok(stored)) => submitted.accepted.extend(typed(stored).ok().map(|monitor| (name, monitor))),
                Some(Err(NotAccepted::Refused(why))) => {
                    submitted.refused.insert(name, (desired.hash.clone(), in_template(&why)));
                }
                Some(Err(NotAccepted::NotAsked(_))) | None => {}
            }
        }
        submitted
    }

    /// The answer of the API server, if there is one to ask.
    async fn apply(&self, manifest: &Value) -> Option<Result<DynamicObject, NotAccepted>> {
        let asks = self.known.is_complete && !self.known.is_deleted;
        let server = self.planner.server.as_ref().filter(|_| asks)?;
        Some(server.apply(FIELD_MANAGER, &self.known.identity.namespace, manifest).await)
    }

    /// The monitor for a server-side apply. Without an owner: a fleet that does not exist yet has no uid, and people may lack a right that
    /// owner references need.
    fn manifest(&self, desired: &DesiredMonitor) -> Value {
        let mut manifest = desired.manifest(&self.known.identity, &format!("{:.0}", self.now));
        manifest["metadata"].as_object_mut().and_then(|metadata| metadata.remove("ownerReferences"));
        manifest
    }

    /// A monitor that the fleet creates or changes: as the API server would store it, or else as the template has it.
    fn subject(
        &self,
        planned: &PlannedMonitor,
        decision: &Decision,
        template: &Template,
        submitted: &Submitted,
    ) -> anyhow::Result<Subject> {
        let name = name_of(&planned.monitor);
        let stored = self.known.stored.get(name).cloned().map(typed::<VpcFlowMonitor>).transpose()?;
        let of_template = || desired(decision, planned).and_then(|desired| template.monitor(desired));
        let object = submitted.accepted.get(name).cloned().or_else(of_template);
        let mut object = object.with_context(|| format!("{name} does not follow from the template"))?;
        object.status = stored.as_ref().and_then(|stored| stored.status.clone());
        let changes_spec = stored.is_some_and(|stored| stored.spec != object.spec);
        Ok(Subject {
            object,
            knows_status: self.known.is_complete,
            changes_spec,
            destroy: planned.change == MonitorChange::Delete,
            fleet: Some(self.known.of_fleet(planned.wave, self.fleet.spec.suspend)),
            notes: Vec::new(),
        })
    }

    /// The plan of the deletion of a fleet whose monitors only AWS knows.
    async fn deletion(&self, found: FleetPlan, decision: &Decision, template: &Template) -> FleetAndMonitors {
        let wanted = decision.wanted.iter().map(|it| (it.desired.name.as_str(), it.desired.vpc_id.as_str()));
        let FleetPlan { places, problems, notes, .. } = found;
        let plan = FleetPlan { places, problems, notes, ..FleetPlan::of_deletion(&self.known.identity, wanted) };
        let nothing = Submitted::default();
        let subjects = plan.monitors.iter().map(|it| self.subject(it, decision, template, &nothing)).collect();
        let planned = self.planner.subjects(subjects).await;
        (plan, planned)
    }
}

impl Template {
    /// The monitor of a VPC, with all defaults.
    fn monitor(&self, desired: &DesiredMonitor) -> Option<VpcFlowMonitor> {
        let mut monitor = self.by_hash.get(&desired.without_vpc().hash)?.clone();
        monitor.metadata.name = Some(desired.name.clone());
        monitor.spec.vpc_id.clone_from(&desired.vpc_id);
        Some(monitor)
    }
}

/// The monitor as the template has it.
fn desired<'a>(decision: &'a Decision, planned: &PlannedMonitor) -> Option<&'a DesiredMonitor> {
    decision.wanted.iter().map(|wanted| &wanted.desired).find(|desired| desired.name == name_of(&planned.monitor))
}

/// The monitors that the fleet creates.
fn created<'a>(plan: &'a FleetPlan, namespace: &'a str) -> impl Iterator<Item = OtherMonitor> + 'a {
    let created = plan.monitors.iter().filter(|monitor| monitor.change == MonitorChange::Create);
    created.map(move |monitor| OtherMonitor {
        namespace: namespace.to_owned(),
        name: name_of(&monitor.monitor).to_owned(),
        vpc_id: monitor.vpc_id.clone(),
    })
}

/// The failure to reach a place.
fn unreachable(error: AccountError) -> Failure {
    match error {
        AccountError::Connect(error) => error.into(),
        AccountError::NoRegion => {
            Failure::new(Reason::InvalidSpec, "no AWS region: give --region here, or set regions of the place")
        }
        AccountError::Role { ref source, .. } => {
            Failure { message: error.to_string(), ..Failure::from(source.as_ref().clone()) }
        }
        AccountError::Other { .. } => Failure::new(Reason::AccessDenied, error.to_string()),
    }
}

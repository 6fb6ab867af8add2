//! Plans overviews: their resources in all accounts and regions of the monitors that they select.

use std::collections::BTreeMap;

use anyhow::bail;
use kube::ResourceExt;
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorStatus, VpcFlowOverview};
use vpc_flow_operator::monitor::{OVERVIEW_MARK, Owner as _};
use vpc_flow_operator::overview::{Member, Overview, check_arns};
use vpc_flow_operator::plan::{OverviewPlan, OverviewSubject, Plan as Planned, plan_overview};
use vpc_flow_operator::preconditions::check_account_region;

use super::super::targets::typed;
use super::planner::{InCluster, Planner};

/// The note on a plan without a cluster.
const UNKNOWN: &str = "the monitors of the cluster are not known: the plan contains only those of the files";

impl Planner<'_> {
    /// Plans an overview. `declared` are the monitors that are planned beside it, and `planned` their plans.
    pub async fn overview(
        &self,
        mut object: VpcFlowOverview,
        declared: &[VpcFlowMonitor],
        planned: &[Planned],
    ) -> anyhow::Result<OverviewPlan> {
        let mut notes = Vec::new();
        if !self.command.files.is_empty() {
            let InCluster { stored, note, .. } = self.in_cluster(&object, Overview::NOUN).await?;
            object.status = stored.and_then(|stored| stored.status);
            notes.extend(note);
        }
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let (spec, status) = (object.spec.clone(), object.status.clone().unwrap_or_default());
        let (region, account) = (status.region.as_deref().or(spec.region.as_deref()), status.account_id.as_deref());
        let home = self.account(&namespace, region, account, spec.assume_role.as_ref()).await?;
        let at = home.account_region.clone();
        check_account_region(Overview::NOUN, status.account_id.as_ref(), status.region.as_ref(), &at)?;
        let identity = format!("/{namespace}{OVERVIEW_MARK}{name}");
        let (cluster_name, source) = self.cluster_name(Overview::NOUN, status.owner.as_deref(), &identity).await?;
        let settings = self.command.settings.settings(cluster_name, self.detector.clone());
        let destroy = self.command.destroy || object.metadata.deletion_timestamp.is_some();
        let overview = Overview::new(&namespace, &name, spec.clone(), at.clone(), settings.clone());
        let mut members = Vec::new();
        if !destroy {
            check_arns(&overview)?;
            let monitors = self.monitors_beside(&namespace, declared, planned, &mut notes).await?;
            let selected = monitors.into_iter().filter(|(_, monitor)| spec.monitor_selector.selects(monitor.labels()));
            members = selected.map(|(name, monitor)| (name, Member::new(&monitor, &at.partition, &settings))).collect();
        }
        let subject = OverviewSubject {
            overview,
            home,
            members,
            places: status.places,
            cluster_name_source: source,
            destroy,
            notes,
        };
        let of_overview = &namespace;
        let connect = |region: String, role: Option<AssumeRole>| async move {
            self.connect(of_overview, Some(&region), role.as_ref()).await
        };
        Ok(Box::pin(plan_overview(subject, connect)).await)
    }

    /// The monitors of the namespace by name: those of the cluster, and those that are planned beside the overview as they will be.
    async fn monitors_beside(
        &self,
        namespace: &str,
        declared: &[VpcFlowMonitor],
        planned: &[Planned],
        notes: &mut Vec<String>,
    ) -> anyhow::Result<BTreeMap<String, VpcFlowMonitor>> {
        let mut monitors = BTreeMap::new();
        match &self.server {
            None => notes.push(UNKNOWN.to_owned()),
            Some(server) => match server.monitors(Some(namespace)).await {
                Ok(stored) => {
                    // As for the operator, one that cannot be read is not selected.
                    let stored = stored.into_iter().filter_map(|it| typed::<VpcFlowMonitor>(it).ok());
                    let stays = stored.filter(|monitor| monitor.metadata.deletion_timestamp.is_none());
                    monitors.extend(stays.map(|monitor| (monitor.name_any(), monitor)));
                }
                Err(why) if self.command.live => bail!("the monitors cannot be read from the cluster: {why}"),
                Err(why) => notes.push(format!("{UNKNOWN}: {why}")),
            },
        }
        for monitor in declared.iter().filter(|monitor| monitor.namespace().as_deref() == Some(namespace)) {
            let name = monitor.name_any();
            let former = monitors.get(&name).and_then(|stored| stored.status.clone());
            let status = former.or_else(|| monitor.status.clone()).or_else(|| place_of(namespace, &name, planned));
            monitors.insert(name, VpcFlowMonitor { status, ..monitor.clone() });
        }
        Ok(monitors)
    }
}

/// The account and region of a monitor that has been planned, in the form of a status.
fn place_of(namespace: &str, name: &str, planned: &[Planned]) -> Option<VpcFlowMonitorStatus> {
    let plan = planned.iter().find(|plan| plan.monitor == format!("{namespace}/{name}"))?;
    let (account_id, region) = (Some(plan.account_id.clone()), Some(plan.region.clone()));
    Some(VpcFlowMonitorStatus { account_id, region, ..VpcFlowMonitorStatus::default() })
}

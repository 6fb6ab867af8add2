//! Analysis of stored records with Athena: a workgroup with saved queries, a Glue database and a table over the records.
//!
//! Database and table are made through Glue's API, which is synchronous and can be read back; DDL through Athena is neither.

mod database;
mod named_query;
mod partitions;
mod saved_queries;
mod table;
mod workgroup;

pub use partitions::folder;

use database::{Database, DatabaseOp, ObservedDatabase};
use named_query::{NamedQuery, NamedQueryOp, ObservedNamedQuery};
use table::{Table, TableOp};
use workgroup::{ObservedWorkgroup, Workgroup, WorkgroupOp};

use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{Applied, Diff, Existing, Goal, Invalid, Report, System};
use crate::monitor::{Claim, Monitor};

/// The system [`Component::Analytics`].
#[derive(Debug)]
pub struct Analytics;

/// All of it as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    workgroup: Workgroup,
    queries: Vec<NamedQuery>,
    database: Database,
    table: Table,
}

/// All of it as AWS has it: the database of the wanted name, and those of names the spec had before.
#[derive(Debug)]
pub struct Observed {
    workgroup: Option<ObservedWorkgroup>,
    queries: Vec<ObservedNamedQuery>,
    databases: Vec<(String, Option<ObservedDatabase>)>,
}

/// What can be done.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named for what it is done to")]
pub enum Op {
    Workgroup(WorkgroupOp),
    NamedQuery(NamedQueryOp),
    Database(DatabaseOp),
    Table(TableOp),
}

impl System for Analytics {
    type Desired = Desired;
    type Observed = Observed;
    type Op = Op;

    const COMPONENT: Component = Component::Analytics;
    const NEEDS: &'static [Component] = &[Component::Storage];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        Ok(monitor.spec.analytics.enabled.then(|| Desired {
            workgroup: workgroup::desired(monitor),
            queries: named_query::desired(monitor),
            database: database::desired(monitor),
            table: table::desired(monitor),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let names = monitor.known_names(Component::Analytics, ResourceKind::Database, &monitor.names.database);
        let databases = futures::future::try_join_all(names.into_iter().map(async |name| {
            let database = database::observe(aws, &name).await?;
            Ok((name, database))
        }));
        let name = monitor.names.workgroup();
        let (workgroup, queries, databases) =
            futures::try_join!(workgroup::observe(aws, &name), named_query::observe(aws, &name), databases)?;
        Ok(Observed { workgroup, queries, databases })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<Op> {
        let mut diff = Diff::default();
        workgroup::diff(monitor, goal.map(|desired| &desired.workgroup), observed.workgroup.as_ref(), &mut diff);
        for (name, database) in &observed.databases {
            let goal = match goal {
                Goal::Present(desired) if desired.database.name != *name => Goal::Absent(monitor.removal()),
                goal => goal.map(|desired| (&desired.database, &desired.table)),
            };
            database::diff(monitor, goal, name, database.as_ref(), &mut diff);
        }
        if let Goal::Present(desired) = goal {
            // Neither in a workgroup of others nor over a table of others; and those of a workgroup that goes, go with it.
            if diff.conflicts.iter().all(|conflict| conflict.only_removal) {
                named_query::diff(monitor, &desired.queries, &observed.queries, &mut diff);
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Workgroup(op) => workgroup::apply(aws, monitor, op).await?,
            Op::NamedQuery(op) => named_query::apply(aws, monitor, op).await?,
            Op::Database(op) => database::apply(aws, monitor, op).await?,
            Op::Table(op) => table::apply(aws, op).await?,
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Desired>, observed: &Observed) -> Report {
        let mut resources: Vec<Existing> = Vec::new();
        let mut saved_queries = None;
        if observed.workgroup.as_ref().is_some_and(|workgroup| monitor.claim(&workgroup.tags) == Claim::Ours) {
            resources.push(workgroup::existing(monitor));
            resources.extend(named_query::existing(monitor, &observed.queries));
            saved_queries = Some(workgroup::saved_queries_link(monitor));
        }
        for (name, database) in &observed.databases {
            resources.extend(database::existing(monitor, name, database.as_ref()));
        }
        Report { resources, saved_queries, ..Report::default() }
    }
}

#[cfg(test)]
mod tests;

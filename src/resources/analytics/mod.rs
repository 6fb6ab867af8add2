//! Analysis of records: with Athena of those in the bucket, by a workgroup with saved queries, a Glue database and a table over them; with
//! Logs Insights of those in the log group, by saved queries.
//!
//! Database and table are made through Glue's API, which is synchronous and can be read back; DDL through Athena is neither.

mod database;
mod insights;
mod named_query;
mod partitions;
mod query_definition;
mod saved_queries;
mod table;
mod traffic;
mod workgroup;

pub use partitions::folder;
pub use traffic::alias;

use database::{Database, DatabaseOp, ObservedDatabase};
use named_query::{NamedQuery, NamedQueryOp, ObservedNamedQuery};
use query_definition::{ObservedQueryDefinition, QueryDefinition, QueryDefinitionOp};
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
    definitions: Vec<QueryDefinition>,
}

/// All of it as AWS has it: the database of the wanted name, and those of names the spec had before.
#[derive(Debug)]
pub struct Observed {
    workgroup: Option<ObservedWorkgroup>,
    queries: Vec<ObservedNamedQuery>,
    databases: Vec<(String, Option<ObservedDatabase>)>,
    definitions: Vec<ObservedQueryDefinition>,
}

/// What can be done.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named for what it is done to")]
pub enum Op {
    Workgroup(WorkgroupOp),
    NamedQuery(NamedQueryOp),
    Database(DatabaseOp),
    Table(TableOp),
    QueryDefinition(QueryDefinitionOp),
}

impl System for Analytics {
    type Desired = Desired;
    type Observed = Observed;
    type Op = Op;

    const COMPONENT: Component = Component::Analytics;
    const NEEDS: &'static [Component] = &[Component::Bucket];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        Ok(monitor.spec.analytics.enabled.then(|| Desired {
            workgroup: workgroup::desired(monitor),
            queries: named_query::desired(monitor),
            database: database::desired(monitor),
            table: table::desired(monitor),
            definitions: query_definition::desired(monitor),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let names = monitor.known_names(Component::Analytics, ResourceKind::Database, &monitor.names.database);
        let databases = futures::future::try_join_all(names.into_iter().map(async |name| {
            let database = database::observe(aws, &name).await?;
            Ok((name, database))
        }));
        let name = monitor.names.workgroup();
        let (workgroup, queries, databases, definitions) = futures::try_join!(
            workgroup::observe(aws, &name),
            named_query::observe(aws, &name),
            databases,
            query_definition::observe(aws, monitor)
        )?;
        Ok(Observed { workgroup, queries, databases, definitions })
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
                named_query::diff(&desired.queries, &observed.queries, &mut diff);
            }
        }
        let definitions = goal.map(|desired| desired.definitions.as_slice());
        query_definition::diff(monitor, definitions, &observed.definitions, &mut diff);
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Workgroup(op) => workgroup::apply(aws, monitor, op).await?,
            Op::NamedQuery(op) => named_query::apply(aws, monitor, op).await?,
            Op::Database(op) => database::apply(aws, monitor, op).await?,
            Op::Table(op) => table::apply(aws, op).await?,
            Op::QueryDefinition(op) => query_definition::apply(aws, op).await?,
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Desired>, observed: &Observed) -> Report {
        let mut resources: Vec<Existing> = Vec::new();
        let mut saved_queries = None;
        if observed.workgroup.as_ref().is_some_and(|workgroup| monitor.claim(&workgroup.tags) == Claim::Ours) {
            resources.push(workgroup::existing(monitor));
            resources.extend(named_query::existing(&observed.queries));
            saved_queries = Some(workgroup::saved_queries_link(monitor));
        }
        for (name, database) in &observed.databases {
            resources.extend(database::existing(monitor, name, database.as_ref()));
        }
        let definitions = query_definition::existing(monitor, &observed.definitions);
        let logs_insights = (!definitions.is_empty()).then(|| query_definition::link(monitor));
        resources.extend(definitions);
        Report { resources, saved_queries, logs_insights, ..Report::default() }
    }
}

/// Every query, for Athena and for Logs Insights.
#[cfg(test)]
pub(super) fn texts(monitor: &Monitor) -> Vec<String> {
    let sql = named_query::desired(monitor).into_iter().map(|query| query.sql);
    sql.chain(query_definition::desired(monitor).into_iter().map(|definition| definition.query)).collect()
}

#[cfg(test)]
mod tests;

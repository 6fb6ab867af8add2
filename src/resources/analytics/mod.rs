//! Analysis of records. Athena reads those in the bucket, through a workgroup with saved queries, a Glue database and a table. Logs
//! Insights reads those in the log group, through saved queries.
//!
//! Database and table are made through Glue's API, which is synchronous and can be read back; DDL through Athena is neither.

mod database;
mod file_format;
mod former_tables;
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

use database::{Database, FoundDatabase};
use named_query::ObservedNamedQuery;
use query_definition::{ObservedQueryDefinition, QueryDefinition};
use table::Table;
use workgroup::{FoundWorkgroup, Workgroup};

use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{
    AnyCall, Details, Diff, Existing, Goal, Removal, Report, Resource, ResourceCall, System, existing, ownership,
};
use crate::monitor::{Claim, Monitor};
use crate::resources::common::sink::{Sink, flow_log_to};

/// The system [`Component::Analytics`].
#[derive(Debug)]
pub struct Analytics;

/// The resources as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    workgroup: Workgroup,
    database: Database,
    table: Table,
    definitions: Vec<QueryDefinition>,
}

/// The resources as AWS has them: the database of the wanted name, and those of names that the spec had before.
#[derive(Debug)]
pub struct Observed {
    workgroup: Option<FoundWorkgroup>,
    queries: Vec<ObservedNamedQuery>,
    databases: Vec<(String, Option<FoundDatabase>)>,
    definitions: Vec<ObservedQueryDefinition>,
}

impl System for Analytics {
    type Desired = Desired;
    type Observed = Observed;

    const COMPONENT: Component = Component::Analytics;
    const NEEDS: &'static [Component] = &[Component::Bucket];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        Ok(monitor.spec.analytics.enabled.then(|| Desired {
            workgroup: workgroup::desired(monitor),
            database: database::desired(monitor),
            table: table::desired(monitor),
            definitions: query_definition::desired(monitor),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let names = monitor.known_names(Component::Analytics, ResourceKind::Database, &monitor.names.database);
        let databases = async {
            let databases = futures::future::join_all(names.into_iter().map(async |name| {
                let database = database::observe(aws, &name).await.about(ResourceKind::Database, &name)?;
                Ok((name, database))
            }));
            // The first failure in the order of the names, see the alarms.
            databases.await.into_iter().collect::<Result<Vec<_>, AwsError>>()
        };
        let name = monitor.names.workgroup();
        let workgroup = async {
            let workgroup = workgroup::observe(aws, &name).await.about(ResourceKind::Workgroup, &name)?;
            let queries = match &workgroup {
                Some(_) => named_query::observe(aws, &name).await.about(ResourceKind::Workgroup, &name)?,
                None => Vec::new(),
            };
            Ok((workgroup, queries))
        };
        let ((workgroup, queries), databases, definitions) =
            futures::try_join!(workgroup, databases, query_definition::observe(aws, monitor))?;
        Ok(Observed { workgroup, queries, databases, definitions })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<AnyCall> {
        let mut diff = Diff::default();
        let workgroup = goal.map(|desired| &desired.workgroup);
        let workgroup = ownership::diff(monitor, workgroup, &monitor.names.workgroup(), observed.workgroup.as_ref());
        diff.include(workgroup.along(ResourceKind::NamedQuery, observed.queries.len()));
        let former = former_tables::desired(monitor, goal, &observed.databases);
        for (name, database) in &observed.databases {
            let goal = goal.of_name(name, |desired| &desired.database.name);
            diff.append(of_database(monitor, goal, name, database.as_ref(), &former));
        }
        if let Goal::Present(_) = goal {
            // Queries are saved neither in a workgroup of others nor over a table of others. A deleted workgroup takes its queries with it.
            if diff.conflicts.iter().all(|conflict| conflict.only_removal) {
                let moves =
                    diff.steps.iter().any(|step| step.change.kind == ResourceKind::Table && !step.follows.is_empty());
                let mut of_queries = named_query::diff(&named_query::desired(monitor, &former), &observed.queries);
                // Queries and tables change together.
                if moves {
                    of_queries.steps.iter_mut().for_each(|step| step.follows.push(flow_log_to(Sink::S3)));
                }
                diff.include(of_queries);
            }
        }
        let definitions = goal.map(|desired| desired.definitions.as_slice());
        diff.include(query_definition::diff(monitor, definitions, &observed.definitions));
        diff
    }

    fn report(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Report {
        let mut resources: Vec<Existing> = Vec::new();
        if let Some(workgroup) =
            existing::<Workgroup, _>(monitor, &monitor.names.workgroup(), observed.workgroup.as_ref())
        {
            resources.push(workgroup);
            resources.extend(named_query::existing(&observed.queries));
        }
        for (name, database) in &observed.databases {
            let Some(existing_database) = existing::<Database, _>(monitor, name, database.as_ref()) else { continue };
            resources.push(existing_database);
            let tables = database.iter().flat_map(|database| database.our_tables(monitor));
            resources.extend(tables.filter_map(|table| {
                let existing = existing::<Table, _>(monitor, &table.qualified_name(), Some(table))?;
                Some(Existing { message: former_tables::message(monitor, goal, table), ..existing })
            }));
        }
        resources.extend(query_definition::existing(monitor, &observed.definitions));
        Report::of(resources)
    }

    fn details(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Details {
        let resources = Self::report(monitor, goal, observed).resources;
        let has = |kind| resources.iter().any(|resource| resource.kind == kind);
        let saved_queries = has(ResourceKind::Workgroup).then(|| workgroup::saved_queries_link(monitor));
        let logs_insights = has(ResourceKind::QueryDefinition).then(|| query_definition::link(monitor));
        Details::new(move |status| {
            let links = status.links.get_or_insert_default();
            links.saved_queries.clone_from(&saved_queries);
            links.logs_insights.clone_from(&logs_insights);
        })
    }
}

/// The steps about the tables in a database.
fn of_tables(
    monitor: &Monitor,
    goal: Goal<&Desired>,
    database: Option<&FoundDatabase>,
    former: &[Table],
) -> Diff<ResourceCall<Table>> {
    let mut diff = Diff::default();
    let (declared, removal): (Vec<&Table>, _) = match goal {
        Goal::Present(desired) => (former.iter().chain([&desired.table]).collect(), Removal::Superseded),
        Goal::Absent(removal) => (Vec::new(), removal),
    };
    for table in &declared {
        let found = database
            .and_then(|database| database.tables.iter().find(|it| it.table.qualified_name == table.qualified_name));
        // Without a table over the earlier records, the declared one must go on reading them.
        if diff.conflicts.is_empty() {
            diff.append(ownership::diff(monitor, Goal::Present(*table), &table.qualified_name, found));
        }
    }
    let follows: Vec<_> =
        diff.steps.iter().map(|step| &step.follows).find(|follows| !follows.is_empty()).cloned().unwrap_or_default();
    if !follows.is_empty() {
        diff.steps.iter_mut().for_each(|step| step.follows.clone_from(&follows));
    }
    for table in database.iter().flat_map(|database| database.our_tables(monitor)) {
        let name = table.qualified_name();
        if declared.iter().all(|declared| declared.qualified_name != name) {
            diff.append(ownership::diff::<Table, _>(monitor, Goal::Absent(removal), &name, Some(table)));
        }
    }
    diff
}

/// The steps about a database and the tables in it. Nothing is done to tables in a database of others.
fn of_database(
    monitor: &Monitor,
    goal: Goal<&Desired>,
    name: &str,
    database: Option<&FoundDatabase>,
    former: &[Table],
) -> Diff<AnyCall> {
    let of_tables = of_tables(monitor, goal, database, former);
    let of_database = ownership::diff(monitor, goal.map(|desired| &desired.database), name, database);
    let claim = database.map(|database| Database::claim(monitor, name, database));
    let mut diff = Diff::default();
    match (goal, claim) {
        (Goal::Present(_), Some(Claim::Foreign(_))) => diff.include(of_database),
        (Goal::Present(_), _) => {
            diff.include(of_database);
            diff.include(of_tables);
        }
        (Goal::Absent(_), Some(Claim::Ours)) => {
            diff.include(of_tables);
            diff.include(of_database);
        }
        (Goal::Absent(_), _) => {}
    }
    diff
}

/// Every query, for Athena and for Logs Insights.
#[cfg(test)]
pub(super) fn texts(monitor: &Monitor) -> Vec<String> {
    let sql = named_query::desired(monitor, &[]).into_iter().map(|query| query.sql);
    sql.chain(query_definition::desired(monitor).into_iter().map(|definition| definition.query)).collect()
}

#[cfg(test)]
mod tests;

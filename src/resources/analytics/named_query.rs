//! Saved queries in the workgroup. They carry no tags: a query of our workgroup under one of our names is ours, every other belongs to the
//! workgroup's users.

use aws_sdk_athena::types::NamedQuery as SdkNamedQuery;
use serde::Serialize;

use super::saved_queries;
use super::table::Table;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing};
use crate::monitor::Monitor;

/// Most ids that `BatchGetNamedQuery` accepts.
const BATCH: usize = 50;

/// A saved query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedQuery {
    /// Its name in the workgroup.
    pub name: String,
    /// The question that it answers.
    pub description: String,
    /// The database it runs in.
    pub database: String,
    /// The statement.
    pub sql: String,
}

/// A saved query as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedNamedQuery {
    /// AWS's id.
    pub id: String,
    /// Its definition.
    pub query: NamedQuery,
}

/// A change of a saved query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedQueryOp {
    /// Makes it.
    Create(NamedQuery),
    /// Changes it in place.
    Update {
        /// AWS's id of it.
        id: String,
        /// Its new definition.
        query: NamedQuery,
    },
    /// Deletes it and makes it anew: its database cannot be changed.
    Replace {
        /// AWS's id of the old one.
        id: String,
        /// The definition of the new one.
        query: NamedQuery,
    },
    /// Deletes it.
    Delete {
        /// AWS's id of it.
        id: String,
    },
}

/// The saved queries that the columns of the table allow, over it and the tables of earlier records.
pub fn desired(monitor: &Monitor, former: &[Table]) -> Vec<NamedQuery> {
    saved_queries::ALL
        .iter()
        .filter_map(|query| {
            Some(NamedQuery {
                name: query.name.to_owned(),
                description: saved_queries::description(query, former),
                database: monitor.names.database.clone(),
                sql: saved_queries::sql(query, monitor, former)?,
            })
        })
        .collect()
}

/// Reads all saved queries of the workgroup, in the order of their names.
pub async fn observe(aws: &Aws, workgroup: &str) -> Result<Vec<ObservedNamedQuery>, AwsError> {
    let pages = aws.athena.list_named_queries().work_group(workgroup).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.op(ops::LIST_NAMED_QUERIES).optional()?.unwrap_or_default();
    let ids: Vec<String> = pages.into_iter().flat_map(|page| page.named_query_ids.unwrap_or_default()).collect();
    let batches = futures::future::try_join_all(ids.chunks(BATCH).map(async |ids| {
        let output = aws.athena.batch_get_named_query().set_named_query_ids(Some(ids.to_vec())).send().await;
        output.op(ops::BATCH_GET_NAMED_QUERY)
    }))
    .await?;
    let queries = batches.into_iter().flat_map(|output| output.named_queries.unwrap_or_default());
    let mut queries: Vec<_> = queries.filter_map(normalise).collect();
    queries.sort_by(|left, right| (&left.query.name, &left.id).cmp(&(&right.query.name, &right.id)));
    Ok(queries)
}

fn normalise(query: SdkNamedQuery) -> Option<ObservedNamedQuery> {
    Some(ObservedNamedQuery {
        id: query.named_query_id?,
        query: NamedQuery {
            name: query.name,
            description: query.description.unwrap_or_default(),
            database: query.database,
            sql: query.query_string,
        },
    })
}

/// The steps to the declared queries.
pub fn diff(desired: &[NamedQuery], observed: &[ObservedNamedQuery]) -> Diff<NamedQueryOp> {
    let mut diff = Diff::default();
    for query in desired {
        let same_name: Vec<_> = observed.iter().filter(|observed| observed.query.name == query.name).collect();
        let change = |action| Change::new(action, ResourceKind::NamedQuery, &query.name);
        let exact = same_name.iter().find(|observed| observed.query == *query);
        match exact.or(same_name.first()) {
            None => diff.step(change(Action::Create), NamedQueryOp::Create(query.clone())),
            Some(observed) if observed.query == *query => {}
            Some(observed) => {
                let (id, query) = (observed.id.clone(), query.clone());
                let (change, op) = if observed.query.database == query.database {
                    (change(Action::Update), NamedQueryOp::Update { id, query: query.clone() })
                } else {
                    let change =
                        change(Action::Replace).because("Athena cannot move a saved query to another database");
                    (change, NamedQueryOp::Replace { id, query: query.clone() })
                };
                diff.step(change.between(&observed.query, &query), op);
            }
        }
        // Names are not unique in Athena: a call whose answer was lost may have left a second query, equal to the first.
        let copies = same_name.iter().filter(|observed| observed.query == *query).skip(1);
        for copy in copies {
            let change = change(Action::Delete).because("it is a duplicate");
            diff.step(change, NamedQueryOp::Delete { id: copy.id.clone() });
        }
    }
    for stale in observed.iter().filter(|observed| {
        let name = &observed.query.name;
        is_our_name(name) && !desired.iter().any(|query| query.name == *name)
    }) {
        let change = Change::new(Action::Delete, ResourceKind::NamedQuery, &stale.query.name)
            .because("the spec no longer declares it");
        diff.step(change, NamedQueryOp::Delete { id: stale.id.clone() });
    }
    diff
}

/// True for names under which this operator saves queries. The names in the status are not used: somebody may have edited it.
fn is_our_name(name: &str) -> bool {
    saved_queries::ALL.iter().any(|query| query.name == name)
}

impl Call for NamedQueryOp {
    async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        match self {
            Self::Create(query) => create(aws, monitor, query).await?,
            Self::Update { id, query } => {
                aws.athena
                    .update_named_query()
                    .named_query_id(id)
                    .name(&query.name)
                    .description(&query.description)
                    .query_string(&query.sql)
                    .send()
                    .await
                    .op(ops::UPDATE_NAMED_QUERY)?;
            }
            Self::Replace { id, query } => {
                delete(aws, id).await?;
                create(aws, monitor, query).await?;
            }
            Self::Delete { id } => delete(aws, id).await?,
        }
        Ok(Applied::Done)
    }
}

async fn create(aws: &Aws, monitor: &Monitor, query: &NamedQuery) -> Result<(), AwsError> {
    aws.athena
        .create_named_query()
        .work_group(monitor.names.workgroup())
        .name(&query.name)
        .description(&query.description)
        .database(&query.database)
        .query_string(&query.sql)
        .send()
        .await
        .op(ops::CREATE_NAMED_QUERY)?;
    Ok(())
}

async fn delete(aws: &Aws, id: &str) -> Result<(), AwsError> {
    aws.athena.delete_named_query().named_query_id(id).send().await.op(ops::DELETE_NAMED_QUERY).or_gone()
}

/// Our saved queries for the status; they have an id and no ARN.
pub fn existing(observed: &[ObservedNamedQuery]) -> impl Iterator<Item = Existing> {
    observed
        .iter()
        .filter(|observed| is_our_name(&observed.query.name))
        .map(|observed| Existing::new(ResourceKind::NamedQuery, &observed.query.name, &observed.id))
}

//! Saved Logs Insights queries. They carry no tags: a query in the folder of our base name under one of our names is ours, every other
//! belongs to the users of the account.

use std::collections::BTreeSet;

use aws_sdk_cloudwatchlogs::types::{QueryDefinition as SdkQueryDefinition, QueryLanguage};
use serde::Serialize;

use super::insights;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing, Fate, Goal, fate};
use crate::monitor::{Monitor, Owner};

/// A saved query. `PutQueryDefinition` replaces it whole, so it is compared whole, including members that we never set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDefinition {
    /// Its name; the console shows the part before a `/` as a folder.
    pub name: String,
    /// Its text.
    pub query: String,
    log_groups: Vec<String>,
    language: String,
    /// Names of placeholders in the text.
    parameters: Vec<String>,
}

/// A saved query as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedQueryDefinition {
    /// AWS's id.
    pub id: String,
    /// Its definition.
    pub definition: QueryDefinition,
}

/// A change of a saved query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryDefinitionOp {
    /// Makes it, or replaces the one of this id.
    Put {
        /// AWS's id, if it exists.
        id: Option<String>,
        /// The wanted definition.
        definition: QueryDefinition,
    },
    /// Deletes it.
    Delete {
        /// AWS's id of it.
        id: String,
    },
}

/// The saved queries that the fields of the records allow.
pub fn desired(monitor: &Monitor) -> Vec<QueryDefinition> {
    let queries: &[_] = if monitor.spec.cloud_watch_logs.enabled { insights::ALL } else { &[] };
    queries
        .iter()
        .filter_map(|query| {
            Some(QueryDefinition {
                name: format!("{}{}", folder(monitor), query.name),
                query: insights::text(query, monitor)?,
                log_groups: vec![monitor.names.log_group.clone()],
                language: QueryLanguage::Cwli.as_str().to_owned(),
                parameters: Vec::new(),
            })
        })
        .collect()
}

/// Most definitions in one answer of `DescribeQueryDefinitions`.
const MOST_RESULTS: i32 = 1000;

fn folder(monitor: &Monitor) -> String {
    format!("{}/", monitor.names.base())
}

/// Reads all saved queries of the monitor's folder, in the order of their names.
pub async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Vec<ObservedQueryDefinition>, AwsError> {
    let (folder, mut definitions, mut next) = (folder(monitor), Vec::new(), None);
    loop {
        let page = aws
            .logs
            .describe_query_definitions()
            .query_definition_name_prefix(&folder)
            .max_results(MOST_RESULTS)
            .set_next_token(next)
            .send()
            .await
            .op(ops::DESCRIBE_QUERY_DEFINITIONS)?;
        definitions.extend(page.query_definitions.unwrap_or_default().into_iter().filter_map(normalise));
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    definitions.sort_by(|left, right| (&left.definition.name, &left.id).cmp(&(&right.definition.name, &right.id)));
    Ok(definitions)
}

fn normalise(found: SdkQueryDefinition) -> Option<ObservedQueryDefinition> {
    Some(ObservedQueryDefinition {
        id: found.query_definition_id?,
        definition: QueryDefinition {
            name: found.name?,
            query: found.query_string.unwrap_or_default(),
            log_groups: found.log_group_names.unwrap_or_default(),
            // Definitions older than the other languages name none.
            language: found.query_language.unwrap_or(QueryLanguage::Cwli).as_str().to_owned(),
            parameters: found.parameters.unwrap_or_default().into_iter().map(|parameter| parameter.name).collect(),
        },
    })
}

/// The steps to the declared queries.
pub fn diff(
    monitor: &Monitor,
    goal: Goal<&[QueryDefinition]>,
    observed: &[ObservedQueryDefinition],
) -> Diff<QueryDefinitionOp> {
    let desired = match goal {
        Goal::Present(desired) => desired,
        Goal::Absent(removal) if fate(monitor.deletion_policy(), removal, false) == Fate::Keep => {
            return Diff::default();
        }
        Goal::Absent(_) => &[],
    };
    let mut diff = Diff::default();
    let change = |action, name: &str| Change::new(action, ResourceKind::QueryDefinition, name);
    let mut kept = BTreeSet::new();
    for definition in desired {
        let mut same_name = observed.iter().filter(|observed| observed.definition.name == definition.name);
        let exact = same_name.clone().find(|observed| observed.definition == *definition);
        let found = exact.or_else(|| same_name.next());
        kept.extend(found.map(|found| found.id.as_str()));
        let put = |id| QueryDefinitionOp::Put { id, definition: definition.clone() };
        match found {
            None => diff.step(change(Action::Create, &definition.name), put(None)),
            Some(found) if found.definition == *definition => {}
            Some(found) => {
                let change = change(Action::Update, &definition.name).between(&found.definition, definition);
                diff.step(change, put(Some(found.id.clone())));
            }
        }
    }
    let ours = our_names(monitor);
    for ObservedQueryDefinition { id, definition: QueryDefinition { name, .. } } in observed {
        if !ours.contains(name) || kept.contains(id.as_str()) {
            continue;
        }
        // AWS identifies definitions by id: a call whose answer was lost may have left a second one of the name.
        let is_wanted = desired.iter().any(|definition| definition.name == *name);
        let why = if is_wanted { "it is a duplicate" } else { "the spec no longer declares it" };
        let mut change = change(Action::Delete, name);
        if matches!(goal, Goal::Present(_)) {
            change = change.because(why);
        }
        diff.step(change, QueryDefinitionOp::Delete { id: id.clone() });
    }
    diff
}

/// Names of the queries that this operator saves. The names in the status are not used: somebody may have edited it.
fn our_names(monitor: &Monitor) -> BTreeSet<String> {
    insights::ALL.iter().map(|query| format!("{}{}", folder(monitor), query.name)).collect()
}

impl Call for QueryDefinitionOp {
    async fn run(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        match self {
            Self::Put { id, definition } => {
                aws.logs
                    .put_query_definition()
                    .set_query_definition_id(id.clone())
                    .name(&definition.name)
                    .query_string(&definition.query)
                    .set_log_group_names(Some(definition.log_groups.clone()))
                    .query_language(QueryLanguage::from(definition.language.as_str()))
                    .send()
                    .await
                    .op(ops::PUT_QUERY_DEFINITION)?;
            }
            Self::Delete { id } => {
                let request = aws.logs.delete_query_definition().query_definition_id(id);
                request.send().await.op(ops::DELETE_QUERY_DEFINITION).or_gone()?;
            }
        }
        Ok(Applied::Done)
    }
}

/// Our saved queries for the status; they have an id and no ARN.
pub fn existing(monitor: &Monitor, observed: &[ObservedQueryDefinition]) -> Vec<Existing> {
    let ours = our_names(monitor);
    observed
        .iter()
        .filter(|observed| ours.contains(&observed.definition.name))
        .map(|observed| Existing::new(ResourceKind::QueryDefinition, &observed.definition.name, &observed.id))
        .collect()
}

/// Logs Insights in the console.
pub fn link(monitor: &Monitor) -> String {
    let (host, region) = (monitor.account_region.console_host(), &monitor.account_region.region);
    format!("https://{host}/cloudwatch/home?region={region}#logsV2:logs-insights")
}

//! The Glue database. It carries tags; the tables in it may be ours or others'.

use std::collections::HashMap;

use aws_sdk_glue::types::{Database as SdkDatabase, DatabaseInput};
use serde_json::json;

use super::Op;
use super::table::{self, ObservedTable, Table};
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Change, Diff, Existing, Goal, Removal};
use crate::monitor::{ADOPTED, Chosen, Claim, Monitor, TagCall, TagDiff, Tags};
use crate::resources::common::WAS_THERE_BEFORE;

/// A database as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    pub(super) description: String,
}

/// A database as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedDatabase {
    /// All that an update would otherwise take away.
    pub(super) input: DatabaseInput,
    pub(super) tables: Vec<ObservedTable>,
    pub(super) tags: Tags,
}

/// What can be done to a database.
#[derive(Clone, Debug)]
pub enum DatabaseOp {
    /// Makes it.
    Create(Database),
    /// Puts the whole definition.
    Update(Box<DatabaseInput>),
    /// Changes its tags.
    Tag {
        /// Its name.
        name: String,
        /// The change.
        tags: TagDiff,
    },
    /// Deletes it.
    Delete {
        /// Its name.
        name: String,
    },
}

/// The database as the spec asks for it.
pub fn desired(monitor: &Monitor) -> Database {
    Database {
        name: monitor.names.database.clone(),
        description: format!("VPC flow logs of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
    }
}

/// Reads the database of that name with all its tables.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<ObservedDatabase>, AwsError> {
    let database = async { aws.glue.get_database().name(name).send().await.op(ops::GET_DATABASE).optional() };
    let arn = aws.account_region.arn("glue", format!("database/{name}"));
    let tags = async { aws.glue.get_tags().resource_arn(arn).send().await.op(ops::GET_GLUE_TAGS) };
    let tables = async {
        let pages = aws.glue.get_tables().database_name(name).into_paginator().send();
        pages.collect::<Result<Vec<_>, _>>().await.op(ops::GET_TABLES).optional()
    };
    let (database, tags, tables) = futures::join!(database, tags, tables);
    let Some(input) = database?.and_then(|output| output.database).and_then(input) else { return Ok(None) };
    let tables = tables?.unwrap_or_default().into_iter();
    Ok(Some(ObservedDatabase {
        input,
        tables: tables.flat_map(|page| page.table_list.unwrap_or_default()).map(table::normalise).collect(),
        tags: tags.expected()?.tags.unwrap_or_default().into_iter().collect(),
    }))
}

fn input(database: SdkDatabase) -> Option<DatabaseInput> {
    // The name is given, so building cannot fail.
    DatabaseInput::builder()
        .name(database.name)
        .set_description(database.description)
        .set_location_uri(database.location_uri)
        .set_parameters(database.parameters)
        .set_create_table_default_permissions(database.create_table_default_permissions)
        .set_target_database(database.target_database)
        .set_federated_database(database.federated_database)
        .build()
        .ok()
}

/// What must be done about a database and the tables in it, added to `diff`.
pub fn diff(
    monitor: &Monitor,
    goal: Goal<(&Database, &Table)>,
    name: &str,
    observed: Option<&ObservedDatabase>,
    diff: &mut Diff<Op>,
) {
    match (goal, observed) {
        (Goal::Present((database, table)), None) => {
            let change = Change::new(Action::Create, ResourceKind::Database, name);
            diff.step(change, Op::Database(DatabaseOp::Create(database.clone())));
            table::diff(monitor, table, &[], diff);
        }
        (Goal::Present((database, table)), Some(observed)) => match claim(monitor, name, observed) {
            Claim::Foreign(problem) => diff.conflict(ResourceKind::Database, name, problem),
            claim => {
                repair(monitor, database, observed, &claim, diff);
                table::diff(monitor, table, &observed.tables, diff);
                // What the table was called before.
                let others = observed.tables.iter().filter(|other| other.table.name != table.name);
                if monitor.removal() != Removal::KeepAll {
                    for former in others.filter(|other| other.claim(monitor) == Claim::Ours) {
                        table::remove(name, former, diff);
                    }
                }
            }
        },
        (Goal::Absent(_), None) => {}
        (Goal::Absent(removal), Some(observed)) => {
            if monitor.claim(&observed.tags) == Claim::Ours {
                remove(monitor, removal, name, observed, diff);
            }
        }
    }
}

fn claim(monitor: &Monitor, name: &str, observed: &ObservedDatabase) -> Claim {
    let by_spec = monitor.spec.analytics.database.is_some();
    let arn = arn(monitor, name);
    monitor.claim_chosen(&observed.tags, Chosen { field: "analytics.database", by_spec, arn: &arn })
}

fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.arn("glue", format!("database/{name}"))
}

fn repair(monitor: &Monitor, database: &Database, observed: &ObservedDatabase, claim: &Claim, diff: &mut Diff<Op>) {
    let name = &database.name;
    let change = |action| Change::new(action, ResourceKind::Database, name);
    let tags = monitor.tag_diff_of_data(&observed.tags);
    if !tags.is_empty() {
        let action = if *claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let wanted = tags.applied_to(&observed.tags);
        let change = change(action).field("tags", Some(json!(observed.tags)), Some(json!(wanted)));
        diff.step(change, Op::Database(DatabaseOp::Tag { name: name.clone(), tags }));
    }
    if observed.input.description() != Some(&database.description) {
        let old = observed.input.description().map(|text| json!(text));
        let change = change(Action::Update).field("description", old, Some(json!(database.description)));
        let mut input = observed.input.clone();
        input.description = Some(database.description.clone());
        diff.step(change, Op::Database(DatabaseOp::Update(Box::new(input))));
    }
}

/// Deleting a database deletes every table in it, so one with tables of others stays.
fn remove(monitor: &Monitor, removal: Removal, name: &str, observed: &ObservedDatabase, diff: &mut Diff<Op>) {
    let (ours, others): (Vec<_>, Vec<_>) =
        observed.tables.iter().partition(|table| table.claim(monitor) == Claim::Ours);
    let change = |action| Change::new(action, ResourceKind::Database, name);
    let mut why = None;
    if removal != Removal::KeepAll {
        for table in ours {
            table::remove(name, table, diff);
        }
        let is_adopted = observed.tags.contains_key(ADOPTED);
        if others.is_empty() && !is_adopted {
            diff.step(change(Action::Delete), Op::Database(DatabaseOp::Delete { name: name.to_owned() }));
            return;
        }
        let names: Vec<_> = others.iter().map(|other| other.table.name.as_str()).collect();
        why = Some(if is_adopted {
            WAS_THERE_BEFORE.to_owned()
        } else {
            format!("it holds tables that this operator did not make: {}", names.join(", "))
        });
    }
    let tags = monitor.retained_tag_diff(&observed.tags);
    if !tags.is_empty() {
        let mut change = change(Action::Retain);
        change.why = why;
        diff.step(change, Op::Database(DatabaseOp::Tag { name: name.to_owned(), tags }));
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &DatabaseOp) -> Result<(), AwsError> {
    let glue = &aws.glue;
    match op {
        DatabaseOp::Create(database) => {
            // The name is given, so building cannot fail.
            let input = DatabaseInput::builder().name(&database.name).description(&database.description).build().ok();
            let tags = Some(monitor.tags.clone().into_iter().collect::<HashMap<_, _>>());
            glue.create_database().set_database_input(input).set_tags(tags).send().await.op(ops::CREATE_DATABASE)?;
        }
        DatabaseOp::Update(input) => {
            let request = glue.update_database().name(input.name()).database_input(input.as_ref().clone());
            request.send().await.op(ops::UPDATE_DATABASE)?;
        }
        DatabaseOp::Tag { name, tags } => {
            let arn = arn(monitor, name);
            for call in tags.calls() {
                match call {
                    TagCall::Set(set) => {
                        let set = Some(set.clone().into_iter().collect::<HashMap<_, _>>());
                        glue.tag_resource().resource_arn(&arn).set_tags_to_add(set).send().await.op(ops::TAG_GLUE)?;
                    }
                    TagCall::Unset(unset) => {
                        let unset = Some(unset.to_vec());
                        glue.untag_resource()
                            .resource_arn(&arn)
                            .set_tags_to_remove(unset)
                            .send()
                            .await
                            .op(ops::UNTAG_GLUE)?;
                    }
                }
            }
        }
        DatabaseOp::Delete { name } => {
            glue.delete_database().name(name).send().await.op(ops::DELETE_DATABASE).or_gone()?;
        }
    }
    Ok(())
}

/// The database and our tables in it for the status, if it is ours.
pub fn existing(monitor: &Monitor, name: &str, observed: Option<&ObservedDatabase>) -> Vec<Existing> {
    let Some(observed) = observed.filter(|observed| monitor.claim(&observed.tags) == Claim::Ours) else {
        return Vec::new();
    };
    let arn = monitor.account_region.arn("glue", format!("database/{name}"));
    let tables = observed.tables.iter().filter(|table| table.claim(monitor) == Claim::Ours);
    let tables = tables.map(|table| table::existing(monitor, name, &table.table.name));
    [Existing::new(ResourceKind::Database, name, arn)].into_iter().chain(tables).collect()
}

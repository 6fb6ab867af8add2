//! The Glue database. It carries tags; the tables in it may be ours or others'.

use std::collections::HashMap;

use aws_sdk_glue::types::{Database as SdkDatabase, DatabaseInput};

use super::table::{self, FoundTable, Table};
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Chosen, Claim, Monitor, TagCall, Tags};

/// A database as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    pub(super) description: String,
}

/// A database as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDatabase {
    /// The whole definition; an update without a member would remove that member.
    pub(super) input: DatabaseInput,
    pub(super) tables: Vec<FoundTable>,
    pub(super) tags: Tags,
}

/// Puts the whole definition.
#[derive(Clone, Debug)]
pub struct Update(Box<DatabaseInput>);

/// The database that the spec asks for.
pub fn desired(monitor: &Monitor) -> Database {
    Database {
        name: monitor.names.database.clone(),
        description: format!("VPC flow logs of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
    }
}

/// Reads the database of that name with all its tables.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundDatabase>, AwsError> {
    let output = aws.glue.get_database().name(name).send().await.op(ops::GET_DATABASE).optional()?;
    let Some(input) = output.and_then(|output| output.database).and_then(input) else { return Ok(None) };
    let arn = aws.account_region.arn("glue", format!("database/{name}"));
    let tags = async { aws.glue.get_tags().resource_arn(arn).send().await.op(ops::GET_GLUE_TAGS) };
    let tables = async {
        let pages = aws.glue.get_tables().database_name(name).into_paginator().send();
        pages.collect::<Result<Vec<_>, _>>().await.op(ops::GET_TABLES).optional()
    };
    let (tags, tables) = futures::join!(tags, tables);
    let tables = tables?.unwrap_or_default().into_iter();
    Ok(Some(FoundDatabase {
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

impl FoundDatabase {
    /// The tables in it that are ours.
    pub fn our_tables(&self, monitor: &Monitor) -> impl Iterator<Item = &FoundTable> {
        self.tables.iter().filter(|table| Table::claim(monitor, &table.qualified_name(), table) == Claim::Ours)
    }
}

fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.arn("glue", format!("database/{name}"))
}

impl Resource for Database {
    const KIND: ResourceKind = ResourceKind::Database;
    const MARKS_ADOPTION: bool = true;

    type Found = FoundDatabase;
    type Call = Update;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(arn(monitor, name))
    }

    fn tags(found: &FoundDatabase) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn chosen_by_user(monitor: &Monitor) -> Option<Chosen> {
        Some(Chosen { field: "analytics.database", by_spec: monitor.spec.analytics.database.is_some() })
    }

    /// Deleting a database deletes every table in it.
    fn must_stay(monitor: &Monitor, found: &FoundDatabase) -> Option<String> {
        let ours: Vec<_> = found.our_tables(monitor).map(|table| &table.table.name).collect();
        let names = found.tables.iter().map(|table| &table.table.name);
        let others: Vec<_> = names.filter(|name| !ours.contains(name)).map(String::as_str).collect();
        (!others.is_empty())
            .then(|| format!("it contains tables that this operator did not create: {}", others.join(", ")))
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundDatabase) -> Vec<Step<Update>> {
        if found.input.description() == Some(&self.description) {
            return Vec::new();
        }
        let change = Change::new(Action::Update, Self::KIND, &self.name);
        let change = change.field("description", &found.input.description(), &self.description);
        let mut input = found.input.clone();
        input.description = Some(self.description.clone());
        vec![Step::new(change, Update(Box::new(input)))]
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        // The name is given, so building cannot fail.
        let input = DatabaseInput::builder().name(&self.name).description(&self.description).build().ok();
        let tags = Some(monitor.tags.clone().into_iter().collect::<HashMap<_, _>>());
        aws.glue.create_database().set_database_input(input).set_tags(tags).send().await.op(ops::CREATE_DATABASE)?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, name: &str, call: &Update) -> Result<Applied, AwsError> {
        let request = aws.glue.update_database().name(name).database_input(call.0.as_ref().clone());
        request.send().await.op(ops::UPDATE_DATABASE)?;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        let arn = arn(monitor, name);
        match call {
            TagCall::Set(set) => {
                let set = Some(set.clone().into_iter().collect::<HashMap<_, _>>());
                aws.glue.tag_resource().resource_arn(arn).set_tags_to_add(set).send().await.op(ops::TAG_GLUE)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.glue.untag_resource().resource_arn(arn).set_tags_to_remove(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_GLUE)?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundDatabase) -> Result<Applied, AwsError> {
        aws.glue.delete_database().name(name).send().await.op(ops::DELETE_DATABASE).or_gone()?;
        Ok(Applied::Done)
    }
}

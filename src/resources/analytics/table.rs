//! The Glue table over the stored records: AWS's own column names and types, in the format and folders the flow log writes.
//!
//! Tables carry no tags, see "AWS tags in AWS Glue": parameters name the table's owner.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as SdkColumn, SerDeInfo, StorageDescriptor, Table as SdkTable, TableInput};
use serde::Serialize;

use super::file_format::Format;
use super::partitions;
use crate::api::ResourceKind;
use crate::api::{FieldType, FlowLogField};
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Claim, Claims, MANAGED_BY, Monitor, OWNER, RETAINED_BY, TagDiff, Tags};
use crate::resources::common::sink::{Sink, flow_log_to};

type Parameters = BTreeMap<String, String>;

/// A table, declared or found, in the same terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The database it is in.
    #[serde(skip)]
    pub database: String,
    /// Its name.
    pub name: String,
    /// Name of the database and of the table, as the status shows it.
    #[serde(skip)]
    pub(super) qualified_name: String,
    /// The parameters that name its owner.
    #[serde(skip)]
    pub(super) tags: Tags,
    description: String,
    table_type: String,
    pub(super) columns: Vec<Column>,
    pub(super) partition_keys: Vec<Column>,
    pub(super) location: String,
    input_format: String,
    output_format: String,
    serde: String,
    serde_parameters: Parameters,
    parameters: Parameters,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A table as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTable {
    /// The part of it that is ours to declare.
    pub table: Table,
    /// The parameters that others have set.
    others: Parameters,
}

/// Puts the whole definition, with the parameters of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub(super) table: Table,
    pub(super) others: Parameters,
    /// The table that reads the records of the former layout, which must exist first.
    pub(super) former: Option<Table>,
}

/// Glue's answer where a table of that name exists.
const ALREADY_EXISTS: &str = "AlreadyExistsException";

/// Parameters in the place of tags.
const TAGS: [&str; 3] = [OWNER, MANAGED_BY, RETAINED_BY];

/// The table that the spec asks for.
pub fn desired(monitor: &Monitor) -> Table {
    let s3 = &monitor.spec.s3;
    let format = Format::of(s3.file_format);
    let mut parameters = partitions::projection(monitor);
    parameters.extend(format.parameters.iter().map(owned));
    parameters.insert("EXTERNAL".to_owned(), "TRUE".to_owned());
    let (database, name) = (monitor.names.database.clone(), monitor.names.table.clone());
    Table {
        qualified_name: qualified(&database, &name),
        database,
        name,
        tags: tags_of_new(monitor),
        description: format!("VPC flow logs of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
        table_type: "EXTERNAL_TABLE".to_owned(),
        columns: s3.fields.iter().map(|field| column(*field)).collect(),
        partition_keys: partitions::partitions(monitor)
            .iter()
            .map(|partition| Column { name: partition.name.to_owned(), kind: "string".to_owned() })
            .collect(),
        location: partitions::location(monitor),
        input_format: format.input.to_owned(),
        output_format: format.output.to_owned(),
        serde: format.serde.to_owned(),
        serde_parameters: format.serde_parameters.iter().map(owned).collect(),
        parameters,
    }
}

fn tags_of_new(monitor: &Monitor) -> Tags {
    [OWNER, MANAGED_BY].map(|key| (key.to_owned(), monitor.tags[key].clone())).into()
}

fn owned((key, value): &(&str, &str)) -> (String, String) {
    ((*key).to_owned(), (*value).to_owned())
}

fn column(field: FlowLogField) -> Column {
    let kind = match field.field_type() {
        FieldType::Int32 => "int",
        FieldType::Int64 => "bigint",
        FieldType::Text => "string",
    };
    Column { name: column_name(field), kind: kind.to_owned() }
}

/// AWS's name of a field's column: as in Parquet, with `_` for `-`.
pub fn column_name(field: FlowLogField) -> String {
    field.name().replace('-', "_")
}

/// True for parameters that the operator sets and removes; Glue and its users add others.
fn is_our_parameter(key: &str) -> bool {
    key.starts_with("projection.")
        || ["storage.location.template", "classification", "skip.header.line.count", "EXTERNAL"].contains(&key)
}

/// A table in our terms.
pub fn normalise(table: SdkTable) -> FoundTable {
    let columns = |columns: Option<Vec<SdkColumn>>| {
        let columns = columns.unwrap_or_default().into_iter();
        columns.map(|column| Column { name: column.name, kind: column.r#type.unwrap_or_default() }).collect()
    };
    let parameters: Parameters = table.parameters.unwrap_or_default().into_iter().collect();
    let storage = table.storage_descriptor;
    let text =
        |read: fn(&StorageDescriptor) -> Option<&str>| storage.as_ref().and_then(read).unwrap_or_default().to_owned();
    let (location, input_format, output_format) = (
        text(StorageDescriptor::location),
        text(StorageDescriptor::input_format),
        text(StorageDescriptor::output_format),
    );
    let (data_columns, serde) = storage.map_or((None, None), |storage| (storage.columns, storage.serde_info));
    let (serde, serde_parameters) = serde.map_or((None, None), |serde| (serde.serialization_library, serde.parameters));
    let (tags, rest): (Tags, Parameters) = parameters.into_iter().partition(|(key, _)| TAGS.contains(&key.as_str()));
    let (ours, others) = rest.into_iter().partition(|(key, _)| is_our_parameter(key));
    let (database, name) = (table.database_name.unwrap_or_default(), table.name);
    FoundTable {
        table: Table {
            qualified_name: qualified(&database, &name),
            database,
            name,
            tags,
            description: table.description.unwrap_or_default(),
            table_type: table.table_type.unwrap_or_default(),
            columns: columns(data_columns),
            partition_keys: columns(table.partition_keys),
            location,
            input_format,
            output_format,
            serde: serde.unwrap_or_default(),
            serde_parameters: serde_parameters.unwrap_or_default().into_iter().collect(),
            parameters: ours,
        },
        others,
    }
}

impl FoundTable {
    /// Name of the database and of the table.
    pub fn qualified_name(&self) -> String {
        self.table.qualified_name.clone()
    }

    /// True for a table over records in the monitor's bucket that `declared` does not read: those of an earlier layout or prefix.
    pub fn is_over_former_records(&self, monitor: &Monitor, declared: &Table) -> bool {
        let Table { location, parameters, partition_keys, columns, .. } = &self.table;
        let has_partition = |name: &str| partition_keys.iter().any(|column| column.name == name);
        *location != declared.location
            && location.starts_with(&format!("s3://{}/", monitor.names.bucket))
            && location.ends_with("AWSLogs/")
            && parameters.get("storage.location.template").is_some_and(|template| template.starts_with(location))
            && ["year", "month", "day"].into_iter().all(has_partition)
            && !columns.is_empty()
    }
}

impl Table {
    /// The same definition as a table beside `declared`.
    pub fn for_former_layout(&self, monitor: &Monitor, declared: &Self) -> Self {
        let name = monitor.names.table_of_former_layout(&self.location);
        Self {
            qualified_name: qualified(&declared.database, &name),
            database: declared.database.clone(),
            name,
            tags: tags_of_new(monitor),
            ..self.clone()
        }
    }

    /// The fields of which it has a column.
    pub fn fields(&self) -> Vec<FlowLogField> {
        let has_column = |field: &FlowLogField| self.columns.iter().any(|column| column.name == column_name(*field));
        FlowLogField::ALL.iter().copied().filter(has_column).collect()
    }
}

impl Resource for Table {
    const KIND: ResourceKind = ResourceKind::Table;

    type Found = FoundTable;
    type Call = Update;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(monitor.account_region.arn("glue", format!("table/{}", name.replacen('.', "/", 1))))
    }

    fn tags(found: &FoundTable) -> Option<&Tags> {
        Some(&found.table.tags)
    }

    /// Adoption replaces the table's definition, so only a table over the monitor's own bucket can be adopted.
    fn claim(monitor: &Monitor, _name: &str, found: &FoundTable) -> Claim {
        let bucket = format!("s3://{}/", monitor.names.bucket);
        match monitor.claim(&found.table.tags) {
            Claim::Adopt if !found.table.location.starts_with(&bucket) => Claim::Foreign(format!(
                "it was not made by this operator and shows {}; choose another spec.analytics.table",
                if found.table.location.is_empty() { "other data" } else { &found.table.location }
            )),
            claim => claim,
        }
    }

    fn tag_diff(monitor: &Monitor, _found: &FoundTable, tags: &Tags) -> TagDiff {
        let mut set = tags_of_new(monitor);
        set.retain(|key, value| tags.get(key) != Some(value));
        let unset = tags.keys().filter(|key| *key == RETAINED_BY).cloned().collect();
        TagDiff { set, unset, ..TagDiff::default() }
    }

    fn differences(&self, monitor: &Monitor, found: &FoundTable) -> Vec<Step<Update>> {
        let observed = Self { tags: self.tags.clone(), ..found.table.clone() };
        if observed == *self {
            return Vec::new();
        }
        let is_ours = monitor.claim(&found.table.tags) == Claim::Ours;
        let former = (is_ours && found.is_over_former_records(monitor, self))
            .then(|| found.table.for_former_layout(monitor, self));
        let change = match &former {
            None => Change::new(Action::Update, Self::KIND, &self.qualified_name),
            // As a replacement: while it fails, the saved queries must not read both tables.
            Some(former) => Change::new(Action::Replace, Self::KIND, &self.qualified_name).because(format!(
                "new records go to {}; earlier ones stay in {}, and the saved queries read them through {}",
                self.location, former.location, former.name
            )),
        };
        let call = Update { table: self.clone(), others: found.others.clone(), former };
        vec![Step::new(change.between(&observed, self), call).following(flow_log_to(Sink::S3))]
    }

    async fn create(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        let request = aws.glue.create_table().database_name(&self.database);
        request.set_table_input(table_input(self, &Parameters::new())).send().await.op(ops::CREATE_TABLE)?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, monitor: &Monitor, _name: &str, call: &Update) -> Result<Applied, AwsError> {
        if let Some(former) = &call.former {
            match former.create(aws, monitor).await {
                Err(error) if error.code != ALREADY_EXISTS => return Err(error),
                _ => {}
            }
        }
        update(aws, &call.table.database, table_input(&call.table, &call.others)).await?;
        Ok(Applied::Done)
    }

    /// A change of parameters puts the whole definition, so it is read right before.
    async fn retag(aws: &Aws, _monitor: &Monitor, name: &str, tags: &TagDiff) -> Result<(), AwsError> {
        let Some((database, table)) = name.split_once('.') else { return Ok(()) };
        let pages = aws.glue.get_tables().database_name(database).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.op(ops::GET_TABLES).optional()?.unwrap_or_default();
        let mut tables = pages.into_iter().flat_map(|page| page.table_list.unwrap_or_default());
        let Some(table) = tables.find(|found| found.name == table) else { return Ok(()) };
        let mut parameters = table.parameters.clone().unwrap_or_default();
        parameters.retain(|key, _| !tags.unset.contains(key));
        parameters.extend(tags.set.clone());
        // The name is given, so building cannot fail.
        let input = TableInput::builder()
            .name(table.name)
            .set_description(table.description)
            .set_owner(table.owner)
            .set_last_access_time(table.last_access_time)
            .set_last_analyzed_time(table.last_analyzed_time)
            .retention(table.retention)
            .set_storage_descriptor(table.storage_descriptor)
            .set_partition_keys(table.partition_keys)
            .set_view_original_text(table.view_original_text)
            .set_view_expanded_text(table.view_expanded_text)
            .set_table_type(table.table_type)
            .set_target_table(table.target_table)
            .set_parameters(Some(parameters))
            .build()
            .ok();
        update(aws, database, input).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, _name: &str, found: &FoundTable) -> Result<Applied, AwsError> {
        // The records stay.
        let request = aws.glue.delete_table().database_name(&found.table.database).name(&found.table.name);
        request.send().await.op(ops::DELETE_TABLE).or_gone()?;
        Ok(Applied::Done)
    }
}

async fn update(aws: &Aws, database: &str, input: Option<TableInput>) -> Result<(), AwsError> {
    let request = aws.glue.update_table().database_name(database).set_table_input(input);
    // Otherwise old versions would accumulate without limit.
    request.skip_archive(true).send().await.op(ops::UPDATE_TABLE)?;
    Ok(())
}

/// A table's name with its database, which distinguishes it from tables of the same name in other databases.
pub fn qualified(database: &str, table: &str) -> String {
    format!("{database}.{table}")
}

pub(super) fn table_input(table: &Table, others: &Parameters) -> Option<TableInput> {
    let map = |parameters: &Parameters| parameters.clone().into_iter().collect::<HashMap<_, _>>();
    let mut parameters = map(others);
    parameters.extend(map(&table.parameters));
    parameters.extend(map(&table.tags));
    let serde = SerDeInfo::builder()
        .serialization_library(&table.serde)
        .set_parameters(Some(map(&table.serde_parameters)))
        .build();
    let storage = StorageDescriptor::builder()
        .set_columns(Some(sdk_columns(&table.columns)))
        .location(&table.location)
        .input_format(&table.input_format)
        .output_format(&table.output_format)
        .serde_info(serde)
        .build();
    // The name is given, so building cannot fail.
    TableInput::builder()
        .name(&table.name)
        .description(&table.description)
        .table_type(&table.table_type)
        .storage_descriptor(storage)
        .set_partition_keys(Some(sdk_columns(&table.partition_keys)))
        .set_parameters(Some(parameters))
        .build()
        .ok()
}

fn sdk_columns(columns: &[Column]) -> Vec<SdkColumn> {
    let column = |column: &Column| SdkColumn::builder().name(&column.name).r#type(&column.kind).build().ok();
    // The name is given, so building cannot fail.
    columns.iter().filter_map(column).collect()
}

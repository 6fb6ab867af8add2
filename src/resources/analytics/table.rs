//! The Glue table over the stored records: AWS's own column names and types, in the format and folders the flow log writes.
//!
//! Tables carry no tags, see "AWS tags in AWS Glue": parameters say whose the table is.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{Column as SdkColumn, SerDeInfo, StorageDescriptor, Table as SdkTable, TableInput};
use serde::Serialize;

use super::{Op, partitions};
use crate::api::ResourceKind;
use crate::api::spec::FileFormat;
use crate::api::{FieldType, FlowLogField};
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::{Action, Change, Diff, Existing};
use crate::monitor::{Claim, MANAGED_BY, Monitor, OWNER};
use crate::resources::flow_logs::{Sink, flow_log_to};

type Parameters = BTreeMap<String, String>;

/// A table: the same terms for what it shall be and for what AWS has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The database it is in.
    #[serde(skip)]
    pub database: String,
    /// Its name.
    pub name: String,
    description: String,
    table_type: String,
    columns: Vec<Column>,
    partition_keys: Vec<Column>,
    location: String,
    input_format: String,
    output_format: String,
    serde: String,
    serde_parameters: Parameters,
    parameters: Parameters,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A table as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedTable {
    /// What of it is ours to say.
    pub table: Table,
    /// All its parameters, those of others too.
    parameters: Parameters,
}

/// What can be done to a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableOp {
    /// Makes it.
    Create(Table),
    /// Puts the whole definition, with the parameters of others.
    Update(Table, Parameters),
    /// Deletes it; the records stay.
    Delete {
        /// The database it is in.
        database: String,
        /// Its name.
        name: String,
    },
}

/// The table as the spec asks for it.
pub fn desired(monitor: &Monitor) -> Table {
    let s3 = &monitor.spec.s3;
    let format = Format::of(s3.file_format);
    let mut parameters = partitions::projection(monitor);
    parameters.extend(format.parameters.iter().map(owned));
    parameters.extend([OWNER, MANAGED_BY].map(|key| (key.to_owned(), monitor.tags[key].clone())));
    parameters.insert("EXTERNAL".to_owned(), "TRUE".to_owned());
    Table {
        database: monitor.names.database.clone(),
        name: monitor.names.table.clone(),
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

/// What Athena needs to read a format. See "Create tables for flow logs" in the Athena user guide.
struct Format {
    input: &'static str,
    output: &'static str,
    serde: &'static str,
    serde_parameters: &'static [(&'static str, &'static str)],
    parameters: &'static [(&'static str, &'static str)],
}

impl Format {
    const fn of(format: FileFormat) -> Self {
        match format {
            FileFormat::Parquet => Self {
                input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                serde_parameters: &[("serialization.format", "1")],
                parameters: &[("classification", "parquet")],
            },
            // The first line of each file names the fields. Athena knows gzip by the file's name.
            FileFormat::PlainText => Self {
                input: "org.apache.hadoop.mapred.TextInputFormat",
                output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                serde_parameters: &[("field.delim", " "), ("serialization.format", " ")],
                parameters: &[("classification", "csv"), ("skip.header.line.count", "1")],
            },
        }
    }
}

/// True for parameters that are ours to set and to take away; Glue and its users add others.
fn is_our_parameter(key: &str) -> bool {
    key.starts_with("projection.")
        || ["storage.location.template", "classification", "skip.header.line.count", "EXTERNAL", OWNER, MANAGED_BY]
            .contains(&key)
}

/// A table in our terms.
pub fn normalise(table: SdkTable) -> ObservedTable {
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
    ObservedTable {
        table: Table {
            database: table.database_name.unwrap_or_default(),
            name: table.name,
            description: table.description.unwrap_or_default(),
            table_type: table.table_type.unwrap_or_default(),
            columns: columns(data_columns),
            partition_keys: columns(table.partition_keys),
            location,
            input_format,
            output_format,
            serde: serde.unwrap_or_default(),
            serde_parameters: serde_parameters.unwrap_or_default().into_iter().collect(),
            parameters: parameters
                .iter()
                .filter(|(key, _)| is_our_parameter(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        },
        parameters,
    }
}

impl ObservedTable {
    /// Whose it is. To take a table over is to replace its definition, so only one over the monitor's own bucket can be.
    pub fn claim(&self, monitor: &Monitor) -> Claim {
        let bucket = format!("s3://{}/", monitor.names.bucket);
        match monitor.claim(&self.parameters) {
            Claim::Adopt if !self.table.location.starts_with(&bucket) => Claim::Foreign(format!(
                "it was not made by this operator and shows {}; choose another spec.analytics.table",
                if self.table.location.is_empty() { "other data" } else { &self.table.location }
            )),
            claim => claim,
        }
    }
}

/// What must be done to get the wanted table in a database that is ours, added to `diff`.
pub fn diff(monitor: &Monitor, table: &Table, observed: &[ObservedTable], diff: &mut Diff<Op>) {
    let name = qualified(&table.database, &table.name);
    let change = |action| Change::new(action, ResourceKind::Table, &name);
    let Some(observed) = observed.iter().find(|observed| observed.table.name == table.name) else {
        diff.step(change(Action::Create), Op::Table(TableOp::Create(table.clone())));
        return;
    };
    match observed.claim(monitor) {
        Claim::Foreign(problem) => diff.conflict(ResourceKind::Table, &name, problem),
        _ if observed.table == *table => {}
        claim => {
            let action = if claim == Claim::Adopt { Action::Adopt } else { Action::Update };
            let others = observed.parameters.iter().filter(|(key, _)| !is_our_parameter(key));
            let others = others.map(|(key, value)| (key.clone(), value.clone())).collect();
            let op = TableOp::Update(table.clone(), others);
            let change = change(action).between(&observed.table, table);
            diff.step_following(change, Op::Table(op), flow_log_to(Sink::S3));
        }
    }
}

/// Removes a table that is ours.
pub fn remove(database: &str, observed: &ObservedTable, diff: &mut Diff<Op>) {
    let name = observed.table.name.clone();
    let change = Change::new(Action::Delete, ResourceKind::Table, qualified(database, &name));
    diff.step(change, Op::Table(TableOp::Delete { database: database.to_owned(), name }));
}

/// Tables are distinguished from their namesakes in other databases.
pub fn qualified(database: &str, table: &str) -> String {
    format!("{database}.{table}")
}

/// Carries out a step.
pub async fn apply(aws: &Aws, op: &TableOp) -> Result<(), AwsError> {
    match op {
        TableOp::Create(table) => {
            aws.glue
                .create_table()
                .database_name(&table.database)
                .set_table_input(table_input(table, &Parameters::new()))
                .send()
                .await
                .op(ops::CREATE_TABLE)?;
        }
        TableOp::Update(table, others) => {
            aws.glue
                .update_table()
                .database_name(&table.database)
                .set_table_input(table_input(table, others))
                // Old versions would pile up for ever.
                .skip_archive(true)
                .send()
                .await
                .op(ops::UPDATE_TABLE)?;
        }
        TableOp::Delete { database, name } => {
            aws.glue.delete_table().database_name(database).name(name).send().await.op(ops::DELETE_TABLE).or_gone()?;
        }
    }
    Ok(())
}

pub(super) fn table_input(table: &Table, others: &Parameters) -> Option<TableInput> {
    let map = |parameters: &Parameters| parameters.clone().into_iter().collect::<HashMap<_, _>>();
    let mut parameters = map(others);
    parameters.extend(map(&table.parameters));
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

/// The table for the status.
pub fn existing(monitor: &Monitor, database: &str, name: &str) -> Existing {
    let arn = monitor.account_region.arn("glue", format!("table/{database}/{name}"));
    Existing::new(ResourceKind::Table, qualified(database, name), arn)
}

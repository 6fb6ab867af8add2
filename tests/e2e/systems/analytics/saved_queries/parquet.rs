//! Lines of a flow log as the Parquet file that it would deliver: AWS's column names and types ("Flow log records" in the Amazon VPC user
//! guide), text fields with their `-`, numbers that are missing as null.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use vpc_flow_operator::api::{FieldType, FlowLogField};

/// The file.
pub fn file(fields: &[FlowLogField], lines: &[String]) -> Vec<u8> {
    let schema = Type::group_type_builder("flow_log").with_fields(fields.iter().map(|field| column(*field)).collect());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema.build().unwrap()), properties).unwrap();
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    let mut group = writer.next_row_group().unwrap();
    for index in 0..fields.len() {
        let values = rows.iter().map(|row| row[index]);
        let mut column = group.next_column().unwrap().unwrap();
        match column.untyped() {
            ColumnWriter::Int32ColumnWriter(writer) => {
                let (values, levels) = numbers(values);
                writer.write_batch(&values, Some(&levels), None).unwrap();
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                let (values, levels) = numbers(values);
                writer.write_batch(&values, Some(&levels), None).unwrap();
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let values: Vec<ByteArray> = values.map(ByteArray::from).collect();
                writer.write_batch(&values, Some(&vec![1; values.len()]), None).unwrap();
            }
            _ => unreachable!("flow logs have no columns of other types"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn column(field: FlowLogField) -> Arc<Type> {
    let (physical, logical) = match field.field_type() {
        FieldType::Int32 => (Physical::INT32, None),
        FieldType::Int64 => (Physical::INT64, None),
        FieldType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let name = field.name().replace('-', "_");
    let column = Type::primitive_type_builder(&name, physical).with_logical_type(logical);
    Arc::new(column.with_repetition(Repetition::OPTIONAL).build().unwrap())
}

/// The values that are there, and for each row whether it has one.
fn numbers<'a, T: std::str::FromStr>(values: impl Iterator<Item = &'a str>) -> (Vec<T>, Vec<i16>) {
    let values: Vec<Option<T>> = values.map(|value| value.parse().ok()).collect();
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (values.into_iter().flatten().collect(), levels)
}

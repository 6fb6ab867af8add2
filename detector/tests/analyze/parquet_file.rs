//! Parquet files of records.

use std::sync::Arc;

use detector::format::{Column, LogFormat};
use flow_log_fields::FieldType;
use parquet::basic::Compression as Codec;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// The form of `-` in a Parquet file.
#[derive(Clone, Copy)]
pub enum Absent {
    Null,
    Dash,
}

/// The same records with AWS's column names and types, in groups of 100 rows.
pub fn parquet(format: &LogFormat, lines: &[String], codec: Codec, absent: Absent) -> Vec<u8> {
    let column = |column: &Column| {
        let name = column.name().replace('-', "_");
        match column.field_type() {
            FieldType::Int32 => format!("OPTIONAL INT32 {name};"),
            FieldType::Int64 => format!("OPTIONAL INT64 {name};"),
            FieldType::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
        }
    };
    let columns: String = format.columns().iter().map(column).collect();
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    write_parquet(&columns, &rows, codec, absent)
}

/// A file with these columns, in the language of Parquet schemas.
pub fn write_parquet(columns: &str, rows: &[Vec<&str>], codec: Codec, absent: Absent) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message flow_log {{ {columns} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(codec).build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for rows in rows.chunks(100) {
        let mut group = file.next_row_group().unwrap();
        let mut index = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let is_text = matches!(column.untyped(), ColumnWriter::ByteArrayColumnWriter(_));
            let is_there = |value: &&str| *value != "-" || (is_text && matches!(absent, Absent::Dash));
            let values: Vec<&str> = rows.iter().map(|row| row[index]).collect();
            let levels: Vec<i16> = values.iter().map(|value| i16::from(is_there(value))).collect();
            let there = values.into_iter().filter(is_there);
            match column.untyped() {
                ColumnWriter::Int32ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int32).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int64).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::Int96ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int96).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&there.map(ByteArray::from).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    writer.write_batch(&there.map(|it| it.parse().unwrap()).collect::<Vec<_>>(), Some(&levels), None)
                }
                _ => panic!("no test needs this type"),
            }
            .unwrap();
            column.close().unwrap();
            index += 1;
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

/// As it is stored, with or without a sign.
fn int32(value: &str) -> i32 {
    value.parse().unwrap_or_else(|_| value.parse::<u32>().unwrap().cast_signed())
}

fn int64(value: &str) -> i64 {
    value.parse().unwrap_or_else(|_| value.parse::<u64>().unwrap().cast_signed())
}

/// Seconds since 1970 as nanoseconds of a day and the day's Julian number.
fn int96(seconds: &str) -> Int96 {
    let seconds: u64 = seconds.parse().unwrap();
    let nanos = seconds % 86_400 * 1_000_000_000;
    let mut value = Int96::new();
    value.set_data(
        u32::try_from(nanos & 0xffff_ffff).unwrap(),
        u32::try_from(nanos >> 32).unwrap(),
        u32::try_from(seconds / 86_400).unwrap() + 2_440_588,
    );
    value
}

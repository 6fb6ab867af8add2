//! Writes the values of a Parquet column as a record's line has them.
//!
//! AWS writes INT32, INT64 and text. Programs that write flow logs anew often choose other types; each gives the same line, or
//! is refused.

use std::io::Write;

use aws_smithy_types::date_time::{DateTime, Format};
use flow_log_fields::{Field, FieldType};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::schema::types::ColumnDescriptor;

use super::TableError;
use crate::format::Column;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The type of a column's values, whatever their field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer {
        is_signed: bool,
    },
    /// Times since 1970 in UTC, which is also assumed where the type leaves the time zone open.
    Timestamp {
        per_second: i64,
    },
    Text,
    Nulls,
}

/// The form in which the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text as it is.
    Text,
    /// A whole number.
    Signed,
    /// A whole number whose highest bit is no sign.
    Unsigned,
    /// A whole number of twelve digits.
    AccountId,
    /// A time as a number of seconds.
    Seconds {
        /// Units of the column's numbers in a second.
        per_second: i64,
    },
    /// A time as text: `2026-08-23T10:00:00.5Z`.
    DateTime {
        /// Units of the column's numbers in a second.
        per_second: i64,
    },
}

impl Form {
    /// The form of the values of `descriptor`, in the place of `column`.
    pub fn new(column: &Column, descriptor: &ColumnDescriptor) -> Result<Self, TableError> {
        let refused = |expected| TableError::ColumnType {
            name: descriptor.name().to_owned(),
            found: type_name(descriptor),
            expected,
        };
        let kind = kind(descriptor);
        let Column::Known(field) = column else {
            return match kind {
                Some(Kind::Text) => Ok(Self::Text),
                Some(Kind::Nulls) => Ok(Self::Signed),
                Some(Kind::Integer { is_signed }) => Ok(Self::integer(is_signed)),
                Some(Kind::Timestamp { per_second }) => Ok(Self::DateTime { per_second }),
                None => Err(refused("INT32, INT64 and text")),
            };
        };
        let is_time = matches!(field, Field::Start | Field::End);
        match (kind, field) {
            (Some(Kind::Text), _) => Ok(Self::Text),
            (Some(Kind::Nulls), _) => Ok(Self::Signed),
            (Some(Kind::Integer { .. }), Field::AccountId) => Ok(Self::AccountId),
            (Some(Kind::Integer { is_signed }), Field::EncryptionStatus) => Ok(Self::integer(is_signed)),
            (_, field) if field.field_type() == FieldType::Text => Err(refused("text there")),
            (Some(Kind::Integer { is_signed }), _) => Ok(Self::integer(is_signed)),
            (Some(Kind::Timestamp { per_second }), _) if is_time => Ok(Self::Seconds { per_second }),
            _ => Err(refused("INT32, INT64 and text")),
        }
    }

    fn integer(is_signed: bool) -> Self {
        if is_signed { Self::Signed } else { Self::Unsigned }
    }

    /// Writes a number; `unsigned` is the same number read without a sign.
    pub fn write(self, number: i64, unsigned: u64, line: &mut Vec<u8>) {
        let mut decimal = itoa::Buffer::new();
        // Writing to memory does not fail.
        let _ = match self {
            Self::Signed | Self::Text => line.write_all(decimal.format(number).as_bytes()),
            Self::Unsigned => line.write_all(decimal.format(unsigned).as_bytes()),
            Self::AccountId => write!(line, "{unsigned:012}"),
            Self::Seconds { per_second } => line.write_all(decimal.format(number.div_euclid(per_second)).as_bytes()),
            Self::DateTime { per_second } => {
                let nanos = i128::from(number) * i128::from(NANOS_PER_SECOND / per_second);
                match DateTime::from_nanos(nanos).ok().and_then(|time| time.fmt(Format::DateTime).ok()) {
                    Some(time) => write!(line, "{time}"),
                    None => write!(line, "{number}"),
                }
            }
        };
    }
}

/// The type of a column's values; `None` if they cannot stand in a record.
fn kind(column: &ColumnDescriptor) -> Option<Kind> {
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    match column.physical_type() {
        Type::INT32 | Type::INT64 => match logical {
            Some(logical) => logical_number(logical),
            None => converted_number(converted, column.type_scale()),
        },
        // Older than the types for times, and still written by Hive, Spark and Athena. Read as nanoseconds.
        Type::INT96 => Some(Kind::Timestamp { per_second: NANOS_PER_SECOND }),
        Type::BYTE_ARRAY => {
            let is_text = match logical {
                Some(logical) => matches!(logical, LogicalType::String | LogicalType::Enum | LogicalType::Json),
                None => matches!(
                    converted,
                    ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON
                ),
            };
            is_text.then_some(Kind::Text)
        }
        _ => None,
    }
}

fn logical_number(logical: &LogicalType) -> Option<Kind> {
    match logical {
        LogicalType::Integer(integer) => Some(Kind::Integer { is_signed: integer.is_signed }),
        LogicalType::Decimal(decimal) if decimal.scale == 0 => Some(Kind::Integer { is_signed: true }),
        LogicalType::Timestamp(timestamp) => {
            let per_second = match timestamp.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => NANOS_PER_SECOND,
            };
            Some(Kind::Timestamp { per_second })
        }
        LogicalType::Unknown => Some(Kind::Nulls),
        _ => None,
    }
}

/// The kind of a type as older programs declare it.
fn converted_number(converted: ConvertedType, scale: i32) -> Option<Kind> {
    match converted {
        ConvertedType::NONE
        | ConvertedType::INT_8
        | ConvertedType::INT_16
        | ConvertedType::INT_32
        | ConvertedType::INT_64 => Some(Kind::Integer { is_signed: true }),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            Some(Kind::Integer { is_signed: false })
        }
        ConvertedType::DECIMAL if scale == 0 => Some(Kind::Integer { is_signed: true }),
        ConvertedType::TIMESTAMP_MILLIS => Some(Kind::Timestamp { per_second: 1_000 }),
        ConvertedType::TIMESTAMP_MICROS => Some(Kind::Timestamp { per_second: 1_000_000 }),
        _ => None,
    }
}

/// `DOUBLE`, `INT32 (DATE)`.
fn type_name(column: &ColumnDescriptor) -> String {
    let physical = column.physical_type();
    match (column.converted_type(), column.logical_type_ref()) {
        (ConvertedType::NONE, None) => physical.to_string(),
        (ConvertedType::NONE, Some(logical)) => format!("{physical} ({logical:?})"),
        (converted, _) => format!("{physical} ({converted})"),
    }
}

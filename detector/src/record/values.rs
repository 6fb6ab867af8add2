//! All values of a record, whatever its format.

use std::fmt;
use std::str::Split;

use flow_log_fields::{Field, FieldType};

use crate::format::{Column, LogFormat};

use super::time::seconds;

/// A value that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of a field that AWS types as INT32 or INT64. Times are in seconds.
    Number(u64),
    /// Of any other field, also of those that are not known here.
    Text(&'a str),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The columns of a record with their values, `None` for `-`.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    values: Split<'a, char>,
    columns: std::slice::Iter<'a, Column>,
}

impl<'a> Values<'a> {
    pub(super) fn new(line: &'a str, format: &'a LogFormat) -> Self {
        Self { values: line.split(' '), columns: format.columns().iter() }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = (&'a Column, Option<Value<'a>>);

    fn next(&mut self) -> Option<Self::Item> {
        let (column, text) = (self.columns.next()?, self.values.next()?);
        let value = match column.field_type() {
            _ if text == "-" => None,
            FieldType::Text => Some(Value::Text(text)),
            // The parser has let only numbers pass.
            FieldType::Int32 | FieldType::Int64 => {
                let number = text.parse().ok();
                let is_time = matches!(column, Column::Known(Field::Start | Field::End));
                if is_time { number.and_then(seconds) } else { number }.map(Value::Number)
            }
        };
        Some((column, value))
    }
}

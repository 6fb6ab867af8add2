//! The format of a flow log: the field at each place of a record.

use std::fmt;
use std::str::FromStr;

use flow_log_fields::{Field, FieldType};

/// One place of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// A field that AWS documents.
    Known(Field),
    /// A field that is not known here: its values are kept as text.
    Unknown(Box<str>),
}

impl Column {
    fn from_name(name: &str) -> Self {
        Field::from_name(name).map_or_else(|| Self::Unknown(name.into()), Self::Known)
    }

    /// The field's name as AWS writes it in a format.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(field) => field.name(),
            Self::Unknown(name) => name,
        }
    }

    /// The type of its values.
    #[must_use]
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Known(field) => field.field_type(),
            Self::Unknown(_) => FieldType::Text,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The order of the fields in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    columns: Vec<Column>,
}

/// The header that stands at the top of a text file in S3 if it has AWS's default format.
pub const DEFAULT_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

/// The reason a text is not the format of a flow log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It names no field.
    #[error("it names no field; write `${{version}} ${{account-id}} …`")]
    Empty,
    /// A part that is not of the form `${name}`.
    #[error("`{0}` is not a field; write `${{name}}`, fields separated by spaces")]
    NotAField(String),
    /// A field twice: the choice of one of the two values would be a guess.
    #[error("it names `{0}` twice")]
    Repeated(String),
}

impl LogFormat {
    /// AWS's default format, the fields of version 2.
    #[must_use]
    pub fn aws_default() -> Self {
        Self { columns: DEFAULT_HEADER.split(' ').map(Column::from_name).collect() }
    }

    /// The format whose fields have these names, `-` or Parquet's `_` between words.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, FormatError> {
        let mut columns = Vec::new();
        for name in names {
            let column = Column::from_name(name);
            if columns.contains(&column) {
                return Err(FormatError::Repeated(name.to_owned()));
            }
            columns.push(column);
        }
        if columns.is_empty() {
            return Err(FormatError::Empty);
        }
        Ok(Self { columns })
    }

    /// The format that the header line of a file names, or `None` if the line is no header: a record has a number, an address,
    /// an id or `-` in it, a header only names, at least one of them known.
    #[must_use]
    pub fn from_header(line: &str) -> Option<Self> {
        let names: Vec<_> = line.split_ascii_whitespace().collect();
        let is_known = |name: &str| {
            Field::from_name(name).is_some() || TRANSIT_GATEWAY.iter().any(|start| name.starts_with(start))
        };
        let is_header = names.iter().all(|name| is_name(name)) && names.iter().any(|name| is_known(name));
        if is_header { Self::from_names(names).ok() } else { None }
    }

    /// The columns in the order of the record; never empty.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// True if records have `field`.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.columns.iter().any(|column| matches!(column, Column::Known(known) if *known == field))
    }
}

/// Prefixes of the fields that only the flow logs of transit gateways have.
const TRANSIT_GATEWAY: [&str; 2] = ["tgw-", "packets-lost-"];

/// True if a word may be the name of a field, known or not. The ids of AWS's resources are spelt alike but for their end of
/// eight or more hexadecimal digits.
fn is_name(word: &str) -> bool {
    let is_id = || {
        let end = word.rsplit(['-', '_']).next().unwrap_or_default();
        end.len() >= 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !is_id()
}

impl FromStr for LogFormat {
    type Err = FormatError;

    /// Reads the format as `CreateFlowLogs` takes it: `${version} ${account-id} …`.
    fn from_str(text: &str) -> Result<Self, FormatError> {
        let name = |part: &'_ str| -> Option<String> {
            let name = part.strip_prefix("${")?.strip_suffix('}')?;
            (!name.is_empty() && !name.contains(['$', '{', '}'])).then(|| name.to_owned())
        };
        let names = text
            .split_ascii_whitespace()
            .map(|part| name(part).ok_or_else(|| FormatError::NotAField(part.to_owned())))
            .collect::<Result<Vec<_>, _>>()?;
        Self::from_names(names.iter().map(String::as_str))
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, column) in self.columns.iter().enumerate() {
            write!(f, "{}${{{column}}}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_places_and_unknown_ones_hold_theirs() {
        let format: LogFormat = "${action} ${not-invented-yet} ${bytes}".parse().unwrap();
        let names: Vec<_> = format.columns().iter().map(Column::name).collect();
        assert_eq!(names, ["action", "not-invented-yet", "bytes"]);
        assert!(format.has(Field::Bytes));
        assert!(!format.has(Field::Protocol));
        assert_eq!(format.to_string().parse(), Ok(format));
    }

    #[test]
    fn what_is_no_format_is_refused_with_the_part_at_fault() {
        assert_eq!("  ".parse::<LogFormat>(), Err(FormatError::Empty));
        for bad in ["version", "${}", "${version}${bytes}", "$version", "${version"] {
            let text = format!("${{start}} {bad}");
            assert_eq!(text.parse::<LogFormat>(), Err(FormatError::NotAField(bad.to_owned())));
        }
        assert_eq!("${bytes} ${bytes}".parse::<LogFormat>(), Err(FormatError::Repeated("bytes".to_owned())));
        assert_eq!("${new} ${new}".parse::<LogFormat>(), Err(FormatError::Repeated("new".to_owned())));
    }

    #[test]
    fn a_header_is_told_from_a_record() {
        assert_eq!(LogFormat::from_header(DEFAULT_HEADER), Some(LogFormat::aws_default()));
        assert_eq!(LogFormat::from_header("bytes new-field srcaddr"), "${bytes} ${new-field} ${srcaddr}".parse().ok());
        let transit_gateway = "tgw-id tgw-attachment-id tgw-src-eni tgw-dst-eni packets-lost-no-route bytes";
        let format = LogFormat::from_header(transit_gateway).unwrap();
        assert_eq!(format.columns().last(), Some(&Column::Known(Field::Bytes)), "most of its fields are not known");
        assert_eq!(format.columns().len(), 6);
        assert!(LogFormat::from_header("tgw-id tgw-src-eni resource-type").is_some(), "none of its fields is known");
        for record in [
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1 2 ACCEPT OK",
            "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
            "eni-1235b8ca123456789 vpc-abc ecs",
            "i-01234567890123456 bytes",
            "tgw-attach-1a2b3c4d region start",
            "us-east-1 use1-az1 ingress",
            "bytes bytes",
            "",
        ] {
            assert_eq!(LogFormat::from_header(record), None, "{record}");
        }
    }

    #[test]
    fn columns_of_a_parquet_file_are_the_same_fields() {
        let format = LogFormat::from_names(["account_id", "log_status"]).unwrap();
        assert_eq!(format.to_string(), "${account-id} ${log-status}");
    }
}

//! The format of a flow log: which field stands at which place of a line.

use std::fmt;
use std::str::FromStr;

/// A field of a flow-log record, as far as the rules use it.
///
/// Names and meanings: [Flow log records](https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `srcaddr`: for outgoing traffic the primary private address of the interface.
    SourceAddress,
    /// `dstaddr`: for incoming traffic the primary private address of the interface.
    DestinationAddress,
    /// `dstport`.
    DestinationPort,
    /// `protocol`: the IANA protocol number.
    Protocol,
    /// `bytes`: bytes transferred in the aggregation interval.
    Bytes,
    /// `start`: Unix seconds.
    Start,
    /// `end`: Unix seconds.
    End,
    /// `action`: `ACCEPT` or `REJECT`.
    Action,
    /// `log-status`: `OK`, `NODATA` or `SKIPDATA`.
    LogStatus,
    /// Any other field: it holds its place in the line and is not read.
    Unused,
}

impl Field {
    const NAMED: [(Self, &str); 9] = [
        (Self::SourceAddress, "srcaddr"),
        (Self::DestinationAddress, "dstaddr"),
        (Self::DestinationPort, "dstport"),
        (Self::Protocol, "protocol"),
        (Self::Bytes, "bytes"),
        (Self::Start, "start"),
        (Self::End, "end"),
        (Self::Action, "action"),
        (Self::LogStatus, "log-status"),
    ];

    fn from_name(name: &str) -> Self {
        Self::NAMED.iter().find(|(_, known)| *known == name).map_or(Self::Unused, |(field, _)| *field)
    }

    /// The name AWS gives the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(field, _)| *field == self).map_or("unused", |(_, name)| name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The order of the fields in a line, read from `${version} ${account-id} …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFormat {
    fields: Vec<Field>,
}

impl LogFormat {
    /// The fields in the order of the line; never empty.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether lines carry `field`.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }
}

/// Why a text is not the format of a flow log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Nothing in it.
    #[error("it names no field; write `${{version}} ${{account-id}} …`")]
    Empty,
    /// A part that is not of the form `${name}`.
    #[error("`{0}` is not a field; write `${{name}}`, fields separated by spaces")]
    NotAField(String),
    /// A field twice: which of the two values counts would be a guess.
    #[error("it names `{0}` twice")]
    Repeated(Field),
}

impl FromStr for LogFormat {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let mut fields = Vec::new();
        for part in text.split_ascii_whitespace() {
            let name = part
                .strip_prefix("${")
                .and_then(|rest| rest.strip_suffix('}'))
                .filter(|name| !name.is_empty() && !name.contains(['$', '{', '}']))
                .ok_or_else(|| FormatError::NotAField(part.to_owned()))?;
            let field = Field::from_name(name);
            if field != Field::Unused && fields.contains(&field) {
                return Err(FormatError::Repeated(field));
            }
            fields.push(field);
        }
        if fields.is_empty() {
            return Err(FormatError::Empty);
        }
        Ok(Self { fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_places_and_unknown_ones_hold_theirs() {
        let format: LogFormat = "${action} ${not-invented-yet} ${bytes}".parse().unwrap();
        assert_eq!(format.fields(), [Field::Action, Field::Unused, Field::Bytes]);
        assert!(format.has(Field::Bytes));
        assert!(!format.has(Field::Protocol));
    }

    #[test]
    fn every_named_field_is_found_by_its_name() {
        for (field, name) in Field::NAMED {
            assert_eq!(Field::from_name(name), field);
            assert_eq!(field.name(), name);
        }
    }

    #[test]
    fn what_is_no_format_is_refused_with_the_part_at_fault() {
        assert_eq!("  ".parse::<LogFormat>(), Err(FormatError::Empty));
        for bad in ["version", "${}", "${version}${bytes}", "$version", "${version"] {
            let text = format!("${{start}} {bad}");
            assert_eq!(text.parse::<LogFormat>(), Err(FormatError::NotAField(bad.to_owned())));
        }
        assert_eq!("${bytes} ${bytes}".parse::<LogFormat>(), Err(FormatError::Repeated(Field::Bytes)));
    }
}

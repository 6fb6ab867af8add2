//! Recognizes files that are not read, by their first bytes or their first line; the error names a command that converts them.

/// The kind of a file that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// Text in another encoding than UTF-8, under the name that `iconv` has for it.
    #[error("it is text in {0}; convert it to UTF-8: iconv -f {0} -t UTF-8 FILE | flow-log-analyze")]
    Encoding(&'static str),
    /// Packed by another program than gzip.
    #[error("it is packed with {0}; unpack it: {0} -dc FILE | flow-log-analyze")]
    Packed(&'static str),
    /// An archive or a workbook.
    #[error(
        "it is a zip archive or a workbook; unpack it, unzip -p FILE | flow-log-analyze, or save the workbook as CSV in UTF-8"
    )]
    Zip,
    /// gzip or Parquet within gzip.
    #[error("it is packed twice, with gzip and again; unpack it once: gzip -dc FILE | flow-log-analyze")]
    PackedTwice,
    /// The AWS CLI's output with `--output yaml`.
    #[error("it is YAML of the AWS CLI; ask for JSON: aws logs filter-log-events --output json …")]
    Yaml,
    /// The AWS CLI's output with `--output table`, or the console's as ASCII or Markdown.
    #[error(
        "it is a table for people; ask for JSON, aws logs filter-log-events --output json …, or for CSV in the console"
    )]
    Drawn,
    /// The AWS CLI's output for a terminal.
    #[error("it has the colours of a terminal in it; print it without: aws logs tail --color off …")]
    Coloured,
    /// A program, a picture or the like.
    #[error("it is a binary file, not a flow log; flow logs are text, gzip or Parquet")]
    Binary,
}

/// The bytes that [`Foreign::by_bytes`] needs.
pub const HEAD_BYTES: usize = 4;

impl Foreign {
    /// Recognizes a file by its first bytes.
    pub fn by_bytes(head: &[u8]) -> Option<Self> {
        Some(match *head {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Self::Encoding("UTF-32"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Encoding("UTF-16"),
            // Without a mark the zeros of ASCII characters show it.
            [1..=0xff, 0, 0, 0, ..] => Self::Encoding("UTF-32LE"),
            [0, 0, 0, 1..=0xff, ..] => Self::Encoding("UTF-32BE"),
            [1..=0xff, 0, 1..=0xff, 0, ..] => Self::Encoding("UTF-16LE"),
            [0, 1..=0xff, 0, 1..=0xff, ..] => Self::Encoding("UTF-16BE"),
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Packed("bzip2"),
            [0xfd, b'7', b'z', b'X', ..] => Self::Packed("xz"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Packed("zstd"),
            _ => return None,
        })
    }

    /// Recognizes a file by its first line.
    pub fn by_line(line: &[u8]) -> Option<Self> {
        let yaml: [&[u8]; 4] = [b"events:", b"- events:", b"results:", b"- eventId:"];
        if yaml.iter().any(|start| line.starts_with(start)) {
            return Some(Self::Yaml);
        }
        if line.starts_with(b"\x1b[") {
            return Some(Self::Coloured);
        }
        if is_binary(line) {
            return Some(Self::Binary);
        }
        let is_rule = line.len() > 3 && line.iter().all(|byte| matches!(byte, b'-' | b'+' | b'|' | b'='));
        (is_rule || line.starts_with(b"| ")).then_some(Self::Drawn)
    }
}

/// True if a first line cannot be that of a text: it begins in the middle of a character of UTF-8, or has a NUL or the like in it.
fn is_binary(line: &[u8]) -> bool {
    matches!(line.first(), Some(0x80..=0xbf)) || line.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_not_foreign() {
        for read in
            ["", "2", "2 1 eni-1", "\u{feff}version", "version", "PAR1", "\x1f\u{8b}", "PK", "BZh", "é", "\0\0\0\0"]
        {
            assert_eq!(Foreign::by_bytes(read.as_bytes()), None, "{read}");
        }
        for read in ["", "2", "2 1 eni-1", "\u{feff}version", "version", "PK", "é", "a\tb", "Größe \u{1F600}"] {
            assert_eq!(Foreign::by_line(read.as_bytes()), None, "{read}");
        }
        assert_eq!(Foreign::by_line(b"- 10.0.0.1 -"), None, "a record of `- 10.0.0.1 -`");
        assert_eq!(Foreign::by_line(b"- - -"), None);
    }

    #[test]
    fn archives_and_tables_are_named() {
        assert_eq!(Foreign::by_bytes(b"PK\x03\x04"), Some(Foreign::Zip));
        assert_eq!(Foreign::by_bytes(b"BZh9"), Some(Foreign::Packed("bzip2")));
        assert_eq!(Foreign::by_bytes(b"\xfd7zXZ\0"), Some(Foreign::Packed("xz")));
        assert_eq!(Foreign::by_bytes(b"\x28\xb5\x2f\xfd"), Some(Foreign::Packed("zstd")));
        for line in ["-------", "+------+", "| @timestamp | @message |", "|---|---|"] {
            assert_eq!(Foreign::by_line(line.as_bytes()), Some(Foreign::Drawn), "{line}");
        }
        for line in [&b"\x7fELF\x02\x01\x01\0"[..], b"\x89PNG\r", b"\xff\xd8\xff\xe0\0\x10JFIF"] {
            assert_eq!(Foreign::by_line(line), Some(Foreign::Binary), "{line:?}");
        }
        assert_eq!(Foreign::by_line(b"events:"), Some(Foreign::Yaml));
        assert_eq!(Foreign::by_line(b"\x1b[32m2026-08-23T10:00:00"), Some(Foreign::Coloured));
    }
}

//! Every record as a line of JSON.

use std::io::{self, Write};

use detector::format::LogFormat;
use detector::record::{Record, Value};

use crate::intake::Sink;

/// Writes records under the names of their columns in AWS's Parquet files.
#[derive(Debug)]
pub struct RecordWriter<W> {
    out: W,
    /// `"log_status":`, for each column.
    keys: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl<W: Write> RecordWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self { out, keys: Vec::new(), line: Vec::new() }
    }
}

impl<W: Write> Sink for RecordWriter<W> {
    fn format(&mut self, format: &LogFormat) {
        let key = |name: &str| {
            // A string can always be written as JSON.
            let mut key = serde_json::to_vec(&name.replace('-', "_")).unwrap_or_default();
            key.push(b':');
            key
        };
        self.keys = format.columns().iter().map(|column| key(column.name())).collect();
    }

    #[inline]
    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.push(b'{');
        for (key, (_, value)) in self.keys.iter().zip(record.values()) {
            let Some(value) = value else { continue };
            if self.line.len() > 1 {
                self.line.push(b',');
            }
            self.line.extend_from_slice(key);
            match value {
                Value::Number(number) => serde_json::to_writer(&mut self.line, &number)?,
                Value::Text(text) => serde_json::to_writer(&mut self.line, text)?,
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use detector::record::Parser;
    use proptest::prelude::*;

    use super::*;

    fn json(format: &str, line: &str) -> String {
        let parser = Parser::new(format.parse().unwrap());
        let mut out = Vec::new();
        let mut writer = RecordWriter::new(&mut out);
        writer.format(parser.format());
        writer.record(&parser.parse(line).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_numbers_and_absent_fields_left_out() {
        let format = "${version} ${log-status} ${srcaddr} ${bytes} ${n\"w} ${instance-tag}";
        assert_eq!(
            json(format, "5 OK - 018446744073709551615 7 é\"\\"),
            "{\"version\":5,\"log_status\":\"OK\",\"bytes\":18446744073709551615,\"n\\\"w\":\"7\",\"instance_tag\":\"é\\\"\\\\\"}\n"
        );
        assert_eq!(json("${srcaddr} ${bytes}", "- -"), "{}\n");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_out_of_the_json(text in "[^ \r\n]{1,20}") {
            let line = json("${new}", &text);
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(value["new"].as_str(), Some(text.as_str()).filter(|text| *text != "-"));
            prop_assert_eq!(line.matches('\n').count(), 1);
        }
    }
}

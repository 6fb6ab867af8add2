//! Text: a record a line, header lines that name the fields.

use std::io::{self, BufRead, Read};

use detector::format::LogFormat;
use detector::record::Parser;

use crate::bad_lines::{Place, Reason};
use crate::input::InputError;
use crate::intake::{Intake, Sink};
use crate::source::Source;

/// The longest line, in bytes; the fields of a record have hardly 4 KB together.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Reads lines until there are no more, holding one at a time.
///
/// A header line switches the format wherever it stands, so that files can be joined; with a `format` given it is passed
/// over. So are empty lines.
pub fn read<S: Sink>(
    mut reader: impl BufRead,
    source: &Source,
    format: Option<&LogFormat>,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let mut parser = format.cloned().map(Parser::new);
    if let Some(format) = format {
        intake.sink.format(format);
    }
    let mut line = Vec::new();
    let mut number = 0;
    while next_line(&mut reader, &mut line).map_err(InputError::Read)? {
        number += 1;
        let text = without_ending(&line);
        if text.is_empty() {
            continue;
        }
        if let Some(header) = header(text) {
            if format.is_none() {
                intake.sink.format(&header);
                parser = Some(Parser::new(header));
            }
            continue;
        }
        let parser = parser.as_ref().ok_or(InputError::NoFormat)?;
        let place = Place { source, unit: "line", number };
        if text.len() > MAX_LINE_BYTES {
            intake.refuse(place, &Reason::TooLong, text);
        } else {
            intake.line(parser, place, without_timestamp(text)).map_err(InputError::Output)?;
        }
    }
    Ok(())
}

/// Whether there was another line. Of one that is too long only the start is kept.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = MAX_LINE_BYTES + 2;
    let read = reader.by_ref().take(limit as u64).read_until(b'\n', line)?;
    if read == limit && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn without_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The format that a line names. Most records show at their first byte that they are none.
#[inline]
fn header(line: &[u8]) -> Option<LogFormat> {
    let in_names = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b' ');
    if !line.first()?.is_ascii_lowercase() || !line.iter().all(in_names) {
        return None;
    }
    LogFormat::from_header(str::from_utf8(line).ok()?)
}

/// A line that `CloudWatch` Logs has exported begins with its time: `2026-08-23T10:05:00.000Z `.
#[inline]
fn without_timestamp(line: &[u8]) -> &[u8] {
    const TIMESTAMP: &[u8] = b"0000-00-00T00:00:00.000Z ";
    match line.split_at_checked(TIMESTAMP.len()) {
        Some((time, rest)) if time[10] == b'T' && is_like(time, TIMESTAMP) => rest,
        _ => line,
    }
}

/// Whether `text` has digits where `pattern` has zeros, and otherwise the same.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    text.iter().zip(pattern).all(|(byte, expected)| match expected {
        b'0' => byte.is_ascii_digit(),
        _ => byte == expected,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use detector::record::Record;

    #[derive(Default)]
    struct Kept(Vec<String>);

    impl Sink for Kept {
        fn format(&mut self, format: &LogFormat) {
            self.0.push(format.to_string());
        }

        fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
            self.0.push(record.line().to_owned());
            Ok(())
        }

        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read_bytes(bytes: &[u8], format: Option<&str>) -> (Result<(), InputError>, Intake<Kept>) {
        let format: Option<LogFormat> = format.map(|format| format.parse().unwrap());
        let mut intake = Intake::new(Kept::default());
        let result = read(bytes, &Source::Stdin, format.as_ref(), &mut intake);
        (result, intake)
    }

    #[test]
    fn headers_switch_the_format_and_are_no_records() {
        let text = "srcport bytes\n1 2\n\nsrcport bytes\r\n3 4\r\nbytes end action\n5 6 -\n7 8";
        let (result, intake) = read_bytes(text.as_bytes(), None);
        assert!(result.is_ok());
        let two = "${srcport} ${bytes}";
        assert_eq!(intake.sink.0, [two, "1 2", two, "3 4", "${bytes} ${end} ${action}", "5 6 -"]);
        assert_eq!((intake.counts.parsed, intake.counts.bad), (3, 1));
        assert!(intake.bad_lines.to_string().contains("standard input: line 8: expected 3 fields, found 2: \"7 8\""));
    }

    #[test]
    fn a_given_format_goes_over_headers() {
        let (_, intake) = read_bytes(b"srcport bytes\n1 2\n", Some("${end} ${new}"));
        assert_eq!(intake.sink.0, ["${end} ${new}", "1 2"]);
    }

    #[test]
    fn without_a_header_the_format_is_asked_for() {
        assert!(matches!(read_bytes(b"1 2\n", None).0, Err(InputError::NoFormat)));
        assert!(read_bytes(b"\n", None).0.is_ok());
    }

    #[test]
    fn the_time_before_an_exported_line_is_passed_over() {
        let text = "2026-08-23T10:05:00.123Z 1 2\n2026-08-23T10:05:00.12Z 1 2\n2026-08-23T10:05:00.123Z\n";
        let (_, intake) = read_bytes(text.as_bytes(), Some("${srcport} ${bytes}"));
        assert_eq!(intake.sink.0[1..], ["1 2"]);
        assert_eq!(intake.counts.bad, 2);
    }

    #[test]
    fn lines_that_are_too_long_or_not_utf8_are_bad_and_the_next_ones_read() {
        let long = |len| [b"1 ".to_vec(), b"x".repeat(len - 2)].concat();
        let lines = [long(MAX_LINE_BYTES), long(MAX_LINE_BYTES + 1), long(5 * MAX_LINE_BYTES), b"1 \xff".to_vec()];
        let text = [lines.join(&b"\n"[..]), b"\r\n1 2".to_vec()].concat();
        let (_, intake) = read_bytes(&text, Some("${srcport} ${new}"));
        assert_eq!((intake.counts.parsed, intake.counts.bad), (2, 3));
        assert_eq!(intake.sink.0[2], "1 2");
        let told = intake.bad_lines.to_string();
        for message in ["line 2: it has more than 65536 bytes", "line 3: it has more", "line 4: it is not UTF-8"] {
            assert!(told.contains(message), "{told}");
        }
    }

    proptest! {
        #[test]
        fn every_line_but_empty_ones_and_headers_is_counted(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)
        ) {
            let text = lines.join(&b"\n"[..]);
            let (result, intake) = read_bytes(&text, Some("${srcport} ${new}"));
            prop_assert!(result.is_ok());
            let is_line = |line: &&[u8]| !without_ending(line).is_empty() && header(without_ending(line)).is_none();
            let expected = text.split(|byte| *byte == b'\n').filter(is_line).count() as u64;
            prop_assert_eq!(intake.counts.records(), expected);
        }
    }
}

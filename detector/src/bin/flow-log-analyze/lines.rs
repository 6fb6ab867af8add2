//! Text: a record a line, header lines that name the fields.

use std::io::BufRead;

use detector::files::header::header;
use detector::files::line_reader::{content, next_line};

use crate::error::InputError;
use crate::intake::Sink;
use crate::text::Text;

/// Reads lines until there are no more, with one in memory at a time.
///
/// A header line switches the format wherever it stands, so that files can be joined; with a format given it is passed
/// over. So are empty lines.
pub fn read<S: Sink>(mut reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
    let mut line = Vec::new();
    while next_line(&mut reader, &mut line).map_err(InputError::Read)? {
        text.advance(1);
        let line = content(&line);
        if line.is_empty() {
            continue;
        }
        if let Some(header) = header(line, text.parser()) {
            text.set_fields(header);
        } else if let Some(message) = without_timestamp(line) {
            text.event(without_stream(message, text.columns()))?;
        } else {
            text.record(line)?;
        }
    }
    Ok(())
}

/// A line that `CloudWatch` Logs has exported, or that `aws logs tail` prints, begins with its time:
/// `2026-08-23T10:05:00.000Z `, `2026-08-23T10:05:00 `, `2026-08-23T10:05:00.000000+00:00 `, `2026-08-23 10:05:00.000 `.
#[inline]
fn without_timestamp(line: &[u8]) -> Option<&[u8]> {
    const DATE: &[u8] = b"0000-00-00";
    const TIME: &[u8] = b"00:00:00";
    let (date, rest) = line.split_at_checked(DATE.len())?;
    let (b'T' | b' ', rest) = rest.split_first()? else { return None };
    let (time, rest) = rest.split_at_checked(TIME.len())?;
    if !is_like(date, DATE) || !is_like(time, TIME) {
        return None;
    }
    let rest = rest.strip_prefix(b".").map_or(rest, without_digits);
    let rest = match rest.split_first()? {
        (b'Z', rest) => rest,
        (b'+' | b'-', zone) => zone.split_at_checked(5).filter(|(zone, _)| is_like(zone, b"00:00"))?.1,
        _ => rest,
    };
    rest.strip_prefix(b" ")
}

fn without_digits(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(digits..).unwrap_or_default()
}

/// `aws logs tail` puts the name of the log stream before the message: the line then has a word more than a record.
fn without_stream(message: &[u8], columns: usize) -> &[u8] {
    let mut words = message.split(|byte| *byte == b' ');
    let stream = words.next().unwrap_or_default();
    if words.count() == columns { message.get(stream.len() + 1..).unwrap_or_default() } else { message }
}

/// True if `text` has digits where `pattern` has zeros, and otherwise the same bytes.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    text.iter().zip(pattern).all(|(byte, expected)| match expected {
        b'0' => byte.is_ascii_digit(),
        _ => byte == expected,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use detector::files::line_reader::MAX_LINE_BYTES;
    use detector::format::LogFormat;
    use detector::record::Record;
    use proptest::prelude::*;

    use super::*;
    use crate::intake::Intake;
    use crate::source::Source;

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
        let result = read(bytes, &mut Text::new(&Source::Stdin, format.as_ref(), &mut intake));
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
    fn a_byte_order_mark_before_any_line_is_passed_over() {
        let text = "\u{feff}srcport bytes\n\u{feff}1 2\n\u{feff}\r\n\u{feff}\u{feff}bytes srcport\n3 4\n5\u{feff} 6\n";
        let (_, intake) = read_bytes(text.as_bytes(), None);
        assert_eq!(intake.sink.0, ["${srcport} ${bytes}", "1 2", "${bytes} ${srcport}", "3 4"]);
        assert_eq!(intake.counts.bad, 1, "within a line it is no mark");
    }

    #[test]
    fn few_known_fields_make_a_header_and_a_record_of_words_none() {
        let text = "instance-tag region\nweb bytes\nbytes eu-west-1\ninstance-tag region\nsrcaddr bytes\n10.0.0.1 7\n\
                    tgw-id tgw-src-eni bytes\ntgw-1 eni-1 8";
        let (_, intake) = read_bytes(text.as_bytes(), None);
        let tags = "${instance-tag} ${region}";
        let transit_gateway = "${tgw-id} ${tgw-src-eni} ${bytes}";
        let expected = [
            tags,
            "web bytes",
            "bytes eu-west-1",
            tags,
            "${srcaddr} ${bytes}",
            "10.0.0.1 7",
            transit_gateway,
            "tgw-1 eni-1 8",
        ];
        assert_eq!(intake.sink.0, expected);
    }

    #[test]
    fn the_time_before_an_exported_line_is_passed_over() {
        let times = [
            "2026-08-23T10:05:00.123Z",
            "2026-08-23T10:05:00Z",
            "2026-08-23T10:05:00",
            "2026-08-23T10:05:00.123456+00:00",
            "2026-08-23 10:05:00.123",
        ];
        for time in times {
            for stream in ["", "eni-1-all "] {
                let text = format!("{time} {stream}1 2\n");
                let (_, intake) = read_bytes(text.as_bytes(), Some("${srcport} ${bytes}"));
                assert_eq!(intake.sink.0[1..], ["1 2"], "{text}");
            }
        }
        let no_times = [
            "2026-08-23T10:05:00.123Z",
            "2026-08-23T10:05:00+0000 1 2",
            "2026-08-23T10:05 1 2",
            "2026-08-23_10:05:00 1 2",
        ];
        for text in no_times {
            assert_eq!(read_bytes(text.as_bytes(), Some("${srcport} ${bytes}")).1.counts.bad, 1, "{text}");
        }
    }

    #[test]
    fn exported_lines_have_the_default_format_if_they_fit_it() {
        let record = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1787479200 1787479260 ACCEPT OK";
        let exported = format!("2026-08-23T10:05:00.123Z {record}\n");
        let (result, intake) = read_bytes(exported.as_bytes(), None);
        assert!(result.is_ok());
        assert_eq!(intake.sink.0[1..], [record]);
        assert!(intake.assumes_default_format);
        let (result, intake) = read_bytes(b"2026-08-23T10:05:00.123Z 1 2\n", None);
        assert!(matches!(result, Err(InputError::NoFormatOfEvents)));
        assert!(!intake.assumes_default_format);
        assert!(matches!(read_bytes(record.as_bytes(), None).0, Err(InputError::NoFormat)), "it may be of anything");
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
            let is_header = |line: &[u8]| str::from_utf8(line).is_ok_and(|line| LogFormat::from_header(line).is_some());
            let is_line = |line: &&[u8]| !content(line).is_empty() && !is_header(content(line));
            let expected = text.split(|byte| *byte == b'\n').filter(is_line).count() as u64;
            prop_assert_eq!(intake.counts.records(), expected);
        }
    }
}

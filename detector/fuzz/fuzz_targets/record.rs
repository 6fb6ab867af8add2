//! A file: its first line is a format or a header, the others are lines. Nothing makes the parser or the rules panic, and
//! the values of a record are those of its line.

#![no_main]

use detector::format::{Column, LogFormat};
use detector::record::{Parser, Record, Value};
use detector::rules::{Config, Engine};
use flow_log_fields::Field;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &str| {
    let (first, lines) = file.split_once('\n').unwrap_or((file, ""));
    let format = first.parse().ok().or_else(|| LogFormat::from_header(first)).unwrap_or_else(LogFormat::aws_default);
    assert_eq!(format.to_string().parse().as_ref(), Ok(&format));
    let parser = Parser::new(format);
    let mut engine = Engine::new(&Config::default());
    for line in lines.split('\n') {
        if let Ok(record) = parser.parse(line) {
            check(&record);
            engine.observe(&record);
        }
    }
    let _ = engine.finish();
});

/// Joined again, the values are the line; numbers may have had leading zeros, times a finer unit.
fn check(record: &Record) {
    let mut values = record.values();
    for text in record.line().split(' ') {
        match values.next() {
            Some((_, None)) => assert_eq!(text, "-"),
            Some((_, Some(Value::Text(value)))) => assert_eq!(text, value),
            Some((Column::Known(Field::Start | Field::End), Some(Value::Number(time)))) => {
                assert!(u32::try_from(time).is_ok());
                let digits = text.trim_start_matches('0');
                assert!(time == 0 || digits.starts_with(&time.to_string()), "{text} is not {time} in any unit");
            }
            Some((_, Some(Value::Number(number)))) => assert_eq!(text.parse(), Ok(number)),
            None => panic!("`{text}` has no column"),
        }
    }
    assert!(values.next().is_none());
}

//! Recognizes the shape of a text's records by its first line.

use std::io::{BufRead, Read};

use detector::files::line_reader::{MAX_LINE_BYTES, content, read_line};

use crate::error::InputError;
use crate::foreign::Foreign;
use crate::intake::Sink;
use crate::table::Table;
use crate::text::Text;
use crate::{json_events, lines, tabs};

/// The shape of a text.
enum Shape {
    Lines,
    Tabs,
    Table(Table),
    Json,
}

/// Reads all records of a text.
pub fn read<S: Sink>(mut reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
    // Empty lines before it, and the line.
    let mut start = Vec::new();
    let mut line_at = 0;
    while read_line(&mut reader, &mut start).map_err(InputError::Read)? > 0 {
        let is_empty = content(&start[line_at..]).trim_ascii().is_empty();
        if !is_empty || start.len() > MAX_LINE_BYTES {
            break;
        }
        line_at = start.len();
    }
    let shape = shape(content(&start[line_at..]))?;
    let reader = start.as_slice().chain(reader);
    match shape {
        Shape::Lines => lines::read(reader, text),
        Shape::Tabs => tabs::read(reader, text),
        Shape::Table(table) => table.read(reader, text),
        Shape::Json => json_events::read(reader, text),
    }
}

/// The shape of a text, by its first line that is not empty.
fn shape(line: &[u8]) -> Result<Shape, InputError> {
    if let Some(foreign) = Foreign::by_line(line) {
        return Err(foreign.into());
    }
    Ok(match Table::from_header(line)? {
        Some(table) => Shape::Table(table),
        None if json_events::begins(line) => Shape::Json,
        None if line.contains(&b'\t') => Shape::Tabs,
        None => Shape::Lines,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use detector::format::LogFormat;
    use detector::record::Record;
    use proptest::prelude::*;

    use super::*;
    use crate::intake::Intake;
    use crate::source::Source;

    struct Nowhere;

    impl Sink for Nowhere {
        fn format(&mut self, _: &LogFormat) {}

        fn record(&mut self, _: &Record<'_>) -> io::Result<()> {
            Ok(())
        }

        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const RECORD: &str = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1787479200 1787479260 ACCEPT OK";

    /// Something of every shape, and of none.
    fn parts() -> impl Strategy<Value = Vec<u8>> {
        let known = prop::sample::select(vec![
            "timestamp,message\n",
            "srcaddr;bytes\n",
            "srcaddr bytes\n",
            "{\"events\": [",
            "{\"message\": \"",
            "\"}",
            "]}",
            "[",
            "\"",
            "\t",
            "\u{feff}",
            "\n",
            "1787479200000,",
            "2026-08-23T10:00:00.000Z ",
            RECORD,
        ]);
        let part = prop_oneof![
            9 => known.prop_map(|part| part.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..9),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// A buffer of any size shows the same.
        #[test]
        fn no_mixture_makes_it_panic_and_no_buffer_makes_a_difference(bytes in parts(), buffer in 1_usize..40) {
            let read = |reader: &mut dyn BufRead| {
                let mut intake = Intake::new(Nowhere);
                let result = read(reader, &mut Text::new(&Source::Stdin, None, &mut intake));
                (result.map_err(|error| error.to_string()), intake.counts)
            };
            let whole = read(&mut bytes.as_slice());
            prop_assert_eq!(read(&mut io::BufReader::with_capacity(buffer, bytes.as_slice())), whole);
        }
    }
}

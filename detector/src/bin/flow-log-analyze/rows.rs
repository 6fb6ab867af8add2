//! Parquet: its rows as lines.

use detector::analysis::Fault;
use detector::files::rows::{Row, Rows};
use detector::record::Parser;
use indicatif::ProgressBar;
use parquet::file::reader::ChunkReader;

use crate::bad_lines::Place;
use crate::error::InputError;
use crate::intake::{Intake, Sink};
use crate::source::Source;

/// Rows after which the bar moves.
const STEP: u64 = 4096;

/// Reads all rows of a file.
pub fn read<S: Sink>(
    reader: impl ChunkReader + 'static,
    source: &Source,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let (before, bytes) = (bar.position(), reader.len());
    let mut rows = Rows::open(reader, |_| true)?;
    let row_bytes = bytes / rows.count().max(1);
    let parser = Parser::new(rows.line_format().clone());
    intake.sink.format(parser.format());
    let mut number = 0;
    while let Some(row) = rows.next_row()? {
        number += 1;
        let place = Place { source, unit: "row", number };
        match row {
            Row::Line(line) => intake.line(&parser, place, line).map_err(InputError::Output)?,
            Row::WhiteSpace { column, line } => {
                intake.refuse(place, &Fault::WhiteSpace(column.to_owned()).into(), line);
            }
        }
        if number % STEP == 0 {
            bar.set_position(before + row_bytes.saturating_mul(number));
        }
    }
    bar.set_position(before + bytes);
    Ok(())
}

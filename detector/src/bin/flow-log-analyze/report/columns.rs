//! Tables of text.

use std::io::{self, Write};

/// Columns as wide as their longest value; all values are ASCII.
pub fn write_columns(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let padded = row.iter().zip(&widths).map(|(value, width)| format!("{value:<width$}"));
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

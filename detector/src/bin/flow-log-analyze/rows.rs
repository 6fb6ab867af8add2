//! Parquet: each row is written out as the line that the text file would have, for the one parser.

use detector::format::{self, LogFormat};
use detector::record::Parser;
use indicatif::ProgressBar;
use parquet::basic::CompressionCodec;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type, Int96Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::bad_lines::{Place, Reason};
use crate::column_values::Form;
use crate::error::InputError;
use crate::intake::{Intake, Sink};
use crate::source::Source;

/// Rows read at a time.
const BATCH_ROWS: usize = 4096;

/// Reads all rows of a file.
pub fn read<S: Sink>(
    reader: impl ChunkReader + 'static,
    source: &Source,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let (before, bytes) = (bar.position(), reader.len());
    let file = SerializedFileReader::new(reader)?;
    let metadata = file.metadata().file_metadata();
    let all_rows = metadata.num_rows().unsigned_abs().max(1);
    let descriptors = metadata.schema_descr().columns();
    let names = descriptors.iter().map(|column| name(column)).collect::<Result<Vec<_>, _>>()?;
    let parser = Parser::new(LogFormat::from_names(names)?);
    let format = parser.format().columns();
    if format.iter().all(|column| matches!(column, format::Column::Unknown(_))) {
        return Err(InputError::NoKnownColumn);
    }
    let forms = format.iter().zip(descriptors).map(|(column, descriptor)| Form::new(column, descriptor));
    let forms = forms.collect::<Result<Vec<_>, _>>()?;
    intake.sink.format(parser.format());

    let mut number = 0_u64;
    let mut line = Vec::new();
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index)?;
        let mut columns = Vec::with_capacity(descriptors.len());
        for (index, (descriptor, form)) in descriptors.iter().zip(&forms).enumerate() {
            check_codec(group.metadata().column(index))?;
            columns.push(Column::new(descriptor.max_def_level(), *form, group.get_column_reader(index)?)?);
        }
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        while left > 0 {
            let batch = left.min(BATCH_ROWS);
            for column in &mut columns {
                column.read(batch)?;
            }
            for _ in 0..batch {
                number += 1;
                let place = Place { source, unit: "row", number };
                match write_row(&mut columns, &mut line).and_then(|fault| format.get(fault)) {
                    None => intake.line(&parser, place, &line).map_err(InputError::Output)?,
                    Some(column) => intake.refuse(place, &Reason::WhiteSpace(column.to_string()), &line),
                }
            }
            left -= batch;
            bar.set_position(before + (bytes / all_rows).saturating_mul(number));
        }
    }
    bar.set_position(before + bytes);
    Ok(())
}

/// The column's name, if it is of a kind that flow logs have.
fn name(column: &ColumnDescriptor) -> Result<&str, InputError> {
    if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
        return Err(InputError::Nested(column.path().string()));
    }
    Ok(column.name())
}

fn check_codec(column: &ColumnChunkMetaData) -> Result<(), InputError> {
    match column.compression_codec() {
        CompressionCodec::UNCOMPRESSED | CompressionCodec::GZIP | CompressionCodec::SNAPPY => Ok(()),
        codec => Err(InputError::Codec { name: column.column_path().string(), codec }),
    }
}

/// Writes a row as a line. Returns the place of a column whose value cannot stand in a line.
fn write_row(columns: &mut [Column], line: &mut Vec<u8>) -> Option<usize> {
    line.clear();
    let mut fault = None;
    for (place, column) in columns.iter_mut().enumerate() {
        if place > 0 {
            line.push(b' ');
        }
        if !column.write_next(line) {
            fault = Some(place);
        }
    }
    fault
}

/// Some rows of a column.
struct Column {
    /// The definition level of a value that is there; 0 if all are.
    level: i16,
    levels: Vec<i16>,
    row: usize,
    form: Form,
    values: Values,
}

enum Values {
    Int32(Chunk<Int32Type>),
    Int64(Chunk<Int64Type>),
    Int96(Chunk<Int96Type>),
    Text(Chunk<ByteArrayType>),
}

struct Chunk<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
    at: usize,
}

impl<T: DataType> Chunk<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        Self { reader, values: Vec::new(), at: 0 }
    }

    /// Reads as many rows, nulls among them.
    fn read(&mut self, rows: usize, levels: &mut Vec<i16>) -> Result<(), ParquetError> {
        self.values.clear();
        self.at = 0;
        let (read, _, _) = self.reader.read_records(rows, Some(levels), None, &mut self.values)?;
        if read == rows { Ok(()) } else { Err(ParquetError::EOF("a column has fewer rows than its group".to_owned())) }
    }

    fn next(&mut self) -> Option<&T::T> {
        self.at += 1;
        self.values.get(self.at - 1)
    }
}

impl Column {
    fn new(level: i16, form: Form, reader: ColumnReader) -> Result<Self, InputError> {
        let values = match reader {
            ColumnReader::Int32ColumnReader(reader) => Values::Int32(Chunk::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Values::Int64(Chunk::new(reader)),
            ColumnReader::Int96ColumnReader(reader) => Values::Int96(Chunk::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Values::Text(Chunk::new(reader)),
            // Its form has been refused.
            _ => return Err(ParquetError::General("a column has another type than its schema says".to_owned()).into()),
        };
        Ok(Self { level, levels: Vec::new(), row: 0, form, values })
    }

    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.levels.clear();
        self.row = 0;
        match &mut self.values {
            Values::Int32(chunk) => chunk.read(rows, &mut self.levels),
            Values::Int64(chunk) => chunk.read(rows, &mut self.levels),
            Values::Int96(chunk) => chunk.read(rows, &mut self.levels),
            Values::Text(chunk) => chunk.read(rows, &mut self.levels),
        }
    }

    /// Writes the next value, `-` for none; false if it cannot stand in a line.
    fn write_next(&mut self, line: &mut Vec<u8>) -> bool {
        let is_null = self.level > 0 && self.levels.get(self.row).is_some_and(|level| *level < self.level);
        self.row += 1;
        if is_null {
            line.push(b'-');
            return true;
        }
        let number = match &mut self.values {
            Values::Int32(chunk) => chunk.next().map(|it| (i64::from(*it), u64::from(it.cast_unsigned()))),
            Values::Int64(chunk) => chunk.next().map(|it| (*it, it.cast_unsigned())),
            Values::Int96(chunk) => chunk.next().map(|it| (it.to_nanos(), it.to_nanos().cast_unsigned())),
            Values::Text(chunk) => return chunk.next().is_some_and(|text| write_text(text, line)),
        };
        number.is_some_and(|(number, unsigned)| {
            self.form.write(number, unsigned, line);
            true
        })
    }
}

fn write_text(text: &ByteArray, line: &mut Vec<u8>) -> bool {
    line.extend_from_slice(text.data());
    !text.data().iter().any(u8::is_ascii_whitespace)
}

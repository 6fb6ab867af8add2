//! Parquet: each row is written out as the line that the text file would have, for the one parser.

use std::panic::{self, AssertUnwindSafe};

use parquet::basic::CompressionCodec;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type, Int96Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::TableError;
use super::column_values::Form;
use crate::format::{self, LogFormat};

/// Rows read at a time.
const BATCH_ROWS: usize = 4096;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'r> {
    /// The line that the row would be in a text.
    Line(&'r [u8]),
    /// The same, but it is none: the value of a column has white space in it.
    WhiteSpace {
        /// The name of the column.
        column: &'r str,
        /// The line.
        line: &'r [u8],
    },
}

/// The rows of a file, with a page of each column in memory.
pub struct Rows<R: ChunkReader> {
    file: SerializedFileReader<R>,
    format: LogFormat,
    line_format: LogFormat,
    /// The place and the form of each column that is read.
    forms: Vec<(usize, Form)>,
    columns: Vec<Column>,
    next_group: usize,
    /// Rows of the group that are not in `columns` yet.
    left: usize,
    /// Rows in `columns`.
    batch: usize,
    line: Vec<u8>,
}

impl<R: ChunkReader + 'static> Rows<R> {
    /// The rows of a file, with those of its columns that are `wanted`; with all if none is.
    pub fn open(reader: R, wanted: impl Fn(&format::Column) -> bool) -> Result<Self, TableError> {
        catch_panic(|| Self::open_file(reader, wanted))
    }

    fn open_file(reader: R, wanted: impl Fn(&format::Column) -> bool) -> Result<Self, TableError> {
        let file = SerializedFileReader::new(reader)?;
        let descriptors = file.metadata().file_metadata().schema_descr().columns();
        let names = descriptors.iter().map(|column| name(column)).collect::<Result<Vec<_>, _>>()?;
        let format = LogFormat::from_names(names)?;
        if format.columns().iter().all(|column| matches!(column, format::Column::Unknown(_))) {
            return Err(TableError::NoKnownColumn);
        }
        let wants_any = format.columns().iter().any(&wanted);
        let columns = format.columns().iter().zip(descriptors).enumerate();
        let columns: Vec<_> = columns.filter(|(_, (column, _))| !wants_any || wanted(column)).collect();
        let forms = columns.iter().map(|(place, (column, descriptor))| Ok((*place, Form::new(column, descriptor)?)));
        let forms = forms.collect::<Result<_, TableError>>()?;
        let line_format = LogFormat::from_names(columns.iter().map(|(_, (column, _))| column.name()))?;
        let (columns, line) = (Vec::new(), Vec::new());
        Ok(Self { file, format, line_format, forms, columns, next_group: 0, left: 0, batch: 0, line })
    }

    /// The fields of the file.
    #[must_use]
    pub fn format(&self) -> &LogFormat {
        &self.format
    }

    /// The fields of the lines.
    #[must_use]
    pub fn line_format(&self) -> &LogFormat {
        &self.line_format
    }

    /// The number of rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.file.metadata().file_metadata().num_rows().unsigned_abs()
    }

    /// The next row.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        if self.batch == 0 && !catch_panic(|| self.read_batch())? {
            return Ok(None);
        }
        self.batch -= 1;
        let fault = write_row(&mut self.columns, &mut self.line);
        let column = fault.and_then(|place| self.line_format.columns().get(place));
        Ok(Some(match column {
            None => Row::Line(&self.line),
            Some(column) => Row::WhiteSpace { column: column.name(), line: &self.line },
        }))
    }

    /// Reads some rows of each column; false if there are no more.
    fn read_batch(&mut self) -> Result<bool, TableError> {
        while self.left == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.open_group(self.next_group)?;
            self.next_group += 1;
        }
        let batch = self.left.min(BATCH_ROWS);
        for column in &mut self.columns {
            column.read(batch)?;
        }
        self.left -= batch;
        self.batch = batch;
        Ok(true)
    }

    fn open_group(&mut self, index: usize) -> Result<(), TableError> {
        // The pages of the last group are no longer needed.
        self.columns.clear();
        let group = self.file.get_row_group(index)?;
        let descriptors = self.file.metadata().file_metadata().schema_descr();
        for (place, form) in &self.forms {
            check_codec(group.metadata().column(*place))?;
            let level = descriptors.column(*place).max_def_level();
            self.columns.push(Column::new(level, *form, group.get_column_reader(*place)?)?);
        }
        self.left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        Ok(())
    }
}

/// Some damage makes the Parquet reader panic.
fn catch_panic<T>(read: impl FnOnce() -> Result<T, TableError>) -> Result<T, TableError> {
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(TableError::Damaged))
}

/// The column's name, if it is of a kind that flow logs have.
fn name(column: &ColumnDescriptor) -> Result<&str, TableError> {
    if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
        return Err(TableError::Nested(column.path().string()));
    }
    Ok(column.name())
}

fn check_codec(column: &ColumnChunkMetaData) -> Result<(), TableError> {
    match column.compression_codec() {
        CompressionCodec::UNCOMPRESSED | CompressionCodec::GZIP | CompressionCodec::SNAPPY => Ok(()),
        codec => Err(TableError::Codec { name: column.column_path().string(), codec }),
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
    fn new(level: i16, form: Form, reader: ColumnReader) -> Result<Self, TableError> {
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

//! Files of records as AWS delivers them to S3, in a folder of this run.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use detector::format::{DEFAULT_HEADER, LogFormat};
use flate2::Compression;
use flate2::write::GzEncoder;
use flow_log_fields::FieldType;
use parquet::basic::{Compression as Codec, GzipLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// The size at which AWS begins another file.
pub const LARGEST_BYTES: u64 = 75_000_000;

/// Records written at a time, also those of a group of rows.
const RECORDS: usize = 500_000;

/// A folder that goes with this value.
pub struct Folder(PathBuf);

impl Folder {
    /// A folder of this process.
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("vpc-flow-files-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// The file `name` in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing else is to be done about a folder that stays.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A file of records while it is written.
pub trait RecordFile: Sized {
    /// An empty file.
    fn create(path: &Path) -> Result<Self>;

    /// Adds records.
    fn add(&mut self, lines: &[String]) -> Result<()>;

    /// Bytes that the file has, as far as they are written.
    fn bytes(&self) -> u64;

    /// Ends the file.
    fn finish(self) -> Result<()>;
}

/// Writes all of `lines`, and no more once the file has `most_bytes`. Returns the number of records.
pub fn write<F: RecordFile>(path: &Path, mut lines: impl Iterator<Item = String>, most_bytes: u64) -> Result<usize> {
    let mut file = F::create(path)?;
    let mut records = 0;
    while file.bytes() < most_bytes {
        let part: Vec<_> = lines.by_ref().take(RECORDS).collect();
        if part.is_empty() {
            break;
        }
        file.add(&part)?;
        records += part.len();
    }
    file.finish()?;
    Ok(records)
}

/// Lines in gzip.
pub struct Text(GzEncoder<Counted>);

impl RecordFile for Text {
    fn create(path: &Path) -> Result<Self> {
        let mut gzip = GzEncoder::new(Counted::create(path)?, Compression::default());
        writeln!(gzip, "{DEFAULT_HEADER}")?;
        Ok(Self(gzip))
    }

    fn add(&mut self, lines: &[String]) -> Result<()> {
        for line in lines {
            writeln!(self.0, "{line}")?;
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.0.get_ref().bytes
    }

    fn finish(self) -> Result<()> {
        Ok(self.0.finish()?.file.flush()?)
    }
}

/// Parquet with AWS's columns and codec.
pub struct Parquet(SerializedFileWriter<Counted>);

impl RecordFile for Parquet {
    fn create(path: &Path) -> Result<Self> {
        let columns: String = LogFormat::aws_default().columns().iter().map(column).collect();
        let schema = Arc::new(parse_message_type(&format!("message flow_log {{ {columns} }}"))?);
        let codec = Codec::GZIP(GzipLevel::default());
        let properties = Arc::new(WriterProperties::builder().set_compression(codec).build());
        Ok(Self(SerializedFileWriter::new(Counted::create(path)?, schema, properties)?))
    }

    fn add(&mut self, lines: &[String]) -> Result<()> {
        let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
        let mut group = self.0.next_row_group()?;
        let mut place = 0;
        while let Some(mut column) = group.next_column()? {
            let values: Vec<&str> = rows.iter().filter_map(|row| row.get(place).copied()).collect();
            write_values(column.untyped(), &values)?;
            column.close()?;
            place += 1;
        }
        group.close()?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.0.bytes_written() as u64
    }

    fn finish(self) -> Result<()> {
        Ok(self.0.into_inner()?.file.flush()?)
    }
}

fn column(column: &detector::format::Column) -> String {
    let name = column.name().replace('-', "_");
    match column.field_type() {
        FieldType::Int32 => format!("OPTIONAL INT32 {name};"),
        FieldType::Int64 => format!("OPTIONAL INT64 {name};"),
        FieldType::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
    }
}

/// Writes the values of a column; numbers that are `-` are null.
fn write_values(column: &mut ColumnWriter, values: &[&str]) -> Result<()> {
    let is_text = matches!(column, ColumnWriter::ByteArrayColumnWriter(_));
    let is_there = |value: &str| is_text || value != "-";
    let levels: Vec<_> = values.iter().map(|value| i16::from(is_there(value))).collect();
    let there = values.iter().filter(|value| is_there(value));
    match column {
        ColumnWriter::Int32ColumnWriter(writer) => {
            writer.write_batch(&there.map(|it| it.parse()).collect::<Result<Vec<_>, _>>()?, Some(&levels), None)?
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            writer.write_batch(&there.map(|it| it.parse()).collect::<Result<Vec<_>, _>>()?, Some(&levels), None)?
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            writer.write_batch(&there.map(|it| ByteArray::from(*it)).collect::<Vec<_>>(), Some(&levels), None)?
        }
        _ => anyhow::bail!("flow logs have no column of this type"),
    };
    Ok(())
}

/// A file that counts its bytes.
struct Counted {
    file: BufWriter<File>,
    bytes: u64,
}

impl Counted {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { file: BufWriter::new(file), bytes: 0 })
    }
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

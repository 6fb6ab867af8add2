//! The classes and parameters with which a table reads each format of stored files.

use crate::api::spec::FileFormat;

/// The classes and parameters for a format. See "Create tables for flow logs" in the Athena user guide.
pub struct Format {
    /// Class that reads files.
    pub input: &'static str,
    /// Class that writes files.
    pub output: &'static str,
    /// Class that reads records.
    pub serde: &'static str,
    /// Parameters of that class.
    pub serde_parameters: &'static [(&'static str, &'static str)],
    /// Parameters of the table.
    pub parameters: &'static [(&'static str, &'static str)],
}

impl Format {
    /// Returns the classes and parameters for a format.
    pub const fn of(format: FileFormat) -> Self {
        match format {
            FileFormat::Parquet => Self {
                input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                serde_parameters: &[("serialization.format", "1")],
                parameters: &[("classification", "parquet")],
            },
            // The first line of each file names the fields. Athena recognises gzip by the file's name.
            FileFormat::PlainText => Self {
                input: "org.apache.hadoop.mapred.TextInputFormat",
                output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                serde_parameters: &[("field.delim", " "), ("serialization.format", " ")],
                parameters: &[("classification", "csv"), ("skip.header.line.count", "1")],
            },
        }
    }
}

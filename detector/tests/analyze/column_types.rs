//! The types that programs other than AWS give to columns of Parquet files.

use std::fmt::Write;

use parquet::basic::Compression;

use crate::fixtures::*;
use crate::parquet_file::*;

/// The columns and values of two records; the second has the last moment of 2106 and the largest numbers of 32 and 63 bits.
const FIELDS: [(&str, &str, [&str; 2]); 8] = [
    ("version", "INT32", ["5", "5"]),
    ("account_id", "BYTE_ARRAY", ["001122223333", "111122223333"]),
    ("srcport", "INT32", ["443", "65535"]),
    ("protocol", "INT32", ["6", "255"]),
    ("packets", "INT64", ["1", "4294967295"]),
    ("bytes", "INT64", ["40", "9223372036854775807"]),
    ("start", "INT64", ["1787479200", "4294967294"]),
    ("end", "INT64", ["1787479260", "4294967295"]),
];

/// A file with these columns but one, of that type and with those values.
fn with(name: &str, column_type: &str, values: [&str; 2]) -> Vec<u8> {
    let of = |field: &(&str, &'static str, [&'static str; 2])| {
        let (known, known_type, known_values) = *field;
        if known == name {
            (column_type.to_owned(), values.map(str::to_owned))
        } else {
            (known_type.to_owned(), known_values.map(str::to_owned))
        }
    };
    let mut columns = String::new();
    let mut rows = [Vec::new(), Vec::new()];
    for field in &FIELDS {
        let (column_type, values) = of(field);
        let (physical, logical) = column_type
            .split_once(' ')
            .map_or((column_type.as_str(), String::new()), |(physical, logical)| (physical, format!("({logical})")));
        write!(columns, "OPTIONAL {physical} {} {logical};", field.0).unwrap();
        rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
    }
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    write_parquet(&columns, &rows, Compression::UNCOMPRESSED, Absent::Null)
}

#[test]
fn every_type_of_a_column_gives_the_same_records() {
    let as_aws = run_with(&["--records"], &with("", "", ["", ""])).output();
    assert!(as_aws.contains("\"start\":1787479200,\"end\":1787479260}\n"), "{as_aws}");
    for (name, column_type, values) in [
        ("start", "INT64 TIMESTAMP(MILLIS,true)", ["1787479200000", "4294967294999"]),
        ("start", "INT64 TIMESTAMP(MICROS,true)", ["1787479200000001", "4294967294999999"]),
        ("start", "INT64 TIMESTAMP(NANOS,true)", ["1787479200000000001", "4294967294999999999"]),
        ("start", "INT64 TIMESTAMP(MILLIS,false)", ["1787479200000", "4294967294000"]),
        ("end", "INT64 TIMESTAMP_MILLIS", ["1787479260000", "4294967295000"]),
        ("end", "INT64 TIMESTAMP_MICROS", ["1787479260000000", "4294967295000000"]),
        ("end", "INT96", ["1787479260", "4294967295"]),
        ("end", "INT64", ["1787479260000", "4294967295000"]),
        ("end", "INT64 INTEGER(64,true)", ["1787479260000000", "4294967295000000"]),
        ("end", "INT64 UINT_64", ["1787479260", "4294967295"]),
        ("end", "INT32 UINT_32", ["1787479260", "4294967295"]),
        ("end", "INT32 INTEGER(32,false)", ["1787479260", "4294967295"]),
        ("end", "BYTE_ARRAY UTF8", ["1787479260", "4294967295000"]),
        ("end", "INT64 DECIMAL(18,0)", ["1787479260", "4294967295"]),
        ("packets", "INT32 INTEGER(32,false)", ["1", "4294967295"]),
        ("packets", "INT64 INTEGER(64,false)", ["1", "4294967295"]),
        ("srcport", "INT32 INTEGER(16,false)", ["443", "65535"]),
        ("srcport", "INT64", ["443", "65535"]),
        ("srcport", "BYTE_ARRAY STRING", ["443", "65535"]),
        ("protocol", "INT32 UINT_8", ["6", "255"]),
        ("protocol", "INT32 INTEGER(16,true)", ["6", "255"]),
        ("version", "INT32 INT_8", ["5", "5"]),
        ("version", "INT32 INTEGER(8,true)", ["5", "5"]),
        ("account_id", "INT64", ["1122223333", "111122223333"]),
        ("account_id", "BYTE_ARRAY UTF8", ["001122223333", "111122223333"]),
    ] {
        let run = run_with(&["--records"], &with(name, column_type, values));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name} {column_type}");
        assert_eq!(run.stdout, as_aws, "{name} {column_type}");
    }
}

#[test]
fn unsigned_numbers_use_all_their_bits() {
    let file = with("bytes", "INT64 UINT_64", ["40", "18446744073709551615"]);
    assert!(run_with(&["--records"], &file).output().contains("\"bytes\":18446744073709551615,"));
}

#[test]
fn a_type_that_its_field_cannot_have_is_refused_by_name() {
    for (name, column_type, found) in [
        ("start", "INT32 DATE", "INT32 (DATE)"),
        ("start", "INT32 TIME(MILLIS,true)", "INT32 (TIME_MILLIS)"),
        ("start", "INT64 DECIMAL(18,3)", "INT64 (DECIMAL)"),
        ("start", "DOUBLE", "DOUBLE"),
        ("bytes", "INT64 TIMESTAMP(MILLIS,true)", "INT64 (TIMESTAMP_MILLIS)"),
        ("bytes", "INT96", "INT96"),
        ("bytes", "BYTE_ARRAY DECIMAL(20,0)", "BYTE_ARRAY (DECIMAL)"),
        ("account_id", "INT64 TIMESTAMP(NANOS,true)", "INT64 (Timestamp"),
    ] {
        let run = run_with(&["-o", "json"], &with(name, column_type, ["1", "2"]));
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{name} {column_type}");
        let reason = format!("flow-log-analyze: standard input: column `{name}` contains {found}");
        assert!(run.stderr.starts_with(&reason), "{}", run.stderr);
    }
    let address = write_parquet(
        "OPTIONAL INT32 srcaddr (UINT_32);",
        &[vec!["167772161"]],
        Compression::UNCOMPRESSED,
        Absent::Null,
    );
    let run = run_with(&["-o", "json"], &address);
    assert!(
        run.stderr.contains("column `srcaddr` contains INT32 (UINT_32); flow logs have text there"),
        "{}",
        run.stderr
    );
}

#[test]
fn columns_of_others_are_kept_as_text() {
    let columns =
        "OPTIONAL INT64 bytes; OPTIONAL INT64 loaded (TIMESTAMP(MILLIS,true)); OPTIONAL INT32 share (UINT_32);";
    let rows = [vec!["1", "1787479200500", "4294967295"]];
    let file = write_parquet(columns, &rows, Compression::UNCOMPRESSED, Absent::Null);
    let expected = "{\"bytes\":1,\"loaded\":\"2026-08-23T10:00:00.5Z\",\"share\":\"4294967295\"}\n";
    assert_eq!(run_with(&["--records"], &file).output(), expected);
    let strange = write_parquet(
        "OPTIONAL INT64 id; OPTIONAL INT64 amount;",
        &[vec!["1", "2"]],
        Compression::UNCOMPRESSED,
        Absent::Null,
    );
    let run = run_with(&["-o", "json"], &strange);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("its columns are no fields of a flow log"), "{}", run.stderr);
}

//! `--records`.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use detector::format::LogFormat;
use flow_log_fields::{Field, FieldType};
use parquet::basic::Compression;
use proptest::prelude::*;

use crate::fixtures::*;
use crate::parquet_file::*;

/// Every field and one that is not invented yet.
fn every_field() -> LogFormat {
    LogFormat::from_names(Field::ALL.iter().map(|field| field.name()).chain(["not-invented-yet"])).unwrap()
}

fn value(field: Field) -> String {
    match field {
        Field::SrcAddr | Field::PktSrcAddr => "10.0.0.1".to_owned(),
        Field::DstAddr | Field::PktDstAddr => "2001:db8::1".to_owned(),
        Field::Action => "REJECT".to_owned(),
        Field::LogStatus => "OK".to_owned(),
        Field::FlowDirection => "ingress".to_owned(),
        Field::Protocol | Field::TrafficPath => "6".to_owned(),
        _ if field.field_type() == FieldType::Text => format!("{field:?}\"é\\"),
        _ => field.name().len().to_string(),
    }
}

#[test]
fn every_field_has_awss_name_and_type_from_text_and_from_parquet() {
    let format = every_field();
    let values: Vec<_> = Field::ALL.iter().map(|field| value(*field)).chain(["12".to_owned()]).collect();
    let absent = vec!["-".to_owned(); values.len()];
    let lines = [values.join(" "), absent.join(" ")];
    let text = format!("{}\n{}\n", format.to_string().replace(['$', '{', '}'], ""), lines.join("\n"));
    let from_text = run_with(&["--records"], text.as_bytes()).output();
    for absent in [Absent::Null, Absent::Dash] {
        let parquet = parquet(&format, &lines, Compression::SNAPPY, absent);
        assert_eq!(run_with(&["--records"], &parquet).output(), from_text);
    }
    let (first, second) = from_text.split_once('\n').unwrap();
    assert_eq!(second, "{}\n");
    let record: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(record.as_object().unwrap().len(), Field::ALL.len() + 1);
    for field in Field::ALL {
        let found = &record[field.name().replace('-', "_")];
        match field.field_type() {
            FieldType::Text => assert_eq!(found.as_str(), Some(value(*field).as_str()), "{field:?}"),
            _ => assert_eq!(found.as_u64(), value(*field).parse().ok(), "{field:?}"),
        }
    }
    assert_eq!(record["not_invented_yet"], "12");
}

#[test]
fn nothing_else_is_on_standard_output() {
    let run = run_with(&["--records"], b"bytes srcaddr\n1 -\nbad line it is\n- 10.0.0.1\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, "{\"bytes\":1}\n{\"srcaddr\":\"10.0.0.1\"}\n"));
    assert!(run.stderr.contains("line 3: expected 2 fields, found 4"), "{}", run.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let folder = Folder::new("broken-pipe");
    let lines: Vec<_> = std::iter::repeat_n(lines(), 200).flatten().collect();
    let file = folder.file("a.log", text(&lines));
    let mut child = command()
        .args(["--records", &file])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // Dropped with its buffer at the end of the statement.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"version\":2,"), "{first}");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Text and Parquet give the same lines whatever the values, and no line is lost.
    #[test]
    fn text_and_parquet_give_the_same_lines(
        rows in prop::collection::vec(("[a-z0-9-]{1,5}", prop::option::of(0_i32..i32::MAX), prop::option::of(0_i64..i64::MAX)), 1..250)
    ) {
        let format: LogFormat = "${vpc-id} ${version} ${packets}".parse().unwrap();
        let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
        let lines: Vec<_> = rows.into_iter()
            .map(|(text, small, large)| {
                format!("{text} {} {}", number(small.map(|it| it.to_string())), number(large.map(|it| it.to_string())))
            })
            .collect();
        let text = format!("vpc-id version packets\n{}", lines.join("\n"));
        let from_text = run_with(&["--records"], text.as_bytes()).output();
        let parquet = parquet(&format, &lines, Compression::UNCOMPRESSED, Absent::Null);
        prop_assert_eq!(from_text.lines().count(), lines.len());
        prop_assert_eq!(run_with(&["--records"], &parquet).output(), from_text);
    }
}

//! Every kind of input, and inputs that cannot be read.

use detector::format::LogFormat;
use parquet::basic::{Compression, GzipLevel};

use crate::fixtures::*;
use crate::parquet_file::*;

/// The same records in every kind of file.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let lines = lines();
    let text = text(&lines);
    let (start, end) = text.split_at(text.len() / 2);
    let members = [gzip(start), gzip(end)].concat();
    let parquet = |codec, absent| parquet(&LogFormat::aws_default(), &lines, codec, absent);
    vec![
        ("text", text.clone()),
        ("text-crlf", String::from_utf8(text.clone()).unwrap().replace('\n', "\r\n").into_bytes()),
        ("gzip", gzip(&text)),
        ("gzip-of-two-members", members),
        ("parquet-as-aws", parquet(Compression::GZIP(GzipLevel::default()), Absent::Dash)),
        ("parquet-with-nulls", parquet(Compression::GZIP(GzipLevel::default()), Absent::Null)),
        ("parquet-snappy", parquet(Compression::SNAPPY, Absent::Null)),
        ("parquet-plain", parquet(Compression::UNCOMPRESSED, Absent::Dash)),
    ]
}

#[test]
fn the_same_records_give_the_same_in_every_kind_of_file_and_through_a_pipe() {
    let folder = Folder::new("kinds");
    let expected = run_with(&["-o", "json"], &text(&lines())).output();
    let expected_records = run_with(&["--records"], &text(&lines())).output();
    assert_eq!(expected_records.lines().count(), 338);
    for (name, content) in kinds() {
        // Whatever it is called.
        let file = folder.file(&format!("{name}.txt"), &content);
        assert_eq!(run(&["-o", "json", &file]).output(), expected, "{name}");
        assert_eq!(run_with(&["-o", "json"], &content).output(), expected, "{name}");
        assert_eq!(run(&["--records", &file]).output(), expected_records, "{name}");
        assert_eq!(run_with(&["--records", "-"], &content).output(), expected_records, "{name}");
    }
}

#[test]
fn many_files_and_directories_are_one_analysis_in_the_order_of_their_times() {
    let folder = Folder::new("many");
    let all = lines();
    let (early, late) = all.split_at(100);
    let name = |time| format!("AWSLogs/{time}/1_vpcflowlogs_us-east-1_fl-1_20260823T{time}Z_a.log");
    folder.file(&name("0905"), text(early));
    folder.file(&name("0910"), gzip(&text(late)));
    folder.file("AWSLogs/_SUCCESS", "no data");
    let json = run(&["-o", "json", folder.path()]).json();
    assert_eq!((&json["files"], &json["records"]["parsed"]), (&2.into(), &338.into()));
    let expected = run_with(&["-o", "json"], &text(&all)).json();
    for member in ["findings", "bytes", "topTalkers", "rejectedPorts", "first", "last"] {
        assert_eq!(json[member], expected[member], "{member}");
    }
    let records =
        run(&["--records", &folder.file(&name("1000"), text(late)), &folder.file(&name("0900"), text(early))]);
    let expected = run_with(&["--records"], &text(&all)).output();
    assert_eq!(records.output(), expected);
}

#[test]
fn text_without_a_header_needs_a_format() {
    let folder = Folder::new("format");
    let bare = folder.file("bare", lines().join("\n"));
    let named = folder.file("named", text(&lines()));
    let refused = run(&["-o", "json", &bare, &named]);
    assert_eq!(refused.code, 1);
    let reason = format!(
        "flow-log-analyze: {bare}: its first line does not name the fields, and no other does; say which they are: \
         --format '${{version}} ${{account-id}} …'\n"
    );
    assert_eq!(refused.stderr, reason);
    assert_eq!(refused.json()["records"]["parsed"], 338, "the other file is analysed");

    let format = LogFormat::aws_default().to_string();
    let bare_names = format.replace(['$', '{', '}'], "");
    let expected = run(&["--records", &named]).output();
    for format in [&format, &bare_names] {
        assert_eq!(run(&["--records", "--format", format, &bare]).output(), expected);
        assert_eq!(run(&["--records", "--format", format, &named]).output(), expected);
    }
    let exported = lines().join("\n2026-08-23T10:05:00.000Z ");
    let exported = format!("2026-08-23T10:05:00.000Z {exported}\n");
    assert_eq!(run_with(&["--records", "--format", &format], &gzip(exported.as_bytes())).output(), expected);
}

#[test]
fn headers_between_joined_files_switch_the_format() {
    let other = "srcaddr bytes dstaddr\n10.0.0.1 7 10.0.0.2\n";
    let joined = [gzip(&text(&lines())), gzip(other.as_bytes()), gzip(&text(&lines()))].concat();
    let run = run_with(&["--records"], &joined).output();
    assert_eq!(run.lines().count(), 2 * 338 + 1);
    assert_eq!(run.lines().nth(338), Some(r#"{"srcaddr":"10.0.0.1","bytes":7,"dstaddr":"10.0.0.2"}"#));
}

#[test]
fn bad_lines_are_counted_the_first_quoted_and_the_rest_analysed() {
    let folder = Folder::new("bad");
    let mut lines = lines();
    lines.insert(2, "2 garbage".to_owned());
    let no_port = lines[0].replace("443", "70000");
    lines.extend(std::iter::repeat_n(no_port, 9));
    let file = folder.file("a.log", text(&lines));
    let run = run(&["-o", "json", &file]);
    assert_eq!(run.code, 0);
    let json = run.json();
    assert_eq!((&json["records"]["parsed"], &json["records"]["bad"]), (&338.into(), &10.into()));
    let told: Vec<_> = run.stderr.lines().collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert_eq!(told[0], format!(r#"flow-log-analyze: {file}: line 4: expected 14 fields, found 2: "2 garbage""#));
    let reason = "the value of `dstport` is not one that the field can have";
    assert!(told[1].starts_with(&format!("flow-log-analyze: {file}: line 341: {reason}: \"2 1234")), "{}", told[1]);
    assert_eq!(told[5], "flow-log-analyze: 10 bad lines were skipped, of which the first 5 are shown");
}

#[test]
fn it_is_no_success_if_nothing_could_be_analysed() {
    let folder = Folder::new("nothing");
    let run_empty = run(&[folder.path()]);
    assert_eq!((run_empty.code, run_empty.stdout.as_str()), (1, ""));
    assert_eq!(run_empty.stderr, format!("flow-log-analyze: there are no files in {}\n", folder.path()));
    let file = folder.file("a.log", text(&lines()));
    for arguments in [vec!["--format", "bytes srcaddr"], vec!["--format", "bytes srcaddr", "--records"]] {
        let run = run(&[arguments, vec![file.as_str()]].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("bad lines were skipped"), "{}", run.stderr);
    }
}

#[test]
fn rows_of_parquet_that_are_no_records_are_bad_lines() {
    let columns = "OPTIONAL BYTE_ARRAY instance_tag (UTF8); OPTIONAL INT64 bytes;";
    let rows = [vec!["web", "1"], vec!["two words", "2"], vec!["", "3"], vec!["x", "-4"], vec!["line\n", "5"]];
    let content = write_parquet(columns, &rows, Compression::UNCOMPRESSED, Absent::Null);
    let run = run_with(&["--records"], &content);
    assert_eq!(run.stdout, "{\"instance_tag\":\"web\",\"bytes\":1}\n");
    let expected = "\
flow-log-analyze: standard input: row 2: the value of `instance-tag` has white space in it: \"two words 2\"
flow-log-analyze: standard input: row 3: the value of `instance-tag` is empty: \" 3\"
flow-log-analyze: standard input: row 4: the value of `bytes` is not one that the field can have: \"x -4\"
flow-log-analyze: standard input: row 5: the value of `instance-tag` has white space in it: \"line\\n 5\"
flow-log-analyze: 4 bad lines were skipped
";
    assert_eq!(run.stderr, expected);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_analysed() {
    let folder = Folder::new("unreadable");
    let good = folder.file("good", text(&lines()));
    let missing = format!("{}/missing", folder.path());
    let packed = gzip(&text(&lines()));
    let cut = folder.file("cut.gz", &packed[..packed.len() - 9]);
    let broken = folder.file("broken.parquet", b"PAR1 and no more");
    let double = write_parquet("OPTIONAL DOUBLE bytes;", &[vec!["1"]], Compression::UNCOMPRESSED, Absent::Null);
    let double = folder.file("double.parquet", double);
    let nested = "OPTIONAL group flow { OPTIONAL INT64 bytes; }";
    let nested = folder.file("nested.parquet", write_parquet(nested, &[], Compression::UNCOMPRESSED, Absent::Null));
    let run = run(&["-o", "json", &missing, &cut, &broken, &double, &nested, &good]);
    assert_eq!(run.code, 1);
    let told: Vec<_> = run.stderr.lines().collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(told[0], format!("flow-log-analyze: {missing}: No such file or directory (os error 2)"));
    assert!(told[1].starts_with(&format!("flow-log-analyze: {cut}: ")), "{}", told[1]);
    assert!(told[2].starts_with(&format!("flow-log-analyze: {broken}: cannot be read as Parquet: ")), "{}", told[2]);
    let reason = "column `bytes` contains DOUBLE; flow logs have INT32, INT64 and text";
    assert_eq!(told[3], format!("flow-log-analyze: {double}: {reason}"));
    assert_eq!(
        told[4],
        format!("flow-log-analyze: {nested}: column `flow.bytes` is nested; flow logs have plain values")
    );
    assert!(run.json()["records"]["parsed"].as_u64() >= Some(338));
}

#[test]
fn an_input_without_records_gives_no_report() {
    let folder = Folder::new("no-records");
    let empty = folder.file("empty", "");
    let no_rows = parquet(&LogFormat::aws_default(), &[], Compression::UNCOMPRESSED, Absent::Null);
    for content in [Vec::new(), gzip(b""), text(&[]), no_rows] {
        let message = "flow-log-analyze: the input has no records";
        for (args, end) in [
            (&[][..], ", so there is no report\n"),
            (&["-o", "json"], ", so there is no report\n"),
            (&["--records"], "\n"),
        ] {
            let run = run_with(&[args, &[&empty, "-"]].concat(), &content);
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{args:?}");
            assert_eq!(run.stderr, format!("{message}{end}"), "{args:?}");
        }
    }
    let file = folder.file("a.log", text(&lines()));
    assert_eq!(run(&["-o", "json", &empty, &file]).code, 0, "the other file has records");
}

#[test]
fn there_is_no_report_of_what_could_not_be_read() {
    let folder = Folder::new("no-report");
    let foreign = folder.file("a.log", "no header line\n");
    let bad = folder.file("b.log", "version account-id srcaddr\nx y z\n");
    for args in [&["/nowhere/at/all"][..], &[&foreign], &[&bad], &["-o", "json", &foreign]] {
        let run = run(args);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{args:?}");
        assert!(run.stderr.ends_with(NO_REPORT), "{args:?}: {}", run.stderr);
    }
}

//! Records as people take them out of `CloudWatch` Logs and Athena.

use detector::format::LogFormat;
use serde_json::json;

use crate::fixtures::*;

const NOTE: &str =
    "flow-log-analyze: log events do not name their fields; AWS's default format was assumed, --format overrides it\n";

const STREAM: &str = "eni-0a1b2c3d4e5f60718-all";

/// Lines made of each record.
fn each(row: impl Fn(&str) -> String) -> String {
    lines().iter().map(|line| row(line) + "\n").collect()
}

/// The same records as the console and the AWS CLI give them.
fn shapes() -> Vec<(&'static str, String)> {
    let events: Vec<_> = lines()
        .iter()
        .map(|line| json!({"logStreamName": STREAM, "timestamp": 1_787_479_200_000_u64, "message": line, "eventId": "39"}))
        .collect();
    let rows: Vec<_> = lines()
        .iter()
        .map(|line| {
            json!([{"field": "@timestamp", "value": "2026-08-23 10:00:00.000"}, {"field": "@message", "value": line}, {"field": "@ptr", "value": "Cl0K"}])
        })
        .collect();
    let found: Vec<_> =
        lines().iter().map(|line| json!({"@timestamp": "2026-08-23 10:00:00.000", "@message": line})).collect();
    let (first, second) = events.split_at(100);
    let page = |events: &[serde_json::Value]| json!({"events": events, "nextForwardToken": "f/39", "nextBackwardToken": "b/39"});
    let subscription = |events: &[serde_json::Value]| {
        json!({"messageType": "DATA_MESSAGE", "logGroup": "g", "subscriptionFilters": ["f"], "logEvents": events})
            .to_string()
    };
    let messages = lines();
    vec![
        ("console CSV", format!("timestamp,message\n{}", each(|line| format!("1787479200000,{line}")))),
        (
            "console CSV with streams",
            format!("timestamp,message,logStreamName\n{}", each(|line| format!("1787479200000,\"{line}\",{STREAM}"))),
        ),
        (
            "quoted CSV, CRLF",
            format!("\u{feff}\"Timestamp\",\"Message\"\r\n{}", each(|line| format!("\"1787479200000\",\"{line}\"\r"))),
        ),
        (
            "CSV with line breaks in quotes",
            format!("timestamp,message\n{}", each(|line| format!("1787479200000,\"{line}\n\""))),
        ),
        ("CSV of a spreadsheet", format!("timestamp;message\n{}", each(|line| format!("1,78748E+12;{line}")))),
        ("Insights CSV", format!("@timestamp,@message\n{}", each(|line| format!("2026-08-23 10:00:00.000,{line}")))),
        ("Insights CSV of messages", format!("@message\n{}", each(str::to_owned))),
        ("joined CSV", {
            let header = "timestamp,message\n";
            let rows = each(|line| format!("1787479200000,{line}"));
            format!("{header}{rows}\u{feff}{header}\n{header}")
        }),
        ("tail, detailed", each(|line| format!("2026-08-23T10:00:00.000000+00:00 {STREAM} {line}"))),
        ("tail, json", each(|line| format!("2026-08-23T10:00:00+00:00 {STREAM} {line}"))),
        ("tail, short", each(|line| format!("2026-08-23T10:00:00 {line}"))),
        ("export task", each(|line| format!("2026-08-23T10:00:00.000Z {line}"))),
        (
            "filter-log-events",
            serde_json::to_string_pretty(&json!({"events": events, "searchedLogStreams": []})).unwrap(),
        ),
        (
            "get-log-events, two pages",
            format!("{}{}", page(first), serde_json::to_string_pretty(&page(second)).unwrap()),
        ),
        ("events as text", {
            let tokens = format!(
                "b/39\tf/39\n{}",
                each(|line| format!("EVENTS\t39\t1787479260000\t{STREAM}\t{line}\t1787479200000"))
            );
            format!("{tokens}SEARCHEDLOGSTREAMS\tTrue\t{STREAM}\n")
        }),
        ("messages as text", messages.join("\t") + "\n"),
        ("messages as JSON", serde_json::to_string(&messages).unwrap()),
        (
            "times and messages as JSON",
            json!(messages.iter().map(|line| json!([1, line])).collect::<Vec<_>>()).to_string(),
        ),
        ("times and messages as text", each(|line| format!("1787479200000\t{line}"))),
        ("console, copied", each(|line| format!("2026-08-23T12:00:00.000+02:00\t{line}"))),
        ("get-query-results", serde_json::to_string_pretty(&json!({"results": rows, "status": "Complete"})).unwrap()),
        ("Insights JSON", serde_json::to_string_pretty(&found).unwrap()),
        (
            "JSON lines",
            format!("\u{feff}{}", each(|line| json!({"timestamp": 1, "message": format!("{line}\n")}).to_string())),
        ),
        ("JSON strings", each(|line| json!(line).to_string())),
        ("subscription through Firehose", format!("{}{}", subscription(first), subscription(second))),
        (
            "PowerShell",
            format!("\"EventId\",\"Message\",\"Timestamp\"\r\n{}", each(|line| format!("\"39\",\"{line}\",\"1\"\r"))),
        ),
    ]
}

#[test]
fn log_events_in_every_shape_are_the_records_in_them() {
    let folder = Folder::new("log-events");
    let expected = run_with(&["-o", "json"], &text(&lines())).output();
    let format = LogFormat::aws_default().to_string();
    for (name, content) in shapes() {
        let file = folder.file("events", &content);
        let given = run(&["-o", "json", "--format", &format, &file]);
        assert_eq!((given.code, given.stderr.as_str()), (0, ""), "{name}");
        assert_eq!(given.stdout, expected, "{name}");
        let assumed = run_with(&["-o", "json"], &gzip(content.as_bytes()));
        assert_eq!((assumed.code, assumed.stderr.as_str()), (0, NOTE), "{name}");
        assert_eq!(assumed.stdout, expected, "{name}");
    }
}

#[test]
fn log_events_of_a_custom_format_need_it() {
    let reason = "log events do not name their fields, and these do not have AWS's default format; say which they are: \
                  --format '${version} ${account-id} …'";
    for events in [
        "timestamp,message\n1,10.0.0.1 7\n",
        "{\"message\":\"10.0.0.1 7\"}",
        "2026-08-23T10:00:00 10.0.0.1 7\n",
        "1\t10.0.0.1 7\n",
    ] {
        let refused = run_with(&["-o", "json"], events.as_bytes());
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{events}");
        assert_eq!(refused.stderr, format!("flow-log-analyze: standard input: {reason}\n{NO_REPORT}"));
        let given = run_with(&["--records", "--format", "${srcaddr} ${bytes}"], events.as_bytes());
        assert_eq!(given.output(), "{\"srcaddr\":\"10.0.0.1\",\"bytes\":7}\n", "{events}");
    }
}

/// As Athena gives the rows of a query, and as a spreadsheet would.
#[test]
fn a_table_of_fields_is_read_by_its_header() {
    let header = LogFormat::aws_default().to_string().replace(['$', '{', '}'], "").replace('-', "_");
    let expected = run_with(&["--records"], &text(&lines())).output();
    for (delimiter, quote, absent) in [(",", "\"", ""), (",", "", "-"), (";", "", ""), ("\t", "", "")] {
        let row = |line: &str| {
            let cell = |value: &str| match value {
                "-" => absent.to_owned(),
                value => format!("{quote}{value}{quote}"),
            };
            line.split(' ').map(cell).collect::<Vec<_>>().join(delimiter)
        };
        let table = format!("{}\n{}{}\n", row(&header), each(row), row(&header));
        assert_eq!(run_with(&["--records"], table.as_bytes()).output(), expected, "{delimiter} {quote}");
    }
    let joined = "srcaddr,day_loaded,bytes\n10.0.0.1,5,7\nsrcaddr,day_loaded,bytes\nbytes,srcaddr\n8,10.0.0.2\n";
    let expected =
        "{\"srcaddr\":\"10.0.0.1\",\"day_loaded\":\"5\",\"bytes\":7}\n{\"bytes\":8,\"srcaddr\":\"10.0.0.2\"}\n";
    assert_eq!(run_with(&["--records"], joined.as_bytes()).output(), expected);
    let capitals = "VERSION,ACCOUNT_ID,SRCADDR\n2,001122223333,10.0.0.1\n";
    let expected = "{\"version\":2,\"account_id\":\"001122223333\",\"srcaddr\":\"10.0.0.1\"}\n";
    assert_eq!(run_with(&["--records"], capitals.as_bytes()).output(), expected);
    let bad = run_with(&["--records"], b"start,bytes\n2026-08-23 10:00:00.000,7\n1787479200,\n1,2,3\n");
    assert_eq!((bad.code, bad.stdout.as_str()), (0, "{\"start\":1787479200}\n"));
    assert!(bad.stderr.contains("line 2: the value of `start` has white space in it"), "{}", bad.stderr);
    assert!(bad.stderr.contains("line 4: expected 2 fields, found 3"), "{}", bad.stderr);
}

#[test]
fn events_without_a_record_are_bad_and_the_reason_says_what_to_ask_for() {
    let record = &lines()[0];
    let reason = "it has no message with a record; ask for it in a query of Logs Insights: fields @timestamp, @message";
    for (events, place) in [
        (format!("timestamp,message\n1,{record}\n1787479200000\n"), "line 3"),
        (format!("1\t{record}\n2\t1\teni-1\n"), "line 2"),
        (json!([{"message": record}, {"@timestamp": "1", "bytes": "7"}]).to_string(), "event 2"),
        (
            json!({"results": [[{"field": "@message", "value": record}], [{"field": "bytes", "value": "7"}]]})
                .to_string(),
            "event 2",
        ),
        (format!("{{\"message\":\"{record}\"}}\n{{\"version\":2,\"bytes\":7}}"), "event 2"),
    ] {
        let run = run_with(&["-o", "json"], events.as_bytes());
        let json = run.json();
        assert_eq!((&json["records"]["parsed"], &json["records"]["bad"]), (&1.into(), &1.into()), "{events}");
        assert!(run.stderr.contains(&format!("standard input: {place}: {reason}")), "{}", run.stderr);
    }
}

#[test]
fn a_shape_that_cannot_be_read_is_named_with_the_command_that_gives_one() {
    for (text, reason) in [
        ("@timestamp,srcAddr,dstAddr,bytes\n1,10.0.0.1,10.0.0.2,7\n", "fields @timestamp, @message"),
        ("srcAddr,bytes\n10.0.0.1,7\n", "fields @timestamp, @message"),
        ("events:\n- eventId: '39'\n", "aws logs filter-log-events --output json"),
        ("-----------\n|  FilterLogEvents  |\n", "aws logs filter-log-events --output json"),
        ("| @timestamp | @message |\n| --- | --- |\n", "aws logs filter-log-events --output json"),
        ("{\"events\": [", "cannot be read as JSON after 0 log events: "),
        ("srcaddr,srcaddr\n1,2\n", "it names `srcaddr` twice"),
    ] {
        let run = run_with(&["-o", "json"], text.as_bytes());
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{text}");
        assert!(run.stderr.starts_with("flow-log-analyze: standard input: "), "{}", run.stderr);
        assert!(run.stderr.contains(reason), "{text}: {}", run.stderr);
    }
}

/// Each of them costs no more than its row.
#[test]
fn rows_that_are_broken_cost_no_others() {
    let record = &lines()[0];
    let long = "x".repeat(70_000);
    let table = format!("timestamp,message\n1,{record}\n1,{long}\n1,{record}\n1,\"{record}\n{long}\n\n1,{record}\n");
    let run = run_with(&["-o", "json"], table.as_bytes());
    let json = run.json();
    assert_eq!((&json["records"]["parsed"], &json["records"]["bad"]), (&3.into(), &2.into()), "{}", run.stderr);
    assert!(run.stderr.contains("line 3: it has more than 65536 bytes"), "{}", run.stderr);
    assert!(run.stderr.contains("line 5: it has more than 65536 bytes"), "{}", run.stderr);
    let json = format!("{{\"message\":\"{record}\"}}\n{{\"message\":\"{record}\"\n");
    let run = run_with(&["-o", "json"], json.as_bytes());
    assert_eq!((run.code, &run.json()["records"]["parsed"]), (1, &1.into()));
    assert!(run.stderr.contains("cannot be read as JSON after 1 log events: EOF"), "{}", run.stderr);
}

/// The probe with which an export task tests its permission to write.
#[test]
fn the_test_file_of_an_export_task_is_no_data() {
    let folder = Folder::new("export");
    folder.file("export/aws-logs-write-test", "Permission Check Successful");
    folder.file(
        "export/1234/eni-1-all/000000.gz",
        gzip(each(|line| format!("2026-08-23T10:00:00.000Z {line}")).as_bytes()),
    );
    let json = run(&["-o", "json", folder.path()]).json();
    assert_eq!((&json["files"], &json["records"]["parsed"]), (&1.into(), &338.into()));
}

//! Records of several layouts, each where its flow log puts them: the saved queries read all of them, each in its own layout.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use vpc_flow_operator::api::FlowLogField::{self, DstAddr, PktDstAddr, PktSrcAddr, SrcAddr};
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::spec::FileFormat;
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::analytics::folder;

use super::{ANALYTICS, answers, create_bucket, date, now, parquet, run, store, traffic, without_fractions};
use testkit::sandbox::Sandbox;

type Layout = fn(&mut VpcFlowMonitorSpec);

/// The monitor's life: a swap of the addresses in text, which is read by position, another format and back, and days instead of hours.
const LAYOUTS: [Layout; 6] = [
    |_| {},
    |spec| spec.s3.file_format = FileFormat::PlainText,
    |spec| {
        spec.s3.file_format = FileFormat::PlainText;
        spec.s3.fields = swapped();
    },
    |_| {},
    |spec| spec.s3.per_hour_partition = false,
    |spec| spec.s3.prefix = "elsewhere".into(),
];

fn swapped() -> Vec<FlowLogField> {
    let swap = |field: &FlowLogField| match field {
        SrcAddr => DstAddr,
        DstAddr => SrcAddr,
        PktSrcAddr => PktDstAddr,
        PktDstAddr => PktSrcAddr,
        other => *other,
    };
    traffic::FIELDS.iter().map(swap).collect()
}

/// The file that the flow log delivers.
fn file(monitor: &Monitor, lines: &[String]) -> Vec<u8> {
    let s3 = &monitor.spec.s3;
    if s3.file_format == FileFormat::Parquet {
        return parquet::file(&s3.fields, lines);
    }
    let position = |field: &FlowLogField| traffic::FIELDS.iter().position(|other| other == field).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let names: Vec<_> = s3.fields.iter().map(|field| field.name()).collect();
    writeln!(gzip, "{}", names.join(" ")).unwrap();
    for line in lines {
        let values: Vec<_> = line.split(' ').collect();
        let values: Vec<_> = s3.fields.iter().map(|field| values[position(field)]).collect();
        writeln!(gzip, "{}", values.join(" ")).unwrap();
    }
    gzip.finish().unwrap()
}

#[tokio::test]
async fn find_the_records_of_every_layout() {
    let sandbox = Sandbox::new("saved_queries::layouts").await;
    let mut flows = Vec::new();
    let today = date(0);
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let mut spec = sandbox.spec();
        spec.s3.fields = traffic::FIELDS.to_vec();
        spec.detections.external_connections.trusted_cidrs = traffic::TRUSTED.map(str::to_owned).to_vec();
        layout(&mut spec);
        let monitor = sandbox.monitor(spec);
        if number == 0 {
            create_bucket(&sandbox, &monitor).await;
        }
        sandbox.converge(&monitor, ANALYTICS).await;
        let lines = traffic::lines(number as u64, now());
        let [year, month, day] = &today;
        let folder = folder(&monitor, [&sandbox.account, "eu-west-1", year, month, day, "07"]);
        let end = if monitor.spec.s3.file_format == FileFormat::Parquet { "parquet" } else { "gz" };
        store(&sandbox, &monitor, &format!("{folder}{number}.log.{end}"), file(&monitor, &lines)).await;
        flows.extend(answers::flows(&lines, &today.join("-")));

        let expected = [
            ("Bytes by interface and hour", answers::bytes_by_interface_and_hour(&flows)),
            ("Conversation history", answers::conversation_history(&flows)),
            ("Daily volume", answers::daily_volume(&flows)),
            ("External conversations", answers::external_conversations(&flows)),
            ("Port scans", answers::port_scans(&flows)),
            ("Rejected by source and port", answers::rejected_by_source_and_port(&flows)),
            ("Top talkers", answers::top_talkers(&flows)),
            ("Traffic by AWS service", answers::traffic_by_aws_service(&flows)),
        ];
        for (name, expected) in expected {
            assert_eq!(without_fractions(run(&sandbox, &monitor, name).await), expected, "{name}, layout {number}");
        }
        sandbox.assert_at_rest(&monitor, ANALYTICS).await;
    }
}

//! The texts of the saved Logs Insights queries over the records in the log group.
//!
//! Insights discovers only the fields of AWS's default format, so each query parses the line. The parsed fields have other names: a query
//! cannot define a discovered field again. The user chooses the time range. Definitions have no description, so the first line of the
//! query is one. See "Logs Insights QL" in the `CloudWatch` Logs user guide: a query has at most two `stats` commands, and the second
//! sees only the results of the first.

use super::traffic;
use crate::api::FlowLogField::{
    self, Action, Bytes, DstPort, InterfaceId, LogStatus, PktDstAwsService, PktSrcAwsService,
};
use crate::monitor::Monitor;

/// Longest query that AWS accepts in a definition, in characters.
const MAX_CHARS: usize = 10_000;

/// A question about the traffic.
pub struct InsightsQuery {
    /// Its name in the monitor's folder.
    pub name: &'static str,
    /// The question that it answers.
    description: &'static str,
    /// Fields without which it cannot be asked.
    needs: &'static [FlowLogField],
    /// The commands after those that parse a record, with `{source}`, `{destination}`, `{inside(source)}` and `{inside(destination)}` to
    /// be filled in.
    commands: &'static [&'static str],
}

/// All of them, in the order of their names.
pub const ALL: &[InsightsQuery] = &[
    InsightsQuery {
        name: "Bytes by interface and hour",
        description: "Bytes that each network interface sent and received in each hour",
        needs: &[InterfaceId, Bytes],
        commands: &[
            "stats sum(flow_bytes) as total_bytes, count(*) as flows by flow_interface_id, bin(1h) as hour_utc",
            "sort hour_utc desc, total_bytes desc",
            "limit 1000",
        ],
    },
    InsightsQuery {
        name: "Conversation history",
        description: "Traffic between two addresses in each hour; enter both addresses in both places",
        needs: &[Bytes, Action, InterfaceId],
        commands: &[
            r#"filter ({source} = "10.0.0.10" and {destination} = "10.0.0.20") or ({source} = "10.0.0.20" and {destination} = "10.0.0.10")"#,
            "stats sum(flow_bytes) as interface_bytes, count(*) as interface_flows by bin(1h) as hour_utc, {source}, {destination}, flow_action, flow_interface_id",
            "stats max(interface_bytes) as total_bytes, max(interface_flows) as flows by hour_utc, {source}, {destination}, flow_action",
            "sort hour_utc desc",
            "limit 1000",
        ],
    },
    InsightsQuery {
        name: "External conversations",
        description: "Pairs of addresses, not both in private or trusted networks, by the bytes sent from one to the other",
        needs: &[Bytes, InterfaceId],
        commands: &[
            "filter not ({inside(source)} and {inside(destination)})",
            "stats sum(flow_bytes) as interface_bytes, count(*) as interface_flows by {source}, {destination}, flow_interface_id",
            "stats max(interface_bytes) as total_bytes, max(interface_flows) as flows by {source}, {destination}",
            "sort total_bytes desc",
            "limit 100",
        ],
    },
    InsightsQuery {
        // Insights has no bitwise operators, so the TCP flags cannot show which side opens a connection. The source of a rejected flow has
        // tried to open one.
        name: "Port scans",
        description: "Sources that were rejected at 20 or more ports of one address",
        needs: &[DstPort, Action],
        commands: &[
            r#"filter flow_action = "REJECT""#,
            "stats count_distinct(flow_dstport) as ports, count(*) as flows by {source}, {destination}",
            "filter ports >= 20",
            "sort ports desc",
            "limit 100",
        ],
    },
    InsightsQuery {
        name: "Rejected by source and port",
        description: "Sources with the most rejected flows, by destination port",
        needs: &[DstPort, Action],
        commands: &[
            r#"filter flow_action = "REJECT""#,
            "stats count(*) as rejected_flows, count_distinct({destination}) as addresses by {source}, flow_dstport",
            "sort rejected_flows desc",
            "limit 100",
        ],
    },
    InsightsQuery {
        name: "Top talkers",
        description: "Pairs of addresses by the bytes sent from one to the other",
        needs: &[Bytes, InterfaceId],
        commands: &[
            "stats sum(flow_bytes) as interface_bytes, count(*) as interface_flows by {source}, {destination}, flow_interface_id",
            "stats max(interface_bytes) as total_bytes, max(interface_flows) as flows by {source}, {destination}",
            "sort total_bytes desc",
            "limit 100",
        ],
    },
    InsightsQuery {
        name: "Traffic by AWS service",
        description: "Bytes from and to the public addresses of AWS services; traffic through a NAT gateway is counted at each of its interfaces",
        needs: &[Bytes, PktSrcAwsService, PktDstAwsService],
        commands: &[
            r#"filter flow_pkt_src_aws_service != "-" or flow_pkt_dst_aws_service != "-""#,
            "stats sum(flow_bytes) as total_bytes, count(*) as flows by flow_pkt_src_aws_service, flow_pkt_dst_aws_service",
            "sort total_bytes desc",
            "limit 100",
        ],
    },
];

/// The text of a query over the monitor's records, or `None` if they lack a field that it needs, or if the trusted networks would make it
/// longer than AWS allows.
pub fn text(query: &InsightsQuery, monitor: &Monitor) -> Option<String> {
    let fields = &monitor.spec.cloud_watch_logs.fields;
    if !query.needs.iter().all(|field| fields.contains(field)) {
        return None;
    }
    let mut commands = query.commands.join("\n| ");
    if commands.contains("{source}") || commands.contains("{inside(source)}") {
        let [source, destination] = traffic::ends(fields)?.map(traffic::alias);
        commands = commands
            .replace("{inside(source)}", &is_inside(&source, monitor))
            .replace("{inside(destination)}", &is_inside(&destination, monitor))
            .replace("{source}", &source)
            .replace("{destination}", &destination);
    }
    let mut lines = vec![parse(fields)];
    lines.extend(traffic_only(fields).map(str::to_owned));
    lines.push(commands);
    let text = format!("# {}\n{}", query.description, lines.join("\n| "));
    (text.len() <= MAX_CHARS).then_some(text)
}

/// The command that names every field of a line.
fn parse(fields: &[FlowLogField]) -> String {
    let glob = vec!["*"; fields.len()].join(" ");
    let names: Vec<_> = fields.iter().map(|field| traffic::alias(*field)).collect();
    format!("parse @message \"{glob}\" as {}", names.join(", "))
}

/// Leaves out records that say `NODATA` or `SKIPDATA`. Without either field nothing asks for more than the action, which they lack.
fn traffic_only(fields: &[FlowLogField]) -> Option<&'static str> {
    if fields.contains(&LogStatus) {
        Some(r#"filter flow_log_status = "OK""#)
    } else if fields.contains(&Bytes) {
        Some(r#"filter flow_bytes != "-""#)
    } else {
        None
    }
}

fn is_inside(field: &str, monitor: &Monitor) -> String {
    let tests: Vec<_> =
        traffic::inside(monitor).iter().map(|network| format!("isIpInSubnet({field}, \"{network}\")")).collect();
    format!("({})", tests.join(" or "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;

    fn spec() -> VpcFlowMonitorSpec {
        VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")
    }

    fn with_fields(fields: &[FlowLogField]) -> Monitor {
        let mut spec = spec();
        spec.cloud_watch_logs.fields = fields.to_vec();
        fixtures::with_spec(spec)
    }

    fn named(name: &str) -> &'static InsightsQuery {
        ALL.iter().find(|query| query.name == name).unwrap()
    }

    /// The fields that a query's `parse` finds in a line. Each `*` matches the shortest text up to the next literal of the glob; the last
    /// `*` matches the rest of the line.
    fn parsed(text: &str, line: &str) -> BTreeMap<String, String> {
        let command = text.lines().find_map(|line| line.strip_prefix("parse @message ")).unwrap();
        let (glob, names) = command.trim_start_matches('"').split_once("\" as ").unwrap();
        let mut values = Vec::new();
        let mut rest = line;
        let literals: Vec<_> = glob.split('*').collect();
        rest = rest.strip_prefix(literals[0]).unwrap();
        for literal in &literals[1..] {
            let end = if literal.is_empty() { rest.len() } else { rest.find(literal).unwrap() };
            values.push(rest[..end].to_owned());
            rest = &rest[end + literal.len()..];
        }
        let names: Vec<_> = names.split(", ").map(str::to_owned).collect();
        assert_eq!(names.len(), values.len());
        names.into_iter().zip(values).collect()
    }

    #[test]
    fn a_real_line_of_the_default_format_is_parsed() {
        let text = text(named("Top talkers"), &fixtures::monitor()).unwrap();
        // From "Flow log record examples" in the Amazon VPC user guide.
        let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        let fields = parsed(&text, line);
        assert_eq!(fields["flow_srcaddr"], "172.31.16.139");
        assert_eq!(fields["flow_bytes"], "4249");
        assert_eq!((fields["flow_action"].as_str(), fields["flow_log_status"].as_str()), ("ACCEPT", "OK"));
        assert_eq!(fields.len(), 14);
    }

    #[test]
    fn a_real_line_of_a_custom_format_is_parsed() {
        use FlowLogField as F;
        let fields = [
            F::Version,
            F::VpcId,
            F::SubnetId,
            F::InstanceId,
            F::InterfaceId,
            F::AccountId,
            F::Type,
            F::SrcAddr,
            F::DstAddr,
            F::SrcPort,
            F::DstPort,
            F::PktSrcAddr,
            F::PktDstAddr,
            F::Protocol,
            F::Bytes,
            F::Packets,
            F::Start,
            F::End,
            F::Action,
            F::TcpFlags,
            F::LogStatus,
        ];
        let text = text(named("Top talkers"), &with_fields(&fields)).unwrap();
        // From the same page, "TCP flag sequence".
        let line = "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 \
                    52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK";
        let found = parsed(&text, line);
        assert_eq!(
            (found["flow_pkt_srcaddr"].as_str(), found["flow_pkt_dstaddr"].as_str()),
            ("52.213.180.42", "10.0.0.62")
        );
        assert_eq!((found["flow_tcp_flags"].as_str(), found["flow_log_status"].as_str()), ("2", "OK"));
        assert!(text.contains("by flow_pkt_srcaddr, flow_pkt_dstaddr, flow_interface_id"), "{text}");
    }

    #[test]
    fn a_query_reads_as_a_person_would_write_it() {
        assert_eq!(
            text(named("Port scans"), &fixtures::monitor()).unwrap(),
            "# Sources that were rejected at 20 or more ports of one address\n\
             parse @message \"* * * * * * * * * * * * * *\" as flow_version, flow_account_id, flow_interface_id, flow_srcaddr, \
             flow_dstaddr, flow_srcport, flow_dstport, flow_protocol, flow_packets, flow_bytes, flow_start, flow_end, flow_action, \
             flow_log_status\n\
             | filter flow_log_status = \"OK\"\n\
             | filter flow_action = \"REJECT\"\n\
             | stats count_distinct(flow_dstport) as ports, count(*) as flows by flow_srcaddr, flow_dstaddr\n\
             | filter ports >= 20\n\
             | sort ports desc\n\
             | limit 100"
        );
    }

    #[test]
    fn every_query_uses_only_what_it_parses_or_makes() {
        let monitor = with_fields(FlowLogField::ALL);
        for query in ALL {
            let text = text(query, &monitor).unwrap();
            assert!(!text.contains('{'), "{text}");
            assert!(text.matches("| stats ").count() <= 2, "{text}");
            assert!(text.matches("| stats ").count() >= 1, "{text}");
            let commands = text.split_once("\n| ").unwrap().1;
            let ends = traffic::ends(FlowLogField::ALL).unwrap();
            for field in FlowLogField::ALL {
                let name = traffic::alias(*field);
                let words = commands.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let used = words.clone().any(|word| word == name);
                let named = query.needs.contains(field) || *field == LogStatus || ends.contains(field);
                assert!(!used || named, "{} uses {name}", query.name);
            }
        }
    }

    /// "Supported logs and discovered fields" in the `CloudWatch` Logs user guide.
    #[test]
    fn no_query_defines_what_insights_has_discovered() {
        const DISCOVERED: &str = "accountId endTime interfaceId logStatus startTime version action bytes dstAddr dstPort packets \
            protocol srcAddr srcPort";
        let monitor = fixtures::monitor();
        for text in ALL.iter().filter_map(|query| text(query, &monitor)) {
            let defined: Vec<_> =
                text.split(" as ").skip(1).flat_map(|it| it.lines().next().unwrap().split([' ', ','])).collect();
            assert!(!DISCOVERED.split_whitespace().any(|field| defined.contains(&field)), "{text}");
        }
    }

    #[test]
    fn a_query_whose_fields_are_missing_is_left_out() {
        let offered = |fields: &[FlowLogField]| -> Vec<&str> {
            let monitor = with_fields(fields);
            ALL.iter().filter(|query| text(query, &monitor).is_some()).map(|query| query.name).collect()
        };
        assert_eq!(offered(&[InterfaceId, Bytes]), ["Bytes by interface and hour"]);
        assert_eq!(offered(&crate::api::VpcFlowMonitorSpec::new("vpc-1").cloud_watch_logs.fields).len(), ALL.len() - 1);
        assert_eq!(offered(FlowLogField::ALL).len(), ALL.len());
    }

    #[test]
    fn records_without_traffic_are_left_out_by_what_there_is() {
        let query = |fields: &[FlowLogField]| text(named("Bytes by interface and hour"), &with_fields(fields)).unwrap();
        assert!(query(&[InterfaceId, Bytes, LogStatus]).contains("| filter flow_log_status = \"OK\"\n"));
        assert!(query(&[InterfaceId, Bytes]).contains("| filter flow_bytes != \"-\"\n"));
    }

    #[test]
    fn trusted_networks_are_inside_while_there_is_room() {
        let with_trusted = |network: fn(u8) -> String| {
            let mut spec = spec();
            spec.detections.external_connections.trusted_cidrs = (0..64).map(network).collect();
            text(named("External conversations"), &fixtures::with_spec(spec))
        };
        let subnets = with_trusted(|number| format!("2001:db8:ffff:{number}::/64")).unwrap();
        assert!(subnets.contains("isIpInSubnet(flow_dstaddr, \"2001:db8:ffff:"), "{subnets}");
        assert!(subnets.len() <= MAX_CHARS, "as many as the spec takes");
        assert_eq!(with_trusted(|number| format!("2001:db8:{number}:ffff:ffff:ffff:ffff:fff0/124")), None);
    }
}

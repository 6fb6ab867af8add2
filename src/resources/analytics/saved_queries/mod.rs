//! The questions of the saved queries, in Athena's SQL (Trino) over the columns of the table.
//!
//! Each looks back a few days, named by the partition columns, so that Athena reads those days' files only. `date_format` of
//! `current_date` is computed while the query is planned; year and month are named on their own because they narrow the partitions that
//! Athena projects, which the comparison of whole days cannot.
//!
//! Traffic between two interfaces of the VPC, or through a NAT gateway, is recorded at each of them. A query that sums traffic per pair of
//! addresses does so per interface and takes the largest of the sums.

mod statement;

pub use statement::{description, sql};

use crate::api::FlowLogField::{
    self, Action, Bytes, DstPort, InterfaceId, PktDstAwsService, PktSrcAwsService, Start, TcpFlags,
};

/// A question about the traffic.
pub struct SavedQuery {
    /// Its name in the workgroup.
    pub name: &'static str,
    /// The question that it answers.
    pub description: &'static str,
    /// Fields without which it cannot be asked.
    needs: &'static [FlowLogField],
    /// Days it looks back, today included: at least 2, since a day begins empty, and at most 28, since it names two months.
    days: u32,
    /// The statement, with `{table}`, `{recent}`, `{source}`, `{destination}` and `{inside(column)}` to be filled in.
    sql: &'static str,
}

/// All of them, in the order of their names.
pub const ALL: &[SavedQuery] = &[
    SavedQuery {
        name: "Bytes by interface and hour",
        description: "Bytes that each network interface sent and received in each hour (UTC) of the last 2 days",
        needs: &[InterfaceId, Bytes, Start],
        days: 2,
        sql: r#"SELECT interface_id,
       date_trunc('hour', from_unixtime("start")) AS hour_utc,
       sum(bytes) AS total_bytes,
       count(*) AS flows
FROM {table}
WHERE {recent}
GROUP BY 1, 2
ORDER BY hour_utc DESC, total_bytes DESC, interface_id
LIMIT 1000"#,
    },
    SavedQuery {
        name: "Conversation history",
        description: "Traffic between two addresses in each hour (UTC) of the last 7 days; enter both addresses in the first line",
        needs: &[Bytes, Start, Action, InterfaceId],
        days: 7,
        // Saved queries have no parameters. Joining a VALUES of one row costs nothing.
        sql: r#"WITH conversation (first_address, second_address) AS (VALUES ('10.0.0.10', '10.0.0.20')),
flows AS (
    SELECT date_trunc('hour', from_unixtime("start")) AS hour_utc, interface_id,
           sum(CASE WHEN {source} = first_address THEN bytes ELSE 0 END) AS bytes_from_first,
           sum(CASE WHEN {source} = first_address THEN 0 ELSE bytes END) AS bytes_from_second,
           count(*) AS flows, count_if(action = 'REJECT') AS rejected_flows
    FROM {table} CROSS JOIN conversation
    WHERE {recent}
      AND (({source} = first_address AND {destination} = second_address)
        OR ({source} = second_address AND {destination} = first_address))
    GROUP BY 1, 2
)
SELECT hour_utc,
       max(bytes_from_first) AS bytes_from_first, max(bytes_from_second) AS bytes_from_second,
       max(flows) AS flows, max(rejected_flows) AS rejected_flows
FROM flows
GROUP BY hour_utc
ORDER BY hour_utc DESC"#,
    },
    SavedQuery {
        name: "Daily volume",
        description: "Flows and bytes recorded on each of the last 28 days; traffic between two interfaces of the VPC is counted at both",
        needs: &[Bytes],
        days: 28,
        sql: "SELECT year || '-' || month || '-' || day AS date_utc,
       sum(bytes) AS total_bytes,
       count(*) AS flows
FROM {table}
WHERE {recent}
GROUP BY 1
ORDER BY date_utc DESC",
    },
    SavedQuery {
        name: "External conversations",
        description: "Addresses outside the private and trusted networks by the bytes exchanged with each inside address, over the last 7 days",
        needs: &[Bytes, InterfaceId],
        days: 7,
        // Networks are looked up once per pair of addresses, not once per record.
        sql: "WITH flows AS (
    SELECT {source} AS source, {destination} AS destination, interface_id,
           sum(bytes) AS total_bytes, count(*) AS flows
    FROM {table}
    WHERE {recent}
    GROUP BY 1, 2, 3
), pairs AS (
    SELECT source, destination, max(total_bytes) AS total_bytes, max(flows) AS flows
    FROM flows
    GROUP BY 1, 2
), ends AS (
    SELECT source, destination, total_bytes, flows,
           {inside(source)} AS source_is_inside,
           {inside(destination)} AS destination_is_inside
    FROM pairs
)
SELECT CASE WHEN source_is_inside THEN destination ELSE source END AS external_address,
       CASE WHEN source_is_inside THEN source ELSE destination END AS internal_address,
       sum(CASE WHEN source_is_inside THEN total_bytes ELSE 0 END) AS bytes_out,
       sum(CASE WHEN source_is_inside THEN 0 ELSE total_bytes END) AS bytes_in,
       sum(flows) AS flows
FROM ends
WHERE source_is_inside <> destination_is_inside
GROUP BY 1, 2
ORDER BY sum(total_bytes) DESC, 1, 2
LIMIT 100",
    },
    SavedQuery {
        name: "Port scans",
        description: "Sources that tried to open TCP connections to 20 or more ports of one address within the last 2 days",
        needs: &[DstPort, TcpFlags, Start, InterfaceId],
        days: 2,
        // SYN (2) without ACK (16) marks the side that opens a connection. The other side's answers go to many ports too.
        sql: r#"WITH attempts AS (
    SELECT {source} AS source, {destination} AS destination, interface_id,
           count(DISTINCT dstport) AS interface_ports, count(*) AS interface_flows,
           min("start") AS first_seen, max("start") AS last_seen
    FROM {table}
    WHERE {recent}
      AND bitwise_and(tcp_flags, 18) = 2
    GROUP BY 1, 2, 3
)
SELECT source, destination,
       max(interface_ports) AS ports,
       max(interface_flows) AS flows,
       from_unixtime(min(first_seen)) AS first_seen_utc,
       from_unixtime(max(last_seen)) AS last_seen_utc
FROM attempts
GROUP BY 1, 2
HAVING max(interface_ports) >= 20
ORDER BY ports DESC, 1, 2
LIMIT 100"#,
    },
    SavedQuery {
        name: "Rejected by source and port",
        description: "Sources with the most rejected flows over the last 7 days, by destination port",
        needs: &[DstPort, Action],
        days: 7,
        // Only the interface that rejects records it as such.
        sql: "SELECT {source} AS source, dstport,
       count(*) AS rejected_flows,
       count(DISTINCT {destination}) AS addresses
FROM {table}
WHERE {recent}
  AND action = 'REJECT'
GROUP BY 1, 2
ORDER BY rejected_flows DESC, 1, 2
LIMIT 100",
    },
    SavedQuery {
        name: "Top talkers",
        description: "Pairs of addresses by the bytes sent from one to the other over the last 2 days",
        needs: &[Bytes, InterfaceId],
        days: 2,
        sql: "WITH flows AS (
    SELECT {source} AS source, {destination} AS destination, interface_id,
           sum(bytes) AS interface_bytes, count(*) AS interface_flows
    FROM {table}
    WHERE {recent}
    GROUP BY 1, 2, 3
)
SELECT source, destination, max(interface_bytes) AS total_bytes, max(interface_flows) AS flows
FROM flows
GROUP BY 1, 2
ORDER BY total_bytes DESC, 1, 2
LIMIT 100",
    },
    SavedQuery {
        name: "Traffic by AWS service",
        description: "Bytes sent to and received from the public addresses of each AWS service over the last 7 days",
        needs: &[Bytes, InterfaceId, PktSrcAwsService, PktDstAwsService],
        days: 7,
        // The two sides are rows of a join rather than of a UNION, which would read the records twice.
        sql: "WITH flows AS (
    SELECT pkt_src_aws_service AS source_service, pkt_dst_aws_service AS destination_service,
           {source} AS source, {destination} AS destination, interface_id,
           sum(bytes) AS total_bytes, count(*) AS flows
    FROM {table}
    WHERE {recent}
      AND (pkt_src_aws_service <> '-' OR pkt_dst_aws_service <> '-')
    GROUP BY 1, 2, 3, 4, 5
), pairs AS (
    SELECT source_service, destination_service, source, destination,
           max(total_bytes) AS total_bytes, max(flows) AS flows
    FROM flows
    GROUP BY 1, 2, 3, 4
), sides AS (
    SELECT CASE WHEN to_service THEN destination_service ELSE source_service END AS service,
           CASE WHEN to_service THEN total_bytes ELSE 0 END AS bytes_to,
           CASE WHEN to_service THEN 0 ELSE total_bytes END AS bytes_from,
           flows
    FROM pairs CROSS JOIN (VALUES (true), (false)) AS side (to_service)
)
SELECT service,
       sum(bytes_to) AS bytes_to_service, sum(bytes_from) AS bytes_from_service,
       sum(flows) AS flows
FROM sides
WHERE service <> '-'
GROUP BY service
ORDER BY sum(bytes_to) + sum(bytes_from) DESC, service
LIMIT 100",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::table::column_name;
    use super::super::traffic;
    use super::*;
    use crate::api::FlowLogField::LogStatus;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::{Monitor, fixtures};

    fn with_fields(fields: &[FlowLogField]) -> Monitor {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.s3.fields = fields.to_vec();
        fixtures::with_spec(spec)
    }

    fn named(name: &str) -> &'static SavedQuery {
        ALL.iter().find(|query| query.name == name).unwrap()
    }

    fn offered(fields: &[FlowLogField]) -> Vec<&'static str> {
        let monitor = with_fields(fields);
        ALL.iter().filter(|query| sql(query, &monitor, &[]).is_some()).map(|query| query.name).collect()
    }

    #[test]
    fn queries_use_only_columns_they_name() {
        let monitor = with_fields(FlowLogField::ALL);
        let ends = traffic::ends(FlowLogField::ALL).unwrap();
        for query in ALL {
            let text = sql(query, &monitor, &[]).unwrap();
            assert!(!text.contains('{'), "{text}");
            let words: BTreeSet<_> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
            for field in FlowLogField::ALL.iter().filter(|field| words.contains(column_name(**field).as_str())) {
                let is_named = query.needs.contains(field) || *field == LogStatus || ends.contains(field);
                assert!(is_named, "{} uses {}", query.name, field.name());
            }
            for reserved in ["start", "end"] {
                let quoted = format!("\"{reserved}\"");
                let bare = words.contains(reserved) && !text.contains(&quoted);
                assert!(!bare, "{} must quote {reserved}", query.name);
            }
        }
    }

    #[test]
    fn every_query_prunes_partitions() {
        let monitor = with_fields(FlowLogField::ALL);
        for query in ALL {
            assert!((2..=28).contains(&query.days), "{}", query.name);
            let text = sql(query, &monitor, &[]).unwrap();
            assert_eq!(text.matches("FROM \"vpc_flow_logs\"").count(), 1, "{} reads the records once", query.name);
            assert!(text.contains("WHERE year IN (date_format(current_date - INTERVAL"), "{text}");
        }
    }

    /// Trino resolves a name in `ORDER BY` to the output column, and rejects an aggregate of one; `DuckDB` resolves it to the input column.
    #[test]
    fn no_query_orders_by_an_aggregate_of_what_it_puts_out() {
        let monitor = with_fields(FlowLogField::ALL);
        for query in ALL {
            let text = sql(query, &monitor, &[]).unwrap();
            let last = &text[text.rfind("\nSELECT ").unwrap_or(0)..];
            let (output, order) = last.rsplit_once("ORDER BY ").unwrap();
            let (output, _) = output.split_once("FROM ").unwrap();
            let names: Vec<_> =
                output.split(" AS ").skip(1).filter_map(|it| it.split([',', '\n', ' ']).next()).collect();
            assert!(!names.is_empty(), "{last}");
            for argument in order.split('(').skip(1).filter_map(|it| it.split(')').next()) {
                assert!(!names.contains(&argument), "{} orders by an aggregate of its own {argument}", query.name);
            }
        }
    }

    #[test]
    fn a_query_whose_columns_are_missing_is_left_out() {
        assert_eq!(offered(&[Bytes, Action]), ["Daily volume"]);
        let without_services: Vec<_> = FlowLogField::ALL.iter().copied().filter(|f| *f != PktDstAwsService).collect();
        assert_eq!(offered(&without_services).len(), ALL.len() - 1);
        let default = crate::api::VpcFlowMonitorSpec::new("vpc-1").s3.fields;
        assert!(!offered(&default).contains(&"Traffic by AWS service"));
        assert_eq!(offered(&default).len(), ALL.len() - 1);
    }

    #[test]
    fn records_without_traffic_are_left_out_by_what_there_is() {
        let text = |fields: &[FlowLogField]| sql(named("Daily volume"), &with_fields(fields), &[]).unwrap();
        assert!(text(&[Bytes, LogStatus]).ends_with("AND log_status = 'OK'\nGROUP BY 1\nORDER BY date_utc DESC"));
        assert!(text(&[Bytes]).contains("AND bytes IS NOT NULL"));
    }

    #[test]
    fn the_packets_own_addresses_are_asked_for_where_they_are_recorded() {
        let mut fields = crate::api::VpcFlowMonitorSpec::new("vpc-1").s3.fields;
        assert!(sql(named("Top talkers"), &with_fields(&fields), &[]).unwrap().contains("pkt_srcaddr AS source"));
        fields.retain(|field| *field != FlowLogField::PktDstAddr);
        assert!(sql(named("Top talkers"), &with_fields(&fields), &[]).unwrap().contains("SELECT srcaddr AS source"));
    }

    #[test]
    fn trusted_networks_are_not_external() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
        let text = sql(named("External conversations"), &fixtures::with_spec(spec), &[]).unwrap();
        for column in ["source", "destination"] {
            assert!(text.contains(&format!("contains('203.0.113.0/24', try_cast({column} AS ipaddress))")), "{text}");
            assert!(text.contains(&format!("contains('fc00::/7', try_cast({column} AS ipaddress))")), "{text}");
        }
    }
}

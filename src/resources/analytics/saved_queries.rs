//! What the saved queries ask. Athena's SQL (Trino) over the columns of the table.
//!
//! Each looks back a few days, named by the partition columns, so that Athena reads those days' files only. `date_format` of
//! `current_date` is computed while the query is planned; year and month are named on their own because they narrow the partitions that
//! Athena projects, which the comparison of whole days cannot.

use crate::api::FlowLogField::{
    self, Action, Bytes, DstAddr, DstPort, InterfaceId, LogStatus, SrcAddr, Start, TcpFlags,
};

/// A question about the traffic.
pub struct SavedQuery {
    /// What people find it by.
    pub name: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// Fields without which it cannot be asked.
    pub needs: &'static [FlowLogField],
    /// Days it looks back, today included: at least 2, since a day begins empty, and at most 28, since it names two months.
    days: u32,
    /// The statement, with `{table}`, `{recent}` and `{private(column)}` to be filled in.
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
ORDER BY hour_utc DESC, total_bytes DESC
LIMIT 1000"#,
    },
    SavedQuery {
        name: "Daily volume",
        description: "Flows and bytes recorded on each of the last 28 days; traffic between two interfaces of the VPC counts at both",
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
        description: "Addresses outside the private networks by the bytes exchanged with each inside address, over the last 7 days",
        needs: &[SrcAddr, DstAddr, Bytes, InterfaceId],
        days: 7,
        // Behind a NAT gateway the same packets pass two interfaces: the larger of the two sums is counted.
        sql: "WITH flows AS (
    SELECT interface_id,
           CASE WHEN {private(srcaddr)} THEN dstaddr ELSE srcaddr END AS external_address,
           CASE WHEN {private(srcaddr)} THEN srcaddr ELSE dstaddr END AS internal_address,
           CASE WHEN {private(srcaddr)} THEN bytes ELSE 0 END AS bytes_out,
           CASE WHEN {private(srcaddr)} THEN 0 ELSE bytes END AS bytes_in
    FROM {table}
    WHERE {recent}
      AND {private(srcaddr)} <> {private(dstaddr)}
), sums AS (
    SELECT external_address, internal_address, interface_id,
           sum(bytes_out) AS bytes_out, sum(bytes_in) AS bytes_in, count(*) AS flows
    FROM flows
    GROUP BY external_address, internal_address, interface_id
)
SELECT external_address, internal_address,
       max(bytes_out) AS bytes_out, max(bytes_in) AS bytes_in, max(flows) AS flows
FROM sums
GROUP BY external_address, internal_address
ORDER BY max(bytes_out) + max(bytes_in) DESC
LIMIT 100",
    },
    SavedQuery {
        name: "Port scans",
        description: "Sources that tried to open TCP connections to 20 or more ports of one address within the last 2 days",
        needs: &[SrcAddr, DstAddr, DstPort, TcpFlags, Start],
        days: 2,
        // SYN (2) without ACK (16) is the side that opens a connection; its answers go to many ports too.
        sql: r#"SELECT srcaddr, dstaddr,
       count(DISTINCT dstport) AS ports,
       count(*) AS flows,
       from_unixtime(min("start")) AS first_seen_utc,
       from_unixtime(max("start")) AS last_seen_utc
FROM {table}
WHERE {recent}
  AND bitwise_and(tcp_flags, 18) = 2
GROUP BY srcaddr, dstaddr
HAVING count(DISTINCT dstport) >= 20
ORDER BY ports DESC
LIMIT 100"#,
    },
    SavedQuery {
        name: "Rejected by source and port",
        description: "Who was rejected most often over the last 7 days, at which port",
        needs: &[SrcAddr, DstAddr, DstPort, Action],
        days: 7,
        sql: "SELECT srcaddr, dstport,
       count(*) AS rejected_flows,
       count(DISTINCT dstaddr) AS addresses
FROM {table}
WHERE {recent}
  AND action = 'REJECT'
GROUP BY srcaddr, dstport
ORDER BY rejected_flows DESC
LIMIT 100",
    },
    SavedQuery {
        name: "Top talkers",
        description: "Pairs of addresses by the bytes sent from one to the other over the last 2 days",
        needs: &[SrcAddr, DstAddr, Bytes, InterfaceId],
        days: 2,
        // Traffic between two interfaces of the VPC is recorded at both: the larger of the two sums is counted.
        sql: "WITH sums AS (
    SELECT srcaddr, dstaddr, interface_id, sum(bytes) AS total_bytes, count(*) AS flows
    FROM {table}
    WHERE {recent}
    GROUP BY srcaddr, dstaddr, interface_id
)
SELECT srcaddr, dstaddr, max(total_bytes) AS total_bytes, max(flows) AS flows
FROM sums
GROUP BY srcaddr, dstaddr
ORDER BY total_bytes DESC
LIMIT 100",
    },
];

/// RFC 1918, shared and link-local addresses of IPv4; unique local and link-local ones of IPv6.
const PRIVATE: &str = r"^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|169\.254\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab])";

/// The statement over `table`, whose records have `fields`.
pub fn sql(query: &SavedQuery, table: &str, fields: &[FlowLogField]) -> String {
    let mut sql =
        query.sql.replace("{table}", &format!("\"{table}\"")).replace("{recent}", &recent(query.days, fields));
    for column in ["srcaddr", "dstaddr"] {
        sql = sql.replace(&format!("{{private({column})}}"), &format!("regexp_like({column}, '{PRIVATE}')"));
    }
    sql
}

/// The last `days` days, and only records of traffic: those that say `NODATA` or `SKIPDATA` carry no addresses.
fn recent(days: u32, fields: &[FlowLogField]) -> String {
    let first = format!("current_date - INTERVAL '{}' DAY", days - 1);
    let traffic = if fields.contains(&LogStatus) { "\n  AND log_status = 'OK'" } else { "" };
    format!(
        "year IN (date_format({first}, '%Y'), date_format(current_date, '%Y'))\n  \
           AND month IN (date_format({first}, '%m'), date_format(current_date, '%m'))\n  \
           AND year || month || day >= date_format({first}, '%Y%m%d'){traffic}"
    )
}

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::named_query::{self, NamedQuery};
use super::super::table::{self, FoundTable, Table};
use super::super::tests::{applied, database_with, sdk_table, spec};
use super::super::{Analytics, Observed, of_tables};
use super::*;
use crate::api::spec::{DeletionPolicy, FileFormat};
use crate::api::{FlowLogField, ResourceKind, VpcFlowMonitorSpec};
use crate::engine::{Action, Goal, Removal, ResourceCall, System};
use crate::monitor::{OWNER, Tags, fixtures};

/// The tables in Glue.
type Tables = BTreeMap<String, FoundTable>;

fn databases(monitor: &Monitor, tables: &Tables) -> Vec<(String, Option<FoundDatabase>)> {
    let mut database = database_with(monitor, Vec::new());
    database.tables = tables.values().cloned().collect();
    vec![(monitor.names.database.clone(), Some(database))]
}

/// The steps to the declared tables.
fn steps(monitor: &Monitor, tables: &Tables) -> Vec<ResourceCall<Table>> {
    let declared = Analytics::desired(monitor).unwrap().unwrap();
    let databases = databases(monitor, tables);
    let former = desired(monitor, Goal::Present(&declared), &databases);
    let diff = of_tables(monitor, Goal::Present(&declared), databases[0].1.as_ref(), &former);
    assert!(diff.conflicts.is_empty(), "{diff:#?}");
    diff.steps.into_iter().map(|step| step.op).collect()
}

fn found(table: &Table) -> FoundTable {
    table::normalise(sdk_table(table, &[]))
}

fn take(tables: &mut Tables, call: ResourceCall<Table>) {
    match call {
        ResourceCall::Create(table) => {
            assert!(
                tables.insert(table.qualified_name.clone(), found(&table)).is_none(),
                "{} exists",
                table.qualified_name
            );
        }
        ResourceCall::Change(name, update) => {
            if let Some(former) = update.former {
                tables.entry(former.qualified_name.clone()).or_insert_with(|| found(&former));
            }
            tables.insert(name, found(&update.table));
        }
        ResourceCall::Delete(name, _) => assert!(tables.remove(&name).is_some(), "{name} does not exist"),
        ResourceCall::Tag(name, _) => panic!("the tags of {name} are right"),
    }
}

fn converge(monitor: &Monitor, tables: &mut Tables) {
    for call in steps(monitor, tables) {
        take(tables, call);
    }
    assert!(steps(monitor, tables).is_empty());
}

fn names(tables: &Tables) -> Vec<&str> {
    tables.values().map(|found| found.table.name.as_str()).collect()
}

fn text() -> VpcFlowMonitorSpec {
    let mut spec = spec();
    spec.s3.file_format = FileFormat::PlainText;
    spec
}

#[test]
fn the_former_definition_stays_as_a_table_of_its_own_and_goes_when_the_layout_returns() {
    let (parquet, text) = (fixtures::monitor(), fixtures::with_spec(text()));
    let mut tables = Tables::new();
    converge(&parquet, &mut tables);
    let before = tables.clone();
    converge(&text, &mut tables);
    let former = parquet.names.table_of_former_layout(&table::desired(&parquet).location);
    assert_eq!(names(&tables), ["vpc_flow_logs", &former]);
    let mut kept = tables[&table::qualified(&parquet.names.database, &former)].table.clone();
    kept.name = "vpc_flow_logs".into();
    assert_eq!(serde_json::to_value(kept).unwrap(), serde_json::to_value(table::desired(&parquet)).unwrap());
    converge(&parquet, &mut tables);
    assert_eq!(tables.len(), 2, "the text stays in reach");
    assert_eq!(
        tables["vfm_network_production_aa0df1549f.vpc_flow_logs"],
        before["vfm_network_production_aa0df1549f.vpc_flow_logs"]
    );
}

#[test]
fn other_fields_of_parquet_need_no_other_table() {
    let mut tables = Tables::new();
    let mut spec = spec();
    converge(&fixtures::with_spec(spec.clone()), &mut tables);
    spec.s3.fields.reverse();
    converge(&fixtures::with_spec(spec), &mut tables);
    assert_eq!(names(&tables), ["vpc_flow_logs"]);
}

#[test]
fn a_table_that_is_not_over_records_of_the_monitor_leaves_none_behind() {
    let mut by_hand = found(&table::desired(&fixtures::monitor()));
    let leaves = |change: fn(&mut Table)| {
        let mut changed = by_hand.clone();
        change(&mut changed.table);
        let mut tables = Tables::from([(changed.qualified_name(), changed)]);
        converge(&fixtures::with_spec(text()), &mut tables);
        tables.len() - 1
    };
    assert_eq!(leaves(|_| {}), 1);
    assert_eq!(
        leaves(|table| table.location = "s3://elsewhere/AWSLogs/".into()),
        0,
        "that bucket is not the monitor's"
    );
    assert_eq!(leaves(|table| table.location.clear()), 0);
    assert_eq!(leaves(|table| table.partition_keys.clear()), 0);
    assert_eq!(leaves(|table| table.columns.clear()), 0);
    by_hand.table.tags = Tags::from([(OWNER.to_owned(), "c/n/other".to_owned())]);
    let tables = Tables::from([(by_hand.qualified_name(), by_hand)]);
    let text = fixtures::with_spec(text());
    let declared = Analytics::desired(&text).unwrap().unwrap();
    assert!(desired(&text, Goal::Present(&declared), &databases(&text, &tables)).is_empty());
}

#[test]
fn a_table_of_others_under_the_name_is_a_conflict_and_the_declared_one_stays_where_it_is() {
    let text = fixtures::with_spec(text());
    let current = found(&table::desired(&fixtures::monitor()));
    let mut theirs = found(&current.table.for_former_layout(&text, &table::desired(&text)));
    theirs.table.tags.clear();
    let tables = Tables::from([current, theirs].map(|table| (table.qualified_name(), table)));
    let (declared, databases) = (Analytics::desired(&text).unwrap().unwrap(), databases(&text, &tables));
    let former = desired(&text, Goal::Present(&declared), &databases);
    let diff = of_tables(&text, Goal::Present(&declared), databases[0].1.as_ref(), &former);
    assert_eq!((diff.conflicts.len(), diff.steps.len()), (1, 0), "{diff:#?}");
}

#[test]
fn another_name_or_database_takes_the_earlier_records_along() {
    let mut tables = Tables::new();
    converge(&fixtures::monitor(), &mut tables);
    let mut spec = text();
    converge(&fixtures::with_spec(spec.clone()), &mut tables);
    let before = locations(&tables).join(" ");
    spec.analytics.table = "records".into();
    converge(&fixtures::with_spec(spec.clone()), &mut tables);
    assert_eq!(locations(&tables).join(" "), before);

    let all = databases(&fixtures::monitor(), &tables);
    spec.analytics.database = Some("other".into());
    let monitor = fixtures::with_spec(spec);
    let declared = Analytics::desired(&monitor).unwrap().unwrap();
    let former = desired(&monitor, Goal::Present(&declared), &all);
    let diff = of_tables(&monitor, Goal::Present(&declared), None, &former);
    let names: Vec<_> = diff.steps.iter().map(|step| (step.change.action, step.change.name.as_str())).collect();
    let name = format!("other.{}", monitor.names.table_of_former_layout(&former[0].location));
    assert_eq!(names, [(Action::Create, name.as_str()), (Action::Create, "other.records")]);
}

#[test]
fn tables_of_earlier_records_go_with_the_monitor_as_the_declared_one_does() {
    let mut tables = Tables::new();
    converge(&fixtures::monitor(), &mut tables);
    let mut monitor = fixtures::with_spec(text());
    converge(&monitor, &mut tables);
    for (policy, action) in [
        (DeletionPolicy::Delete, Action::Delete),
        (DeletionPolicy::RetainData, Action::Delete),
        (DeletionPolicy::Retain, Action::Retain),
    ] {
        monitor.spec.deletion_policy = Some(policy);
        let databases = databases(&monitor, &tables);
        let diff = of_tables(&monitor, Goal::Absent(Removal::OwnerDeleted), databases[0].1.as_ref(), &[]);
        assert_eq!(diff.steps.iter().map(|step| step.change.action).collect::<Vec<_>>(), [action; 2]);
    }
}

#[test]
fn all_that_changes_with_the_layout_waits_for_the_flow_log_and_says_why() {
    let observed = applied(&fixtures::monitor());
    let text = fixtures::with_spec(text());
    let declared = Analytics::desired(&text).unwrap().unwrap();
    let diff = Analytics::diff(&text, Goal::Present(&declared), &observed);
    assert!(diff.steps.iter().all(|step| !step.follows.is_empty()), "{diff:#?}");
    let actions: Vec<_> = diff.steps.iter().map(|step| (step.change.action, step.change.kind)).take(3).collect();
    assert_eq!(
        actions,
        [
            (Action::Create, ResourceKind::Table),
            (Action::Replace, ResourceKind::Table),
            (Action::Update, ResourceKind::NamedQuery)
        ]
    );
    let why = diff.steps[1].change.why.clone().unwrap();
    let bucket = &text.names.bucket;
    assert!(
        why.starts_with(&format!("new records go to s3://{bucket}/vpc-flow-logs/layout-text-hive-hourly-")),
        "{why}"
    );
    assert!(why.contains(&format!("earlier ones stay in s3://{bucket}/vpc-flow-logs/AWSLogs/")), "{why}");
}

#[test]
fn the_status_says_which_records_a_table_reads() {
    let mut tables = Tables::new();
    converge(&fixtures::monitor(), &mut tables);
    let text = fixtures::with_spec(text());
    converge(&text, &mut tables);
    let observed = Observed { databases: databases(&text, &tables), ..applied(&text) };
    let declared = Analytics::desired(&text).unwrap().unwrap();
    let report = Analytics::report(&text, Goal::Present(&declared), &observed);
    let messages: Vec<_> = report
        .resources
        .into_iter()
        .filter(|resource| resource.kind == ResourceKind::Table)
        .map(|resource| resource.message)
        .collect();
    let former = format!("reads the earlier records in s3://{}/vpc-flow-logs/AWSLogs/", text.names.bucket);
    assert_eq!(messages, [None, Some(former)]);
}

fn queries(monitor: &Monitor, former: &Monitor) -> BTreeMap<String, NamedQuery> {
    let former = table::desired(former).for_former_layout(monitor, &table::desired(monitor));
    named_query::desired(monitor, &[former]).into_iter().map(|query| (query.name.clone(), query)).collect()
}

#[test]
fn a_query_reads_every_table_by_its_own_columns() {
    let mut former = spec();
    former.s3.per_hour_partition = false;
    former.s3.fields.retain(|field| !["pkt-srcaddr", "log-status"].contains(&field.name()));
    let (monitor, former) = (fixtures::monitor(), fixtures::with_spec(former));
    let name = monitor.names.table_of_former_layout(&table::desired(&former).location);
    let recent = "year IN (date_format(current_date - INTERVAL '1' DAY, '%Y'), date_format(current_date, '%Y'))
      AND month IN (date_format(current_date - INTERVAL '1' DAY, '%m'), date_format(current_date, '%m'))
      AND year || month || day >= date_format(current_date - INTERVAL '1' DAY, '%Y%m%d')";
    assert_eq!(
        queries(&monitor, &former)["Top talkers"].sql,
        format!(
            r#"WITH all_records AS (
    SELECT year, month, day, "bytes", "interface_id", pkt_srcaddr, pkt_dstaddr
    FROM "vpc_flow_logs"
    WHERE {recent}
      AND log_status = 'OK'
  UNION ALL
    SELECT year, month, day, "bytes", "interface_id", srcaddr AS pkt_srcaddr, dstaddr AS pkt_dstaddr
    FROM "{name}"
    WHERE {recent}
      AND bytes IS NOT NULL
), flows AS (
    SELECT pkt_srcaddr AS source, pkt_dstaddr AS destination, interface_id,
           sum(bytes) AS interface_bytes, count(*) AS interface_flows
    FROM all_records
    GROUP BY 1, 2, 3
)
SELECT source, destination, max(interface_bytes) AS total_bytes, max(interface_flows) AS flows
FROM flows
GROUP BY 1, 2
ORDER BY total_bytes DESC, 1, 2
LIMIT 100"#
        )
    );
}

#[test]
fn the_conditions_of_a_query_stay_over_all_tables() {
    let queries = queries(&fixtures::with_spec(text()), &fixtures::monitor());
    assert!(queries["Daily volume"].sql.ends_with(
        ")\nSELECT year || '-' || month || '-' || day AS date_utc,\n       sum(bytes) AS total_bytes,\n       \
         count(*) AS flows\nFROM all_records\nGROUP BY 1\nORDER BY date_utc DESC"
    ));
    let rejected = &queries["Rejected by source and port"].sql;
    assert!(rejected.contains("FROM all_records\nWHERE action = 'REJECT'\nGROUP BY 1, 2"), "{rejected}");
    let history = &queries["Conversation history"].sql;
    let first_line = "WITH conversation (first_address, second_address) AS (VALUES ('10.0.0.10', '10.0.0.20')),";
    assert!(history.starts_with(&format!("{first_line}\nall_records AS (\n    SELECT year")), "{history}");
    assert!(history.contains("\n), flows AS (\n    SELECT date_trunc"), "{history}");
    assert!(
        history.contains("FROM all_records CROSS JOIN conversation\n    WHERE ((pkt_srcaddr = first_address"),
        "{history}"
    );
    for query in queries.values() {
        assert!(!query.sql.contains('{') && query.sql.matches("WHERE year IN").count() == 2, "{}", query.sql);
    }
}

#[test]
fn earlier_records_without_a_column_that_a_query_needs_are_left_out_and_the_description_says_so() {
    let mut former = text();
    former.s3.fields.retain(|field| *field != FlowLogField::TcpFlags);
    let queries = queries(&fixtures::monitor(), &fixtures::with_spec(former));
    let scans = &queries["Port scans"];
    assert!(!scans.sql.contains("UNION"), "{}", scans.sql);
    assert!(scans.description.ends_with("; without the records of one earlier layout, which lack a column"));
    assert!(queries["Top talkers"].sql.contains("UNION") && !queries["Top talkers"].description.contains("without"));
}

fn locations(tables: &Tables) -> Vec<&str> {
    let mut locations: Vec<_> = tables.values().map(|found| found.table.location.as_str()).collect();
    locations.sort_unstable();
    locations
}

fn layout() -> impl Strategy<Value = VpcFlowMonitorSpec> {
    let fields = prop::sample::subsequence(vec![FlowLogField::SrcAddr, FlowLogField::DstAddr], 1..3).prop_shuffle();
    ("(a|b)?", fields, any::<[bool; 3]>()).prop_map(|(prefix, fields, [parquet, hive, hourly])| {
        let mut spec = spec();
        spec.s3.prefix = prefix;
        spec.s3.fields = fields;
        spec.s3.file_format = if parquet { FileFormat::Parquet } else { FileFormat::PlainText };
        spec.s3.hive_compatible_partitions = hive;
        spec.s3.per_hour_partition = hourly;
        spec
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_layouts_there_were_each_folder_is_read_by_one_table_in_its_own_layout(
        lives in prop::collection::vec((layout(), any::<prop::sample::Index>()), 1..12),
    ) {
        let mut tables = Tables::new();
        let mut layouts = BTreeMap::new();
        for (spec, crash) in lives {
            let monitor = fixtures::with_spec(spec);
            // Interrupted once, anywhere.
            let mut calls = steps(&monitor, &tables);
            calls.truncate(crash.index(calls.len() + 1));
            for call in calls {
                take(&mut tables, call);
            }
            converge(&monitor, &mut tables);
            let table = table::desired(&monitor);
            layouts.insert(table.location.clone(), table);
            prop_assert_eq!(locations(&tables), layouts.keys().collect::<Vec<_>>());
            for found in tables.values() {
                let mut definition = layouts[found.table.location.as_str()].clone();
                definition.name.clone_from(&found.table.name);
                prop_assert_eq!(serde_json::to_value(&found.table).unwrap(), serde_json::to_value(definition).unwrap());
            }
        }
    }
}

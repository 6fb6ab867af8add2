use std::collections::HashMap;

use aws_sdk_glue::types::{DatabaseInput, Table as SdkTable};
use proptest::prelude::*;

use super::named_query::NamedQueryOp;
use super::query_definition::QueryDefinitionOp;
use super::*;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy, FileFormat};
use crate::api::{FlowLogField, VpcFlowMonitorSpec};
use crate::engine::{Action, Removal, ResourceCall};
use crate::monitor::{OWNER, Tags, fixtures};

pub(super) fn spec() -> VpcFlowMonitorSpec {
    VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")
}

/// The state of AWS once `desired` is applied.
pub(super) fn applied(monitor: &Monitor) -> Observed {
    let desired = Analytics::desired(monitor).unwrap().unwrap();
    Observed {
        workgroup: Some(FoundWorkgroup { workgroup: desired.workgroup.clone(), tags: monitor.tags.clone() }),
        queries: named_query::desired(monitor, &[])
            .into_iter()
            .map(|query| ObservedNamedQuery { id: format!("id of {}", query.name), query })
            .collect(),
        databases: vec![(
            desired.database.name.clone(),
            Some(database_with(monitor, vec![sdk_table(&desired.table, &[])])),
        )],
        definitions: desired
            .definitions
            .iter()
            .map(|definition| ObservedQueryDefinition {
                id: format!("id of {}", definition.name),
                definition: definition.clone(),
            })
            .collect(),
    }
}

/// Glue's answer for a table made from `table`, with parameters of its own.
pub(super) fn sdk_table(table: &Table, more: &[(&str, &str)]) -> SdkTable {
    let others = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let input = table::table_input(table, &others).unwrap();
    SdkTable::builder()
        .name(input.name)
        .database_name(&table.database)
        .set_description(input.description)
        .set_table_type(input.table_type)
        .set_parameters(input.parameters)
        .set_partition_keys(input.partition_keys)
        .set_storage_descriptor(input.storage_descriptor)
        .build()
        .unwrap()
}

pub(super) fn database_with(monitor: &Monitor, tables: Vec<SdkTable>) -> FoundDatabase {
    let description = database::desired(monitor).description;
    FoundDatabase {
        input: DatabaseInput::builder().name(&monitor.names.database).description(description).build().unwrap(),
        tables: tables.into_iter().map(table::normalise).collect(),
        tags: monitor.tags.clone(),
    }
}

fn changes(monitor: &Monitor, observed: &Observed) -> Vec<String> {
    let desired = Analytics::desired(monitor).unwrap().unwrap();
    let diff = Analytics::diff(monitor, Goal::Present(&desired), observed);
    diff.steps.iter().map(|step| format!("{:?} {}", step.change.action, step.change)).collect()
}

fn property(monitor: &Monitor, key: &str) -> String {
    partitions::projection(monitor)[key].clone()
}

#[test]
fn the_template_spells_awss_keys_for_all_four_layouts() {
    let template = |hive, hourly| {
        let mut spec = spec();
        // Each layout has its own folder; see layout::tests.
        spec.s3.bucket_name = Some("records".into());
        spec.s3.hive_compatible_partitions = hive;
        spec.s3.per_hour_partition = hourly;
        let monitor = fixtures::with_spec(spec);
        assert_eq!(partitions::projection(&monitor).contains_key("projection.hour.type"), hourly);
        let folder = format!("s3://records/{}AWSLogs/", monitor.key_prefix());
        property(&monitor, "storage.location.template").strip_prefix(&folder).unwrap().to_owned()
    };
    let hive = "aws-account-id=${aws_account_id}/aws-service=vpcflowlogs/aws-region=${aws_region}/year=${year}/month=${month}/day=${day}/";
    let plain = "${aws_account_id}/vpcflowlogs/${aws_region}/${year}/${month}/${day}/";
    assert_eq!(template(true, true), format!("{hive}hour=${{hour}}/"));
    assert_eq!(template(true, false), hive);
    assert_eq!(template(false, true), format!("{plain}${{hour}}/"));
    assert_eq!(template(false, false), plain);
}

#[test]
fn without_a_prefix_the_folder_stands_at_the_top() {
    let mut spec = spec();
    spec.s3.bucket_name = Some("records".into());
    spec.s3.prefix = String::new();
    assert_eq!(partitions::location(&fixtures::with_spec(spec)), "s3://records/AWSLogs/");
}

#[test]
fn no_field_has_a_partitions_name() {
    let partitions: Vec<_> =
        partitions::partitions(&fixtures::monitor()).iter().map(|partition| partition.name).collect();
    assert_eq!(partitions, ["aws_account_id", "aws_region", "year", "month", "day", "hour"]);
    for field in FlowLogField::ALL {
        assert!(!partitions.contains(&table::column_name(*field).as_str()), "{}", field.name());
    }
}

#[test]
fn queries_that_are_no_longer_wanted_go_and_those_of_people_stay() {
    let mut spec = spec();
    let mut observed = applied(&fixtures::with_spec(spec.clone()));
    let mut mine = observed.queries[0].clone();
    mine.query.name = "Mine".into();
    observed.queries.push(mine);
    spec.s3.fields.retain(|field| *field != FlowLogField::TcpFlags);
    let monitor = fixtures::with_spec(spec);
    let changes = changes(&monitor, &observed);
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert!(changes[0].starts_with("Update table"), "{changes:#?}");
    assert!(changes[1].starts_with("Delete saved query Port scans"), "{changes:#?}");
}

#[test]
fn of_two_equal_queries_one_goes() {
    let monitor = fixtures::monitor();
    let mut observed = applied(&monitor);
    let copy = ObservedNamedQuery { id: "copy".into(), query: observed.queries[0].query.clone() };
    let mut edited = copy.clone();
    edited.query.sql.push_str(" -- mine");
    observed.queries.extend([copy, edited]);
    let diff = named_query::diff(&named_query::desired(&monitor, &[]), &observed.queries);
    assert!(matches!(&diff.steps[..], [step] if step.op == NamedQueryOp::Delete { id: "copy".into() }));
}

#[test]
fn another_database_replaces_queries_and_removes_the_former() {
    let mut spec = spec();
    let former = fixtures::with_spec(spec.clone());
    let mut observed = applied(&former);
    spec.analytics.database = Some("other".into());
    let monitor = fixtures::with_spec(spec);
    observed.databases.insert(0, ("other".into(), None));
    let changes = changes(&monitor, &observed);
    let count = |start: &str| changes.iter().filter(|change| change.starts_with(start)).count();
    assert_eq!(count("Replace saved query"), observed.queries.len(), "{changes:#?}");
    let rest: Vec<_> = changes.iter().filter(|change| !change.starts_with("Replace")).collect();
    assert_eq!(rest.len(), 4, "{rest:#?}");
    assert_eq!(rest[0], "Create database other");
    assert_eq!(rest[1], "Create table other.vpc_flow_logs");
    assert!(rest[2].starts_with("Delete table vfm_") && rest[3].starts_with("Delete database vfm_"), "{rest:#?}");
}

#[test]
fn parameters_of_others_stay_and_our_former_ones_go() {
    let mut spec = spec();
    let before = table::desired(&fixtures::with_spec(spec.clone()));
    spec.s3.per_hour_partition = false;
    let monitor = fixtures::with_spec(spec);
    let observed = table::normalise(sdk_table(&before, &[("transient_lastDdlTime", "1"), ("comment", "c")]));
    let wanted = table::desired(&monitor);
    let diff = ownership::diff(&monitor, Goal::Present(&wanted), &wanted.qualified_name, Some(&observed));
    let ResourceCall::Change(_, call) = &diff.steps[0].op else { panic!("{:?}", diff.steps) };
    let parameters = table::table_input(&call.table, &call.others).unwrap().parameters.unwrap();
    assert_eq!(parameters["comment"], "c");
    assert!(!parameters.contains_key("projection.hour.type"));
}

#[test]
fn a_database_with_tables_of_others_stays() {
    let mut monitor = fixtures::monitor();
    let table = table::desired(&monitor);
    let mut theirs = sdk_table(&table, &[]);
    theirs.name = "theirs".into();
    theirs.parameters = Some(HashMap::new());
    let observed = database_with(&monitor, vec![sdk_table(&table, &[]), theirs]);
    let mut steps = |policy| {
        monitor.spec.deletion_policy = Some(policy);
        let goal = Goal::Absent(Removal::OwnerDeleted);
        let diff = of_database(&monitor, goal, &monitor.names.database, Some(&observed), &[]);
        diff.steps.into_iter().map(|step| (step.change.action, step.change.kind)).collect::<Vec<_>>()
    };
    let of_tables = |action| [(action, ResourceKind::Table), (Action::Retain, ResourceKind::Database)];
    assert_eq!(steps(DeletionPolicy::Delete), of_tables(Action::Delete));
    assert_eq!(steps(DeletionPolicy::RetainData), of_tables(Action::Delete));
    assert_eq!(steps(DeletionPolicy::Retain), of_tables(Action::Retain));
}

#[test]
fn a_table_of_others_is_a_conflict_unless_adoption_is_allowed() {
    let mut spec = spec();
    let outcome = |spec: &VpcFlowMonitorSpec, location: Option<&str>| {
        let monitor = fixtures::with_spec(spec.clone());
        let mut theirs = sdk_table(&table::desired(&monitor), &[]);
        theirs.parameters = Some(HashMap::new());
        if let (Some(location), Some(storage)) = (location, &mut theirs.storage_descriptor) {
            storage.location = Some(location.to_owned());
        }
        let (wanted, theirs) = (table::desired(&monitor), table::normalise(theirs));
        let diff = ownership::diff(&monitor, Goal::Present(&wanted), &wanted.qualified_name, Some(&theirs));
        (diff.conflicts.len(), diff.steps.iter().map(|step| step.change.action).collect::<Vec<_>>())
    };
    assert_eq!(outcome(&spec, None), (1, vec![]));
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    assert_eq!(outcome(&spec, None), (0, vec![Action::Adopt, Action::Update]));
    assert_eq!(
        outcome(&spec, Some("s3://customers/orders")),
        (1, vec![]),
        "the definition of another table would be lost"
    );
    assert_eq!(outcome(&spec, Some("")), (1, vec![]));
}

#[test]
fn nothing_is_done_to_a_workgroup_of_others() {
    let monitor = fixtures::monitor();
    let mut observed = applied(&monitor);
    observed.workgroup.as_mut().unwrap().tags = Tags::from([(OWNER.to_owned(), "c/n/other".to_owned())]);
    observed.queries.clear();
    let desired = Analytics::desired(&monitor).unwrap().unwrap();
    let diff = Analytics::diff(&monitor, Goal::Present(&desired), &observed);
    assert_eq!((diff.steps.len(), diff.conflicts.len()), (0, 1));
}

#[test]
fn the_link_leads_to_the_console_of_the_partition() {
    let mut monitor = fixtures::monitor();
    let link = workgroup::saved_queries_link(&monitor);
    assert!(link.starts_with("https://eu-west-1.console.aws.amazon.com/athena/home?region=eu-west-1#"), "{link}");
    monitor.account_region.partition = "aws-cn".into();
    assert!(workgroup::saved_queries_link(&monitor).starts_with("https://console.amazonaws.cn/athena/"));
}

fn definition_steps(monitor: &Monitor, observed: &Observed) -> Vec<(Action, String, QueryDefinitionOp)> {
    let desired = Analytics::desired(monitor).unwrap().unwrap();
    let diff = query_definition::diff(monitor, Goal::Present(&desired.definitions), &observed.definitions);
    diff.steps.into_iter().map(|step| (step.change.action, step.change.name, step.op)).collect()
}

#[test]
fn insights_queries_are_in_the_folder_of_the_monitor() {
    let monitor = fixtures::monitor();
    let desired = Analytics::desired(&monitor).unwrap().unwrap().definitions;
    assert!(desired.iter().any(|definition| definition.name == "vfm-network-production-aa0df1549f/Top talkers"));
    assert!(desired.iter().all(|definition| definition.name.len() <= 255));
}

#[test]
fn of_insights_queries_of_one_name_the_right_one_stays() {
    let monitor = fixtures::monitor();
    let mut observed = applied(&monitor);
    let right = observed.definitions[0].clone();
    let mut edited = right.clone();
    edited.id = "edited".into();
    edited.definition.query.push_str(" # mine");
    let mut copy = right.clone();
    copy.id = "copy".into();
    observed.definitions.splice(0..1, [edited, right.clone(), copy]);
    let name = right.definition.name;
    let delete = |id: &str| (Action::Delete, name.clone(), QueryDefinitionOp::Delete { id: id.into() });
    assert_eq!(definition_steps(&monitor, &observed), [delete("edited"), delete("copy")]);
}

#[test]
fn another_log_group_moves_insights_queries_by_their_id() {
    let mut spec = spec();
    let observed = applied(&fixtures::with_spec(spec.clone()));
    spec.cloud_watch_logs.log_group_name = Some("elsewhere".into());
    let steps = definition_steps(&fixtures::with_spec(spec), &observed);
    assert_eq!(steps.len(), observed.definitions.len());
    for (action, name, op) in steps {
        assert_eq!(action, Action::Update);
        assert!(matches!(op, QueryDefinitionOp::Put { id: Some(id), .. } if id == format!("id of {name}")));
    }
}

#[test]
fn insights_queries_go_with_the_fields_and_with_the_monitor_but_never_those_of_people() {
    let mut spec = spec();
    let mut observed = applied(&fixtures::with_spec(spec.clone()));
    let count = observed.definitions.len();
    let mut mine = observed.definitions[0].clone();
    mine.id = "mine".into();
    mine.definition.name = format!("{}/Mine", fixtures::monitor().names.base());
    observed.definitions.push(mine);
    spec.cloud_watch_logs.fields.retain(|field| *field != FlowLogField::DstPort);
    let mut monitor = fixtures::with_spec(spec);
    let steps = definition_steps(&monitor, &observed);
    let gone: Vec<_> = steps.iter().filter(|(action, ..)| *action == Action::Delete).map(|(_, name, _)| name).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone[0].ends_with("/Port scans") && gone[1].ends_with("/Rejected by source and port"), "{gone:?}");

    for (policy, left) in
        [(DeletionPolicy::Delete, 0), (DeletionPolicy::RetainData, 0), (DeletionPolicy::Retain, count)]
    {
        monitor.spec.deletion_policy = Some(policy);
        let diff = Analytics::diff(&monitor, Goal::Absent(Removal::OwnerDeleted), &observed);
        let deleted: Vec<_> =
            diff.steps.iter().filter(|step| step.change.kind == ResourceKind::QueryDefinition).collect();
        assert_eq!(count - deleted.len(), left, "{policy:?}");
        assert!(deleted.iter().all(|step| !step.change.name.ends_with("/Mine")));
    }
}

fn any_spec() -> impl Strategy<Value = VpcFlowMonitorSpec> {
    let fields = prop::sample::subsequence(FlowLogField::ALL.to_vec(), 1..=FlowLogField::ALL.len());
    let format = prop_oneof![Just(FileFormat::Parquet), Just(FileFormat::PlainText)];
    let key = prop::option::of(Just("arn:aws:kms:eu-west-1:123456789012:key/k".to_owned()));
    (fields, format, any::<(bool, bool)>(), key).prop_map(|(fields, format, (hive, hourly), key)| {
        let mut spec = spec();
        spec.s3.fields = fields.clone();
        spec.cloud_watch_logs.fields = fields;
        spec.s3.file_format = format;
        spec.s3.hive_compatible_partitions = hive;
        spec.s3.per_hour_partition = hourly;
        spec.s3.kms_key_arn = key;
        spec
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_applied_does_not_differ(spec in any_spec()) {
        let monitor = fixtures::with_spec(spec);
        prop_assert_eq!(changes(&monitor, &applied(&monitor)), Vec::<String>::new());
    }

    #[test]
    fn any_spec_becomes_any_other(before in any_spec(), after in any_spec()) {
        let observed = applied(&fixtures::with_spec(before.clone()));
        let monitor = fixtures::with_spec(after.clone());
        prop_assert_eq!(changes(&monitor, &observed).is_empty(), before == after);
    }
}

#[test]
fn the_names_of_saved_queries_are_unique_and_sorted() {
    let athena: Vec<_> = saved_queries::ALL.iter().map(|query| query.name).collect();
    let logs_insights: Vec<_> = insights::ALL.iter().map(|query| query.name).collect();
    for names in [athena, logs_insights] {
        assert!(names.is_sorted_by(|name, next| name < next), "{names:?}");
    }
}

//! The command `status` for fleets, and for the monitors beside them.

use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testkit::apply::apply;
use testkit::cluster::Cluster;
use testkit::rights;
use tokio::process::Command;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::fleet::{VpcFlowFleet, VpcFlowFleetSpec};
use vpc_flow_operator::fleet::{DesiredMonitor, FleetIdentity, FoundVpc, PlaceRegion};

use super::finished::{Finished, PROGRAM, about, status};

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-30T11:56:00Z"})
}

const DENIED: &str = "LogGroupReady: CloudWatch Logs CreateLogGroup: AccessDeniedException: no";

fn spec(traffic: &str) -> Value {
    json!({
        "places": [{"name": "payments", "regions": ["eu-west-1", "eu-central-1"]}],
        "selector": {"matchTags": {"env": "prod"}},
        "template": {"spec": {"trafficType": traffic}},
    })
}

/// The monitor of a VPC with the template of this traffic and this status, as the operator makes it.
async fn make_monitor(cluster: &Cluster, fleet: &FleetIdentity, number: u32, traffic: &str, mut status: Value) {
    let spec: VpcFlowFleetSpec = serde_json::from_value(spec(traffic)).unwrap();
    let vpc = FoundVpc {
        id: format!("vpc-0123456789abcde{number:02x}"),
        tags: [("env".to_owned(), "prod".to_owned())].into(),
        is_default: false,
        owner: None,
    };
    let at = PlaceRegion { place: "payments".to_owned(), region: None, assume_role: None };
    let desired = DesiredMonitor::new(fleet, &spec, &vpc, &at, "eu-west-1");
    let manifest = Patch::Apply(desired.manifest(fleet, "2026-11-30T11:00:00Z"));
    let made = cluster.monitors.patch(&desired.name, &PatchParams::apply("test"), &manifest).await.unwrap();
    status["observedGeneration"] = json!(made.metadata.generation);
    let status = Patch::Merge(json!({"status": status}));
    cluster.monitors.patch_status(&desired.name, &PatchParams::default(), &status).await.unwrap();
}

/// The fleet `prod` in the second of three waves: one of its monitors is denied, and one has a former template and an alarm that fires. Beside
/// it is the monitor `alone`.
async fn fleet_and_monitor(name: &str) -> (Cluster, Api<VpcFlowFleet>) {
    let cluster = Cluster::new(name).await;
    let fleets: Api<VpcFlowFleet> = Api::namespaced(cluster.client.clone(), name);
    let metadata = json!({"name": "prod", "labels": {"team": "network"}});
    let made = apply(&fleets, &metadata, &spec("REJECT")).await;
    let waits = format!("wave 2 of 3 waits for prod-0123456789abcde02 (AccessDenied: {DENIED})");
    let status = json!({
        "observedGeneration": made.metadata.generation,
        "conditions": [condition("Ready", "False", "Progressing", &waits)],
        "monitors": {"wanted": 3, "present": 3, "ready": 2, "updated": 2, "orphaned": 0},
        "rollout": {"wave": "2/3", "message": waits},
        "places": [
            {"name": "payments", "accountId": "444455556666", "region": "eu-west-1", "vpcs": 4},
            {"name": "payments", "accountId": "444455556666", "region": "eu-central-1", "message": "EC2 DescribeVpcs: no"},
        ],
        "skipped": [{"vpcId": "vpc-0123456789abcde0a", "reason": "NameTaken", "message": "rename the other one"}],
    });
    fleets.patch_status("prod", &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await.unwrap();

    let uid = made.metadata.uid.unwrap();
    let identity = FleetIdentity { namespace: name.to_owned(), name: "prod".to_owned(), uid };
    let ready = condition("Ready", "True", "Reconciled", "AWS is as declared");
    let denied = condition("Ready", "False", "AccessDenied", DENIED);
    make_monitor(&cluster, &identity, 1, "REJECT", json!({"conditions": [ready]})).await;
    make_monitor(&cluster, &identity, 2, "REJECT", json!({"conditions": [denied]})).await;
    let alarms =
        json!([{"name": "rejected-connections", "state": "ALARM"}, {"name": "high-data-transfer", "state": "OK"}]);
    make_monitor(&cluster, &identity, 3, "ALL", json!({"conditions": [ready], "alarms": alarms})).await;
    cluster.create("alone", VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")).await;
    (cluster, fleets)
}

/// The names of the objects in the JSON, fleets by `vff/` and overviews by `vfo/`.
fn names(finished: &Finished) -> Vec<String> {
    let document = finished.document();
    let text = |value: &Value| value.as_str().unwrap().split_once('/').unwrap().1.to_owned();
    let name = |it: &Value| match (it.get("fleet"), it.get("overview")) {
        (Some(fleet), _) => format!("vff/{}", text(fleet)),
        (_, Some(overview)) => format!("vfo/{}", text(overview)),
        _ => text(&it["monitor"]),
    };
    document.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_fleet_is_a_tree_of_its_monitors() {
    let (cluster, _) = fleet_and_monitor("status-fleet-tree").await;
    let all = status(&cluster, &[]).await;
    assert_eq!((all.code, all.stderr.as_str()), (0, ""), "{all:#?}");
    let (tree, alone) = all.stdout.split_once("\n\n\n").unwrap();
    let since = tree.lines().nth(1).and_then(|line| line.strip_prefix("Not ready for ")?.split_once(", ")).unwrap().0;
    assert_eq!(
        tree.replace(&format!("for {since}, "), "for a while, "),
        "Fleet status-fleet-tree/prod: 3 wanted, 2 ready, 2 updated, 0 orphaned
Not ready for a while, Progressing: wave 2 of 3 waits for prod-0123456789abcde02
[######----] 2 of 3 monitors have the present template, wave 2 of 3

Places that cannot be read
  payments in account 444455556666, eu-central-1
    EC2 DescribeVpcs: no

Skipped VPCs
  NameTaken: vpc-0123456789abcde0a
    rename the other one

Monitors
  payments in account 444455556666, eu-west-1
    ok  prod-0123456789abcde01: vpc-0123456789abcde01
    !!  prod-0123456789abcde02: vpc-0123456789abcde02
        AccessDenied: LogGroupReady: CloudWatch Logs CreateLogGroup:
        AccessDeniedException: no
    ok  prod-0123456789abcde03: vpc-0123456789abcde03, former template
        fires: rejected-connections
  payments in account 444455556666, eu-central-1: cannot be read"
    );
    assert!(alone.starts_with("status-fleet-tree/alone: vpc-0123456789abcdef0\n"), "{alone}");

    let listed = status(&cluster, &["-o", "json"]).await.document();
    assert_eq!(listed[0]["fleet"], "status-fleet-tree/prod");
    assert_eq!(listed[0]["rollout"]["wave"], 2);
    assert_eq!(listed[0]["places"][0]["monitors"][1]["ready"]["reason"], "AccessDenied");
    assert_eq!(listed[1]["monitor"], "status-fleet-tree/alone");
    let yaml = status(&cluster, &["vff/prod", "-o", "yaml"]).await.stdout;
    assert!(yaml.starts_with("- fleet: status-fleet-tree/prod\n"), "{yaml}");
}

#[tokio::test]
async fn fleets_are_chosen_beside_monitors() {
    let (cluster, fleets) = fleet_and_monitor("status-fleet-names").await;
    let monitors = ["01", "02", "03"].map(|number| format!("prod-0123456789abcde{number}"));
    let first = monitors[0].as_str();
    for (arguments, expected) in [
        (vec![], vec!["vff/prod", "alone"]),
        (vec!["vff/prod"], vec!["vff/prod"]),
        (vec!["vff", "prod"], vec!["vff/prod"]),
        (vec!["vpcflowfleets.vpcflow.dev/prod", "prod"], vec!["vff/prod"]),
        (vec![first, "prod", "vfm/alone"], vec![first, "vff/prod", "alone"]),
        (vec!["-l", "team=network"], vec!["vff/prod"]),
        (vec!["-l", "vpcflow.dev/fleet=prod"], monitors.iter().map(String::as_str).collect()),
    ] {
        let finished = status(&cluster, &[&arguments[..], &["-o", "json"]].concat()).await;
        assert_eq!(names(&finished), expected, "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.code, 0, "{arguments:?}");
    }
    // The labels are those of the fleet, and all its monitors are of it.
    let labelled = status(&cluster, &["-l", "team=network", "-o", "json"]).await.document();
    assert_eq!(labelled[0]["places"][0]["monitors"].as_array().unwrap().len(), 3);
    let everywhere = Finished::of(Command::new(PROGRAM).args(["status", "-A", "-o", "json"])).await;
    assert!(names(&everywhere).contains(&"vff/prod".to_owned()), "{everywhere:#?}");

    let missing = status(&cluster, &["vfm/prod", "vff/alone"]).await;
    assert_eq!(missing.code, 1);
    assert_eq!(
        missing.stderr,
        "error: there is no VpcFlowMonitor status-fleet-names/prod: `kubectl get vfm -A` lists all\n\
         error: there is no VpcFlowFleet status-fleet-names/alone: `kubectl get vff -A` lists all\n"
    );
    let verified = about("verify", &cluster, &["vff/prod"]).await;
    assert!(verified.stderr.contains("choose its monitors with `-l vpcflow.dev/fleet=prod`"), "{verified:#?}");

    // A monitor has its name before a fleet.
    cluster.create("prod", VpcFlowMonitorSpec::new("vpc-0123456789abcdef1")).await;
    assert_eq!(names(&status(&cluster, &["prod", "-o", "json"]).await), ["prod"]);
    // Without its fleet a monitor is one by itself.
    fleets.delete("prod", &DeleteParams::default()).await.unwrap();
    let expected = [&["alone", "prod"][..], &monitors.each_ref().map(String::as_str)].concat();
    assert_eq!(names(&status(&cluster, &["-o", "json"]).await), expected);
}

#[tokio::test]
async fn a_user_who_may_not_list_fleets_sees_monitors() {
    let (cluster, _) = fleet_and_monitor("status-fleet-rights").await;
    let administrators = std::env::var_os("KUBECONFIG").map(std::path::PathBuf::from).unwrap();
    // The operator without the rights for fleets.
    let token = rights::token(&cluster.client, &cluster.namespace).await;
    let kubeconfig = rights::kubeconfig(&administrators, &token, "status-fleet-rights");
    let as_user = ["--kubeconfig", kubeconfig.to_str().unwrap(), "-o", "json"];
    let shown = status(&cluster, &as_user).await;
    let monitors = ["01", "02", "03"].map(|number| format!("prod-0123456789abcde{number}"));
    assert_eq!(names(&shown), [&["alone".to_owned()][..], &monitors].concat(), "{shown:#?}");
    assert_eq!(shown.code, 0, "{shown:#?}");
    assert!(
        shown.stderr.contains("note: VpcFlowFleets are not shown: vpcflowfleets.vpcflow.dev is forbidden: "),
        "{shown:#?}"
    );
    let named = status(&cluster, &[&["alone"][..], &as_user].concat()).await;
    assert_eq!((names(&named), named.code), (vec!["alone".to_owned()], 0));
    let unknown = status(&cluster, &[&["prod"][..], &as_user].concat()).await;
    assert!(unknown.stderr.starts_with("error: there is no VpcFlowMonitor status-fleet-rights/prod: "), "{unknown:#?}");
    let refused = status(&cluster, &[&["vff/prod"][..], &as_user].concat()).await;
    assert!(refused.stderr.starts_with("error: cannot read VpcFlowFleet status-fleet-rights/prod: "), "{refused:#?}");
    std::fs::remove_file(kubeconfig).unwrap();
}

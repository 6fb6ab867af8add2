//! Fleets in files, planned beside monitors.

use std::path::PathBuf;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use testkit::apply::replace_parts;
use testkit::rights;
use testkit::sandbox::{REGION, Sandbox};
use vpc_flow_operator::api::spec::TrafficType;

use super::command::{CHANGES, ERROR, NOTHING_TO_DO, file, monitor, run};
use crate::commands::finished::Finished;
use crate::fleets::{Stage, make_prod, make_vpc, small, small_with};
use testkit::roles::trusting_role;

/// A fleet of VPCs with the tag `env=prod`. `changes` replaces parts of its spec.
fn fleet(name: &str, changes: &Value) -> Value {
    let mut spec = json!({
        "places": [{"name": "home"}], "selector": {"matchTags": {"env": "prod"}}, "template": {"spec": small()},
    });
    replace_parts(&mut spec, changes);
    json!({"apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowFleet", "metadata": {"name": name}, "spec": spec})
}

fn fleet_file(test: &str, changes: &Value) -> String {
    file(&format!("fleet-{test}"), &fleet("prod", changes).to_string())
}

/// The plan of a file in namespace `network`, without a cluster.
async fn offline(sandbox: &Sandbox, path: &str, flags: &[&str]) -> Finished {
    let always = ["-n", "network", "-f", path, "--cluster-name", "test"];
    run(sandbox, false, &[&always[..], flags].concat()).await
}

/// The plan of a file, with the cluster of the stage.
async fn online(stage: &Stage, path: &str, flags: &[&str]) -> Finished {
    let always = ["-n", &stage.cluster.namespace, "-f", path, "--cluster-name", "test"];
    run(&stage.here, true, &[&always[..], flags].concat()).await
}

fn name_of(vpc: &str) -> String {
    format!("prod-{}", vpc.trim_start_matches("vpc-"))
}

async fn two(sandbox: &Sandbox) -> [String; 2] {
    let mut vpcs = [make_prod(sandbox).await, make_prod(sandbox).await];
    vpcs.sort();
    vpcs
}

#[tokio::test]
async fn the_vpcs_of_all_places_are_found_and_their_monitors_planned_once_if_they_are_the_same() {
    let (here, there) = (Sandbox::new("plan::fleet").await, Sandbox::new("plan::fleet-there").await);
    let role = trusting_role(&there, &here).await;
    let of_home = two(&here).await;
    let elsewhere = make_vpc(&here.config, "us-east-1", &[("env", "prod")]).await;
    let other = make_prod(&there).await;
    make_vpc(&here.config, REGION, &[("env", "dev")]).await;
    let changes = json!({"template": {}, "places": [
        {"name": "home", "regions": [REGION, "us-east-1"]}, {"name": "other", "assumeRole": role},
    ]});
    let path = fleet_file("places", &changes);
    let allowed = format!("network={}", role.role_arn);
    let flags = ["--allowed-role", &allowed];
    let reported = offline(&here, &path, &flags).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let [first, second, third, fourth] = [&of_home[0], &of_home[1], &elsewhere, &other].map(|vpc| name_of(vpc));
    let head = format!(
        "fleet network/prod: 4 monitors (4 to create)\n\nPlaces\n  home in {REGION}, account {here}: 2 VPCs\n  \
         home in us-east-1, account {here}: 1 VPC\n  other in {REGION}, account {there}: 1 VPC\n\n\
         Monitors\n  at once: 4 to create: {first}, {second}, {third}, {fourth}\n\n\
         Note: the monitors of the cluster are not known: ",
        here = here.account,
        there = there.account,
    );
    assert!(reported.stdout.starts_with(&head), "{head}\n\n{}", reported.stdout);
    let last_of_group = format!(
        "\nnetwork/{fourth}: {other} in account {}, {REGION}\nThese 4 monitors have the same plan but for names. That of the first one:\n\
         cluster test (from --cluster-name)\n",
        there.account
    );
    assert!(reported.stdout.contains(&last_of_group), "{}", reported.stdout);
    assert_eq!(reported.stdout.matches("\n  + bucket vpc-flow-logs-").count(), 1, "{}", reported.stdout);
    assert!(
        reported.stdout.contains("\n4 monitors: ") && reported.stdout.ends_with(" to create.\n"),
        "{}",
        reported.stdout
    );

    let json = offline(&here, &path, &[&flags[..], &["-o", "json", "--gb-per-day", "10"]].concat()).await.document();
    let (fleets, monitors) = (&json["fleets"], json["monitors"].as_array().unwrap());
    assert_eq!(fleets[0]["monitors"].as_array().unwrap().len(), 4, "{fleets}");
    assert_eq!((&monitors[3]["fleet"], &monitors[3]["accountId"]), (&json!("network/prod"), &json!(there.account)));
    let each = monitors[0]["cost"]["perMonth"].as_f64().unwrap();
    let all = fleets[0]["cost"]["perMonth"].as_f64().unwrap();
    assert!(each > 200.0 && (all - 4.0 * each).abs() < 0.01, "{each} {all}");
    let text = offline(&here, &path, &[&flags[..], &["--gb-per-day", "10"]].concat()).await.stdout;
    let line = format!("\nCost a month at 10 GB of records a day of each monitor, USD: {all:.2} for 4 monitors\n");
    assert!(text.contains(&line), "{text}");

    // The role is not listed: that place is a problem, and hides no other.
    let before = there.latest_call().await;
    let refused = offline(&here, &path, &[]).await;
    assert_eq!(refused.code, ERROR, "{} {}", refused.stdout, refused.stderr);
    let problem = format!(
        "\nProblems\n  ! AccessDenied: place other cannot be read: spec.assumeRole: {0} is not allowed for namespace network; the \
         operator must be started with --allowed-role network={0}; give plan the same flag; its monitors stay as they are\n",
        role.role_arn
    );
    assert!(refused.stdout.contains(&problem), "{problem}\n\n{}", refused.stdout);
    assert!(refused.stdout.contains("\n  at once: 3 to create: "), "{}", refused.stdout);
    assert!(refused.stdout.contains("; 1 fleet with problems.\n"), "{}", refused.stdout);
    assert_eq!(there.latest_call().await, before);
}

#[tokio::test]
async fn a_bad_fleet_or_template_is_reported_once_in_its_own_words() {
    let sandbox = Sandbox::new("plan::fleet-bad").await;
    let vpcs = two(&sandbox).await;
    let template =
        json!({"template": {"spec": {"trafficTyp": "ALL", "s3": {"lifecycle": {"deepArchiveAfterDays": 179}}}}});
    let reported = offline(&sandbox, &fleet_file("template", &template), &[]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    for problem in [
        "  ! InvalidSpec: spec.template.spec.trafficTyp: unknown field; did you mean trafficType?\n",
        "  ! InvalidSpec: spec.template.spec.s3.lifecycle.deepArchiveAfterDays: ",
    ] {
        assert_eq!(reported.stdout.matches(problem).count(), 1, "{}", reported.stdout);
    }
    assert!(reported.stdout.contains("\n  home in eu-west-1, account "), "{}", reported.stdout);
    assert!(!vpcs.iter().any(|vpc| reported.stdout.contains(&name_of(vpc))), "{}", reported.stdout);

    // The file has a monitor, too, which is planned.
    let mut bad = fleet("prod", &json!({"selector": {}, "maxMonitor": 3}));
    bad["metadata"]["namespace"] = json!("network");
    let path = file("fleet-and-monitor", &format!("{bad}\n---\n{}", monitor(&sandbox, "")));
    let reported = offline(&sandbox, &path, &[]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    for problem in
        ["spec.selector: a selector needs matchTags", "spec.maxMonitor: unknown field; did you mean maxMonitors?"]
    {
        assert!(reported.stderr.contains(&format!("document 1: {problem}")), "{}", reported.stderr);
    }
    assert!(reported.stdout.starts_with("network/production: "), "{}", reported.stdout);
}

#[tokio::test]
async fn a_vpc_without_a_monitor_is_listed_with_its_reason() {
    let sandbox = Sandbox::new("plan::fleet-skipped").await;
    let [first, second] = two(&sandbox).await;
    let by_hand = monitor(&sandbox, "").replace(&sandbox.vpc_id, &first);
    let path = file("fleet-watched", &format!("{}\n---\n{by_hand}", fleet("prod", &json!({}))));
    let reported = offline(&sandbox, &path, &[]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let line = format!(
        "\nWithout a monitor\n  {first}: AlreadyMonitored: VpcFlowMonitor network/production watches the VPC already"
    );
    assert!(reported.stdout.contains(&line), "{}", reported.stdout);
    assert!(
        reported.stdout.starts_with("network/production: ")
            && reported.stdout.contains("\nfleet network/prod: 1 monitor ")
    );

    // The first fleet of a file has the VPCs.
    let both = format!("{}\n---\n{}", fleet("prod", &json!({"maxMonitors": 1})), fleet("other", &json!({})));
    let reported = offline(&sandbox, &file("fleet-limit", &both), &["-o", "json"]).await;
    assert_eq!(reported.code, ERROR, "{} {}", reported.stdout, reported.stderr);
    let fleets = reported.document()["fleets"].clone();
    let skipped =
        |index: usize| (fleets[index]["skipped"][0]["vpcId"].clone(), fleets[index]["skipped"][0]["reason"].clone());
    assert_eq!(skipped(0), (json!(second), json!("Limit")));
    assert_eq!(skipped(1), (json!(first), json!("AlreadyMonitored")));
}

#[tokio::test]
async fn a_change_is_planned_as_the_operator_makes_it() {
    let stage = Stage::new("plan-fleet-waves").await;
    let mut vpcs: Vec<String> = two(&stage.here).await.into();
    vpcs.push(make_prod(&stage.here).await);
    vpcs.sort();
    let operator = stage.start();
    let rollout = json!({"waves": [1, "100%"], "soakSeconds": 86400});
    stage.apply("prod", json!({"rollout": rollout})).await;
    stage.wait_ready("prod").await;
    operator.stop().await;
    let [first, second, third] = [0, 1, 2].map(|index| name_of(&vpcs[index]));

    let unchanged = online(&stage, &fleet_file("unchanged", &json!({"rollout": rollout})), &[]).await;
    assert_eq!(unchanged.code, NOTHING_TO_DO, "{} {}", unchanged.stdout, unchanged.stderr);
    assert!(
        unchanged.stdout.starts_with("fleet plan-fleet-waves/prod: 3 monitors (3 unchanged)\n"),
        "{}",
        unchanged.stdout
    );
    assert_eq!(unchanged.stdout.matches("\nNo changes. AWS is as declared.\n").count(), 1, "{}", unchanged.stdout);
    assert!(!unchanged.stdout.contains("Note: "), "{}", unchanged.stdout);

    // Somebody sets a field that the template leaves out. The operator has not seen it yet.
    let edit = Patch::Merge(json!({"spec": {"tags": {"own": "x"}}}));
    stage.cluster.monitors.patch(&second, &PatchParams::default(), &edit).await.unwrap();
    let changed = json!({"rollout": rollout, "template": small_with("trafficType", json!("REJECT"))});
    let path = fleet_file("changed", &changed);
    let reported = online(&stage, &path, &[]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    let waves = format!(
        "\nMonitors\n  wave 1 of 2, under way: 1 to update: {first}\n  wave 2 of 2: 2 to update: {second}, {third}\n"
    );
    assert!(reported.stdout.contains(&waves), "{}", reported.stdout);
    let document = online(&stage, &path, &["-o", "json"]).await.document();
    let plans = document["monitors"].as_array().unwrap();
    let of_waves: Vec<_> = plans.iter().map(|plan| plan["wave"].as_u64().unwrap()).collect();
    assert_eq!(of_waves, [1, 2, 2]);
    let sets = |plan: &Value, path: &str, value: &str| {
        let mut fields = plan["changes"].as_array().unwrap().iter().flat_map(|it| it["fields"].as_array().unwrap());
        fields.any(|field| field["path"] == path && field["new"] == value)
    };
    assert!(plans.iter().all(|plan| sets(plan, "trafficType", "REJECT")), "{document:#}");
    let tagged: Vec<bool> = plans.iter().map(|plan| sets(plan, "tags.own", "x")).collect();
    assert_eq!(tagged, [false, true, false], "the field stays: {document:#}");

    let operator = stage.start();
    stage.apply("prod", changed).await;
    stage
        .wait("prod", "the first wave", |fleet| {
            crate::fleets::message(fleet, "Ready").contains("is Ready and observed until")
        })
        .await;
    let rejecting: Vec<_> = stage
        .monitors("prod")
        .await
        .into_iter()
        .filter(|monitor| monitor.spec.traffic_type == TrafficType::Reject)
        .filter_map(|monitor| monitor.metadata.name)
        .collect();
    assert_eq!(rejecting, [first.as_str()]);
    operator.stop().await;
    let waiting = online(&stage, &path, &[]).await;
    assert!(
        waiting.stdout.contains(&format!("\n  wave 1 of 2, under way: 1 unchanged: {first}\n")),
        "{}",
        waiting.stdout
    );
    assert!(waiting.stdout.contains("\nNote: wave 1 of 2 is Ready and observed until "), "{}", waiting.stdout);

    let gone = online(&stage, &path, &["--destroy"]).await;
    assert_eq!(gone.code, CHANGES, "{} {}", gone.stdout, gone.stderr);
    let head =
        "deletion of fleet plan-fleet-waves/prod: 3 monitors (3 to delete)\n\nMonitors\n  at once: 3 to delete: ";
    assert!(gone.stdout.starts_with(head), "{}", gone.stdout);
    assert!(gone.stdout.contains(&format!("\ndeletion of plan-fleet-waves/{first}: ")), "{}", gone.stdout);
    stage.clear(stage.start()).await;
}

#[tokio::test]
async fn an_orphan_stays_or_is_deleted_by_policy() {
    let stage = Stage::new("plan-fleet-orphan").await;
    let [first, second] = two(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    operator.stop().await;
    let excluded =
        |prune: Value| json!({"selector": {"matchTags": {"env": "prod"}, "excludeVpcIds": [second]}, "prune": prune});
    let keep = online(&stage, &fleet_file("keep", &excluded(json!({}))), &[]).await;
    assert_eq!(keep.code, NOTHING_TO_DO, "{} {}", keep.stdout, keep.stderr);
    let head = "fleet plan-fleet-orphan/prod: 1 monitor (1 unchanged); 1 orphaned\n";
    assert!(keep.stdout.starts_with(head), "{}", keep.stdout);
    let line = format!(
        "\nOrphaned\n  plan-fleet-orphan/{} ({second}): stays, because prune.policy is Keep\n",
        name_of(&second)
    );
    assert!(keep.stdout.contains(&line), "{}", keep.stdout);

    // Long since, so that its time has come.
    let mark =
        Patch::Merge(json!({"metadata": {"annotations": {"vpcflow.dev/orphaned-since": "2026-01-01T00:00:00Z"}}}));
    stage.cluster.monitors.patch(&name_of(&second), &PatchParams::default(), &mark).await.unwrap();
    let delete = online(&stage, &fleet_file("delete", &excluded(json!({"policy": "Delete"}))), &[]).await;
    assert_eq!(delete.code, CHANGES, "{} {}", delete.stdout, delete.stderr);
    assert!(delete.stdout.contains(&format!(" ({second}): is deleted\n")), "{}", delete.stdout);
    let deletion = format!("\ndeletion of plan-fleet-orphan/{}: {second} in account ", name_of(&second));
    assert!(delete.stdout.contains(&deletion), "{}", delete.stdout);
    assert!(
        !delete.stdout.contains(&format!("deletion of plan-fleet-orphan/{}", name_of(&first))),
        "{}",
        delete.stdout
    );
    stage.clear(stage.start()).await;
}

/// A kubeconfig of a person who may read monitors and fleets of the namespace, and nothing else.
async fn reader(stage: &Stage) -> String {
    let (client, namespace) = (&stage.cluster.client, stage.cluster.namespace.as_str());
    let apply = PatchParams::apply("test").force();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}});
    accounts.patch("reader", &apply, &Patch::Apply(account)).await.unwrap();
    let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
        "rules": [{"apiGroups": ["vpcflow.dev"], "resources": ["*"], "verbs": ["get", "list"]}],
    });
    roles.patch("reader", &apply, &Patch::Apply(role)).await.unwrap();
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    });
    bindings.patch("reader", &apply, &Patch::Apply(binding)).await.unwrap();
    let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let issued = accounts.create_token_request("reader", &PostParams::default(), &request).await.unwrap();
    let administrators = PathBuf::from(std::env::var_os("KUBECONFIG").unwrap());
    let path = rights::kubeconfig(&administrators, &issued.status.unwrap().token.unwrap(), "plan-fleet-reader");
    let config = Kubeconfig::read_from(&path).unwrap();
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let right = ResourceAttributes {
        group: Some("vpcflow.dev".to_owned()),
        resource: Some("vpcflowfleets".to_owned()),
        verb: Some("list".to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    rights::wait_until_allowed(&Client::try_from(config).unwrap(), &right, true).await;
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_fleet_in_the_cluster_is_planned_by_its_name() {
    let stage = Stage::new("plan-fleet-name").await;
    two(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    operator.stop().await;
    let named = async |arguments: &[&str]| {
        let always = ["-n", &stage.cluster.namespace, "--cluster-name", "test"];
        run(&stage.here, true, &[&always[..], arguments].concat()).await
    };
    let settled = named(&["vff/prod"]).await;
    assert_eq!(settled.code, NOTHING_TO_DO, "{} {}", settled.stdout, settled.stderr);
    assert!(settled.stdout.starts_with("fleet plan-fleet-name/prod: 2 monitors (2 unchanged)"), "{}", settled.stdout);
    assert!(!settled.stdout.contains("Note: "), "{}", settled.stdout);
    // A VPC that has appeared since.
    let third = make_prod(&stage.here).await;
    let found = named(&["prod"]).await;
    assert_eq!(found.code, CHANGES, "{} {}", found.stdout, found.stderr);
    assert!(found.stdout.contains(&format!("1 to create: {}", name_of(&third))), "{}", found.stdout);
    let deletion = named(&["prod", "--destroy"]).await;
    assert!(
        deletion.stdout.starts_with("deletion of fleet plan-fleet-name/prod: 2 monitors (2 to delete)"),
        "{}",
        deletion.stdout
    );
    // The operator finds the third VPC, too.
    let operator = stage.start();
    stage.search("prod", "third").await;
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_person_who_may_only_read_learns_what_the_plan_lacks() {
    let stage = Stage::new("plan-fleet-reader").await;
    two(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    operator.stop().await;
    let kubeconfig = reader(&stage).await;
    let path = fleet_file("reader", &json!({"template": small_with("trafficType", json!("REJECT"))}));
    let reported = online(&stage, &path, &["--kubeconfig", &kubeconfig]).await;
    assert_eq!(reported.code, CHANGES, "{} {}", reported.stdout, reported.stderr);
    assert!(reported.stdout.contains("\n  wave 1 of 3, under way: 1 to update: "), "{}", reported.stdout);
    for (note, end) in [
        ("no API server has checked the fleet: vpcflowfleets.vpcflow.dev \"prod\" is forbidden: User ", ")"),
        ("monitors of other namespaces are not known: ", "at the cluster scope"),
        (
            "no API server has checked the monitors of the fleet: vpcflowmonitors.vpcflow.dev \"prod-00000000000000000\" is ",
            "fields that somebody set beside the template are not in the plan",
        ),
    ] {
        let line = reported.stdout.lines().find(|line| line.starts_with(&format!("Note: {note}")));
        assert!(line.is_some_and(|line| line.ends_with(end)), "{note}: {}", reported.stdout);
    }
    assert_eq!(reported.stdout.matches("no API server has checked").count(), 2, "{}", reported.stdout);
    std::fs::remove_file(kubeconfig).unwrap();
    stage.clear(stage.start()).await;
}

//! The statements of others, and of AWS, in the policy of the bucket.

use super::*;

fn policy(statements: &[Value]) -> Policy {
    Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn sids(document: &Value) -> Vec<&str> {
    document["Statement"].as_array().unwrap().iter().map(|statement| statement["Sid"].as_str().unwrap()).collect()
}

/// Conditions of a statement as AWS writes it for the logs of an account.
fn source(account: &str) -> Value {
    json!({
        "StringEquals": {"aws:SourceAccount": account, "s3:x-amz-acl": "bucket-owner-full-control"},
        "ArnLike": {"aws:SourceArn": format!("arn:aws:logs:eu-west-1:{account}:*")},
    })
}

const WRITE: &str = "AWSLogDeliveryWrite";
const CHECK: &str = "AWSLogDeliveryAclCheck";

/// A statement as AWS writes it for the logs of an account in this folder, or as a bucket's owner copies it from the user guide.
fn write(monitor: &Monitor, account: &str, folder: &str) -> Value {
    json!({
        "Sid": WRITE,
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{}/{folder}/*", monitor.names.bucket),
        "Condition": source(account),
    })
}

fn check(monitor: &Monitor, account: &str) -> Value {
    let mut condition = source(account);
    condition["StringEquals"].as_object_mut().unwrap().remove("s3:x-amz-acl");
    json!({
        "Sid": CHECK,
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{}", monitor.names.bucket)],
        "Condition": condition,
    })
}

/// AWS's own statements for the monitor's flow log.
fn own(monitor: &Monitor) -> Vec<Value> {
    let account = &monitor.account_region.account;
    let folder = format!("{}AWSLogs/aws-account-id={account}", monitor.key_prefix());
    vec![write(monitor, account, &folder), check(monitor, account)]
}

/// The policy statements that the status records.
fn recorded(monitor: &Monitor, bucket: &ObservedBucket, own: &[Value]) -> Option<String> {
    without_aws_own(&others_policy(monitor, &here(monitor, bucket.clone()))?, own)
}

/// The two policies that the operator writes after `CreateFlowLogs` has replaced the policy: one if it restores the lost statements at
/// once, the other if it ended before and restores them in a later pass. `replaced` is the monitor with its former spec, whose flow log the
/// new one replaces.
fn after_create_flow_logs(monitor: &Monitor, before: &[Value], replaced: Option<&Monitor>) -> [Value; 2] {
    let ours = desired(monitor).statements;
    let (before, now) = (policy(before), policy(&own(monitor)));
    let all_own: Vec<_> = replaced.into_iter().chain([monitor]).flat_map(own).collect();
    let at_once = now.regained(&before, &all_own).unwrap();

    let mut monitor = monitor.clone();
    let mut bucket = at_rest(&monitor);
    bucket.policy = before;
    monitor.recorded_policy = recorded(&monitor, &bucket, &all_own);
    bucket.policy = now;
    assert_eq!(recorded(&monitor, &bucket, &all_own), monitor.recorded_policy, "until it is back");
    let later = policy_after(&diff(&monitor, &here(&monitor, bucket.clone())), &bucket);
    for document in [&at_once, &later] {
        assert!(policy(document["Statement"].as_array().unwrap()).ours_are(&ours), "{document:#}");
    }
    [at_once, later]
}

/// True if the policy has the statement, perhaps with a number added to its name.
fn has(document: &Value, statement: &Value) -> bool {
    document["Statement"].as_array().unwrap().iter().any(|known| {
        let mut renamed = known.clone();
        renamed["Sid"] = statement["Sid"].clone();
        let name = statement["Sid"].as_str().unwrap_or_default();
        renamed == *statement && known["Sid"].as_str().unwrap_or_default().starts_with(name)
    })
}

#[test]
fn only_the_monitors_own_flow_log_has_statements_of_aws_that_may_be_lost() {
    let monitor = fixtures::monitor();
    let account = monitor.account_region.account.clone();
    let ours = desired(&monitor).statements;
    let own = own(&monitor);
    let folder = format!("vpc-flow-logs/AWSLogs/aws-account-id={account}");
    let mut other_region = write(&monitor, &account, &folder);
    other_region["Condition"]["ArnLike"]["aws:SourceArn"] = json!(format!("arn:aws:logs:us-east-1:{account}:*"));
    let mut two_folders = own[0].clone();
    two_folders["Resource"] = json!([own[0]["Resource"], format!("arn:aws:s3:::{}/waf/*", monitor.names.bucket)]);
    let mut two_accounts = check(&monitor, &account);
    two_accounts["Condition"]["StringEquals"]["aws:SourceAccount"] = json!([account, "210987654321"]);
    let mut more_actions = own[0].clone();
    more_actions["Action"] = json!(["s3:PutObject", "s3:PutObjectTagging"]);
    let mut all_but = own[0].clone();
    all_but.as_object_mut().unwrap().remove("Resource");
    all_but["NotResource"] = json!("arn:aws:s3:::x/*");
    let mut named_otherwise = own[0].clone();
    named_otherwise["Sid"] = json!("FlowLogs");
    let mut in_a_list = write(&monitor, &account, &format!("resolver/AWSLogs/{account}"));
    in_a_list["Resource"] = json!([in_a_list["Resource"]]);
    for theirs in [
        write(&monitor, &account, &format!("resolver/AWSLogs/{account}")),
        in_a_list,
        // A flow log made by hand, in the same folder and another layout.
        write(&monitor, &account, &format!("vpc-flow-logs/AWSLogs/{account}")),
        write(&monitor, &account, &format!("AWSLogs/aws-account-id={account}")),
        write(&monitor, "210987654321", "AWSLogs/210987654321"),
        other_region,
        two_folders,
        two_accounts,
        more_actions,
        all_but,
        named_otherwise,
    ] {
        for document in
            after_create_flow_logs(&monitor, &[own.clone(), vec![theirs.clone()], ours.clone()].concat(), None)
        {
            assert!(has(&document, &theirs), "{theirs:#} is lost: {document:#}");
            assert_eq!(document["Statement"].as_array().unwrap().len(), own.len() + 1 + ours.len(), "{document:#}");
        }
    }
    // Two statements of others have the same name, which is one of AWS's.
    let resolver = write(&monitor, &account, &format!("resolver/AWSLogs/{account}"));
    let waf = write(&monitor, &account, &format!("waf/AWSLogs/{account}"));
    let before = [own.clone(), vec![resolver.clone(), waf.clone()], ours.clone()].concat();
    for document in after_create_flow_logs(&monitor, &before, None) {
        assert!(has(&document, &resolver) && has(&document, &waf), "{document:#}");
    }
}

#[test]
fn statements_of_aws_for_the_monitors_own_flow_log_are_replaced_in_any_form() {
    let monitor = fixtures::monitor();
    let (ours, own) = (desired(&monitor).statements, own(&monitor));
    for change in [
        |own: &mut Vec<Value>| own[0]["Resource"] = json!([own[0]["Resource"]]),
        |own: &mut Vec<Value>| own[0]["Action"] = json!(["s3:PutObject"]),
        |own: &mut Vec<Value>| own[1]["Action"] = json!("s3:GetBucketAcl"),
        |own: &mut Vec<Value>| {
            let folder = own[0]["Resource"].as_str().unwrap().trim_end_matches('*').to_owned();
            own[0]["Resource"] = json!(format!("{folder}aws-service=vpcflowlogs/*"));
        },
    ] {
        let mut earlier = own.clone();
        change(&mut earlier);
        let mut bucket = at_rest(&monitor);
        bucket.policy = policy(&[earlier.clone(), ours.clone()].concat());
        assert_eq!(recorded(&monitor, &bucket, &own), None, "{earlier:#?}");
        let [at_once, later] = after_create_flow_logs(&monitor, &[earlier, ours.clone()].concat(), None);
        for document in [at_once, later] {
            assert_eq!(document["Statement"].as_array().unwrap()[..2], own[..], "{document:#}");
            assert_eq!(document["Statement"].as_array().unwrap().len(), 5, "{document:#}");
        }
    }
}

#[test]
fn a_new_prefix_leaves_the_statements_of_other_logs_and_none_of_the_former_flow_log() {
    let former = fixtures::monitor();
    let account = former.account_region.account.clone();
    let resolver = write(&former, &account, &format!("resolver/AWSLogs/{account}"));
    let mut spec = former.spec.clone();
    spec.s3.prefix = "records".into();
    let monitor = fixtures::with_spec(spec);
    let mut bucket = at_rest(&monitor);
    let statements = [own(&former), vec![resolver.clone()], desired(&former).statements].concat();
    bucket.policy = policy(&statements);
    let reported = reported(&diff(&monitor, &here(&monitor, bucket)));
    assert!(reported.is_empty(), "the flow log delivers until it is replaced: {reported:?}");

    for document in after_create_flow_logs(&monitor, &statements, Some(&former)) {
        assert!(has(&document, &resolver) && !has(&document, &own(&former)[0]), "{document:#}");
        assert_eq!(document["Statement"].as_array().unwrap().len(), 6, "{document:#}");
    }
}

#[test]
fn what_lets_in_the_flow_logs_of_other_accounts_is_not_lost_to_the_names_aws_uses() {
    let monitor = fixtures::monitor();
    let theirs = write(&monitor, "210987654321", "AWSLogs/210987654321");
    let before = [vec![theirs.clone()], desired(&monitor).statements].concat();
    for document in after_create_flow_logs(&monitor, &before, None) {
        assert_eq!(sids(&document)[..3], [WRITE, CHECK, "AWSLogDeliveryWrite2"]);
        assert!(has(&document, &theirs));
        // The next flow log replaces the policy again: the statements are restored under their new names.
        let regained = policy(document["Statement"].as_array().unwrap());
        assert_eq!(regained.regained(&policy(&before), &own(&monitor)), None);
        let again = policy(&own(&monitor)).regained(&regained, &own(&monitor)).unwrap();
        assert_eq!(sids(&again)[..3], [WRITE, CHECK, "AWSLogDeliveryWrite2"]);
    }
}

#[test]
fn a_flow_log_of_somebody_else_costs_nothing_that_others_had() {
    let mut monitor = fixtures::monitor();
    let account = monitor.account_region.account.clone();
    let resolver = write(&monitor, &account, &format!("resolver/AWSLogs/{account}"));
    let mut bucket = at_rest(&monitor);
    bucket.policy = policy(&[desired(&monitor).statements, vec![resolver.clone()]].concat());
    monitor.recorded_policy = others_policy(&monitor, &here(&monitor, bucket.clone()));
    let theirs = write(&monitor, &account, &format!("subnet/AWSLogs/{account}"));
    bucket.policy = policy(&[theirs.clone(), check(&monitor, &account)]);
    let recorded = recorded(&monitor, &bucket, &own(&monitor)).unwrap();
    assert!(recorded.contains("subnet/") && recorded.contains("resolver/"), "{recorded}");
    let written = policy_after(&diff(&monitor, &here(&monitor, bucket.clone())), &bucket);
    assert!(has(&written, &theirs) && has(&written, &resolver), "{written:#}");
}

#[test]
fn what_a_policy_has_lost_comes_back_beside_what_it_has_gained() {
    let statement =
        |sid: &str, action: &str| json!({"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": "*"});
    let before = policy(&[statement("Theirs", "s3:GetObject"), statement("Both", "s3:PutObject")]);
    let after = policy(&[statement("Both", "s3:PutObject"), statement("AWSLogDeliveryWrite", "s3:PutObject")]);
    let own = own(&fixtures::monitor());
    let regained = after.regained(&before, &own).unwrap();
    assert_eq!(sids(&regained), ["Both", "AWSLogDeliveryWrite", "Theirs"]);
    assert_eq!(Policy::parse(&regained.to_string()).unwrap().regained(&before, &own), None);
}

#[test]
fn what_others_had_is_remembered_until_it_is_back() {
    let statement = |sid: &str| json!({"Sid": sid, "Effect": "Deny", "Action": ["s3:Get*"], "Resource": "*"});
    let mut monitor = fixtures::monitor();
    let mut bucket = at_rest(&monitor);
    let remembered = |monitor: &Monitor, bucket: &ObservedBucket| recorded(monitor, bucket, &own(monitor));
    assert_eq!(remembered(&monitor, &bucket), None);
    bucket.policy = policy(&[desired(&monitor).statements, vec![statement("Theirs")]].concat());
    monitor.recorded_policy = remembered(&monitor, &bucket);
    assert!(monitor.recorded_policy.as_ref().is_some_and(|policy| policy.contains("Theirs")));

    bucket.policy = policy(&own(&monitor));
    assert_eq!(remembered(&monitor, &bucket), monitor.recorded_policy);
    let repair = diff(&monitor, &here(&monitor, bucket.clone()));
    bucket.policy = Policy::parse(&policy_after(&repair, &bucket).to_string()).unwrap();
    assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket.clone()))).len(), 0);
    assert_eq!(remembered(&monitor, &bucket), monitor.recorded_policy);

    // Statements that their owner removes are not put back.
    bucket.policy = policy(&desired(&monitor).statements);
    assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket.clone()))).len(), 0);
    assert_eq!(remembered(&monitor, &bucket), None);
}

#[test]
fn a_policy_that_looks_unchanged_is_known_as_such() {
    let monitor = fixtures::monitor();
    let before = policy(&desired(&monitor).statements);
    assert_eq!(sids(&before.unchanged_since(&before).unwrap()).len(), 3);
    assert_eq!(policy(&own(&monitor)).unchanged_since(&before), None);
    assert_eq!(Policy::default().unchanged_since(&Policy::default()), None, "there is nothing to write");
}

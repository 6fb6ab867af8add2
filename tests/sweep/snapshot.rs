//! The state at the end of a phase, in terms that are the same in every world.

use anyhow::{Result, ensure};
use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use crate::world::{NAME, World};

/// Everything in AWS and the monitor, without ids, times and the world's own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    aws: Value,
    monitor: Value,
}

impl Snapshot {
    pub async fn take(world: &World) -> Result<Self> {
        let names = Names::of(world);
        let monitor = world.cluster.monitors.get_opt(NAME).await?;
        let monitor = monitor.map_or(Ok(Value::Null), serde_json::to_value)?;
        let mut aws = names.replace(&aws(world.sandbox.inventory().await))?;
        if monitor["spec"]["cloudWatchLogs"]["enabled"] == false {
            forget_packages(&mut aws);
        }
        Ok(Self { aws, monitor: resource(names.replace(&monitor)?) })
    }

    /// Names of everything in AWS, for messages and for what must be empty.
    pub fn resources(&self) -> Vec<String> {
        let kinds = self.aws.as_object().into_iter().flatten();
        kinds
            .flat_map(|(kind, all)| match all {
                Value::Object(named) => named.keys().map(|name| format!("{kind}/{name}")).collect(),
                Value::Array(list) => list.iter().map(|one| format!("{kind}/{}", one["LogDestinationType"])).collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// Fails unless AWS is the same but for bucket policies, which others change as well.
    pub fn check_aws(&self, should: &Self) -> Result<()> {
        let without_policies = |snapshot: &Self| {
            let mut aws = snapshot.aws.clone();
            for bucket in aws["buckets"].as_object_mut().into_iter().flatten() {
                bucket.1["policy"] = Value::Null;
            }
            Self { aws, monitor: Value::Null }
        };
        without_policies(self).check(&without_policies(should))
    }

    /// True if this word is anywhere in AWS.
    pub fn contains(&self, word: &str) -> bool {
        self.aws.to_string().contains(word)
    }

    /// Fails unless this is as it should be, except for effects of the past: tables over records of earlier layouts, the queries that read
    /// them, and the lifecycle rules of former prefixes.
    pub fn check_but_for_history(&self, should: &Self) -> Result<()> {
        let (mut is, former) = (self.clone(), Regex::new("_[0-9a-f]{10}$")?);
        for (_, database) in is.aws["databases"].as_object_mut().into_iter().flatten() {
            if let Some(tables) = database["tables"].as_object_mut() {
                tables.retain(|name, _| !former.is_match(name));
            }
        }
        for (workgroup, found) in is.aws["workgroups"].as_object_mut().into_iter().flatten() {
            let should = &should.aws["workgroups"][workgroup]["namedQueries"];
            for (name, query) in found["namedQueries"].as_object_mut().into_iter().flatten() {
                if query["query"].as_str().is_some_and(|text| text.contains("all_records AS (")) {
                    query.clone_from(&should[name]);
                }
            }
        }
        for (_, bucket) in is.aws["buckets"].as_object_mut().into_iter().flatten() {
            if let Some(rules) = bucket["lifecycle"].as_array_mut() {
                let is_former = |id: &Value| id.as_str().is_some_and(|id| id.contains("-records-former-"));
                rules.retain(|rule| !is_former(&rule["ID"]));
            }
        }
        is.forget_what_bands_forget(should);
        if let Some(resources) = is.monitor.pointer_mut("/status/resources").and_then(Value::as_array_mut) {
            resources.retain(|one| !one["message"].as_str().is_some_and(|text| text.starts_with("reads the earlier")));
        }
        is.check(should)
    }

    /// A band learns anew if the metric has come to count something else, and leaves the days before out.
    fn forget_what_bands_forget(&mut self, should: &Self) {
        for (_, alarm) in self.aws["alarms"].as_object_mut().into_iter().flatten() {
            if let Some(tags) = alarm["tags"].as_object_mut() {
                tags.remove("vpcflow.dev/band-forgets");
            }
        }
        for (name, model) in self.aws["anomalyModels"].as_object_mut().into_iter().flatten() {
            let declared = should.aws["anomalyModels"][name]["Configuration"]["ExcludedTimeRanges"].clone();
            if let Some(ranges) = model.pointer_mut("/Configuration/ExcludedTimeRanges").and_then(Value::as_array_mut) {
                ranges.retain(|range| declared.as_array().is_some_and(|declared| declared.contains(range)));
            }
        }
    }

    /// Fails with every place where this differs from what it should be.
    pub fn check(&self, should: &Self) -> Result<()> {
        let [is, should] = [self, should].map(|it| json!({"aws": it.aws, "monitor": it.monitor}));
        check_same(&should, &is)
    }
}

/// Fails with every place where a state differs from what it should be.
pub fn check_same(should: &Value, is: &Value) -> Result<()> {
    let mut differences = Vec::new();
    differ("", should, is, &mut differences);
    ensure!(differences.is_empty(), "not as it should be:\n  {}", differences.join("\n  "));
    Ok(())
}

fn differ(path: &str, should: &Value, is: &Value, differences: &mut Vec<String>) {
    match (should, is) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differ(&path, &of(left), &of(right), differences);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differ(&format!("{path}[{index}]"), left, right, differences);
            }
        }
        _ if should == is => {}
        _ => differences.push(format!("{path}: {should} expected, {is} found")),
    }
}

/// The names that are a world's own, and their placeholders.
struct Names(Vec<(String, &'static str)>);

impl Names {
    fn of(world: &World) -> Self {
        let (sandbox, namespace) = (&world.sandbox, &world.cluster.namespace);
        let names = sandbox.named_monitor(namespace, NAME, sandbox.spec()).names;
        // The longer ones first: they contain the shorter ones.
        Self(vec![
            (names.bucket.clone(), "BUCKET"),
            (names.base().to_owned(), "vfm-BASE"),
            (names.base().replace('-', "_"), "vfm_BASE"),
            (sandbox.vpc_id.clone(), "VPC"),
            (namespace.clone(), "NAMESPACE"),
            (sandbox.account.clone(), "ACCOUNT"),
        ])
    }

    fn replace(&self, value: &Value) -> Result<Value> {
        let mut text = value.to_string();
        for (name, stands_for) in &self.0 {
            text = text.replace(name, stands_for);
        }
        for (pattern, stands_for) in [
            ("fl-[0-9a-f]{17}", "FLOW-LOG"),
            ("vpc-cidr-assoc-[0-9a-f]+", "ASSOCIATION"),
            (r#""(vpcflow.dev/band-since|vpcflow.dev/events-since|fullFrom)":"[^"]*""#, r#""$1":"TIME""#),
            ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        ] {
            text = Regex::new(pattern)?.replace_all(&text, stands_for).into_owned();
        }
        // Fingerprints of endpoints depend on the account. Only their length is compared, which shows their number.
        let fingerprints = Regex::new(r#"("vpcflow.dev/subscriptions":)"([^"]*)""#)?;
        let as_many = |found: &Captures<'_>| format!(r#"{}"{}""#, &found[1], "x".repeat(found[2].len()));
        text = fingerprints.replace_all(&text, as_many).into_owned();
        Ok(serde_json::from_str(&text)?)
    }
}

/// Without a log group, the package has the names of the metrics that the detector counts, and they are the world's own.
fn forget_packages(aws: &mut Value) {
    for (_, function) in aws["functions"].as_object_mut().into_iter().flatten() {
        function["codeSha256"] = Value::Null;
        function["environment"]["CONFIG_VERSION"] = Value::Null;
    }
}

fn aws(mut inventory: Value) -> Value {
    // AWS chooses the ids of flow logs: two that stand for the same would hide behind one name.
    if let Some(flow_logs) = inventory["flowLogs"].as_object() {
        let mut flow_logs: Vec<Value> = flow_logs.values().cloned().collect();
        flow_logs.sort_by_key(|flow_log| (flow_log["LogDestinationType"].to_string(), flow_log.to_string()));
        inventory["flowLogs"] = Value::Array(flow_logs);
    }
    for bucket in inventory["buckets"].as_object_mut().into_iter().flatten() {
        // A bucket never goes back to the time before it had versions; to suspend them is as near as it gets.
        if bucket.1["versioning"].is_null() {
            bucket.1["versioning"] = json!("Suspended");
        }
        if let Some(Value::Array(statements)) = bucket.1.pointer_mut("/policy/Statement") {
            statements.sort_by_key(ToString::to_string);
        }
    }
    // The time of a change is in it.
    for model in inventory["anomalyModels"].as_object_mut().into_iter().flatten() {
        for range in
            model.1.pointer_mut("/Configuration/ExcludedTimeRanges").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if is_two_weeks(range) {
                *range = json!("TWO WEEKS");
            }
        }
    }
    // Evaluated when a minute has passed.
    for alarm in inventory["alarms"].as_object_mut().into_iter().flatten() {
        alarm.1["state"] = Value::Null;
    }
    inventory
}

fn is_two_weeks(range: &Value) -> bool {
    let time = |name: &str| range[name].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    time("StartTime").zip(time("EndTime")).is_some_and(|(start, end)| end.duration_since(start).as_hours() == 14 * 24)
}

/// Spec, status and finalizers, without times and what the test asked for.
fn resource(mut monitor: Value) -> Value {
    if monitor.is_null() {
        return monitor;
    }
    let status = &mut monitor["status"];
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
        condition["observedGeneration"] = Value::Null;
    }
    for alarm in status["alarms"].as_array_mut().into_iter().flatten() {
        alarm["state"] = Value::Null;
        alarm["since"] = Value::Null;
    }
    status["lastHandledReconcileAt"] = Value::Null;
    // The number of changes of the spec. Ready already requires that the status is of the present one.
    status["observedGeneration"] = Value::Null;
    json!({"spec": monitor["spec"], "status": monitor["status"], "finalizers": monitor["metadata"]["finalizers"]})
}

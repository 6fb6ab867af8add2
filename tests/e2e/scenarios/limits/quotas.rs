//! AWS's view of the calls: would its quotas have refused one?

use std::collections::BTreeMap;
use std::time::Instant;

use devenv::ProxiedCall;
use vpc_flow_operator::aws::operations::{ALL, Service};
use vpc_flow_operator::aws::quotas::Quota;

/// The name a service signs its requests with.
pub const fn signing_name(service: Service) -> &'static str {
    match service {
        Service::Athena => "athena",
        Service::CloudWatch => "monitoring",
        Service::CloudWatchLogs => "logs",
        Service::Ec2 => "ec2",
        Service::EventBridge => "events",
        Service::Glue => "glue",
        Service::Iam => "iam",
        Service::Lambda => "lambda",
        Service::Oam => "oam",
        Service::S3 => "s3",
        Service::Sns => "sns",
        Service::Sts => "sts",
    }
}

/// The arrival times of the calls that share a quota, by the name of the quota.
pub fn by_quota(calls: &[ProxiedCall]) -> BTreeMap<String, (Quota, Vec<Instant>)> {
    let mut arrivals = BTreeMap::new();
    for call in calls {
        let named = ALL.iter().find(|it| signing_name(it.service) == call.service && it.name == call.operation);
        let operation = named.unwrap_or_else(|| panic!("{} {} is not in the table", call.service, call.operation));
        let quota = *operation.quota;
        let name = if quota.each { format!("{} {}", call.service, call.operation) } else { quota.group.to_owned() };
        arrivals.entry(name).or_insert_with(|| (quota, Vec::new())).1.push(call.at);
    }
    arrivals
}

/// The number of arrivals that the quota's token bucket would refuse if it were `factor` times as large.
pub fn refused(quota: &Quota, factor: f64, arrivals: &[Instant]) -> usize {
    let rate = f64::from(quota.per_second) * factor;
    let most = f64::from(quota.at_once.unwrap_or(quota.per_second)) * factor;
    let (mut tokens, mut last, mut refused) = (most, arrivals[0], 0);
    for at in arrivals {
        tokens = (tokens + rate * at.duration_since(last).as_secs_f64()).min(most);
        last = *at;
        if tokens < 1.0 {
            refused += 1;
        } else {
            tokens -= 1.0;
        }
    }
    refused
}

/// The most calls in any window of that many seconds.
pub fn most_within(seconds: f64, arrivals: &[Instant]) -> usize {
    let from = |first: usize| {
        let within = |at: &&Instant| at.duration_since(arrivals[first]).as_secs_f64() < seconds;
        arrivals[first..].iter().take_while(within).count()
    };
    (0..arrivals.len()).map(from).max().unwrap_or(0)
}

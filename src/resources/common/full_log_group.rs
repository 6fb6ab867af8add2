//! A log group at its quota of filters. The error of `CloudWatch` Logs is only "Resource limit exceeded."

use crate::api::ResourceKind;
use crate::aws::operations::Service;
use crate::aws::{AwsError, Class};

/// Most filters that the message names.
const NAMED: usize = 10;

/// True if the error means that the log group is at its quota of filters.
#[must_use]
pub fn is_full(error: &AwsError) -> bool {
    error.class == Class::Terminal && error.is(Service::CloudWatchLogs, "LimitExceededException")
}

/// The message: the existing filters and the remedy. Quotas can be raised, so it states no number.
#[must_use]
pub fn remedy(kind: ResourceKind, log_group: &str, names: &[&str]) -> String {
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let has = match names {
        [] => String::new(),
        [..] => {
            format!("log group {log_group} has {} {}{more}; ", kind.noun(), names[..names.len().min(NAMED)].join(", "))
        }
    };
    format!(
        "{has}delete a {} that is not needed, or name another log group in spec.cloudWatchLogs.logGroupName",
        kind.noun()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_named_as_far_as_they_are_known() {
        let names: Vec<String> = (1..=12).map(|number| format!("f{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let remedy = |names: &[&str]| remedy(ResourceKind::MetricFilter, "g", names);
        let rest =
            "delete a metric filter that is not needed, or name another log group in spec.cloudWatchLogs.logGroupName";
        assert_eq!(remedy(&[]), rest);
        assert_eq!(remedy(&names[..2]), format!("log group g has metric filter f1, f2; {rest}"));
        assert_eq!(
            remedy(&names),
            format!("log group g has metric filter f1, f2, f3, f4, f5, f6, f7, f8, f9, f10 and 2 more; {rest}")
        );
    }
}

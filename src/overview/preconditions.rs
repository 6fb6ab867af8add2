//! Rules about ARNs of the spec that depend on the account and region of the overview, so that no schema can check them.

use super::Overview;
use crate::api::Invalid;
use crate::aws::Arn;
use crate::monitor::Owner;

/// Refuses a topic or a key of another region, and sinks of other accounts.
///
/// "The targets you associate with a rule must be in the same Region as the rule", AWS says about topics that get no events. Metrics of the
/// monitors are shared with no third account.
pub fn check_arns(overview: &Overview) -> Result<(), Invalid> {
    let (home, spec) = (&overview.home, &overview.spec);
    overview.check_key("alerts.kmsKeyArn", spec.alerts.kms_key_arn.as_ref())?;
    let is_here = |topic: Arn<'_>| topic.region == home.region && topic.partition == home.partition;
    if let Some(topic) = spec.alerts.topic_arn.as_ref().filter(|topic| !Arn::parse(topic).is_some_and(is_here)) {
        let (region, partition) = (&home.region, &home.partition);
        let problem = format!("{topic} is not a topic in the overview's region: name one in {region} ({partition})");
        return Err(Invalid::new("alerts.topicArn", problem));
    }
    let is_elsewhere = |sink: &&String| Arn::parse(sink).is_none_or(|sink| sink.account != home.account);
    match spec.cross_account.sink_arns.iter().find(is_elsewhere) {
        None => Ok(()),
        Some(sink) => {
            let problem =
                format!("{sink} is not in account {}, which is that of the overview: name a sink there", home.account);
            Err(Invalid::new("crossAccount.sinkArns", problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::fixtures::with_spec;

    fn refusal(spec: &str) -> String {
        check_arns(&with_spec(spec)).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn metrics_are_not_shared_with_a_third_account() {
        let sinks = |account: &str| {
            refusal(&format!(
                "{{monitorSelector: {{}}, crossAccount: {{sinkArns: ['arn:aws:oam:us-east-1:{account}:sink/a']}}}}"
            ))
        };
        assert_eq!(sinks("123456789012"), "");
        assert_eq!(
            sinks("999999999999"),
            "spec.crossAccount.sinkArns: arn:aws:oam:us-east-1:999999999999:sink/a is not in account 123456789012, which is that of the \
             overview: name a sink there"
        );
    }

    #[test]
    fn a_topic_and_a_key_are_in_the_region_of_the_overview() {
        let topic = |region: &str| {
            refusal(&format!("{{monitorSelector: {{}}, alerts: {{topicArn: 'arn:aws:sns:{region}:123456789012:a'}}}}"))
        };
        assert_eq!(topic("eu-west-1"), "");
        assert!(
            topic("us-east-1").starts_with("spec.alerts.topicArn: arn:aws:sns:us-east-1:"),
            "{}",
            topic("us-east-1")
        );
        let key = refusal(
            "{monitorSelector: {}, alerts: {kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012'}}",
        );
        assert!(key.ends_with(" is not a key in the overview's region: name one in eu-west-1 (aws)"), "{key}");
    }
}

//! The events of findings on the default event bus of `EventBridge`. Their form is described in `docs/integrations.md`; members are only ever
//! added.

#[cfg(feature = "lambda")]
pub mod bus;
#[cfg(feature = "lambda")]
pub mod send;

use serde::Serialize;

use crate::account_region::AccountRegion;
use crate::message::{FindingDocument, Invocation};
use crate::notification_log::Notification;
use crate::rules::Severity;
use crate::settings::{Origin, Settings};

/// The source of the events.
pub const SOURCE: &str = "vpcflow.dev";

/// Their type.
pub const DETAIL_TYPE: &str = "VPC Flow Finding";

/// The version of the form.
const VERSION: u32 = 1;

/// The most events of a message: an attack must not run up the costs.
const MOST: usize = 100;

/// The events that were sent for the findings of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Those that the event bus took.
    pub taken: u64,
    /// Those that were given up, and the findings above the most.
    pub failed: u64,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingEvent {
    /// ARN of the VPC, if the account is known.
    pub resource: Option<String>,
    /// The content, as JSON.
    pub detail: String,
    /// The latest record, in Unix seconds.
    pub time: Option<u64>,
}

/// The content of an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventDetail<'d> {
    version: u32,
    owner: &'d str,
    monitor: &'d str,
    vpc_id: &'d str,
    finding: FindingDocument,
}

impl FindingEvent {
    /// The size that counts for the limit of a call: "Calculating Amazon `EventBridge` `PutEvents` event entry size" in its user guide.
    #[must_use]
    pub fn bytes(&self) -> usize {
        const TIME: usize = 14;
        let time = self.time.map_or(0, |_| TIME);
        let resource = self.resource.as_ref().map_or(0, String::len);
        time + SOURCE.len() + DETAIL_TYPE.len() + self.detail.len() + resource
    }
}

/// The events of the findings in a message that have the least severity, and the number of those above the most.
#[must_use]
pub fn of_notification(
    notification: &Notification<'_>,
    least: Severity,
    settings: &Settings,
    invocation: &Invocation,
) -> (Vec<FindingEvent>, u64) {
    let Origin { owner, monitor, vpc_id } = &settings.origin;
    let arn = |AccountRegion { partition, account, region }: &AccountRegion| {
        format!("arn:{partition}:ec2:{region}:{account}:vpc/{vpc_id}")
    };
    let resource = invocation.account_region.as_ref().map(arn);
    let in_message = notification.findings.iter().enumerate();
    let severe = in_message.filter(|(_, (finding, _))| finding.rule.severity() >= least);
    let above = severe.clone().count().saturating_sub(MOST);
    let events = severe.take(MOST).map(|(index, (finding, history))| {
        let document = FindingDocument::of_message(finding, *history, index, settings, invocation);
        let detail = EventDetail { version: VERSION, owner, monitor, vpc_id, finding: document };
        FindingEvent {
            resource: resource.clone(),
            // Every part can be written as JSON.
            detail: serde_json::to_string(&detail).unwrap_or_default(),
            time: finding.tally.last,
        }
    });
    (events.collect(), u64::try_from(above).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::*;
    use crate::analysis::{Analysis, Analyzer};
    use crate::message::Message;
    use crate::notification_log::history::{History, Sums};
    use crate::record::Parser;
    use crate::sentence::Time;
    use crate::test_data::{FUNCTION_ARN, settings, v2_line};

    fn invocation() -> Invocation {
        Invocation { account_region: AccountRegion::of_function(FUNCTION_ARN), ..Invocation::default() }
    }

    /// One finding of severity HIGH, and rejected connections of severity LOW.
    fn analysis(rejected: u8) -> Analysis {
        let settings = settings();
        let parser = Parser::new(settings.format.clone());
        let mut analyzer = Analyzer::new(&parser, &settings.rules);
        analyzer.add(&v2_line("10.0.0.1", "203.0.113.9", 443, 6, 50_000_001, "ACCEPT"));
        for host in 0..rejected {
            analyzer.add(&v2_line(&format!("10.0.1.{host}"), "10.0.0.1", 22, 6, 40, "REJECT"));
        }
        analyzer.finish()
    }

    /// The notification about all findings, as if the first were known.
    fn notification(analysis: &Analysis) -> Notification<'_> {
        let since = Sums { findings: 12, records: 80, bytes: 3_200 };
        let history = History { first: Time(1_418_500_000), last_message: Time(1_418_508_400), since };
        let list = analysis.findings.list.iter().enumerate();
        let findings = list.map(|(at, finding)| (Cow::Borrowed(finding), (at == 0).then_some(history))).collect();
        Notification { findings, ongoing: Vec::new() }
    }

    fn events(rejected: u8, least: Severity) -> (Vec<FindingEvent>, u64) {
        of_notification(&notification(&analysis(rejected)), least, &settings(), &invocation())
    }

    #[test]
    fn an_event_has_the_finding_of_the_message_and_its_owner() {
        let (events, above) = events(30, Severity::Low);
        assert_eq!((events.len(), above), (31, 0));
        let analysis = analysis(30);
        let message = Message::compose(&analysis, &settings(), &invocation(), &notification(&analysis)).unwrap();
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let document: Value = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
        for (event, finding) in events.iter().zip(document["findings"].as_array().unwrap()) {
            let detail: Value = serde_json::from_str(&event.detail).unwrap();
            let expected = json!({
                "version": 1, "owner": "cluster/network/production", "monitor": "network/production",
                "vpcId": "vpc-0123456789abcdef0", "finding": finding,
            });
            assert_eq!(detail, expected);
            assert_eq!(finding["key"].as_str().map(str::len), Some(16));
        }
        let event = &events[0];
        let vpc = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0123456789abcdef0";
        assert_eq!((event.resource.as_deref(), event.time), (Some(vpc), Some(1_418_530_070)));
        assert_eq!(event.bytes(), 14 + "vpcflow.devVPC Flow Finding".len() + event.detail.len() + vpc.len());
        assert!(event.detail.contains(r#""history":{"first":"2014-12-13T19:46:40Z""#), "{}", event.detail);
    }

    #[test]
    fn findings_below_the_least_severity_have_none() {
        for (least, expected) in [(Severity::Low, 3), (Severity::Medium, 1), (Severity::High, 1)] {
            let (events, above) = events(2, least);
            assert_eq!((events.len(), above), (expected, 0), "{least}");
        }
    }

    #[test]
    fn findings_above_the_most_are_counted() {
        let (events, above) = events(150, Severity::Low);
        assert_eq!((events.len(), above), (100, 51));
        // The gravest come first.
        assert!(events[0].detail.contains("highDataTransfer"), "{}", events[0].detail);
    }
}

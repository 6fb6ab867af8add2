//! The event bus.

use std::future::Future;
use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::{DETAIL_TYPE, FindingEvent, SOURCE};
use crate::publish::reason;

/// The answer about an event that was not taken: the code of the error.
pub type Refusal = String;

/// A place for events.
pub trait EventBus {
    /// Puts events, as many as a call takes. The answer has the refusal of each event that was not taken; the error is that of the whole call.
    fn put(&self, events: &[&FindingEvent]) -> impl Future<Output = Result<Vec<Option<Refusal>>, String>> + Send;

    /// Waits before events are put again.
    fn wait(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }
}

/// The default event bus of the account and region.
#[derive(Clone, Debug)]
pub struct DefaultBus(Client);

impl DefaultBus {
    /// The event bus that the client reaches.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self(client)
    }
}

impl EventBus for DefaultBus {
    async fn put(&self, events: &[&FindingEvent]) -> Result<Vec<Option<Refusal>>, String> {
        let entries = events.iter().map(|event| entry(event)).collect();
        let output = self.0.put_events().set_entries(Some(entries)).send().await.map_err(|error| reason(&error))?;
        let refusal = |entry: &aws_sdk_eventbridge::types::PutEventsResultEntry| entry.error_code().map(str::to_owned);
        Ok(output.entries().iter().map(refusal).collect())
    }
}

/// Without a name of a bus, it is the default one.
fn entry(event: &FindingEvent) -> PutEventsRequestEntry {
    let time = event.time.and_then(|seconds| i64::try_from(seconds).ok()).map(DateTime::from_secs);
    PutEventsRequestEntry::builder()
        .source(SOURCE)
        .detail_type(DETAIL_TYPE)
        .detail(&event.detail)
        .set_resources(event.resource.clone().map(|arn| vec![arn]))
        .set_time(time)
        .build()
}

/// The bus of a function that sends no events.
#[derive(Clone, Copy, Debug)]
pub enum NoBus {}

impl EventBus for NoBus {
    async fn put(&self, _events: &[&FindingEvent]) -> Result<Vec<Option<Refusal>>, String> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_for_the_default_bus_and_has_the_time_of_the_finding() {
        let event = |time| FindingEvent { resource: Some("arn:vpc".to_owned()), detail: "{}".to_owned(), time };
        let with_time = entry(&event(Some(1_418_530_070)));
        assert_eq!((with_time.source(), with_time.detail_type()), (Some("vpcflow.dev"), Some("VPC Flow Finding")));
        assert_eq!((with_time.detail(), with_time.resources()), (Some("{}"), ["arn:vpc".to_owned()].as_slice()));
        assert_eq!((with_time.event_bus_name(), with_time.time()), (None, Some(&DateTime::from_secs(1_418_530_070))));
        assert_eq!(entry(&event(None)).time(), None);
    }
}

//! Publishes events, a bounded number for each monitor.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Reporter};

/// Publishes events.
#[derive(Clone)]
pub struct Recorder {
    client: Client,
    reporter: Reporter,
    /// Counts repeats of one kind of trouble instead of telling each.
    of_troubles: kube::runtime::events::Recorder,
}

impl Recorder {
    pub fn new(client: Client) -> Self {
        let reporter =
            Reporter { controller: "vpc-flow-operator".to_owned(), instance: std::env::var("HOSTNAME").ok() };
        let of_troubles = kube::runtime::events::Recorder::new(client.clone(), reporter.clone());
        Self { client, reporter, of_troubles }
    }

    /// Publishes an event. One that cannot be published is logged: it must not stop the work it tells of.
    pub async fn publish(&self, event: Event, reference: &ObjectReference) {
        let published = match event.type_ {
            EventType::Warning => self.of_troubles.publish(&event, reference).await,
            // Each change is told in its own words: a recorder that has told one would only count the next.
            EventType::Normal => {
                let recorder = kube::runtime::events::Recorder::new(self.client.clone(), self.reporter.clone());
                recorder.publish(&event, reference).await
            }
        };
        if let Err(error) = published {
            tracing::warn!(%error, reason = event.reason, "could not publish an event");
        }
    }
}

/// How many events a monitor may have: many at once, as for a whole life, then one a minute.
#[derive(Debug)]
pub struct Allowance {
    left: u32,
    counted: Option<Instant>,
}

const AT_ONCE: u32 = 100;
const ONE_IN: Duration = Duration::from_mins(1);

impl Default for Allowance {
    fn default() -> Self {
        Self { left: AT_ONCE, counted: None }
    }
}

impl Allowance {
    /// True if there may be another event at `now`, which is then counted.
    pub fn allows(&mut self, now: Instant) -> bool {
        let counted = *self.counted.get_or_insert(now);
        let whole = now.saturating_duration_since(counted).as_secs() / ONE_IN.as_secs();
        let regained = u32::try_from(whole).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(regained).min(AT_ONCE);
        self.counted = Some(counted + ONE_IN * regained.min(AT_ONCE));
        if regained >= AT_ONCE {
            self.counted = Some(now);
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_bounded() {
        let mut allowance = Allowance::default();
        let start = Instant::now();
        let allowed = |allowance: &mut Allowance, now| (0..1000).filter(|_| allowance.allows(now)).count();
        assert_eq!(allowed(&mut allowance, start), 100);
        assert_eq!(allowed(&mut allowance, start + Duration::from_secs(59)), 0);
        assert_eq!(allowed(&mut allowance, start + Duration::from_secs(150)), 2);
        assert_eq!(allowed(&mut allowance, start + Duration::from_mins(3)), 1, "half a minute was left over");
        assert_eq!(allowed(&mut allowance, start + Duration::from_hours(24)), 100);
    }
}

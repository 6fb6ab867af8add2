//! The `ClientToken` of `CreateFlowLogs`.
//!
//! AWS remembers a token for hours and answers a repeat with the flow log it made then, even if that was deleted since. So a token
//! stands for the observation that a step reacts to: all repeats of the step carry the same token, and a step that follows from a
//! later read of AWS (after the flow log was deleted by hand, or the monitor was deleted and made again) carries another. If a call
//! created a flow log and its answer was lost, that later read shows the flow log. If the read does not show it yet, AWS rejects a
//! second one.
//!
//! See "Ensuring idempotency in Amazon EC2 API requests" in the EC2 developer guide.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::FlowLog;
use crate::monitor::Monitor;

/// The attempt of a step that a token is for.
#[derive(Clone, Copy, Debug)]
pub enum Attempt {
    /// The first.
    First,
    /// The one after a flow log that stood in the way was deleted.
    AfterDelete,
}

/// The token, with 64 characters, the most that AWS accepts.
pub fn token(monitor: &Monitor, flow_log: &FlowLog, read_at: SystemTime, attempt: Attempt) -> String {
    let moment = read_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("{} {} {moment} {attempt:?}", monitor.owner, flow_log.document());
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::flow_log::wanted;
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn a_token_lasts_as_long_as_the_observation_it_follows_from() {
        let monitor = fixtures::monitor();
        let [logs, s3] = <[FlowLog; 2]>::try_from(wanted(&monitor)).unwrap();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let first = token(&monitor, &logs, at(1), Attempt::First);
        assert_eq!(first.len(), 64);
        assert_eq!(token(&monitor, &logs, at(1), Attempt::First), first);
        for other in [
            token(&monitor, &logs, at(2), Attempt::First),
            token(&monitor, &logs, at(1), Attempt::AfterDelete),
            token(&monitor, &s3, at(1), Attempt::First),
        ] {
            assert_ne!(other, first);
        }
    }
}

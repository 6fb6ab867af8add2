//! Condition types and reasons: constants, so that runbooks and alerts can rely on them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::Serialize;

use super::RECONCILE_REQUESTED_AT;

/// Everything the spec asks for exists and is as declared.
pub const READY: &str = "Ready";
/// The operator is at work; present only while true (kstatus).
pub const RECONCILING: &str = "Reconciling";
/// All places of a fleet could be read.
pub const DISCOVERED: &str = "Discovered";
/// No retry can help before somebody changes something; present only while true (kstatus).
pub const STALLED: &str = "Stalled";

/// Kubernetes refuses longer messages.
const MESSAGE_BYTES: usize = 32_768;

/// A condition before it has its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its type.
    pub type_: &'static str,
    /// Its status.
    pub status: bool,
    /// Its reason.
    pub reason: Reason,
    /// Its message.
    pub message: String,
}

impl Statement {
    /// The condition. Its time is that of the former one of its type, unless the status has changed.
    #[must_use]
    pub fn dated(self, former: &[Condition], generation: Option<i64>, now: Timestamp) -> Condition {
        let status = if self.status { "True" } else { "False" }.to_owned();
        let before = former.iter().find(|old| old.type_ == self.type_ && old.status == status);
        let mut message = self.message;
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        Condition {
            type_: self.type_.to_owned(),
            last_transition_time: before.map_or(Time(now), |old| old.last_transition_time.clone()),
            status,
            reason: self.reason.as_str().to_owned(),
            message,
            observed_generation: generation,
        }
    }
}

/// The statements about an object as a whole: `Ready`; `Stalled` if only a person helps; `Reconciling` while work goes on.
#[must_use]
pub fn summary_statements(reason: Reason, message: &str, is_ready: bool, is_stalled: bool) -> Vec<Statement> {
    let statement = |type_, status, message| Statement { type_, status, reason, message };
    let mut statements = vec![statement(READY, is_ready, message.to_owned())];
    if is_stalled {
        statements.push(statement(STALLED, true, stalled_message(message)));
    } else if !is_ready && reason != Reason::Suspended {
        statements.push(statement(RECONCILING, true, message.to_owned()));
    }
    statements
}

/// The message of `Stalled`, with the way to a new attempt: the operator does not see that a permission was granted.
#[must_use]
pub fn stalled_message(message: &str) -> String {
    format!(
        "{message}; after a change outside the cluster, set the annotation {RECONCILE_REQUESTED_AT} to try again at once"
    )
}

/// The reason and the message of `Ready`, unless it is true.
#[must_use]
pub fn not_ready(conditions: &[Condition]) -> Option<String> {
    let ready = conditions.iter().find(|condition| condition.type_ == READY && condition.status != "True")?;
    Some(format!("{}: {}", ready.reason, ready.message))
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident),* $(,)?) => {
        /// Reasons of conditions, and of the events that report them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub enum Reason {
            $($(#[$doc])* $reason),*
        }

        impl Reason {
            /// Every reason.
            pub(crate) const ALL: &[Self] = &[$(Self::$reason),*];

            /// The reason as it appears in a condition.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$reason => stringify!($reason)),* }
            }
        }
    };
}

reasons! {
    /// All is as declared.
    Reconciled,
    /// Changes are being applied.
    Progressing,
    /// Waits for another system.
    WaitingForDependency,
    /// AWS has not caught up with an earlier change yet.
    WaitingForAws,
    /// AWS asks for fewer requests.
    Throttled,
    /// AWS or the way to it failed; it is tried again.
    AwsError,
    /// The operator lacks a permission.
    AccessDenied,
    /// AWS refuses what the spec asks for.
    Rejected,
    /// A field of the spec is invalid.
    InvalidSpec,
    /// A test of a custom rule fails.
    TestsFailed,
    /// A resource of that name belongs to somebody else.
    Conflict,
    /// AWS reports that records are not delivered.
    DeliveryFailed,
    /// More VPCs are selected than the fleet may make monitors for.
    LimitExceeded,
    /// A change of the template goes no further: monitors that have it cannot become Ready by themselves.
    RolloutStopped,
    /// Monitors of the fleet are not Ready.
    MonitorsNotReady,
    /// `spec.suspend` is set.
    Suspended,
    /// The monitor is being deleted.
    Deleting,
}

impl Reason {
    /// The reason of a stored condition, if it is one of this version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }

    /// True if the reason needs attention. Progress, waiting and states that the user asked for do not.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::Reconciled
                | Self::Progressing
                | Self::WaitingForDependency
                | Self::WaitingForAws
                | Self::Suspended
                | Self::Deleting
        )
    }

    /// True if no retry helps before somebody changes the spec, a permission or AWS.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::AccessDenied
                | Self::Rejected
                | Self::InvalidSpec
                | Self::TestsFailed
                | Self::Conflict
                | Self::LimitExceeded
                | Self::RolloutStopped
        )
    }
}

//! The kinds of failure.

use std::fmt;
use std::time::Duration;

use devenv::ProxyFault;

use crate::kube_faults::KubeFault;

/// The kinds of failure of calls to AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Throttled,
    ServerError,
    AccessDenied,
    Delayed,
    ClosedBefore,
    AnswerLost,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Throttled, Self::ServerError, Self::AccessDenied, Self::Delayed, Self::ClosedBefore, Self::AnswerLost];

    pub fn fault(self) -> ProxyFault {
        match self {
            Self::Throttled => ProxyFault::Throttle,
            Self::ServerError => ProxyFault::ServerError,
            Self::AccessDenied => ProxyFault::AccessDenied,
            Self::Delayed => ProxyFault::Delay(Duration::from_millis(200)),
            Self::ClosedBefore => ProxyFault::Close,
            Self::AnswerLost => ProxyFault::LoseAnswer,
        }
    }

    /// False for reads whose answer is lost: they are like reads that never arrived.
    pub fn applies(self, writes: bool) -> bool {
        writes || self != Self::AnswerLost
    }

    /// The reason of the condition while the failure lasts; `None` if nothing fails.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Throttled => Some("Throttled"),
            Self::ServerError | Self::ClosedBefore | Self::AnswerLost => Some("AwsError"),
            Self::AccessDenied => Some("AccessDenied"),
            Self::Delayed => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Throttled => "throttled",
            Self::ServerError => "answered 5xx",
            Self::AccessDenied => "refused",
            Self::Delayed => "delayed",
            Self::ClosedBefore => "closed before it took effect",
            Self::AnswerLost => "its answer lost",
        };
        f.write_str(text)
    }
}

/// The kinds of failure of calls to Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KubeKind {
    ServerError,
    Conflict,
    Forbidden,
    TooManyRequests,
    AnswerLost,
}

impl KubeKind {
    pub const ALL: [Self; 5] =
        [Self::ServerError, Self::Conflict, Self::Forbidden, Self::TooManyRequests, Self::AnswerLost];

    pub fn fault(self) -> KubeFault {
        match self {
            Self::ServerError => KubeFault::Answer(500, "InternalError"),
            Self::Conflict => KubeFault::Answer(409, "Conflict"),
            Self::Forbidden => KubeFault::Answer(403, "Forbidden"),
            Self::TooManyRequests => KubeFault::Answer(429, "TooManyRequests"),
            Self::AnswerLost => KubeFault::LoseAnswer,
        }
    }
}

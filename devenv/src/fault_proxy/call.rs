//! The proxy's record of a call.

use std::time::Instant;

/// One AWS request that reached the proxy. A retry by the client's SDK is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedCall {
    /// Rises by one from 1 on, in the order of arrival.
    pub seq: u64,
    /// The service's name in the request's signature, such as `ec2` or `monitoring`.
    pub service: String,
    /// The operation's name in AWS's API, such as `CreateFlowLogs`.
    pub operation: String,
    /// The region the request was signed for.
    pub region: String,
    /// True if the operation can change anything.
    pub mutating: bool,
    /// The account it acts in: 12 digits, or the access key id of a session that was not opened through this proxy.
    pub account: String,
    /// When it arrived.
    pub at: Instant,
    /// HTTP status of the answer that was sent back; `None` if there is no answer, or not yet.
    pub answered: Option<u16>,
    /// The proxy's treatment of the call.
    pub treatment: Treatment,
}

/// The proxy's treatment of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Passed on as it came.
    Passed,
    /// Answered with an error of this code, and not passed on.
    Refused(String),
    /// Answered as before an earlier change: see [`Consistency`](super::Consistency).
    Stale,
    /// Passed on late.
    Delayed,
    /// The connection was closed, and the call not passed on.
    Closed,
    /// Passed on, and the connection closed instead of an answer.
    AnswerLost,
    /// Held before it was passed on.
    HeldBefore,
    /// Passed on, and its answer held.
    HeldAfter,
}

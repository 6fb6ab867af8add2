//! The rules by which the proxy makes calls fail.

use std::time::Duration;

use super::call::{ProxiedCall, Treatment};
use super::gate::Gate;

/// A fault, and the calls that it hits.
#[derive(Clone, Debug)]
pub struct Rule {
    /// As in [`ProxiedCall::service`]; `None` for every service.
    pub service: Option<String>,
    /// As in [`ProxiedCall::operation`]; `None` for every operation.
    pub operation: Option<String>,
    /// The number of matching calls that pass first.
    pub skip: u32,
    /// The number of calls after those that are hit; `None` for all.
    pub times: Option<u32>,
    /// The fault of the calls that are hit.
    pub fault: ProxyFault,
}

impl Rule {
    /// Hits every call.
    #[must_use]
    pub const fn all(fault: ProxyFault) -> Self {
        Self { service: None, operation: None, skip: 0, times: None, fault }
    }

    /// Hits every call of one operation.
    #[must_use]
    pub fn of(service: &str, operation: &str, fault: ProxyFault) -> Self {
        Self { service: Some(service.to_owned()), operation: Some(operation.to_owned()), ..Self::all(fault) }
    }

    /// The same rule for that many calls only.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same rule after that many calls.
    #[must_use]
    pub const fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn matches(&self, call: &ProxiedCall) -> bool {
        self.service.as_ref().is_none_or(|service| *service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
    }

    /// The fault that the call gets, if the rule hits it. Counts the call.
    pub(super) fn take(&mut self, call: &ProxiedCall) -> Option<ProxyFault> {
        if !self.matches(call) || self.times == Some(0) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.map(|times| times - 1);
        Some(self.fault.clone())
    }
}

/// A failure of AWS, or of the network on the way to it.
#[derive(Clone, Debug)]
pub enum ProxyFault {
    /// Throttled, with the service's own code.
    Throttle,
    /// A failure of the service, with its own code and a status of 500 or more.
    ServerError,
    /// A missing permission, with the service's own code.
    AccessDenied,
    /// Any other error.
    Error {
        /// AWS's error code.
        code: String,
        /// The error's message.
        message: String,
        /// HTTP status.
        status: u16,
    },
    /// Passed on only after this time.
    Delay(Duration),
    /// The connection is closed before the call takes effect.
    Close,
    /// The call takes effect, and the connection is closed instead of an answer.
    LoseAnswer,
    /// The call waits before it takes effect.
    HoldBefore(Gate),
    /// The call takes effect, and its answer waits.
    HoldAfter(Gate),
}

impl ProxyFault {
    /// An error that AWS answers with status 400.
    #[must_use]
    pub fn error(code: &str, message: &str) -> Self {
        Self::Error { code: code.to_owned(), message: message.to_owned(), status: 400 }
    }

    /// The treatment that a call records until it is answered.
    pub(super) const fn treatment(&self) -> Treatment {
        match self {
            Self::Throttle | Self::ServerError | Self::AccessDenied | Self::Error { .. } => {
                Treatment::Refused(String::new())
            }
            Self::Delay(_) => Treatment::Delayed,
            Self::Close => Treatment::Closed,
            Self::LoseAnswer => Treatment::AnswerLost,
            Self::HoldBefore(_) => Treatment::HeldBefore,
            Self::HoldAfter(_) => Treatment::HeldAfter,
        }
    }

    pub(super) const fn gate(&self) -> Option<&Gate> {
        match self {
            Self::HoldBefore(gate) | Self::HoldAfter(gate) => Some(gate),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn call(operation: &str) -> ProxiedCall {
        ProxiedCall {
            seq: 1,
            service: "iam".into(),
            operation: operation.into(),
            region: "us-east-1".into(),
            mutating: true,
            account: "123456789012".into(),
            at: Instant::now(),
            answered: None,
            treatment: Treatment::Passed,
        }
    }

    #[test]
    fn a_rule_skips_then_hits_then_is_used_up() {
        let mut rule = Rule::of("iam", "GetRole", ProxyFault::Close).skip(1).times(2);
        assert!(rule.take(&call("CreateRole")).is_none(), "another operation is not counted");
        let hits: Vec<_> = (0..4).map(|_| rule.take(&call("GetRole")).is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
    }
}

//! Rules and calls.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::call::{ProxiedCall, Treatment};
use super::consistency::{Asked, Consistency, Instead, Kept, Lag};
use super::operation::Identified;
use super::rule::{ProxyFault, Rule};

/// Shared by the test and the connections.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rules: Vec<Rule>,
    calls: Vec<ProxiedCall>,
    unknown: Vec<String>,
    lag: Lag,
    /// The account of each session, by access key id.
    sessions: HashMap<String, String>,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that holds the lock leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, rule: Rule) {
        self.lock().rules.push(rule);
    }

    pub(super) fn clear(&self) {
        let rules = std::mem::take(&mut self.lock().rules);
        for gate in rules.iter().filter_map(|rule| rule.fault.gate()) {
            gate.release();
        }
    }

    pub(super) fn set_consistency(&self, consistency: Consistency) {
        self.lock().lag = Lag::new(consistency);
    }

    /// The answer to a call that AWS cannot carry out, or answers as before, because of an earlier call.
    pub(super) fn lags(&self, asked: Asked<'_>) -> Option<Instead> {
        self.lock().lag.before(asked)
    }

    /// Reads AWS's answer for changes that AWS is to show late.
    pub(super) fn answers(&self, seq: u64, asked: Asked<'_>, answer: &mut Kept) {
        let altered = self.lock().lag.after(asked, answer);
        if altered {
            self.stale(seq);
        }
    }

    pub(super) fn stale(&self, seq: u64) {
        self.change(seq, |call| call.treatment = Treatment::Stale);
    }

    pub(super) fn calls(&self) -> Vec<ProxiedCall> {
        self.lock().calls.clone()
    }

    pub(super) fn unknown_requests(&self) -> Vec<String> {
        self.lock().unknown.clone()
    }

    pub(super) fn record_unknown(&self, request: String) {
        self.lock().unknown.push(request);
    }

    /// Records a call, and returns it with the fault that a rule gives it.
    pub(super) fn arrive(&self, identified: &Identified) -> (ProxiedCall, Option<ProxyFault>) {
        let mut inner = self.lock();
        let Identified { access_key, region, service, operation } = identified;
        let mut call = ProxiedCall {
            seq: inner.calls.len() as u64 + 1,
            service: service.clone(),
            operation: operation.clone(),
            region: region.clone(),
            mutating: identified.is_mutating(),
            account: inner.sessions.get(access_key).unwrap_or(access_key).clone(),
            at: Instant::now(),
            answered: None,
            treatment: Treatment::Passed,
        };
        let fault = inner.rules.iter_mut().find_map(|rule| rule.take(&call));
        if let Some(fault) = &fault {
            call.treatment = fault.treatment();
        }
        inner.calls.push(call.clone());
        (call, fault)
    }

    pub(super) fn answered(&self, seq: u64, status: u16) {
        self.change(seq, |call| call.answered = Some(status));
    }

    pub(super) fn refused(&self, seq: u64, code: &str) {
        self.change(seq, |call| call.treatment = Treatment::Refused(code.to_owned()));
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut ProxiedCall)) {
        let mut inner = self.lock();
        // The latest calls are last.
        if let Some(call) = inner.calls.iter_mut().rev().find(|call| call.seq == seq) {
            change(call);
        }
    }

    /// Records the account that a session acts in.
    pub(super) fn remember_session(&self, access_key: String, account: String) {
        self.lock().sessions.insert(access_key, account);
    }
}

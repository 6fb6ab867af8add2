//! AWS does not show at once what has just been changed: IAM user guide, "Changes that I make are not always immediately
//! visible"; EC2 API reference, "Eventual consistency"; S3 user guide, "Amazon S3 data consistency model".

mod requests;
mod stale;

use std::collections::HashMap;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::Value;

use self::requests::{created_name, created_role, deleted_name, function_changed, function_read, role_handed_over};
use self::stale::Reads;
use super::errors::ServiceError;
use super::operation::Identified;

pub(super) use self::stale::Kept;

/// The delay until AWS shows a change, counted in calls, so that a test neither waits nor depends on the machine's speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consistency {
    /// The number of times that a service cannot assume a new role.
    pub role_not_assumable: u32,
    /// The number of times that a repeated read gets its old answer after a change in its service.
    pub stale_reads: u32,
    /// The number of times that the name of a deleted bucket, log group or role cannot be used again.
    pub name_taken: u32,
    /// The number of times that a new or changed Lambda function is reported as `Pending` or `InProgress`, or for this
    /// reason refuses a change.
    pub function_pending: u32,
}

/// A request on its way.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) identified: &'a Identified,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
}

impl Asked<'_> {
    fn is(&self, service: &str, operations: &[&str]) -> bool {
        self.identified.service == service && operations.contains(&self.identified.operation.as_str())
    }
}

/// The answer to a request that is not passed on.
pub(super) enum Instead {
    Error(ServiceError),
    Stale(Kept),
}

/// The changes that AWS does not show yet.
#[derive(Debug, Default)]
pub(super) struct Lag {
    consistency: Consistency,
    roles: HashMap<String, u32>,
    names: HashMap<(String, String), u32>,
    functions: HashMap<String, u32>,
    reads: Reads,
}

impl Lag {
    pub(super) fn new(consistency: Consistency) -> Self {
        Self { consistency, ..Self::default() }
    }

    /// The answer to a request that AWS cannot carry out, or answers as before, because of an earlier change.
    pub(super) fn before(&mut self, asked: Asked<'_>) -> Option<Instead> {
        let service = asked.identified.service.as_str();
        if role_handed_over(asked).is_some_and(|role| count_down(&mut self.roles, &role)) {
            return Some(Instead::Error(requests::not_assumable(service)));
        }
        let name = created_name(asked);
        if name.is_some_and(|name| count_down(&mut self.names, &(service.to_owned(), name))) {
            return Some(Instead::Error(requests::name_taken(service)));
        }
        if function_changed(asked).is_some_and(|name| count_down(&mut self.functions, &name)) {
            return Some(Instead::Error(requests::function_busy()));
        }
        self.reads.stale(asked, self.consistency.stale_reads).map(Instead::Stale)
    }

    /// Reads an answer of AWS, and changes it if it would show a change too early. True if it was changed.
    pub(super) fn after(&mut self, asked: Asked<'_>, answer: &mut Kept) -> bool {
        let Consistency { role_not_assumable, name_taken, function_pending, stale_reads } = self.consistency;
        let service = asked.identified.service.clone();
        if answer.status.is_success() {
            if let Some(role) = created_role(asked, &answer.body) {
                self.roles.insert(role, role_not_assumable);
            }
            if let Some(name) = deleted_name(asked) {
                self.names.insert((service, name), name_taken);
            }
            if let Some(name) = function_changed(asked) {
                self.functions.insert(name, function_pending);
            }
        }
        self.reads.remember(asked, answer, stale_reads);
        let pends = answer.status.is_success()
            && function_read(asked).is_some_and(|name| count_down(&mut self.functions, &name));
        if pends {
            mark_pending(answer);
        }
        pends
    }
}

/// True as long as there is something left to count.
fn count_down<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) -> bool {
    let Some(left) = counts.get_mut(key).filter(|left| **left > 0) else { return false };
    *left -= 1;
    true
}

/// Lambda developer guide, "Lambda function states".
fn mark_pending(answer: &mut Kept) {
    let Ok(mut document) = serde_json::from_slice::<Value>(&answer.body) else { return };
    let Some(configuration) = document["Configuration"].as_object_mut() else { return };
    configuration.insert("State".to_owned(), "Pending".into());
    configuration.insert("StateReason".to_owned(), "The function is being created.".into());
    configuration.insert("StateReasonCode".to_owned(), "Creating".into());
    configuration.insert("LastUpdateStatus".to_owned(), "InProgress".into());
    answer.set_body(document.to_string().into());
}

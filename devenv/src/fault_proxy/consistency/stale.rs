//! Reads that are answered as before a write.

use std::collections::HashMap;

use hyper::body::Bytes;
use hyper::header::CONTENT_LENGTH;
use hyper::{HeaderMap, StatusCode};

use super::super::operation::header;
use super::Asked;

/// An answer that can be given again.
#[derive(Clone, Debug)]
pub(in super::super) struct Kept {
    pub(in super::super) status: StatusCode,
    pub(in super::super) headers: HeaderMap,
    pub(in super::super) body: Bytes,
}

impl Kept {
    pub(super) fn set_body(&mut self, body: Bytes) {
        self.headers.insert(CONTENT_LENGTH, body.len().into());
        self.body = body;
    }
}

/// The scope of a read: access key, region and service.
type Scope = (String, String, String);
/// The identity of a read: method and URL, target, body.
type Read = (String, String, Bytes);

#[derive(Debug)]
struct Remembered {
    answer: Kept,
    /// Something of the service has changed since.
    outdated: bool,
    /// The number of times that the outdated answer may still be given. Further writes do not raise it: AWS shows the
    /// first write at its time, however many follow.
    left: u32,
}

/// The latest true answer to each read.
#[derive(Debug, Default)]
pub(super) struct Reads(HashMap<Scope, HashMap<Read, Remembered>>);

impl Reads {
    /// The answer from before the latest writes, while AWS has not caught up with the first of them.
    pub(super) fn stale(&mut self, asked: Asked<'_>, stale_reads: u32) -> Option<Kept> {
        if stale_reads == 0 || asked.identified.is_mutating() {
            return None;
        }
        let known = self.0.get_mut(&scope(asked))?.get_mut(&read(asked))?;
        if !known.outdated || known.left == 0 {
            return None;
        }
        known.left -= 1;
        Some(known.answer.clone())
    }

    /// Keeps the answer to a read. A write outdates the kept answers of the services that it changes, even if it failed.
    pub(super) fn remember(&mut self, asked: Asked<'_>, answer: &Kept, stale_reads: u32) {
        if stale_reads == 0 || asked.identified.service == "sts" {
            return;
        }
        if asked.identified.is_mutating() {
            for changed in changed_scopes(asked) {
                for known in self.0.entry(changed).or_default().values_mut() {
                    known.outdated = true;
                }
            }
        } else if !answer.status.is_server_error() {
            let known = Remembered { answer: answer.clone(), outdated: false, left: stale_reads };
            self.0.entry(scope(asked)).or_default().insert(read(asked), known);
        }
    }
}

fn scope(asked: Asked<'_>) -> Scope {
    let identified = asked.identified;
    (identified.access_key.clone(), identified.region.clone(), identified.service.clone())
}

/// The scopes that a write changes: its own, and that of S3 for `CreateFlowLogs`, which replaces the policy of the bucket.
fn changed_scopes(asked: Asked<'_>) -> Vec<Scope> {
    let own = scope(asked);
    if !asked.is("ec2", &["CreateFlowLogs"]) {
        return vec![own];
    }
    let of_s3 = (own.0.clone(), own.1.clone(), "s3".to_owned());
    vec![own, of_s3]
}

fn read(asked: Asked<'_>) -> Read {
    let parts = asked.parts;
    (format!("{} {}", parts.method, parts.uri), header(parts, "x-amz-target").to_owned(), asked.body.clone())
}

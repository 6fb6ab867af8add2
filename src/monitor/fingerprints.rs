//! A list of names in the value of a tag. The operator records its additions to a resource on the resource itself, so that only those who
//! may change the resource can change the record.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Bytes of a name's hash; they make four characters, all of which every service takes in tag values.
const HASH_BYTES: usize = 3;
const CHARS: usize = 4;
/// A tag's value has at most 256 characters.
const MOST: usize = 256 / CHARS;

/// The value of a tag that records the names, or `None` if there are none. It has room for the first 64.
#[must_use]
pub fn record<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut prints = BTreeSet::new();
    for name in names {
        if prints.len() < MOST {
            prints.insert(fingerprint(name));
        }
    }
    let record: String = prints.into_iter().collect();
    (!record.is_empty()).then_some(record)
}

/// True if the record contains the name. One in 16 million other names has the same hash.
#[must_use]
pub fn contains(record: &str, name: &str) -> bool {
    record.as_bytes().chunks(CHARS).any(|print| print == fingerprint(name).as_bytes())
}

/// The record without a name, or `None` if nothing is left of it.
#[must_use]
pub fn without(record: &str, name: &str) -> Option<String> {
    let gone = fingerprint(name);
    let prints = record.as_bytes().chunks(CHARS).filter(|print| *print != gone.as_bytes());
    let rest: String = prints.map(String::from_utf8_lossy).collect();
    (!rest.is_empty()).then_some(rest)
}

fn fingerprint(name: &str) -> String {
    STANDARD.encode(&Sha256::digest(name)[..HASH_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_known_again_in_any_order() {
        let names: Vec<_> = (0..MOST).map(|number| format!("name {number}")).collect();
        let written = record(names.iter().map(String::as_str)).unwrap();
        assert_eq!(written.len(), 256);
        assert!(names.iter().all(|name| contains(&written, name)));
        assert!(!contains(&written, "another"));
        assert_eq!(record(names.iter().rev().map(String::as_str)), Some(written));
        assert_eq!(record([]), None);
        let more = names.iter().map(String::as_str).chain(["another"]);
        assert_eq!(record(more).as_deref(), record(names.iter().map(String::as_str)).as_deref(), "the first have room");
    }

    #[test]
    fn a_record_that_somebody_has_written_over_holds_nothing() {
        for garbage in ["", "x", "é€", "true"] {
            assert!(!contains(garbage, "team"));
        }
    }
}

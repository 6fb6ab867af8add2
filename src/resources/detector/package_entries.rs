//! Short hashes of the entries of the lists in the package. AWS does not return the package's text, so the function's environment has these
//! hashes, and `plan` and events name the entries that change.

use std::collections::BTreeMap;

use detector::package_config::PackageConfig;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::resources::common::entry_error::visible;

/// Hexadecimal digits of a hash. A name and an entry have one each.
const DIGITS: usize = 4;

/// The lists whose entries have names, each with the letter that begins it in the text.
const NAMED: [(char, &str); 2] = [('r', "customRules"), ('s', "suppress")];

const NETWORKS: (char, &str) = ('t', "trustedCidrs");

/// The entries of the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackageEntries {
    /// The entries of each of [`NAMED`]: name and hash.
    named: [Vec<(String, String)>; 2],
    networks: Option<String>,
}

impl PackageEntries {
    pub(super) fn of(config: &PackageConfig) -> Self {
        let rules = config.custom_rules.iter().map(|rule| (rule.name.clone(), hash(rule)));
        let suppress = config.suppress.iter().map(|entry| (entry.name.clone(), hash(entry)));
        let networks = &json!(config)[NETWORKS.1];
        let has_networks = !config.trusted_cidrs.is_empty();
        Self { named: [rules.collect(), suppress.collect()], networks: has_networks.then(|| hash(networks)) }
    }

    /// The hashes as text, such as `r1f0e9a3b.t77aa`; `None` if the lists are empty.
    pub(super) fn text(&self) -> Option<String> {
        let of_names = NAMED.iter().zip(&self.named).filter(|(_, entries)| !entries.is_empty());
        let lists = of_names.map(|((letter, _), entries)| {
            let hashes = entries.iter().map(|(name, of_entry)| hash(name) + of_entry);
            format!("{letter}{}", hashes.collect::<String>())
        });
        let networks = self.networks.iter().map(|of_networks| format!("{}{of_networks}", NETWORKS.0));
        let text = lists.chain(networks).collect::<Vec<_>>().join(".");
        (!text.is_empty()).then_some(text)
    }

    /// The lists and entries that differ from those of the text `former`: `customRules (database changed, smb added)`.
    pub(super) fn changes_since(&self, former: Option<&str>) -> Vec<String> {
        let former: BTreeMap<char, &str> =
            former.into_iter().flat_map(|text| text.split('.')).filter_map(list).collect();
        let of = |letter: char| former.get(&letter).copied().unwrap_or_default();
        let named = NAMED.iter().zip(&self.named).filter_map(|((letter, list), entries)| {
            let changes = changes(of(*letter), entries);
            (!changes.is_empty()).then(|| format!("{list} ({})", changes.join(", ")))
        });
        let differ = of(NETWORKS.0) != self.networks.as_deref().unwrap_or_default();
        named.chain(differ.then(|| NETWORKS.1.to_owned())).collect()
    }
}

/// The letter of a list, and its hashes.
fn list(text: &str) -> Option<(char, &str)> {
    let letter = text.chars().next()?;
    Some((letter, &text[letter.len_utf8()..]))
}

/// The differences of the entries of a list from those of the text `former`.
fn changes(former: &str, entries: &[(String, String)]) -> Vec<String> {
    // Another program can have changed the text, so a part that is not of the form is left out.
    let pair = |at: usize| Some((former.get(at..at + DIGITS)?, former.get(at + DIGITS..at + 2 * DIGITS)?));
    let mut former: BTreeMap<&str, &str> = (0..former.len()).step_by(2 * DIGITS).filter_map(pair).collect();
    let mut changes = Vec::new();
    for (name, of_entry) in entries {
        match former.remove(hash(name).as_str()) {
            None => changes.push(format!("{} added", visible(name))),
            Some(other) if other != of_entry => changes.push(format!("{} changed", visible(name))),
            Some(_) => {}
        }
    }
    if !former.is_empty() {
        changes.push(format!("{} removed", former.len()));
    }
    changes
}

fn hash(value: &(impl Serialize + ?Sized)) -> String {
    let mut hash = hex::encode(Sha256::digest(json!(value).to_string()));
    hash.truncate(DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn entries(rules: &[(&str, &str)], suppress: &[(&str, &str)], networks: &[&str]) -> PackageEntries {
        let rule =
            |(name, when): &(&str, &str)| json!({"name": name, "severity": "HIGH", "when": when, "description": "d"});
        let suppression = |(name, when): &(&str, &str)| json!({"name": name, "when": when, "until": "2027-01-01T00:00:00Z", "reason": "r"});
        let config: Value = json!({
            "version": 1, "trustedCidrs": networks, "customRules": rules.iter().map(rule).collect::<Vec<_>>(),
            "suppress": suppress.iter().map(suppression).collect::<Vec<_>>(),
        });
        PackageEntries::of(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn entries_that_change_are_named() {
        let former =
            entries(&[("database", "dstport == 1"), ("other", "dstport == 1")], &[("scanner", "dstport == 1")], &[]);
        let text = former.text();
        assert!(former.changes_since(text.as_deref()).is_empty());
        let current = entries(
            &[("database", "dstport == 2"), ("smb", "dstport == 445")],
            &[("scanner", "dstport == 1"), ("backup", "dstport == 9")],
            &["203.0.113.0/24"],
        );
        assert_eq!(
            current.changes_since(text.as_deref()),
            ["customRules (database changed, smb added, 1 removed)", "suppress (backup added)", "trustedCidrs"]
        );
        assert_eq!(former.changes_since(current.text().as_deref())[2], "trustedCidrs");
    }

    #[test]
    fn empty_lists_have_no_text() {
        let none = entries(&[], &[], &[]);
        assert_eq!(none.text(), None);
        assert_eq!(none.changes_since(Some("r1f0e9a3b")), ["customRules (1 removed)"]);
        assert_eq!(
            entries(&[("rule_1", "dstport == 1")], &[], &[]).changes_since(None),
            ["customRules (rule_1 added)"]
        );
    }

    #[test]
    fn a_text_of_another_program_is_no_error() {
        for text in ["", ".", "r", "rä", "r12", "räöüß1234", "x1234.t"] {
            entries(&[("rule_1", "dstport == 1")], &[], &[]).changes_since(Some(text));
        }
    }
}

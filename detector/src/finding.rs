//! One finding: the rule that fired, the traffic that it is about, and the sums over its records.

use std::fmt;
use std::net::IpAddr;

use crate::evidence::Evidence;
use crate::rules::rule::Rule;
use crate::rules::rule_id::RuleId;
use crate::tally::Tally;

/// The traffic that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The source address, if the format has one.
    pub source: Option<IpAddr>,
    /// The destination address, if the format has one and the traffic goes to one only.
    pub destination: Option<IpAddr>,
    /// The property besides the addresses.
    pub detail: Detail,
}

/// The property that distinguishes findings of a rule besides the addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// Nothing.
    None,
    /// The destination port that a sweep is about.
    Port(u16),
    /// The protocol that is unusual; IANA's number.
    Protocol(u8),
    /// The network interface whose records were skipped.
    Interface(InterfaceName),
}

/// The id of a network interface, bounded in length: anybody who may write to the log group can write a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(Box<str>);

impl InterfaceName {
    /// In bytes; `eni-` and 17 digits are 21.
    const MAX_BYTES: usize = 32;
}

impl From<&str> for InterfaceName {
    /// Cuts a name that is too long.
    fn from(name: &str) -> Self {
        Self(name.get(..name.floor_char_boundary(Self::MAX_BYTES)).unwrap_or_default().into())
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A finding of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that fired.
    pub rule: RuleId,
    /// The traffic that it is about.
    pub subject: Subject,
    /// The sums over its records.
    pub tally: Tally,
    /// Distinct ports of a port scan, or targets of a sweep, in its largest window; 0 for other rules.
    pub distinct: u32,
    /// The answer to the first question of a person: the ports that were open, the addresses that got the data.
    pub evidence: Evidence,
    /// True if it has records that no rule over a window sees.
    pub is_apart: bool,
    /// The findings of lesser rules about the same traffic, summed up by rule, in the order of [`Rule::ALL`].
    pub folded: Vec<Folded>,
}

/// The findings of a lesser rule that a graver finding stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The lesser rule.
    pub rule: Rule,
    /// Its records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Finding {
    /// The rules that fired for this traffic, its own first.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> {
        std::iter::once(self.rule.clone()).chain(self.folded.iter().map(|folded| folded.rule.into()))
    }
}

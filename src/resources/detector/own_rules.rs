//! The rules and suppressions of a spec as the operator reads them. The package of the function follows from them, and so does the report
//! of the command `test`: both reject the same.

use std::collections::BTreeSet;
use std::time::SystemTime;

use detector::custom_rule::CustomRule;
use detector::format::LogFormat;
use detector::package_config::PackageConfig;
use detector::suppression::Suppression;
use ipnet::IpNet;

use super::custom_rules::{self, CUSTOM_RULES, TestedRule};
use super::suppressions::{self, SUPPRESS};
use crate::api::{Invalid, VpcFlowMonitorSpec, log_format, spec};
use crate::resources::common::entry_error::EntryError;
use crate::resources::common::networks::trusted;

/// Most conditions of all rules and suppressions. A record meets each of them at worst.
const MOST_CONDITIONS: usize = 256;

/// The rules and suppressions of a spec, in its order.
#[derive(Debug)]
pub struct OwnRules<'s> {
    /// The rules, also those that are switched off.
    pub rules: Vec<(&'s spec::CustomRule, Result<TestedRule, EntryError>)>,
    /// The suppressions.
    pub suppressions: Vec<(&'s spec::Suppression, Result<Suppression, EntryError>)>,
    /// The format of the records.
    pub format: LogFormat,
    /// The networks that the monitor trusts, sorted.
    pub trusted: Vec<IpNet>,
}

impl<'s> OwnRules<'s> {
    /// Reads them. Without a valid format and valid networks no rule can be judged.
    pub fn read(spec: &'s VpcFlowMonitorSpec, now: SystemTime) -> Result<Self, Invalid> {
        let format: LogFormat = log_format(spec.detector_fields())
            .parse()
            .map_err(|problem| Invalid::new(spec.detector_fields_path(), format!("{problem}")))?;
        let trusted: BTreeSet<IpNet> = trusted(spec)?.into_iter().collect();
        let (rules, suppress) = (&spec.detector.custom_rules, &spec.detector.suppress);
        Ok(Self {
            rules: rules.iter().map(|rule| (rule, custom_rules::read(rule, &format))).collect(),
            suppressions: suppress.iter().map(|it| (it, suppressions::read(it, now))).collect(),
            trusted: trusted.into_iter().collect(),
            format,
        })
    }

    /// The lists for the function: the rules that are switched on by name, and the suppressions in the order of the spec, since the first
    /// one that matches counts the record.
    pub(super) fn package_config(self) -> Result<PackageConfig, Invalid> {
        let Self { rules, suppressions, format, trusted } = self;
        let named = |list: &str, index: usize| format!("{list}[{index}]");
        let mut read = Vec::with_capacity(rules.len());
        for (index, (declared, rule)) in rules.into_iter().enumerate() {
            let rule = rule.map_err(|error| error.into_invalid(&named(CUSTOM_RULES, index), &declared.name))?;
            read.push(rule);
        }
        let mut suppress = Vec::with_capacity(suppressions.len());
        for (index, (declared, suppression)) in suppressions.into_iter().enumerate() {
            suppress.push(suppression.map_err(|error| error.into_invalid(&named(SUPPRESS, index), &declared.name))?);
        }
        let failure = read.iter().enumerate().find_map(|(index, rule)| rule.failure(index, &format, &trusted));
        let mut custom_rules: Vec<_> = read.into_iter().map(|tested| tested.rule).filter(|rule| rule.enabled).collect();
        custom_rules.sort();
        check_conditions(&custom_rules, &suppress)?;
        match failure {
            Some(failure) => Err(failure),
            None => Ok(PackageConfig { custom_rules, suppress, trusted_cidrs: trusted, ..PackageConfig::default() }),
        }
    }
}

/// The limit keeps the time that a record takes.
fn check_conditions(rules: &[CustomRule], suppressions: &[Suppression]) -> Result<(), Invalid> {
    let of_rules: usize = rules.iter().map(|rule| rule.when.conditions()).sum();
    let of_suppressions: usize = suppressions.iter().map(|suppression| suppression.when.conditions()).sum();
    if of_rules + of_suppressions <= MOST_CONDITIONS {
        return Ok(());
    }
    let field = if of_rules < of_suppressions { SUPPRESS } else { CUSTOM_RULES };
    let problem = format!(
        "the rules have {of_rules} conditions and the suppressions {of_suppressions}, and together they may have {MOST_CONDITIONS}; \
         use `in` with a list, or leave some out"
    );
    Err(Invalid::new(field, problem))
}

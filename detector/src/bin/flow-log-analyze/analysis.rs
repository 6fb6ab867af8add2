//! The analysis of all sources: the rules' findings and the summary.

use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use detector::analysis::Counts;
use detector::finding::Finding;
use detector::findings::Findings;
use detector::format::LogFormat;
use detector::record::Record;
use detector::rules::{Engine, Limits, Rule, RuleId, Severity};
use flow_log_fields::Field;

use crate::intake::Sink;
use crate::settings::Settings;
use crate::summary::Summary;

/// Judges and sums up records as they come.
#[derive(Debug)]
pub struct Analysis {
    settings: Settings,
    expired: Vec<String>,
    engine: Engine,
    summary: Summary,
    blind: BTreeMap<RuleId, Field>,
}

impl Analysis {
    /// An analysis of nothing yet. Suppressions that have expired at `now` have no effect.
    pub fn new(settings: Settings, now: SystemTime) -> Self {
        let engine = Engine::with_limits(&settings.config, &Limits::WORKSTATION);
        let expired = settings.suppress.iter().filter(|suppression| suppression.is_expired(now));
        Self {
            expired: expired.map(|suppression| suppression.name.clone()).collect(),
            engine: engine.suppress(&settings.suppress, now).watch(&settings.custom_rules),
            settings,
            summary: Summary::default(),
            blind: BTreeMap::new(),
        }
    }

    /// The report, with the line counts and the number of files.
    pub fn finish(mut self, counts: Counts, files: usize) -> Report {
        let findings = self.engine.finish();
        Report {
            counts,
            files,
            findings,
            summary: self.summary,
            blind: self.blind,
            expired: self.expired,
            min_severity: self.settings.config.min_severity,
        }
    }
}

impl Sink for Analysis {
    fn format(&mut self, format: &LogFormat) {
        let Settings { config, custom_rules, .. } = &self.settings;
        let enabled = Rule::ALL.into_iter().filter(|rule| !config.disabled.contains(rule));
        self.blind.extend(enabled.filter_map(|rule| Some((rule.into(), rule.lacks(format)?))));
        let watched = custom_rules.iter().filter(|rule| rule.enabled);
        self.blind.extend(watched.filter_map(|rule| Some((RuleId::Custom(rule.clone()), rule.when.lacks(format)?))));
    }

    #[inline]
    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let flow = self.engine.observe(record);
        self.summary.add(record, flow.as_ref());
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The result.
#[derive(Debug)]
pub struct Report {
    /// The line counts.
    pub counts: Counts,
    /// Number of files.
    pub files: usize,
    /// The findings of the rules.
    pub findings: Findings,
    /// Where the traffic goes.
    pub summary: Summary,
    /// Rules that could not fire on some of the records, and the field that those lack.
    pub blind: BTreeMap<RuleId, Field>,
    /// Suppressions that have expired.
    pub expired: Vec<String>,
    /// The lowest severity that is listed.
    pub min_severity: Severity,
}

impl Report {
    /// The findings to list, the most severe first.
    pub fn listed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.list.iter().filter(|finding| finding.rule.severity() >= self.min_severity)
    }

    /// The highest severity of all findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.list.iter().map(|finding| finding.rule.severity()).max()
    }
}

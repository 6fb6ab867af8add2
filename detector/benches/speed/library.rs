//! The library's work on the batch, a part of it at a time.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use detector::account_region::AccountRegion;
use detector::analysis::{Analysis, Analyzer};
use detector::custom_rule::CustomRule;
use detector::envelope::{Event, Unpacker};
use detector::message::{Invocation, Message};
use detector::notification_log;
use detector::package_config::PackageConfig;
use detector::record::Parser;
use detector::rules::{Config, Engine, Rule, Severity};
use detector::settings::Settings;

use crate::{Batch, variables};

/// The library, with the settings that the operator makes and the defaults of the rules.
pub struct Library {
    parser: Parser,
    settings: Settings,
    /// The same, with all findings in the message.
    all_findings: Settings,
}

impl Library {
    /// With the defaults.
    pub fn new() -> Result<Self> {
        let names = variables::NAMES.map(|(name, value)| (name, value.to_owned()));
        let variables: BTreeMap<_, _> = variables::of_monitor()?.into_iter().chain(names).collect();
        let settings = Settings::read(|name| variables.get(name).cloned(), PackageConfig::default())?;
        let rules = Config { min_severity: Severity::Low, ..settings.rules.clone() };
        let all_findings = Settings { rules, ..settings.clone() };
        Ok(Self { parser: Parser::new(settings.format.clone()), settings, all_findings })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The parser alone.
    pub fn parse(&self, batches: &[Batch]) {
        for line in batches.iter().flat_map(|batch| &batch.lines) {
            black_box(&self.parser.parse(black_box(line)));
        }
    }

    /// The parser and all rules; an event is judged by itself, as the function does.
    pub fn judge(&self, batches: &[Batch]) {
        self.judge_by(&[], batches);
    }

    /// The parser, all rules of the detector and `custom` rules.
    pub fn judge_by(&self, custom: &[Arc<CustomRule>], batches: &[Batch]) {
        let mut engine = Engine::new(&self.settings.rules).watch(custom);
        for batch in batches {
            let mut analyzer = Analyzer::with_engine(&self.parser, engine);
            for line in &batch.lines {
                analyzer.add(line);
            }
            let analysis;
            (analysis, engine) = analyzer.finish_with_engine();
            black_box(analysis);
        }
    }

    fn analysis(&self, lines: &[String], config: &Config) -> Analysis {
        let mut analyzer = Analyzer::new(&self.parser, config);
        for line in lines {
            analyzer.add(line);
        }
        analyzer.finish()
    }

    /// From the event's JSON to the lines: JSON, base64, gzip, JSON.
    pub fn unpack(batches: &[Batch]) {
        let mut unpacker = Unpacker::default();
        for batch in batches {
            let Ok(event) = serde_json::from_str::<Event>(&batch.event) else { continue };
            drop(unpacker.read(&event.awslogs, |line| {
                black_box(line);
            }));
        }
    }

    /// From the event's JSON to the message.
    pub fn handle(&self, batches: &[Batch]) {
        self.handle_by(&self.settings, batches);
    }

    /// The same, with the LOW findings in the message that the recipe's handler publishes.
    pub fn handle_all(&self, batches: &[Batch]) {
        self.handle_by(&self.all_findings, batches);
    }

    fn handle_by(&self, settings: &Settings, batches: &[Batch]) {
        let mut unpacker = Unpacker::default();
        let mut engine = Engine::new(&settings.rules);
        for batch in batches {
            let Ok(event) = serde_json::from_str::<Event>(&batch.event) else { continue };
            let mut analyzer = Analyzer::with_engine(&self.parser, engine);
            let header = unpacker.read(&event.awslogs, |line| analyzer.add(line));
            let analysis;
            (analysis, engine) = analyzer.finish_with_engine();
            let Ok(header) = header else { continue };
            let account_region = AccountRegion::of_function("arn:aws:lambda:eu-west-1:123456789012:function:detector");
            let invocation = Invocation { account_region, log_group: header.log_group, file: None };
            if analysis.findings.severity() < Some(settings.rules.min_severity) {
                continue;
            }
            let batch = notification_log::Batch::new(event.awslogs.id(), &analysis.findings, settings, 0);
            black_box(Message::compose(&analysis, settings, &invocation, &batch.into_notification()));
        }
    }

    /// Makes sure that the work measured is done: every record is parsed, and the recipe's two rules fire as often as
    /// in the recipe's handler.
    pub fn check(&self, batches: &[Batch], recipe: &serde_json::Value) -> Result<()> {
        for (rule, name) in [(Rule::HighDataTransfer, "high_data_transfer"), (Rule::RejectedTcp, "rejected_tcp")] {
            // Alone, as a record may count under a graver rule otherwise.
            let others = Rule::ALL.into_iter().filter(|other| *other != rule).collect();
            let config = Config { disabled: others, ..self.settings.rules.clone() };
            let mut fired = 0;
            for batch in batches {
                let analysis = self.analysis(&batch.lines, &config);
                if analysis.counts.parsed != batch.lines.len() as u64 {
                    bail!("{} records of the batch are bad", analysis.counts.bad);
                }
                let findings = analysis.findings.list.iter().filter(|finding| finding.rule == rule);
                fired += findings.map(|finding| finding.tally.records).sum::<u64>();
            }
            let theirs = recipe[name].as_u64().with_context(|| format!("the recipe's handler reports no {name}"))?;
            if fired != theirs {
                bail!("{name}: the rules fire on {fired} records, the recipe's handler on {theirs}");
            }
        }
        Ok(())
    }
}

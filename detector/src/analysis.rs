//! A batch of lines, judged: the counts, the first bad lines and the findings.

use std::sync::Arc;
use std::time::SystemTime;

use crate::custom_rule::CustomRule;
use crate::detection::{Detection, DetectionCounts};
use crate::findings::Findings;
use crate::record::{Parser, Record, RecordError};
use crate::rules::{Config, Engine, Limits};
use crate::suppression::Suppression;

/// Bad lines kept for the log; the rest are only counted.
pub const MAX_BAD_LINES_KEPT: usize = 5;

/// Characters kept of a bad line.
pub const MAX_BAD_LINE_CHARS: usize = 256;

/// Line counts of a batch: always `records = parsed + bad`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines of the format, those without traffic among them.
    pub parsed: u64,
    /// Lines of another shape, skipped.
    pub bad: u64,
}

impl Counts {
    /// All lines.
    #[must_use]
    pub fn records(self) -> u64 {
        self.parsed + self.bad
    }
}

/// The reason a line was skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The parser rejects it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Not text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// So long that it is not read; the number is the most bytes of a line.
    #[error("it has more than {0} bytes")]
    TooLong(usize),
    /// A value of a table that cannot be one of a record.
    #[error("the value of `{0}` has white space in it")]
    WhiteSpace(String),
}

/// A line that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its place in the batch, from 1.
    pub number: u64,
    /// The reason.
    pub reason: Fault,
    /// Its first [`MAX_BAD_LINE_CHARS`] characters.
    pub start: String,
}

/// Parses lines, counts them and keeps the first bad ones.
#[derive(Debug)]
pub struct Reader<'f> {
    parser: &'f Parser,
    counts: Counts,
    bad_lines: Vec<BadLine>,
}

impl<'f> Reader<'f> {
    /// A reader of lines that `parser` understands.
    #[must_use]
    pub fn new(parser: &'f Parser) -> Self {
        Self { parser, counts: Counts::default(), bad_lines: Vec::new() }
    }

    /// The record of a line, `None` for a bad one.
    #[inline]
    pub fn read<'l>(&mut self, line: &'l str) -> Option<Record<'l>>
    where
        'f: 'l,
    {
        match self.parser.parse(line) {
            Ok(record) => {
                self.counts.parsed += 1;
                Some(record)
            }
            Err(reason) => {
                self.refuse(line.as_bytes(), reason.into());
                None
            }
        }
    }

    #[cold]
    fn refuse(&mut self, line: &[u8], reason: Fault) {
        self.counts.bad += 1;
        if self.bad_lines.len() < MAX_BAD_LINES_KEPT {
            let number = self.counts.records();
            // A character has at most four bytes.
            let start = line.get(..4 * MAX_BAD_LINE_CHARS).unwrap_or(line);
            let start = String::from_utf8_lossy(start).chars().take(MAX_BAD_LINE_CHARS).collect();
            self.bad_lines.push(BadLine { number, reason, start });
        }
    }

    /// The counts and the first bad lines.
    #[must_use]
    pub fn finish(self) -> (Counts, Vec<BadLine>) {
        (self.counts, self.bad_lines)
    }
}

/// The analysis of a batch while it is read.
#[derive(Debug)]
pub struct Analyzer<'f> {
    reader: Reader<'f>,
    engine: Engine,
    detections: DetectionCounts,
    /// The VPC whose records are judged; of all if none.
    vpc_id: Option<&'f str>,
    of_other_vpcs: u64,
}

impl<'f> Analyzer<'f> {
    /// An analysis of no lines yet, with the limits of one batch.
    #[must_use]
    pub fn new(parser: &'f Parser, config: &Config) -> Self {
        Self::with_limits(parser, config, &Limits::FUNCTION)
    }

    /// An analysis of no lines yet.
    #[must_use]
    pub fn with_limits(parser: &'f Parser, config: &Config, limits: &Limits) -> Self {
        Self::with_engine(parser, Engine::with_limits(config, limits))
    }

    /// An analysis by an `engine` that has seen nothing since its last findings.
    #[must_use]
    pub fn with_engine(parser: &'f Parser, engine: Engine) -> Self {
        Self {
            reader: Reader::new(parser),
            engine,
            detections: DetectionCounts::default(),
            vpc_id: None,
            of_other_vpcs: 0,
        }
    }

    /// Counts the records of `detections` too.
    #[must_use]
    pub fn count(self, detections: &[Detection]) -> Self {
        Self { detections: DetectionCounts::new(detections), ..self }
    }

    /// Judges the records of this VPC, and those that name none: other flow logs may deliver to the same folder.
    #[must_use]
    pub fn of_vpc(self, vpc_id: &'f str) -> Self {
        Self { vpc_id: Some(vpc_id), ..self }
    }

    /// Leaves out the records of those `suppressions` that have not expired at `now`.
    #[must_use]
    pub fn suppress(self, suppressions: &[Suppression], now: SystemTime) -> Self {
        Self { engine: self.engine.suppress(suppressions, now), ..self }
    }

    /// Judges records by the `rules` of a user too.
    #[must_use]
    pub fn watch(self, rules: &[Arc<CustomRule>]) -> Self {
        Self { engine: self.engine.watch(rules), ..self }
    }

    /// Parses and judges a line.
    #[inline]
    pub fn add(&mut self, line: &str) {
        self.add_by(self.reader.parser, line);
    }

    /// Parses a line by another parser, and judges it.
    #[inline]
    pub fn add_bytes(&mut self, parser: &Parser, line: &[u8]) {
        match str::from_utf8(line) {
            Ok(text) => self.add_by(parser, text),
            Err(_) => self.refuse(line, Fault::NotUtf8),
        }
    }

    #[inline]
    fn add_by(&mut self, parser: &Parser, line: &str) {
        let Self { engine, detections, vpc_id, of_other_vpcs, .. } = self;
        let judged = parser.parse_for(line, |record| {
            if vpc_id.zip(record.vpc_id).is_some_and(|(judged, found)| judged != found) {
                *of_other_vpcs += 1;
            } else if let Some(flow) = engine.observe(record) {
                detections.count(record, &flow.ends);
            }
        });
        match judged {
            Ok(()) => self.reader.counts.parsed += 1,
            Err(reason) => self.refuse(line.as_bytes(), reason.into()),
        }
    }

    /// Counts a line that is no record.
    pub fn refuse(&mut self, line: &[u8], reason: Fault) {
        self.reader.refuse(line, reason);
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> Analysis {
        self.finish_with_engine().0
    }

    /// The result, and the engine for the next analysis.
    #[must_use]
    pub fn finish_with_engine(mut self) -> (Analysis, Engine) {
        let (counts, bad_lines) = self.reader.finish();
        let analysis = Analysis {
            counts,
            bad_lines,
            findings: self.engine.finish(),
            detections: self.detections,
            of_other_vpcs: self.of_other_vpcs,
        };
        (analysis, self.engine)
    }
}

/// The analysis of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The line counts.
    pub counts: Counts,
    /// The first bad lines.
    pub bad_lines: Vec<BadLine>,
    /// The findings of the rules.
    pub findings: Findings,
    /// The records that detections count.
    pub detections: DetectionCounts,
    /// Records that were left out because they are of other VPCs.
    pub of_other_vpcs: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::LogFormat;
    use crate::rules::Rule;
    use crate::test_data::{v2_line, v2_line_without_traffic};

    fn analyze(lines: &[String]) -> Analysis {
        let parser = Parser::new(LogFormat::aws_default());
        let mut analyzer = Analyzer::new(&parser, &Config::default());
        for line in lines {
            analyzer.add(line);
        }
        analyzer.finish()
    }

    #[test]
    fn bad_lines_are_counted_the_first_kept_and_the_rest_of_the_batch_judged() {
        let mut lines = vec![v2_line("10.0.0.1", "10.0.0.2", 22, 6, 40, "ACCEPT")];
        lines.extend((0..MAX_BAD_LINES_KEPT + 2).map(|_| "é".repeat(MAX_BAD_LINE_CHARS + 1)));
        lines.push(v2_line("10.0.0.1", "10.0.0.2", 22, 6, 40, "REJECT"));
        let analysis = analyze(&lines);
        assert_eq!(analysis.counts, Counts { parsed: 2, bad: 7 });
        assert_eq!(analysis.bad_lines.len(), MAX_BAD_LINES_KEPT);
        let first = BadLine {
            number: 2,
            reason: RecordError::FieldCount { expected: 14, found: 1 }.into(),
            start: "é".repeat(MAX_BAD_LINE_CHARS),
        };
        assert_eq!(analysis.bad_lines[0], first);
        assert_eq!(analysis.findings.list.len(), 1);
    }

    #[test]
    fn records_without_traffic_are_parsed_and_only_lost_ones_are_a_finding() {
        let analysis = analyze(&[v2_line_without_traffic("NODATA"), v2_line_without_traffic("SKIPDATA")]);
        assert_eq!(analysis.counts, Counts { parsed: 2, bad: 0 });
        let rules: Vec<_> = analysis.findings.list.iter().map(|finding| finding.rule.clone()).collect();
        assert_eq!(rules, [Rule::SkippedRecords]);
    }

    proptest! {
        #[test]
        fn every_line_is_either_parsed_or_bad(
            lines in prop::collection::vec(
                prop_oneof![
                    any::<String>().prop_map(|line| (line, false)),
                    (any::<u32>(), any::<u64>(), prop::bool::ANY).prop_map(|(source, bytes, reject)| {
                        let source = std::net::Ipv4Addr::from(source).to_string();
                        let action = if reject { "REJECT" } else { "ACCEPT" };
                        (v2_line(&source, "10.0.0.1", 22, 6, bytes, action), true)
                    }),
                    Just((v2_line_without_traffic("NODATA"), true)),
                ],
                0..40,
            )
        ) {
            let good = lines.iter().filter(|(_, good)| *good).count() as u64;
            let all = lines.len() as u64;
            let rejected = lines.iter().filter(|(line, good)| *good && line.contains("REJECT")).count() as u64;
            let analysis = analyze(&lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>());
            prop_assert_eq!(analysis.counts, Counts { parsed: good, bad: all - good });
            prop_assert_eq!(analysis.counts.records(), all);
            // Port 22 is a sensitive one, and many sources are no scan.
            let found: u64 = analysis.findings.list.iter()
                .filter(|it| matches!(it.rule.built_in(), Some(Rule::RejectedTcp | Rule::SensitivePortRejected)))
                .map(|it| it.tally.records)
                .sum::<u64>()
                + analysis.findings.list.iter().flat_map(|it| &it.folded).map(|it| it.records).sum::<u64>();
            prop_assert_eq!(found, rejected);
        }
    }
}

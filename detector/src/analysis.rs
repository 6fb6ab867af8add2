//! A batch of lines, judged: the counts, the first bad lines and the findings.

use crate::findings::{Findings, Groups};
use crate::format::LogFormat;
use crate::record::{Record, RecordError};
use crate::rules::Thresholds;

/// Bad lines kept for the log; the rest are only counted.
pub const MAX_BAD_LINES_KEPT: usize = 5;

/// Characters kept of a bad line.
pub const MAX_BAD_LINE_CHARS: usize = 256;

/// How many lines a batch had: always `records = parsed + bad`.
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

/// A line that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its place in the batch, from 1.
    pub number: u64,
    /// Why.
    pub reason: RecordError,
    /// Its first [`MAX_BAD_LINE_CHARS`] characters.
    pub start: String,
}

/// The analysis of a batch while it is read.
#[derive(Debug)]
pub struct Analyzer<'f> {
    format: &'f LogFormat,
    thresholds: Thresholds,
    counts: Counts,
    bad_lines: Vec<BadLine>,
    groups: Groups,
}

impl<'f> Analyzer<'f> {
    /// An analysis of no lines yet.
    #[must_use]
    pub fn new(format: &'f LogFormat, thresholds: Thresholds) -> Self {
        Self { format, thresholds, counts: Counts::default(), bad_lines: Vec::new(), groups: Groups::default() }
    }

    /// Parses and judges a line.
    pub fn add(&mut self, line: &str) {
        match Record::parse(line, self.format) {
            Ok(record) => {
                self.counts.parsed += 1;
                for rule in self.thresholds.judge(&record) {
                    self.groups.add(rule, &record);
                }
            }
            Err(reason) => {
                self.counts.bad += 1;
                if self.bad_lines.len() < MAX_BAD_LINES_KEPT {
                    self.bad_lines.push(BadLine {
                        number: self.counts.records(),
                        reason,
                        start: line.chars().take(MAX_BAD_LINE_CHARS).collect(),
                    });
                }
            }
        }
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> Analysis {
        Analysis { counts: self.counts, bad_lines: self.bad_lines, findings: self.groups.finish() }
    }
}

/// The analysis of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// How many lines.
    pub counts: Counts,
    /// The first bad lines.
    pub bad_lines: Vec<BadLine>,
    /// What the rules found.
    pub findings: Findings,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::Rule;
    use crate::test_data::{V2_FORMAT, v2_line, v2_line_without_traffic};

    fn analyze(lines: &[String]) -> Analysis {
        let format = V2_FORMAT.parse().unwrap();
        let mut analyzer = Analyzer::new(&format, Thresholds { high_transfer_bytes: 50_000_000 });
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
            reason: RecordError::FieldCount { expected: 14, found: 1 },
            start: "é".repeat(MAX_BAD_LINE_CHARS),
        };
        assert_eq!(analysis.bad_lines[0], first);
        assert_eq!(analysis.findings.list.len(), 1);
    }

    #[test]
    fn records_without_traffic_are_parsed_and_are_no_finding() {
        let analysis = analyze(&[v2_line_without_traffic("NODATA"), v2_line_without_traffic("SKIPDATA")]);
        assert_eq!(analysis.counts, Counts { parsed: 2, bad: 0 });
        assert_eq!(analysis.findings, Findings::default());
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
            let found: u64 = analysis.findings.list.iter()
                .filter(|it| it.rule == Rule::RejectedTcp)
                .map(|it| it.tally.records)
                .sum();
            prop_assert_eq!(found, rejected);
        }
    }
}

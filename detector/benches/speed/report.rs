//! The table, and `bench.json`.
#![expect(clippy::cast_precision_loss, reason = "figures of a report, far below 2^52")]

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::clock::Times;
use crate::function::Measured as Function;
use crate::{Measured, ROUNDS, event, machine, traffic};

/// All that was measured.
pub struct Report {
    /// Records of the batch.
    pub records: usize,
    /// Events they are packed in.
    pub events: usize,
    /// Seconds for the whole batch.
    pub times: Measured,
    /// Python's version.
    pub python: String,
    /// Records of the largest event.
    pub event_records: usize,
    /// Its size.
    pub event_bytes: usize,
    /// The program.
    pub function: Function,
    /// The size of its package.
    pub zip_bytes: u64,
}

impl Report {
    fn rate(&self, seconds: f64) -> f64 {
        self.records as f64 / seconds
    }

    fn speed_row(&self, name: &str, times: &Times) {
        let thousands = |seconds| self.rate(seconds) / 1e3;
        let nanoseconds = times.median() / self.records as f64 * 1e9;
        println!("| {name} | {:.0} | {:.0} | {nanoseconds:.0} |", thousands(times.median()), thousands(times.best()));
    }

    /// Prints the table, as Markdown.
    pub fn print(&self) {
        let times = &self.times;
        println!("| On one core | Thousand records/s, median | best | ns/record, median |");
        println!("|---|--:|--:|--:|");
        self.speed_row("Parser", &times.parse);
        self.speed_row("Parser and all rules", &times.rules);
        self.speed_row("The same and 16 worst custom rules", &times.custom);
        self.speed_row("Unpacking: JSON, base64, gzip, JSON", &times.unpack);
        self.speed_row("Whole handler: event's JSON to message", &times.handler);
        self.speed_row("The same with LOW findings in the message", &times.handler_all);
        self.speed_row("Recipe's handler", &times.recipe);
        self.speed_row("Recipe's handler with its event's JSON", &times.recipe_whole);
        self.speed_row("Recipe's unpacking: base64, gzip, JSON", &times.recipe_unpack);
        println!();
        println!("| Ratio of medians | |");
        println!("|---|--:|");
        println!("| Parser and rules to the recipe's handler | {:.1} |", self.ratio_to_recipe());
        println!("| Whole handler to the recipe's handler, both from the event's JSON | {:.1} |", self.handler_ratio());
        println!("| The same with LOW findings in the message | {:.1} |", self.handler_all_ratio());
        println!("| Parser, rules and 16 worst custom rules to the recipe's handler | {:.1} |", self.custom_ratio());
        println!();
        let function = &self.function;
        println!("| The function as deployed | |");
        println!("|---|--:|");
        println!("| Start to first request for an event, median of 20 | {:.1} ms |", function.start.median() * 1e3);
        println!("| The same, best | {:.1} ms |", function.start.best() * 1e3);
        println!("| Processor time of it, median | {:.1} ms |", function.start_processor.median() * 1e3);
        println!("| Memory, waiting for the first event | {:.1} MiB |", mebibytes(function.idle_bytes));
        println!("| Memory, peak over the largest events | {:.1} MiB |", mebibytes(function.peak_bytes));
        println!("| Records of the largest event | {} |", self.event_records);
        println!("| Its longest request to SNS | {} bytes |", function.message_bytes);
        println!("| Zip | {} bytes |", self.zip_bytes);
    }

    fn ratio_to_recipe(&self) -> f64 {
        self.times.recipe.median() / self.times.rules.median()
    }

    fn handler_ratio(&self) -> f64 {
        self.times.recipe_whole.median() / self.times.handler.median()
    }

    fn handler_all_ratio(&self) -> f64 {
        self.times.recipe_whole.median() / self.times.handler_all.median()
    }

    fn custom_ratio(&self) -> f64 {
        self.times.recipe.median() / self.times.custom.median()
    }

    /// Writes `bench.json`, with the part about files, to the root of the repository.
    pub fn write(&self, files: &Value) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench.json");
        let text = serde_json::to_string_pretty(&self.json(files))?;
        fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    fn json(&self, files: &Value) -> Value {
        let times = &self.times;
        let rate = |times: &Times| self.rate(times.median()).round();
        let best = |times: &Times| self.rate(times.best()).round();
        json!({
            "detector": {
                "parse_records_per_second": rate(&times.parse),
                "rules_records_per_second": rate(&times.rules),
                "custom_rules_records_per_second": rate(&times.custom),
                "unpack_records_per_second": rate(&times.unpack),
                "handler_records_per_second": rate(&times.handler),
                "handler_with_low_records_per_second": rate(&times.handler_all),
                "recipe_records_per_second": rate(&times.recipe),
                "recipe_whole_records_per_second": rate(&times.recipe_whole),
                "recipe_unpack_records_per_second": rate(&times.recipe_unpack),
                "ratio_to_recipe": tenths(self.ratio_to_recipe()),
                "handler_ratio_to_recipe": tenths(self.handler_ratio()),
                "handler_with_low_ratio_to_recipe": tenths(self.handler_all_ratio()),
                "custom_rules_ratio_to_recipe": tenths(self.custom_ratio()),
                "best": {
                    "parse_records_per_second": best(&times.parse),
                    "rules_records_per_second": best(&times.rules),
                    "custom_rules_records_per_second": best(&times.custom),
                    "handler_records_per_second": best(&times.handler),
                    "recipe_records_per_second": best(&times.recipe),
                },
                "peak_mib": tenths(mebibytes(self.function.peak_bytes)),
                "idle_mib": tenths(mebibytes(self.function.idle_bytes)),
                "start_ms": tenths(self.function.start.median() * 1e3),
                "start_best_ms": tenths(self.function.start.best() * 1e3),
                "start_processor_ms": tenths(self.function.start_processor.median() * 1e3),
                "zip_bytes": self.zip_bytes,
            },
            "files": files,
            "batch": {
                "records": self.records,
                "events": self.events,
                "description": traffic::EVERYDAY,
                "rounds": ROUNDS,
            },
            "largest_event": {
                "records": self.event_records,
                "bytes": self.event_bytes,
                "limit_bytes": event::MAX_EVENT_BYTES,
                "description": traffic::HOSTILE,
            },
            "python": self.python,
            "machine": machine::describe(),
        })
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

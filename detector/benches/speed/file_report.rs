//! The table of the way of files, and its part of `bench.json`.
#![expect(clippy::cast_precision_loss, reason = "figures of a report, far below 2^52")]

use serde_json::{Value, json};

use crate::clock::Times;
use crate::file_path::{Largest, Measured};

/// All that was measured with files.
pub struct FileReport {
    /// Records of the batch.
    pub records: usize,
    /// Seconds for the whole batch.
    pub times: Measured,
    /// Seconds for it of the recipe's handler, from its event's JSON.
    pub recipe: f64,
    /// The largest text and the largest Parquet file.
    pub largest: [Largest; 2],
}

impl FileReport {
    fn row(&self, name: &str, times: &Times) {
        let nanoseconds = times.median() / self.records as f64 * 1e9;
        let (thousands, ratio) = (1e6 / nanoseconds, self.recipe / times.median());
        println!("| {name} | {thousands:.0} | {nanoseconds:.0} | {ratio:.1} |");
    }

    /// Prints the tables, as Markdown.
    pub fn print(&self) {
        println!();
        println!("| A file, from the disk to the message | Thousand records/s | ns/record | to the recipe's handler |");
        println!("|---|--:|--:|--:|");
        self.row("Text", &self.times.text);
        self.row("Parquet", &self.times.parquet);
        self.row("Text, with the metrics of three detections", &self.times.detections);
        println!();
        println!("| A file of the largest size through the function | Text | Parquet |");
        println!("|---|--:|--:|");
        let [text, parquet] = &self.largest;
        println!("| Bytes | {} | {} |", text.bytes, parquet.bytes);
        println!("| Records | {} | {} |", text.records, parquet.records);
        println!("| Memory, peak | {:.1} MiB | {:.1} MiB |", mebibytes(text), mebibytes(parquet));
        let seconds = |it: &Largest| it.handled.processor_seconds;
        println!("| Processor time | {:.1} s | {:.1} s |", seconds(text), seconds(parquet));
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let rate = |times: &Times| (self.records as f64 / times.median()).round();
        let ratio = |times: &Times| tenths(self.recipe / times.median());
        let [text, parquet] = &self.largest;
        let largest = |it: &Largest| {
            json!({
                "records": it.records,
                "bytes": it.bytes,
                "peak_mib": tenths(mebibytes(it)),
                "processor_seconds": tenths(it.handled.processor_seconds),
            })
        };
        json!({
            "text_records_per_second": rate(&self.times.text),
            "parquet_records_per_second": rate(&self.times.parquet),
            "text_with_detections_records_per_second": rate(&self.times.detections),
            "text_ratio_to_recipe": ratio(&self.times.text),
            "parquet_ratio_to_recipe": ratio(&self.times.parquet),
            "largest_text": largest(text),
            "largest_parquet": largest(parquet),
        })
    }
}

fn mebibytes(largest: &Largest) -> f64 {
    largest.handled.peak_bytes as f64 / (1024.0 * 1024.0)
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

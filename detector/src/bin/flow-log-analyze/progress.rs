//! A progress bar, on a terminal only.

use std::fs;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::source::Source;

/// A bar that counts the bytes of all sources; it is on standard error, and hidden if that is no terminal.
pub fn bar(sources: &[Source]) -> ProgressBar {
    let size = |source: &Source| match source {
        Source::Stdin => None,
        Source::File(path) => fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len()),
    };
    // Unknown if the size of one source is.
    let total = sources.iter().map(size).sum::<Option<u64>>();
    let template = match total {
        Some(_) => "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        None => "{spinner} {bytes}, {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style)
}

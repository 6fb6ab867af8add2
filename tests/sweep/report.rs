//! The report of a sweep at its end: a row for the table of `make sweep`, and its failures.

use std::path::PathBuf;
use std::time::Instant;

/// True under `make sweep`: every point. Otherwise a selection that fits the time of `make test`.
pub fn is_full() -> bool {
    std::env::var_os("SWEEP").is_some_and(|scope| scope == "full")
}

/// The seed of the random choices; the same seed makes the same ones. `SWEEP_SEED` sets it.
pub fn seed() -> u64 {
    let given = std::env::var("SWEEP_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    eprintln!("SWEEP_SEED={seed}");
    seed
}

/// A sweep under way. Its row is written when it ends, in whatever way it ends.
pub struct Sweep {
    name: &'static str,
    points: usize,
    runs: usize,
    failures: Vec<String>,
    started: Instant,
}

impl Sweep {
    /// `name` stands in the table, and names one sweep only.
    pub fn start(name: &'static str) -> Self {
        Self { name, points: 0, runs: 0, failures: Vec::new(), started: Instant::now() }
    }

    /// That many points have been covered: crashes, failures, fields, steps of a walk.
    pub fn add_points(&mut self, points: usize) {
        self.points += points;
    }

    /// One more run; `what` is needed to repeat it if it has failed.
    pub fn add_run<T>(&mut self, what: &str, outcome: anyhow::Result<T>) -> Option<T> {
        self.runs += 1;
        outcome.map_err(|error| self.add_failure(format!("{what}: {error:#}"))).ok()
    }

    /// Reports a failure at once, and lets the sweep go on.
    pub fn add_failure(&mut self, failure: String) {
        eprintln!("{}: {failure}", self.name);
        self.failures.push(failure);
    }

    /// Ends the sweep.
    pub fn finish(self) {
        assert!(self.points > 0, "{} covered nothing", self.name);
        let failures = self.failures.clone();
        drop(self);
        assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let failures = self.failures.len() + usize::from(std::thread::panicking());
        let seconds = self.started.elapsed().as_secs();
        eprintln!("{}: {} points, {} runs, {failures} failures, {seconds} s", self.name, self.points, self.runs);
        let Some(folder) = std::env::var_os("SWEEP_REPORT").map(PathBuf::from) else { return };
        let row = format!("{}\t{}\t{}\t{failures}\t{seconds}\n", self.name, self.points, self.runs);
        let file = folder.join(format!("{}.tsv", self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        if let Err(error) = std::fs::write(&file, row) {
            eprintln!("{}: {error}", file.display());
        }
    }
}

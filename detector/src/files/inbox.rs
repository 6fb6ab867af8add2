//! The files that S3 announces: each is fetched to disk and judged from there.
//!
//! The file on disk has no name, so that nothing of it remains, however the invocation ends. All of a file is there before a record of
//! it is judged: a connection that breaks costs no half message.

use std::fs::File;
use std::io::Seek;
use std::sync::Mutex;
use std::time::SystemTime;

use super::error::{FileError, Problem};
use super::store::FileStore;
use super::{FileName, Kind, reading};
use crate::analysis::{Analysis, Analyzer};
use crate::format::LogFormat;
use crate::idle;
use crate::record::Parser;
use crate::rules::Limits;
use crate::settings::Settings;

/// Formats that are remembered: a flow log has one, and a change of it gives another.
const MAX_FORMATS: usize = 16;

/// Fetches and judges files.
#[derive(Debug)]
pub struct Inbox<F> {
    store: F,
    /// Formats whose idle rules have been logged.
    formats: Mutex<Vec<LogFormat>>,
}

impl<F> Inbox<F> {
    /// Of the files in `store`.
    #[must_use]
    pub fn new(store: F) -> Self {
        Self { store, formats: Mutex::default() }
    }

    /// True for a format that no file had before.
    fn is_new(&self, format: &LogFormat) -> bool {
        let Ok(mut formats) = self.formats.lock() else { return false };
        let is_new = formats.len() < MAX_FORMATS && !formats.contains(format);
        if is_new {
            formats.push(format.clone());
        }
        is_new
    }
}

impl<F: FileStore> Inbox<F> {
    /// The analysis of a file; `None` for one that is no file of the monitor's records, or that is gone. `account` must own the bucket.
    pub async fn analyze(
        &self,
        name: &FileName,
        account: Option<&str>,
        settings: &Settings,
        assumed: &Parser,
    ) -> Result<Option<Analysis>, FileError> {
        // To skip it would hide that the records go elsewhere.
        if settings.bucket.as_ref() != Some(&name.bucket) {
            return Err(FileError { file: name.clone(), problem: Problem::OtherBucket });
        }
        let Some(kind) = name.kind() else {
            tracing::info!(file = %name, "file skipped: it is no file of records");
            return Ok(None);
        };
        let judged = self.judge(name, kind, account, settings, assumed).await;
        judged.map_err(|problem| FileError { file: name.clone(), problem })
    }

    async fn judge(
        &self,
        name: &FileName,
        kind: Kind,
        account: Option<&str>,
        settings: &Settings,
        assumed: &Parser,
    ) -> Result<Option<Analysis>, Problem> {
        let disk = |reason| Problem::Disk { reason };
        let mut file = tempfile::tempfile().map_err(disk)?;
        if !self.store.fetch(name, account, &mut file).await? {
            tracing::warn!(file = %name, "file skipped: it has been deleted");
            return Ok(None);
        }
        file.rewind().map_err(disk)?;
        self.read(name, kind, file, settings, assumed).map(Some)
    }

    fn read(
        &self,
        name: &FileName,
        kind: Kind,
        file: File,
        settings: &Settings,
        assumed: &Parser,
    ) -> Result<Analysis, Problem> {
        let now = SystemTime::now();
        let mut analyzer = Analyzer::with_limits(assumed, &settings.rules, &Limits::FILE)
            .watch(&settings.custom_rules)
            .suppress(&settings.suppress, now)
            .count(&settings.detections)
            .of_vpc(&settings.origin.vpc_id);
        match reading::read(file, kind, assumed, &mut analyzer)? {
            Some(format) if self.is_new(&format) => idle::warn(settings, &format, &name.to_string(), now),
            Some(_) => {}
            None => tracing::warn!(file = %name, "the file names no fields: LOG_FORMAT was assumed"),
        }
        let analysis = analyzer.finish();
        if analysis.of_other_vpcs > 0 {
            tracing::info!(file = %name, records = analysis.of_other_vpcs, "records of other VPCs left out");
        }
        Ok(analysis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_new_once_and_many_formats_take_no_memory() {
        let inbox = Inbox::new(());
        let format = |nth: usize| format!("${{bytes}} ${{field-{nth}}}").parse().unwrap();
        assert!(inbox.is_new(&format(0)));
        assert!(!inbox.is_new(&format(0)));
        let new = (1..100).filter(|nth| inbox.is_new(&format(*nth))).count();
        assert_eq!(new, MAX_FORMATS - 1);
    }
}

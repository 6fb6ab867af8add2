//! Where records come from.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// A file or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The sources that `files` name, ordered by the delivery times in S3's file names. Files without such a time come first, in
    /// the given order.
    ///
    /// The rules look at windows of time, so files of several flow logs are best read side by side.
    pub fn in_order(files: &[PathBuf]) -> Vec<Self> {
        if files.is_empty() {
            return vec![Self::Stdin];
        }
        let mut all = Vec::new();
        for file in files {
            add(file.clone(), &mut all);
        }
        all.sort_by(|a, b| delivery_time(a).cmp(&delivery_time(b)));
        let source = |file: PathBuf| if file.as_os_str() == "-" { Self::Stdin } else { Self::File(file) };
        all.into_iter().map(source).collect()
    }
}

/// The file that export tasks of `CloudWatch` Logs write to test their permission.
const EXPORT_TEST: &str = "aws-logs-write-test";

/// Adds a file, or the files in and below a directory, by name. Names that begin with `.` or `_` are not data, as for Athena.
///
/// A directory that cannot be listed is added as a file: reading it fails with the reason.
fn add(path: PathBuf, files: &mut Vec<PathBuf>) {
    match list(&path) {
        Ok(entries) => entries.into_iter().for_each(|entry| add(entry, files)),
        Err(_) => files.push(path),
    }
}

/// The data in a directory; fails if `path` is none.
fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    // A link to a directory may lead back up.
    let is_link = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|it| it.is_symlink()) && entry.path().is_dir();
    let is_hidden = |entry: &fs::DirEntry| matches!(entry.file_name().as_encoded_bytes().first(), Some(b'.' | b'_'));
    entries.retain(|entry| !is_hidden(entry) && !is_link(entry) && entry.file_name() != EXPORT_TEST);
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries.iter().map(fs::DirEntry::path).collect())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// `20260823T1005Z` of `123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20260823T1005Z_hash.log.gz`; see
/// [Flow log files](https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html).
fn delivery_time(file: &Path) -> Option<&str> {
    let is_time = |part: &&str| {
        let bytes = part.as_bytes();
        let letters_in_place = bytes.len() == 14 && bytes[8] == b'T' && bytes[13] == b'Z';
        letters_in_place && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() == 12
    };
    file.file_name()?.to_str()?.split('_').find(is_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(files: &[&str]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        Source::in_order(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn s3_files_go_by_their_time_and_others_come_first_as_given() {
        let late = "b/123456789012_vpcflowlogs_us-east-1_fl-1_20260823T1010Z_a.log.gz";
        let early = "c/123456789012_vpcflowlogs_us-east-1_fl-2_20260823T1005Z_b.log.parquet";
        assert_eq!(order(&[late, "z.log", early, "-", "a.log"]), ["z.log", "standard input", "a.log", early, late]);
    }

    #[test]
    fn without_files_it_is_standard_input() {
        assert_eq!(order(&[]), ["standard input"]);
    }
}

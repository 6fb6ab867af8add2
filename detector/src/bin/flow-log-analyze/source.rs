//! Where records come from.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The sources that `files` name, in the order of the times that S3's names tell; the others before, as they come.
    ///
    /// The rules look at windows of time, so files of several flow logs are best read side by side.
    pub fn in_order(files: &[PathBuf]) -> Vec<Self> {
        if files.is_empty() {
            return vec![Self::Stdin];
        }
        let mut files: Vec<_> = files.iter().collect();
        files.sort_by_key(|file| delivery_time(file));
        let source = |file: &PathBuf| {
            if file.as_os_str() == "-" { Self::Stdin } else { Self::File(file.clone()) }
        };
        files.into_iter().map(source).collect()
    }
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

//! Names of files in S3.

use std::fmt;

/// The folder in which AWS delivers logs, below the prefix of the flow log.
const FOLDER: &str = "AWSLogs";

/// A file in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version of the content; empty if the event has none.
    pub etag: String,
}

/// The form of a file of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines in gzip.
    Text,
    /// Parquet.
    Parquet,
}

impl FileName {
    /// The form of the file, by its name; `None` if it is no file of records.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let (folders, name) = self.key.rsplit_once('/')?;
        if !folders.split('/').any(|folder| folder == FOLDER) {
            None
        } else if name.ends_with(".log.gz") {
            Some(Kind::Text)
        } else {
            name.ends_with(".parquet").then_some(Kind::Parquet)
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_records_are_in_the_folder_of_aws_and_have_one_of_three_endings() {
        let kind = |key: &str| FileName { bucket: String::new(), key: key.to_owned(), etag: String::new() }.kind();
        for (key, expected) in [
            ("vpc-flow-logs/AWSLogs/aws-account-id=1/x.log.gz", Some(Kind::Text)),
            ("AWSLogs/1/vpcflowlogs/x.log.parquet", Some(Kind::Parquet)),
            ("a/b/AWSLogs/x.parquet", Some(Kind::Parquet)),
            ("vpc-flow-logs/AWSLogs/x.gz", None),
            ("vpc-flow-logs/AWSLogs/x.log", None),
            ("vpc-flow-logs/AWSLogs/x.log.gz/", None),
            ("vpc-flow-logs/AWSLogs2/x.log.gz", None),
            ("AWSLogs.log.gz", None),
            ("detector-state/notification-log.json", None),
            ("athena/AWSLogs/", None),
            ("", None),
        ] {
            assert_eq!(kind(key), expected, "{key}");
        }
    }
}

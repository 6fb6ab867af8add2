//! Names of files in S3.

use std::fmt;

/// The folder in which AWS delivers logs, below the prefix of the flow log.
const FOLDER: &str = "AWSLogs";

/// The folder of flow logs below [`FOLDER`] and the account, in both forms of names.
const OF_FLOW_LOGS: [&str; 2] = ["vpcflowlogs", "aws-service=vpcflowlogs"];

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
        let mut folders = folders.split('/').skip_while(|folder| *folder != FOLDER);
        if !folders.any(|folder| OF_FLOW_LOGS.contains(&folder)) {
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
    fn files_of_records_are_in_the_folder_of_flow_logs_and_have_one_of_three_endings() {
        let kind = |key: &str| FileName { bucket: String::new(), key: key.to_owned(), etag: String::new() }.kind();
        for (key, expected) in [
            ("vpc-flow-logs/AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/x.log.gz", Some(Kind::Text)),
            ("AWSLogs/1/vpcflowlogs/x.log.parquet", Some(Kind::Parquet)),
            ("a/b/AWSLogs/1/vpcflowlogs/x.parquet", Some(Kind::Parquet)),
            ("AWSLogs/1/elasticloadbalancing/eu-west-1/x.log.gz", None),
            ("vpcflowlogs/AWSLogs/1/elasticloadbalancing/x.log.gz", None),
            ("AWSLogs/1/vpcflowlogs/x.gz", None),
            ("AWSLogs/1/vpcflowlogs/x.log", None),
            ("AWSLogs/1/vpcflowlogs/x.log.gz/", None),
            ("AWSLogs2/1/vpcflowlogs/x.log.gz", None),
            ("AWSLogs.log.gz", None),
            ("detector-state/notification-log.json", None),
            ("athena/AWSLogs/", None),
            ("", None),
        ] {
            assert_eq!(kind(key), expected, "{key}");
        }
    }
}

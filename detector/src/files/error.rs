//! The reason a file's records cannot be judged.

use std::io;

use super::FileName;
use super::reading::ReadError;

/// The most bytes of a file. AWS's files have at most 75 MB, and a function has 512 MB of disk.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The reason a file's records cannot be judged.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {file}: {problem}")]
pub struct FileError {
    /// The file.
    pub file: FileName,
    /// The reason.
    pub problem: Problem,
}

/// The reason a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The event rule, or somebody, sends files that the function is not for.
    #[error("it is in another bucket than the monitor's, which BUCKET names; check what invokes the function")]
    OtherBucket,
    /// S3 denies it.
    #[error(
        "{0}; the function's role needs s3:GetObject on the folder and, if a key encrypts the bucket, kms:Decrypt on it. S3 says the \
         same of a deleted file if the role lacks s3:ListBucket"
    )]
    Denied(String),
    /// S3 has an error, or cannot be reached.
    #[error("{0}; Lambda invokes the function again")]
    Unreachable(String),
    /// The connection ended before the file did.
    #[error("the connection broke after {bytes} bytes: {reason}; Lambda invokes the function again")]
    Broken {
        /// Bytes that came.
        bytes: u64,
        /// The error of the connection.
        reason: String,
    },
    /// More than [`MAX_FILE_BYTES`].
    #[error(
        "it has {0} bytes, and at most {MAX_FILE_BYTES} are read; move it, as it is no file of a flow log, which has 75 MB at most"
    )]
    TooLarge(u64),
    /// The disk refuses it.
    #[error("it cannot be kept in {folder}: {reason}; give the function more ephemeral storage", folder = std::env::temp_dir().display())]
    Disk {
        /// The error of the operating system.
        reason: io::Error,
    },
    /// Its content has a defect.
    #[error("{0}; delete it, or upload it again")]
    Damaged(#[from] ReadError),
}

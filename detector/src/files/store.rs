//! Fetches files from S3.

use std::fs::File;
use std::future::Future;
use std::io::Write;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;

use super::FileName;
use super::error::{MAX_FILE_BYTES, Problem};
use crate::publish::reason;

/// Has files.
pub trait FileStore {
    /// Writes the content of `name` to `file`, a part at a time; false if there is no such file. `account` must own the bucket.
    fn fetch(
        &self,
        name: &FileName,
        account: Option<&str>,
        file: &mut File,
    ) -> impl Future<Output = Result<bool, Problem>> + Send;
}

impl FileStore for Client {
    async fn fetch(&self, name: &FileName, account: Option<&str>, file: &mut File) -> Result<bool, Problem> {
        let request = self.get_object().bucket(&name.bucket).key(&name.key);
        let output = match request.set_expected_bucket_owner(account.map(str::to_owned)).send().await {
            Ok(output) => output,
            Err(error) => {
                return match error.code() {
                    Some("NoSuchKey") => Ok(false),
                    Some(code) if code == "AccessDenied" || code.starts_with("KMS.") => {
                        Err(Problem::Denied(reason(&error)))
                    }
                    _ => Err(Problem::Unreachable(reason(&error))),
                };
            }
        };
        check_size(output.content_length.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())?;
        let (mut body, mut bytes) = (output.body, 0);
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| Problem::Broken { bytes, reason: chain(&error) })?;
            bytes += part.len() as u64;
            check_size(bytes)?;
            file.write_all(&part).map_err(|reason| Problem::Disk { reason })?;
        }
        Ok(true)
    }
}

fn check_size(bytes: u64) -> Result<(), Problem> {
    if bytes > MAX_FILE_BYTES { Err(Problem::TooLarge(bytes)) } else { Ok(()) }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

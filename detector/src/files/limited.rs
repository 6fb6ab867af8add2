//! A reader that refuses to give more than a number of bytes.

use std::io::{self, Read};

/// There was more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is more than may be read")]
pub(super) struct TooLarge;

/// Gives the bytes of a reader, up to a limit.
#[derive(Debug)]
pub(super) struct Limited<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Limited<R> {
    /// At most `limit` bytes of `reader`.
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self { reader, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(TooLarge))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_as_the_limit_are_given_and_no_more() {
        let read = |limit| {
            let mut bytes = Vec::new();
            Limited::new(&b"12345"[..], limit).read_to_end(&mut bytes).map_err(|error| error.to_string())
        };
        assert_eq!(read(5), Ok(5));
        assert_eq!(read(4), Err(TooLarge.to_string()));
    }
}

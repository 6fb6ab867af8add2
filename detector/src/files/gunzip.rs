//! gzip as it is found in files: one member or several, and zeros behind them where a block was filled up.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

const FIRST_BYTE: u8 = 0x1f;

/// A defect of gzip data. The data before it have been unpacked.
#[derive(Debug, thiserror::Error)]
pub enum GzipError {
    /// The last member has no end.
    #[error("its gzip data ends too early; the file is incomplete")]
    Incomplete,
    /// A member is no gzip, or its checksum does not match.
    #[error("its gzip data is damaged: {0}")]
    Damaged(io::Error),
    /// Bytes other than zeros come after the last member.
    #[error("after the end of its gzip data comes something else")]
    Trailing,
}

/// Unpacks all members.
#[derive(Debug)]
pub struct Gunzip<R> {
    /// None once all are read.
    member: Option<GzDecoder<R>>,
    is_first: bool,
}

impl<R: BufRead> Gunzip<R> {
    /// Unpacks the data of `reader`, which begins with a member.
    pub fn new(reader: R) -> Self {
        Self { member: Some(GzDecoder::new(reader)), is_first: true }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer).map_err(|error| {
                let is_member = self.is_first || member.header().is_some();
                reason(error, is_member)
            })?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.is_first = false;
            self.member = self.member.take().map(GzDecoder::into_inner).map_or(Ok(None), next_member)?;
        }
        Ok(0)
    }
}

/// The member that follows, perhaps after zeros.
fn next_member<R: BufRead>(mut reader: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = reader.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(zeros) {
            Some(&FIRST_BYTE) => {
                reader.consume(zeros);
                return Ok(Some(GzDecoder::new(reader)));
            }
            Some(_) => return Err(io::Error::new(ErrorKind::InvalidData, GzipError::Trailing)),
            None if zeros == 0 => return Ok(None),
            None => reader.consume(zeros),
        }
    }
}

fn reason(error: io::Error, is_member: bool) -> io::Error {
    let kind = error.kind();
    match kind {
        ErrorKind::UnexpectedEof => io::Error::new(kind, GzipError::Incomplete),
        ErrorKind::InvalidInput | ErrorKind::InvalidData if is_member => {
            io::Error::new(kind, GzipError::Damaged(error))
        }
        ErrorKind::InvalidInput | ErrorKind::InvalidData => io::Error::new(kind, GzipError::Trailing),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Unpacks through a buffer of so many bytes; returns the unpacked bytes and the error.
    fn unpacked(packed: &[u8], buffer: usize) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        let result = Gunzip::new(BufReader::with_capacity(buffer, packed)).read_to_end(&mut bytes);
        (bytes, result.err().map(|error| error.to_string()))
    }

    #[test]
    fn zeros_after_a_member_are_padding() {
        for zeros in [1, 7, 512, 100_000] {
            let padded = [member(b"one "), vec![0; zeros]].concat();
            assert_eq!(unpacked(&padded, 64), (b"one ".to_vec(), None), "{zeros}");
            let joined = [padded, member(b""), member(b"two"), vec![0; zeros]].concat();
            assert_eq!(unpacked(&joined, 64), (b"one two".to_vec(), None), "{zeros}");
        }
    }

    #[test]
    fn anything_else_after_a_member_is_an_error_and_what_comes_before_is_read() {
        for (garbage, reason) in [
            (&b"2 1111 eni-1"[..], "after the end of its gzip data"),
            (b"\0\0\0x", "after the end of its gzip data"),
            (b"\x1f garbage that is longer", "after the end of its gzip data"),
            (b"\x1f\x8b that is no member", "after the end of its gzip data"),
            (b"\x1f\x8b\x08", "ends too early"),
        ] {
            let (bytes, error) = unpacked(&[&member(b"one"), garbage].concat(), 64);
            assert_eq!(bytes, b"one", "{garbage:?}");
            let error = error.unwrap();
            assert!(error.contains(reason), "{garbage:?}: {error}");
        }
    }

    #[test]
    fn damage_is_named() {
        let mut damaged = member(b"one");
        let checksum = damaged.len() - 8;
        damaged[checksum] ^= 1;
        assert!(unpacked(&damaged, 64).1.unwrap().contains("is damaged: "));
    }

    proptest! {
        #[test]
        fn members_are_one_text_through_any_buffer(
            parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..600), 0_usize..40), 1..5),
            buffer in 1_usize..80,
        ) {
            let packed: Vec<u8> =
                parts.iter().flat_map(|(part, zeros)| [member(part), vec![0; *zeros]].concat()).collect();
            let whole: Vec<u8> = parts.iter().flat_map(|(part, _)| part.clone()).collect();
            prop_assert_eq!(unpacked(&packed, buffer), (whole, None));
        }

        /// Wherever the file is cut, but between two members.
        #[test]
        fn a_cut_file_is_an_error(part in prop::collection::vec(any::<u8>(), 0..600), cut: prop::sample::Index) {
            let packed = member(&part);
            let (bytes, error) = unpacked(&packed[..=cut.index(packed.len() - 1)], 64);
            prop_assert!(part.starts_with(&bytes));
            let error = error.unwrap();
            prop_assert!(error.contains("ends too early"), "{}", error);
        }
    }
}

//! A zip file that gets one more entry.
//!
//! The bytes are written here and not by the zip crate. The operator compares the hash of the whole file with the one that Lambda has, so
//! another flag or field in a new version of the crate would replace the code of every function. The records are small and fixed: sections
//! 4.3.7, 4.3.12 and 4.3.16 of PKWARE's APPNOTE.TXT. The entries of the file stay as they are, compressed bytes included.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// First bytes of the record before each entry.
const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";

/// First bytes of the record of each entry in the central directory.
const DIRECTORY_HEADER: &[u8; 4] = b"PK\x01\x02";

/// First bytes of the last record.
const END: &[u8; 4] = b"PK\x05\x06";

/// Length of the last record without a comment.
const END_BYTES: usize = 22;

/// Largest zip file that Lambda takes in a call; see "Lambda quotas" in the AWS Lambda developer guide. Below it, no number in the records
/// needs more than four bytes.
const MOST_BYTES: usize = 50 * 1024 * 1024;

/// Version 2.0 of the format, in which Unix programs name it.
const VERSION: [u8; 2] = [20, 0];
const MADE_BY_UNIX: [u8; 2] = [20, 3];

/// 1 January 1980, 00:00:00, the earliest time of the format.
const TIME_AND_DATE: [u8; 4] = [0, 0, 0x21, 0];

/// A regular file with mode 0644, in the upper half as Unix programs have it.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// A zip file without its last record.
#[derive(Clone, Debug, Default)]
pub(super) struct Archive {
    /// All entries, from the start of the file to the central directory.
    entries: Vec<u8>,
    /// The central directory.
    directory: Vec<u8>,
    /// The number of entries.
    count: usize,
    /// The hash after [`entries`](Self::entries), so that one more entry costs no pass over megabytes.
    hash: Sha256,
}

/// A zip file in another form than that of the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// Too large for Lambda.
    #[error("it has more than the 50 MB that Lambda takes")]
    TooLarge,
    /// Its last record is elsewhere, or counts otherwise.
    #[error("it has a comment, several volumes, or data around its entries")]
    NotPlain,
}

impl Archive {
    /// Takes a whole file apart.
    pub(super) fn read(mut file: Vec<u8>) -> Result<Self, ArchiveError> {
        if file.len() > MOST_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        let start = file.len().checked_sub(END_BYTES).ok_or(ArchiveError::NotPlain)?;
        let last = file.split_off(start);
        let [count, bytes, offset] = [&last[8..10], &last[12..16], &last[16..20]].map(number);
        if last != end(count, bytes, offset) || offset + bytes != file.len() {
            return Err(ArchiveError::NotPlain);
        }
        let directory = file.split_off(offset);
        let hash = Sha256::new_with_prefix(&file);
        Ok(Self { entries: file, directory, count, hash })
    }

    /// True for [`default`](Self::default), and a file without entries.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The whole file with one more entry, not compressed.
    pub(super) fn with(&self, name: &str, content: &str) -> Vec<u8> {
        let tail = self.tail(name, content);
        let mut file = Vec::with_capacity(self.entries.len() + tail.len());
        file.extend_from_slice(&self.entries);
        file.extend(tail);
        file
    }

    /// SHA-256 of [`with`](Self::with).
    pub(super) fn sha256_with(&self, name: &str, content: &str) -> [u8; 32] {
        self.hash.clone().chain_update(self.tail(name, content)).finalize().into()
    }

    /// The file after its entries: one more entry, the central directory and the last record.
    fn tail(&self, name: &str, content: &str) -> Vec<u8> {
        let fields = fields(name, content);
        let mut tail = [LOCAL_HEADER, fields.as_slice(), name.as_bytes(), content.as_bytes()].concat();
        let directory = [&self.directory, directory_entry(name, &fields, self.entries.len()).as_slice()].concat();
        let offset = self.entries.len() + tail.len();
        tail.extend_from_slice(&directory);
        tail.extend(end(self.count + 1, directory.len(), offset));
        tail
    }
}

/// The fields that both records of an entry have, up to the lengths of its name and of its (missing) extra field.
fn fields(name: &str, content: &str) -> Vec<u8> {
    let length = four(content.len());
    [
        VERSION.as_slice(),
        &[0; 2], // no flags
        &[0; 2], // not compressed
        &TIME_AND_DATE,
        &crc32fast::hash(content.as_bytes()).to_le_bytes(),
        &length,
        &length,
        &two(name.len()),
        &[0; 2],
    ]
    .concat()
}

/// The record of an entry in the central directory.
fn directory_entry(name: &str, fields: &[u8], offset: usize) -> Vec<u8> {
    [
        DIRECTORY_HEADER,
        MADE_BY_UNIX.as_slice(),
        fields,
        &[0; 6], // no comment, on the first volume, no text file
        &ATTRIBUTES.to_le_bytes(),
        &four(offset),
        name.as_bytes(),
    ]
    .concat()
}

/// The last record, for one volume and no comment.
fn end(count: usize, bytes: usize, offset: usize) -> Vec<u8> {
    [END.as_slice(), &[0; 4], &two(count), &two(count), &four(bytes), &four(offset), &[0; 2]].concat()
}

fn two(number: usize) -> [u8; 2] {
    let [first, second, ..] = number.to_le_bytes();
    [first, second]
}

fn four(number: usize) -> [u8; 4] {
    let [first, second, third, fourth, ..] = number.to_le_bytes();
    [first, second, third, fourth]
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write};

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

    use super::*;

    /// A file with the entry `bootstrap`, 20 bytes of an ELF header, as Python's `zipfile` writes it.
    const FILE: &str = "504b030414000000000000002100ed11c9d2140000001400000009000000626f6f7473747261707f454c4600000000000000000000000000003e00\
        504b0102140314000000000000002100ed11c9d21400000014000000090000000000000000000000ed8100000000626f6f747374726170\
        504b05060000000001000100370000003b0000000000";

    /// The same after Python's `zipfile` has appended `config.json`.
    const FILE_WITH_CONFIG: &str = "504b030414000000000000002100ed11c9d2140000001400000009000000626f6f7473747261707f454c4600000000000000000000000000003e00\
        504b03041400000000000000210072ce607a1f0000001f0000000b000000636f6e6669672e6a736f6e\
        7b2276657273696f6e223a312c22747275737465644369647273223a5b5d7d\
        504b0102140314000000000000002100ed11c9d21400000014000000090000000000000000000000ed8100000000626f6f747374726170\
        504b010214031400000000000000210072ce607a1f0000001f0000000b0000000000000000000000a4813b000000636f6e6669672e6a736f6e\
        504b0506000000000200020070000000830000000000";

    const CONFIG: &str = r#"{"version":1,"trustedCidrs":[]}"#;

    fn archive(file: Vec<u8>) -> Archive {
        Archive::read(file).unwrap()
    }

    /// A file as the build makes it.
    fn built(bootstrap: &[u8]) -> Vec<u8> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o755);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", options).unwrap();
        zip.write_all(bootstrap).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn the_bytes_never_change() {
        let archive = archive(hex::decode(FILE).unwrap());
        assert_eq!(hex::encode(archive.with("config.json", CONFIG)), FILE_WITH_CONFIG);
        // A change of this hash is an update of every detector's function.
        let hash = "0e2e3b0b96cdf15a459bd4f3b863212cd9c18f8c506d7f7debfc23c5df7d7577";
        assert_eq!(hex::encode(archive.sha256_with("config.json", CONFIG)), hash);
    }

    #[test]
    fn another_program_reads_both_entries() {
        let bootstrap = b"\x7fELF program".repeat(1000);
        let file = built(&bootstrap);
        let with = archive(file.clone()).with("config.json", CONFIG);
        let mut zip = ZipArchive::new(Cursor::new(&with)).unwrap();
        assert_eq!(zip.file_names().collect::<Vec<_>>(), ["bootstrap", "config.json"]);
        let mut read = |name: &str| {
            let mut entry = zip.by_name(name).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (content, entry.unix_mode(), entry.compression(), entry.last_modified())
        };
        let time = Some(DateTime::DEFAULT);
        assert_eq!(read("bootstrap"), (bootstrap, Some(0o100_755), CompressionMethod::Deflated, time));
        assert_eq!(read("config.json"), (CONFIG.into(), Some(0o100_644), CompressionMethod::Stored, time));
        let entries = usize::try_from(ZipArchive::new(Cursor::new(&file)).unwrap().central_directory_start()).unwrap();
        assert_eq!(with[..entries], file[..entries], "the program is not compressed again");
    }

    #[test]
    fn a_file_in_another_form_is_refused() {
        let file = hex::decode(FILE).unwrap();
        let changed = |position: usize, byte: u8| {
            let mut file = file.clone();
            file[position] = byte;
            file
        };
        let commented = [&changed(file.len() - 2, 1)[..], b"!"].concat();
        let counted_otherwise = changed(file.len() - 12, 2);
        let elsewhere = changed(file.len() - 6, 0x3c);
        let second_volume = changed(file.len() - 18, 1);
        let led_by_others = [b"!", &file[..]].concat();
        for other in
            [commented, counted_otherwise, elsewhere, second_volume, led_by_others, Vec::new(), b"text".repeat(9)]
        {
            assert_eq!(Archive::read(other).unwrap_err(), ArchiveError::NotPlain);
        }
        assert_eq!(Archive::read(vec![0; MOST_BYTES + 1]).unwrap_err(), ArchiveError::TooLarge);
    }

    proptest! {
        #[test]
        fn the_hash_is_that_of_the_file(content in "\\PC{0,200}", bootstrap in proptest::collection::vec(any::<u8>(), 0..200)) {
            let archive = archive(built(&bootstrap));
            let file = archive.with("config.json", &content);
            prop_assert_eq!(archive.sha256_with("config.json", &content), <[u8; 32]>::from(Sha256::digest(&file)));
            let mut read = String::new();
            ZipArchive::new(Cursor::new(&file)).unwrap().by_name("config.json").unwrap().read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, content);
        }
    }
}

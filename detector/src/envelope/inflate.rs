//! Inflates a batch at once.

use libdeflater::Decompressor;

use super::stream::MAX_VALUE_BYTES;

/// The most text that is inflated at once. The stream reads any value of so few bytes, so both have the same result. A
/// batch of flow logs hardly has more: `CloudWatch` Logs takes 1 MiB of messages at a time.
pub(super) const MAX_BYTES: usize = MAX_VALUE_BYTES;

/// Bytes of a gzip header without optional parts.
const HEADER: [u8; 4] = [0x1f, 0x8b, 8, 0];

/// Inflates `packed` into `text` and returns the number of bytes. `None` if it has more than [`MAX_BYTES`] or is not gzip, and
/// for rare forms of gzip: then the stream decides.
pub(super) fn at_once(packed: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    // The last four bytes have the size; if it is wrong, so is the result.
    let size = usize::try_from(u32::from_le_bytes(*packed.last_chunk()?)).ok()?;
    if size > MAX_BYTES || !packed.starts_with(&HEADER) {
        return None;
    }
    if text.len() < size {
        text.resize(size, 0);
    }
    Decompressor::new().gzip_decompress(packed, text.get_mut(..size)?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::bufread::GzDecoder;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflated(packed: &[u8]) -> Option<Vec<u8>> {
        let mut text = vec![b'x'; 7];
        let size = at_once(packed, &mut text)?;
        assert!(text.len() <= MAX_BYTES);
        text.truncate(size);
        Some(text)
    }

    #[test]
    fn as_much_as_the_limit_and_no_more() {
        let text = vec![b' '; MAX_BYTES + 1];
        assert_eq!(inflated(&gzip(&text[1..], 6)).unwrap().len(), MAX_BYTES);
        assert_eq!(inflated(&gzip(&text, 6)), None);
    }

    /// A packed batch may claim any size.
    #[test]
    fn a_wrong_size_is_refused_and_no_memory_spent_on_it() {
        let mut packed = gzip(&vec![b' '; MAX_BYTES + 1], 6);
        let size = packed.len() - 4;
        for claimed in [0, 1, 1000, MAX_BYTES, MAX_BYTES + 1, u32::MAX as usize] {
            packed[size..].copy_from_slice(&u32::try_from(claimed).unwrap().to_le_bytes());
            assert_eq!(inflated(&packed), None, "{claimed}");
        }
    }

    #[test]
    fn optional_parts_of_the_header_are_left_to_the_stream() {
        let mut encoder = flate2::GzBuilder::new().filename("name").write(Vec::new(), Compression::fast());
        encoder.write_all(b"text").unwrap();
        assert_eq!(inflated(&encoder.finish().unwrap()), None);
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_the_stream(
            words in prop::collection::vec("[a-z0-9 ]{0,40}", 0..60), level in 0_u32..=9,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3), rest in prop::collection::vec(any::<u8>(), 0..6),
        ) {
            let mut packed = gzip(words.join("\n").as_bytes(), level);
            for (place, byte) in &changes {
                let place = place.index(packed.len());
                packed[place] = *byte;
            }
            packed.extend(&rest);
            if let Some(text) = inflated(&packed) {
                let mut expected = Vec::new();
                GzDecoder::new(packed.as_slice()).read_to_end(&mut expected).unwrap();
                prop_assert_eq!(text, expected);
            } else {
                prop_assert!(!changes.is_empty() || !rest.is_empty());
            }
        }
    }
}

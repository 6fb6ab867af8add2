//! Reads a line eight bytes at a time: most values are shorter, so that a place in the line costs one or two steps
//! and hardly a branch that the processor guesses wrong.

const SPACES: u64 = 0x2020_2020_2020_2020;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The eight bytes from `at` on, the first one lowest; spaces beyond the end.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(bytes.get(at..).unwrap_or_default()),
    }
}

#[cold]
#[inline(never)]
fn last_word(rest: &[u8]) -> u64 {
    let mut chunk = [b' '; 8];
    for (place, byte) in chunk.iter_mut().zip(rest) {
        *place = *byte;
    }
    u64::from_le_bytes(chunk)
}

/// Where the value that begins at `at` ends: at the next space or the end of the line.
#[inline]
pub(super) fn end_of_value(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let spaces = bytes_equal(word(bytes, at), SPACES);
        if spaces != 0 {
            return at + (spaces.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
}

/// The high bit of each byte that both words have in common; exact up to and including the lowest.
#[inline]
pub(super) fn bytes_equal(word: u64, other: u64) -> u64 {
    let differing = word ^ other;
    differing.wrapping_sub(LOW_BITS) & !differing & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_ends_at_the_next_space(text in "[ -~é]{0,40}", at in 0_usize..48) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            let expected = bytes[at..].iter().position(|byte| *byte == b' ').map_or(bytes.len(), |gap| at + gap);
            prop_assert_eq!(end_of_value(bytes, at), expected);
        }
    }
}

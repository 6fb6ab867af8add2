//! Reads a line eight bytes at a time: a place in the line costs a few steps and hardly a branch that the processor
//! guesses wrong.

const SPACES: u64 = 0x2020_2020_2020_2020;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Moves the lowest bit of each byte, the n-th byte's to the n-th place of the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// Bytes looked at together for spaces, a bit for each.
const BLOCK: usize = 64;

/// The eight bytes from `at` on, the first one lowest; spaces beyond the end.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(bytes, at),
    }
}

/// The word at `at` if less than a word is left, or nothing.
#[inline]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let left = bytes.len().saturating_sub(at);
    if left == 0 {
        return SPACES;
    }
    let missing = 8 * (8 - left);
    match bytes.last_chunk() {
        Some(chunk) => (u64::from_le_bytes(*chunk) >> missing) | (SPACES << (64 - missing)),
        None => bytes.iter().skip(at).rev().fold(SPACES, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

/// Where the values of a line end: at the spaces and at the end of the line.
#[derive(Debug)]
pub(super) struct Ends<'l> {
    bytes: &'l [u8],
    block: usize,
    /// A bit for each space in the block that has not been given yet; beyond the line are spaces only.
    spaces: u64,
}

impl<'l> Ends<'l> {
    #[inline]
    pub(super) fn new(bytes: &'l [u8]) -> Self {
        Self { bytes, block: 0, spaces: spaces_of_block(bytes, 0) }
    }

    /// The next end; beyond the last, places behind the end of the line.
    #[inline]
    pub(super) fn next(&mut self) -> usize {
        while self.spaces == 0 {
            self.block += BLOCK;
            self.spaces = spaces_of_block(self.bytes, self.block);
        }
        let end = self.block + self.spaces.trailing_zeros() as usize;
        self.spaces &= self.spaces - 1;
        end
    }
}

#[inline]
fn spaces_of_block(bytes: &[u8], block: usize) -> u64 {
    let rest = bytes.get(block..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk() {
        return spaces(whole);
    }
    let beyond = u64::MAX << rest.len();
    match bytes.last_chunk() {
        _ if rest.is_empty() => beyond,
        Some(last) => (spaces(last) >> (BLOCK - rest.len())) | beyond,
        None => {
            let mut padded = [b' '; BLOCK];
            padded.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            spaces(&padded)
        }
    }
}

/// A bit for each space of a block, in two steps; the first step compares many bytes at once.
#[inline]
fn spaces(block: &[u8; BLOCK]) -> u64 {
    let equal = block.map(|byte| if byte == b' ' { 0x80 } else { 0 });
    let (words, _) = equal.as_chunks();
    words.iter().rev().fold(0, |spaces, word| (spaces << 8) | bits(u64::from_le_bytes(*word)))
}

/// The high bit of each byte that both words have in common.
#[inline]
pub(super) fn bytes_equal(word: u64, other: u64) -> u64 {
    let differing = word ^ other;
    !(((differing & !HIGH_BITS) + !HIGH_BITS) | differing) & HIGH_BITS
}

/// The high bits of the bytes, side by side.
#[inline]
pub(super) fn bits(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(GATHER) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_end_at_the_spaces_and_at_the_end(text in "[ -~é]{0,200}") {
            let spaces = text.bytes().enumerate().filter(|(_, byte)| *byte == b' ').map(|(at, _)| at);
            let mut ends = Ends::new(text.as_bytes());
            for expected in spaces.chain([text.len(), text.len() + 1]) {
                prop_assert_eq!(ends.next(), expected);
            }
        }

        #[test]
        fn a_word_is_followed_by_spaces(text in "[!-~]{0,20}", at in 0_usize..30) {
            let expected: Vec<_> = text.bytes().chain([b' '; 40]).skip(at).take(8).collect();
            prop_assert_eq!(word(text.as_bytes(), at).to_le_bytes().to_vec(), expected);
        }

        #[test]
        fn equal_bytes_are_reported_exactly(left: u64, right: u64, same: u8) {
            let mask = (0..8).filter(|byte| same & (1 << byte) != 0).fold(0, |mask, byte| mask | (0xff << (8 * byte)));
            let right = (right & !mask) | (left & mask);
            let expected = left.to_le_bytes().iter().zip(right.to_le_bytes())
                .enumerate()
                .filter(|(_, (a, b))| **a == *b)
                .fold(0, |bits, (byte, _)| bits | (1_u64 << byte));
            prop_assert_eq!(bits(bytes_equal(left, right)), expected);
        }
    }
}

//! Whole numbers as flow logs write them: decimal digits and nothing else.

use super::words::word;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const SIXES: u64 = 0x0606_0606_0606_0606;

/// The most digits of a number that cannot overflow.
const SAFE_DIGITS: usize = 16;

/// The number in `bytes[from..to]`.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a handful of digits")]
pub(super) fn number(bytes: &[u8], from: usize, to: usize) -> Option<u64> {
    match to - from {
        1..=8 => eight_digits(word(bytes, from), to - from),
        9..=SAFE_DIGITS => {
            let high = eight_digits(word(bytes, from), to - from - 8)?;
            let low = eight_digits(word(bytes, to - 8), 8)?;
            Some(high * 100_000_000 + low)
        }
        _ => long_number(bytes.get(from..to)?),
    }
}

#[cold]
fn long_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The number in the first `count` bytes of `word`, 1 to 8 of them, all at once: neighbouring digits are joined to
/// numbers of two digits, those to four, those to eight.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a handful of digits")]
fn eight_digits(word: u64, count: usize) -> Option<u64> {
    // The bytes after the number are shifted out, zeros stand before it.
    let digits = (word ^ ZEROS) << (64 - 8 * count);
    if (digits | digits.wrapping_add(SIXES)) & HIGH_HALVES != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<u64> {
        number(text.as_bytes(), 0, text.len())
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "-1", "+1", "1 ", "1a", "12345678a", "a12345678", "18446744073709551616", "/", ":", "é"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(number: u64, digits in 1_u32..=20) {
            let number = if digits == 20 { number } else { number % 10_u64.pow(digits) };
            prop_assert_eq!(parse(&number.to_string()), Some(number));
        }

        #[test]
        fn any_text_is_read_as_the_standard_library_reads_it(text in "[0-9/:a+ -]{0,22}") {
            let expected = text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
            prop_assert_eq!(parse(&text), expected);
        }

        #[test]
        fn what_follows_the_number_does_not_count(number: u64, rest in "[ -~]{0,9}") {
            let text = number.to_string();
            prop_assert_eq!(super::number(format!("{text}{rest}").as_bytes(), 0, text.len()), Some(number));
        }
    }
}

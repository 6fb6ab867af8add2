//! Addresses: IPv4 at full speed, IPv6 by the standard library.

use std::net::{IpAddr, Ipv4Addr};

use super::words::word;

/// The address in `bytes[from..to]`.
#[inline]
pub(super) fn address(bytes: &[u8], from: usize, to: usize) -> Option<IpAddr> {
    ipv4(bytes, from, to).map(IpAddr::V4).or_else(|| other(bytes.get(from..to)?))
}

#[cold]
fn other(bytes: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Four numbers of one to three digits, each at most 255 and without a leading zero.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the lowest four bytes are wanted")]
fn ipv4(bytes: &[u8], from: usize, to: usize) -> Option<Ipv4Addr> {
    if !(7..=15).contains(&(to - from)) {
        return None;
    }
    let mut text = u128::from(word(bytes, from)) | (u128::from(word(bytes, from + 8)) << 64);
    let mut left = to - from;
    let mut octets = [0_u8; 4];
    for (index, octet) in octets.iter_mut().enumerate() {
        let digits = if index == 3 { left } else { digits_before_dot(text) };
        *octet = three_digits(text as u32, digits)?;
        if index < 3 {
            text >>= 8 * (digits + 1);
            left = left.checked_sub(digits + 1)?;
        }
    }
    Some(octets.into())
}

/// How many bytes stand before the first dot among the lowest four; 4 if there is none.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the lowest four bytes are wanted")]
fn digits_before_dot(text: u128) -> usize {
    let differing = (text as u32) ^ 0x2e2e_2e2e;
    let dots = differing.wrapping_sub(0x0101_0101) & !differing & 0x8080_8080;
    (dots.trailing_zeros() / 8) as usize
}

/// The number in the first `count` bytes of `text`.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a handful of digits")]
fn three_digits(text: u32, count: usize) -> Option<u8> {
    if !(1..=3).contains(&count) {
        return None;
    }
    // Shifted so that the last digit stands highest, zeros before the first.
    let shift = 32 - 8 * count as u32;
    let digits = ((text << shift) | (0x3030_3030 >> (32 - shift))) ^ 0x3030_3030;
    let [_, hundreds, tens, ones] = digits.to_le_bytes();
    let number = u32::from(hundreds) * 100 + u32::from(tens) * 10 + u32::from(ones);
    let all_digits = hundreds < 10 && tens < 10 && ones < 10;
    let no_leading_zero = (text & 0xff) != u32::from(b'0') || count == 1;
    (all_digits && no_leading_zero).then_some(number)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<IpAddr> {
        address(text.as_bytes(), 0, text.len())
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.01",
            "10.0.0.1.1",
            "10..0.1",
            "1.2.3.4a",
            "example.com",
            "1.2.3.",
            "::g",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_read_back(address: IpAddr) {
            prop_assert_eq!(parse(&address.to_string()), Some(address));
        }

        #[test]
        fn any_text_is_read_as_the_standard_library_reads_it(text in "[0-9]{0,4}[.a][0-9]{0,4}[.:][0-9]{0,4}[.][0-9]{0,4}") {
            prop_assert_eq!(parse(&text), text.parse().ok());
        }

        #[test]
        fn what_follows_the_address_does_not_count(address: IpAddr, rest in "[ -~]{0,16}") {
            let text = address.to_string();
            let line = format!("{text}{rest}");
            prop_assert_eq!(super::address(line.as_bytes(), 0, text.len()), Some(address));
        }
    }
}

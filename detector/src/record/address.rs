//! Addresses: IPv4 at full speed, IPv6 by the standard library.

use std::net::{IpAddr, Ipv4Addr};

use super::words::{bits, bytes_equal, word};

const DOTS: u64 = 0x2e2e_2e2e_2e2e_2e2e;

/// The smallest number without a leading zero, by its number of digits.
const LEAST: [u32; 4] = [0, 0, 10, 100];

/// Reads the address in `bytes[from..to]` into `place`, where it stays: it is slow to move.
#[inline]
pub(super) fn read(bytes: &[u8], from: usize, to: usize, place: &mut Option<IpAddr>) -> Option<()> {
    match ipv4(bytes, from, to) {
        Some(address) => *place = Some(IpAddr::V4(address)),
        None => *place = Some(other(bytes.get(from..to)?)?),
    }
    Some(())
}

#[cold]
fn other(bytes: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Four numbers of one to three digits, each at most 255 and without a leading zero.
#[inline]
fn ipv4(bytes: &[u8], from: usize, to: usize) -> Option<Ipv4Addr> {
    let length = to - from;
    if !(7..=15).contains(&length) {
        return None;
    }
    let (low, high) = (word(bytes, from), word(bytes, from + 8));
    let text = u128::from(low) | (u128::from(high) << 64);
    let all_dots = bits(bytes_equal(low, DOTS)) | (bits(bytes_equal(high, DOTS)) << 8);
    // The four are read side by side: none waits for the one before it.
    let mut dots = all_dots & ((1 << length) - 1);
    let mut next_dot = || {
        let dot = dots.trailing_zeros() as usize;
        dots &= dots.wrapping_sub(1);
        dot
    };
    let ends = [next_dot(), next_dot(), next_dot(), length];
    let starts = [0, ends[0] + 1, ends[1] + 1, ends[2] + 1];
    if dots != 0 || ends[2] > 15 {
        return None;
    }
    let mut octets = [0; 4];
    for ((octet, start), end) in octets.iter_mut().zip(starts).zip(ends) {
        let text = (text >> (8 * start)) & 0xffff_ffff;
        *octet = three_digits(text as u32, end.wrapping_sub(start))?;
    }
    Some(octets.into())
}

/// The number in the first `count` bytes of `text`.
#[inline]
fn three_digits(text: u32, count: usize) -> Option<u8> {
    if !(1..=3).contains(&count) {
        return None;
    }
    // Shifted so that the last digit stands highest, zeros before the first.
    let digits = (text ^ 0x3030_3030) << (32 - 8 * count);
    if (digits | digits.wrapping_add(0x0606_0606)) & 0xf0f0_f0f0 != 0 {
        return None;
    }
    let [_, hundreds, tens, ones] = digits.to_le_bytes();
    let number = u32::from(hundreds) * 100 + u32::from(tens) * 10 + u32::from(ones);
    u8::try_from(number).ok().filter(|_| number >= LEAST[count])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<IpAddr> {
        parse_start(text, text.len())
    }

    fn parse_start(text: &str, len: usize) -> Option<IpAddr> {
        let mut address = None;
        read(text.as_bytes(), 0, len, &mut address)?;
        address
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
            prop_assert_eq!(parse_start(&line, text.len()), Some(address));
        }
    }
}

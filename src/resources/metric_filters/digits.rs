//! Ranges of numbers as regular expressions without groups: `CloudWatch` Logs supports no parentheses.

use std::fmt::Write as _;

/// Base in which numbers are written. Neither form has leading zeros, and letters are lower-case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// As in IPv4.
    Ten,
    /// As in IPv6.
    Sixteen,
}

impl Base {
    const fn value(self) -> u32 {
        match self {
            Self::Ten => 10,
            Self::Sixteen => 16,
        }
    }

    /// Any digit. In an address, `\w` matches only hexadecimal digits.
    const fn any(self) -> &'static str {
        match self {
            Self::Ten => r"\d",
            Self::Sixteen => r"\w",
        }
    }

    /// A digit from `low` to `high`.
    fn class(self, low: u32, high: u32) -> String {
        if low == 0 && high == self.value() - 1 {
            return self.any().to_owned();
        }
        if low == high {
            return format!("{low:x}");
        }
        let mut class = String::from("[");
        // A class such as `8-b` is wrong: between `9` and `a` there are other characters.
        for (low, high) in [(low, high.min(9)), (low.max(10), high)] {
            // Writing to a String cannot fail.
            let _ = match high.checked_sub(low) {
                None => Ok(()),
                Some(0) => write!(class, "{low:x}"),
                Some(1) => write!(class, "{low:x}{high:x}"),
                Some(_) => write!(class, "{low:x}-{high:x}"),
            };
        }
        class.push(']');
        class
    }
}

/// Expressions that together match every number from `low` to `high`, and no other number written in `base`.
#[must_use]
pub fn range(low: u32, high: u32, base: Base) -> Vec<String> {
    let mut all = Vec::new();
    let (mut shortest, mut length) = (0, 1);
    while shortest <= high {
        // The largest number of this length.
        let longest = base.value().saturating_pow(length) - 1;
        let (from, to) = (low.max(shortest), high.min(longest));
        if from <= to {
            all.extend(fixed(from, to, length, base));
        }
        shortest = longest + 1;
        length += 1;
    }
    all
}

/// The same for numbers of `length` digits, including leading zeros.
fn fixed(low: u32, high: u32, length: u32, base: Base) -> Vec<String> {
    if length == 0 {
        return vec![String::new()];
    }
    // The count of numbers with the same first digit.
    let share = base.value().pow(length - 1);
    let after = |digit: u32, rest: Vec<String>| -> Vec<String> {
        rest.into_iter().map(|rest| format!("{}{rest}", base.class(digit, digit))).collect()
    };
    let (mut first, mut last) = (low / share, high / share);
    if first == last && (!low.is_multiple_of(share) || high % share != share - 1) {
        return after(first, fixed(low % share, high % share, length - 1, base));
    }
    let (mut all, mut end) = (Vec::new(), Vec::new());
    if !low.is_multiple_of(share) {
        all.extend(after(first, fixed(low % share, share - 1, length - 1, base)));
        first += 1;
    }
    if high % share != share - 1 {
        end = after(last, fixed(0, high % share, length - 1, base));
        // The first digit of `high` is larger than that of `low`, so not zero.
        last -= 1;
    }
    if first <= last {
        let rest = base.any().repeat(usize::try_from(length - 1).unwrap_or_default());
        all.push(base.class(first, last) + &rest);
    }
    all.extend(end);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resources::metric_filters::interpreter::regex;

    #[test]
    fn ranges_are_short() {
        assert_eq!(range(16, 31, Base::Ten), ["1[6-9]", r"2\d", "3[01]"]);
        assert_eq!(range(0, 127, Base::Ten), [r"\d", r"[1-9]\d", r"1[01]\d", "12[0-7]"]);
        assert_eq!(range(0, 255, Base::Ten), [r"\d", r"[1-9]\d", r"1\d\d", r"2[0-4]\d", "25[0-5]"]);
        assert_eq!(range(0xfe80, 0xfebf, Base::Sixteen), [r"fe[89ab]\w"]);
        assert_eq!(range(0x8, 0xc, Base::Sixteen), ["[89a-c]"]);
        assert_eq!(range(7, 7, Base::Ten), ["7"]);
    }

    fn matches(expressions: &[String], text: &str) -> bool {
        expressions.iter().any(|expression| regex(&format!("^{expression}$")).is_match(text))
    }

    proptest! {
        #[test]
        fn a_range_matches_its_numbers_and_no_others(low in 0_u32..=0xffff, width in 0_u32..=0xffff, number in 0_u32..=0xffff) {
            let high = (low + width).min(0xffff);
            let within = (low..=high).contains(&number);
            prop_assert_eq!(matches(&range(low, high, Base::Sixteen), &format!("{number:x}")), within);
            prop_assert_eq!(matches(&range(low, high, Base::Ten), &number.to_string()), within);
            for edge in [low, high] {
                let text = format!("{edge:x}");
                prop_assert!(matches(&range(low, high, Base::Sixteen), &text));
            }
            prop_assert!(!matches(&range(low, high, Base::Ten), &(high + 1).to_string()));
        }
    }
}

//! Times: Unix seconds, however fine they are written.

/// The first time that is too late to be one: in the year 2106.
const END: u64 = 1 << 32;

/// The first time that may be written finer than in seconds: in 2001, long before there were flow logs.
const BEGIN: u64 = 1_000_000_000;

/// The Unix seconds of a time as flow logs write it, in seconds, or as other programs do, in milliseconds, microseconds or
/// nanoseconds. The units do not overlap; a number between them is no time.
#[inline]
pub(super) fn seconds(number: u64) -> Option<u64> {
    if number < END { Some(number) } else { finer(number) }
}

#[cold]
fn finer(number: u64) -> Option<u64> {
    [1_000, 1_000_000, 1_000_000_000].into_iter().map(|unit| number / unit).find(|time| (BEGIN..END).contains(time))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_between_the_units_are_no_times() {
        for (number, expected) in [
            (0, Some(0)),
            (END - 1, Some(END - 1)),
            (END, None),
            (999_999_999_999, None),
            (1_000_000_000_000, Some(BEGIN)),
            (END * 1_000 - 1, Some(END - 1)),
            (END * 1_000, None),
            (END * 1_000_000, None),
            (END * 1_000_000_000, None),
            (u64::MAX, None),
        ] {
            assert_eq!(seconds(number), expected, "{number}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_the_same_in_every_unit(time in BEGIN..END, rest in 0_u64..1_000_000_000) {
            prop_assert_eq!(seconds(time), Some(time));
            for unit in [1_000, 1_000_000, 1_000_000_000] {
                prop_assert_eq!(seconds(time * unit + rest % unit), Some(time));
            }
        }
    }
}

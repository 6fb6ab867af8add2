//! Numbers of things, in texts for people.

use std::fmt::Display;

/// So many things, in the singular or in the plural.
pub fn numbered<N: Copy + Display + PartialEq + From<u8>>(number: N, one: &str, several: &str) -> String {
    let thing = if number == N::from(1) { one } else { several };
    format!("{number} {thing}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_thing_is_in_the_singular() {
        let monitors = |number: usize| numbered(number, "monitor", "monitors");
        assert_eq!([0, 1, 2].map(monitors), ["0 monitors", "1 monitor", "2 monitors"]);
    }
}

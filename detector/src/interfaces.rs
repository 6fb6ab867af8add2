//! The first network interfaces that recorded the traffic of a finding.

use std::fmt;

/// Interfaces kept per finding. A batch in Lambda is from one interface; files may have many.
pub const MAX_INTERFACES: usize = 3;

/// Hexadecimal digits of an id; older ids have 8.
const DIGITS: usize = 17;

const PREFIX: &str = "eni-";

/// The digits of `eni-…`, filled up with zero bytes: the tables of the rules keep thousands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct InterfaceId([u8; DIGITS]);

impl InterfaceId {
    /// `None` for a name that AWS does not give: anybody who may write to the log group can write one.
    #[inline]
    fn new(name: &str) -> Option<Self> {
        let digits = name.strip_prefix(PREFIX)?.as_bytes();
        let mut id = Self::default();
        id.0.get_mut(..digits.len())?.copy_from_slice(digits);
        Some(id)
    }

    fn is_valid(self) -> bool {
        let digits = self.digits().as_bytes();
        !digits.is_empty() && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'z'))
    }

    fn digits(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

/// Up to [`MAX_INTERFACES`] distinct interfaces, kept in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    kept: [InterfaceId; MAX_INTERFACES],
    len: u8,
    more: bool,
}

impl Interfaces {
    /// Adds the interface `name`.
    #[inline]
    pub(crate) fn add(&mut self, name: &str) {
        if let Some(id) = InterfaceId::new(name)
            && !self.ids().contains(&id)
        {
            self.add_new(id);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for id in other.ids() {
            if !self.ids().contains(id) {
                self.add_new(*id);
            }
        }
        self.more |= other.more;
    }

    #[cold]
    fn add_new(&mut self, id: InterfaceId) {
        if !id.is_valid() {
            return;
        }
        match self.kept.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = id;
                self.len += 1;
            }
            None => self.more = true,
        }
    }

    #[inline]
    fn ids(&self) -> &[InterfaceId] {
        self.kept.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The names, in the order they came.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.ids().iter().map(|id| format!("{PREFIX}{}", id.digits()))
    }

    /// True if no interface is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Display for Interfaces {
    /// `eni-1235b8ca123456789 eni-2235b8ca123456789 and more`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().collect();
        write!(f, "{}{}", names.join(" "), if self.more { " and more" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Interfaces {
        let mut interfaces = Interfaces::default();
        for name in names {
            interfaces.add(name);
        }
        interfaces
    }

    #[test]
    fn the_first_interfaces_are_kept_and_others_are_said_to_exist() {
        let interfaces = of(&["eni-1235b8ca123456789", "eni-0a1b2c3d", "eni-1235b8ca123456789", "eni-3"]);
        assert_eq!(interfaces.to_string(), "eni-1235b8ca123456789 eni-0a1b2c3d eni-3");
        let mut more = of(&["eni-4"]);
        more.merge(&interfaces);
        assert_eq!(more.to_string(), "eni-4 eni-1235b8ca123456789 eni-0a1b2c3d and more");
        let mut again = of(&["eni-4"]);
        again.merge(&more);
        assert_eq!(again, more);
    }

    #[test]
    fn names_that_no_interface_has_are_not_kept() {
        for name in ["", "eni-", "tgw-1", "eni-12345678901234567x", "eni-é", "eni-1\n2", "eni-1 2", "eni-\0"] {
            assert!(of(&[name]).is_empty(), "{name:?}");
        }
    }
}

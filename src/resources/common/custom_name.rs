//! The names of detections of the user, of bounded length, so that a kind of alarm stays a small value.

use std::fmt;

/// Most bytes of a name.
const MOST_BYTES: usize = 30;

/// The name of a detection of the user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomName {
    bytes: [u8; MOST_BYTES],
    len: u8,
}

impl CustomName {
    /// `None` if the text is no name: the schema has the same rule.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut bytes = [0; MOST_BYTES];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        let len = u8::try_from(name.len()).ok()?;
        (len > 0 && name.bytes().all(is_allowed)).then_some(Self { bytes, len })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for CustomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for CustomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_whole_or_not_at_all() {
        for name in ["smb-out", "a", &"a".repeat(30)] {
            assert_eq!(CustomName::new(name).unwrap().as_str(), name);
        }
        for name in ["", "A", "a_b", "ä", &"a".repeat(31)] {
            assert_eq!(CustomName::new(name), None, "{name}");
        }
    }
}

//! Sentences that count and name things.

/// A sentence such as `2 rules are idle: a, b; add the fields`: the number, what is so, the names, and the end. It has another form for one thing
/// than for several; none without any.
#[must_use]
pub fn counted(names: &[String], one: (&str, &str), several: (&str, &str)) -> Option<String> {
    let (is_so, end) = match names.len() {
        0 => return None,
        1 => one,
        _ => several,
    };
    Some(format!("{} {is_so}: {}{end}", names.len(), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_and_several_have_forms_of_their_own() {
        let sentence = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            counted(&names, ("rule is idle", "; remove it"), ("rules are idle", "; remove them"))
        };
        assert_eq!(sentence(&[]), None);
        assert_eq!(sentence(&["a"]).as_deref(), Some("1 rule is idle: a; remove it"));
        assert_eq!(sentence(&["a", "b"]).as_deref(), Some("2 rules are idle: a, b; remove them"));
    }
}

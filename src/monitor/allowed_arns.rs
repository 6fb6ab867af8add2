use std::str::FromStr;

use thiserror::Error;

/// ARNs that monitors of certain namespaces may use, where the operator's own permissions would let them use any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedArns(pub Vec<AllowedArn>);

/// `NAMESPACE=ARN-PATTERN`. The parts of an ARN are compared one by one, so that no `*` reaches from one into the next. `*` stands for any
/// characters but `/` and `:`, `**` for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedArn {
    namespace: String,
    arn: Vec<String>,
}

/// The text is not of the form `NAMESPACE=ARN-PATTERN`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is not of the form NAMESPACE=ARN-PATTERN with all six parts of an ARN, such as team-a=arn:aws:iam::123456789012:role/flow-*"
)]
pub struct NotAnAllowedArn(String);

/// `arn`, partition, service, region, account, resource.
const PARTS: usize = 6;

impl FromStr for AllowedArn {
    type Err = NotAnAllowedArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NotAnAllowedArn(text.to_owned());
        let (namespace, arn) = text.split_once('=').ok_or_else(error)?;
        let arn: Vec<_> = parts(arn).map(str::to_owned).collect();
        // A pattern that stops early would allow less than it seems to, one with a wildcard for the service more.
        let is_whole = arn.len() == PARTS && arn[0] == "arn" && !arn[2].is_empty() && !arn[2].contains('*');
        if namespace.is_empty() || !is_whole || arn[PARTS - 1].is_empty() {
            return Err(error());
        }
        Ok(Self { namespace: namespace.to_owned(), arn })
    }
}

fn parts(arn: &str) -> impl Iterator<Item = &str> {
    arn.splitn(PARTS, ':')
}

impl AllowedArn {
    fn allows(&self, namespace: &str, arn: &str) -> bool {
        let given: Vec<_> = parts(arn).collect();
        matches(&self.namespace, namespace)
            && given.len() == self.arn.len()
            && self.arn.iter().zip(given).all(|(pattern, part)| matches(pattern, part))
    }
}

impl AllowedArns {
    /// True if the ARN is listed for the namespace.
    #[must_use]
    pub fn allow(&self, namespace: &str, arn: &str) -> bool {
        self.0.iter().any(|allowed| allowed.allows(namespace, arn))
    }
}

/// True if `text` matches `pattern`.
fn matches(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix('*') {
        let (rest, reach) = match rest.strip_prefix('*') {
            Some(rest) => (rest, text.len()),
            None => (rest, text.find(['/', ':']).unwrap_or(text.len())),
        };
        return (0..=reach).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]));
    }
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    match (pattern.next(), text.next()) {
        (None, None) => true,
        (wanted, found) => wanted == found && matches(pattern.as_str(), text.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_part_and_two_do_not() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("ab", "a", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("*", "a/b", false),
            ("*", "a:b", false),
            ("role/*", "role/path/name", false),
            ("role/**", "role/path/name", true),
            ("role/*/name", "role/path/name", true),
            ("**x", "a/b:x", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn allowed(text: &str) -> AllowedArns {
        AllowedArns(vec![text.parse().unwrap()])
    }

    #[test]
    fn an_arn_is_allowed_only_where_it_is_listed() {
        let allowed = allowed("team-a=arn:aws:iam::111111111111:role/flow-*");
        assert!(allowed.allow("team-a", "arn:aws:iam::111111111111:role/flow-logs"));
        assert!(!allowed.allow("team-b", "arn:aws:iam::111111111111:role/flow-logs"));
        assert!(!allowed.allow("team-a", "arn:aws:iam::222222222222:role/flow-logs"));
        assert!(!AllowedArns::default().allow("team-a", "arn:aws:iam::111111111111:role/flow-logs"));
    }

    #[test]
    fn no_wildcard_reaches_into_another_part_or_path() {
        let any_account = allowed("*=arn:aws:iam::*:role/flow-logs");
        assert!(any_account.allow("team-a", "arn:aws:iam::222222222222:role/flow-logs"));
        for trick in [
            "arn:aws:iam::222222222222:role/admin:role/flow-logs",
            "arn:aws:iam::222222222222:role/path/flow-logs",
            "arn:aws:iam:x:222222222222:role/flow-logs",
            "arn:aws-cn:iam::222222222222:role/flow-logs",
        ] {
            assert!(!any_account.allow("team-a", trick), "{trick}");
        }
        assert!(
            !allowed("a=arn:aws:iam::111111111111:role/flow-*")
                .allow("a", "arn:aws:iam::111111111111:role/flow-/admin")
        );
        assert!(!allowed("team-*=arn:aws:s3:::b").allow("other", "arn:aws:s3:::b"));
    }

    #[test]
    fn a_pattern_that_is_not_whole_is_refused() {
        for text in [
            "team-a",
            "=arn:aws:iam::1:role/r",
            "team-a=",
            "team-a=*",
            "team-a=arn:*",
            "team-a=arn:aws:iam::*",
            "team-a=arn:aws:*:*:*:**",
            "team-a=arn:aws:iam::111111111111:",
        ] {
            assert_eq!(text.parse::<AllowedArn>(), Err(NotAnAllowedArn(text.to_owned())));
        }
    }
}

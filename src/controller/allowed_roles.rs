use std::str::FromStr;

use thiserror::Error;

use crate::api::conditions::Reason;
use crate::api::spec::AssumeRole;
use crate::engine::Failure;

/// Which roles monitors of which namespace may work through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedRoles(pub Vec<AllowedRole>);

/// `NAMESPACE=ARN-PATTERN`; in both, `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedRole {
    namespace: String,
    arn: String,
}

/// The text is not of the form `NAMESPACE=ARN-PATTERN`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not of the form NAMESPACE=ARN-PATTERN, such as team-a=arn:aws:iam::123456789012:role/flow-*")]
pub struct NotAnAllowedRole(String);

impl FromStr for AllowedRole {
    type Err = NotAnAllowedRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((namespace, arn)) if !namespace.is_empty() && arn.starts_with("arn:") => {
                Ok(Self { namespace: namespace.to_owned(), arn: arn.to_owned() })
            }
            _ => Err(NotAnAllowedRole(text.to_owned())),
        }
    }
}

impl AllowedRoles {
    /// Refuses a role that the operator's owner has not listed for the namespace.
    pub fn check(&self, namespace: &str, role: &AssumeRole) -> Result<(), Failure> {
        let listed =
            |allowed: &AllowedRole| matches(&allowed.namespace, namespace) && matches(&allowed.arn, &role.role_arn);
        if self.0.iter().any(listed) {
            return Ok(());
        }
        Err(Failure::new(
            Reason::AccessDenied,
            format!(
                "spec.assumeRole: {} is not allowed for namespace {namespace}; the operator must be started with --allowed-role {namespace}={}",
                role.role_arn, role.role_arn
            ),
        ))
    }
}

/// True if `text` is `pattern`, where `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_role_works_only_where_it_is_listed() {
        let allowed = AllowedRoles(vec!["team-a=arn:aws:iam::111111111111:role/flow-*".parse().unwrap()]);
        let role = |arn: &str| AssumeRole { role_arn: arn.into(), external_id: None };
        assert!(allowed.check("team-a", &role("arn:aws:iam::111111111111:role/flow-logs")).is_ok());
        assert!(allowed.check("team-b", &role("arn:aws:iam::111111111111:role/flow-logs")).is_err());
        assert!(allowed.check("team-a", &role("arn:aws:iam::222222222222:role/flow-logs")).is_err());
        assert!("team-a".parse::<AllowedRole>().is_err());
    }
}

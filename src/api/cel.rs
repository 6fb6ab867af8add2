//! Validation rules for the API server, in CEL.

use kube::core::Rule;

/// A rule about the value it stands at.
#[must_use]
pub fn rule(rule: &str, message: &str) -> Rule {
    Rule::new(rule).message(message)
}

/// A rule that a text matches a pattern, in which there is no backslash and no apostrophe. The message is a sentence, unlike that of the
/// schema's own `pattern`.
#[must_use]
pub fn matching(pattern: &str, message: &str) -> Rule {
    rule(&format!("{MATCHES}{pattern}')"), message)
}

/// The pattern of a rule of [`matching`].
#[must_use]
pub fn pattern(rule: &str) -> Option<&str> {
    rule.strip_prefix(MATCHES)?.strip_suffix("')")
}

const MATCHES: &str = "self.matches('";

/// A rule about a KMS key.
#[must_use]
pub fn key_arn() -> Rule {
    matching(
        "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}$",
        "a KMS key is named by the ARN of the key itself, not of an alias, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
}

/// A rule whose violation is reported at a field below.
#[must_use]
pub fn rule_at(field_path: &str, rule: &str, message: &str) -> Rule {
    Rule::new(rule).message(message).field_path(field_path)
}

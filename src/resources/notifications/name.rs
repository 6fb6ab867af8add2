//! Names of subscriptions.

use std::borrow::Cow;

/// `<protocol>:<endpoint>`, the name of a subscription in the status and in events. The operator recognises subscriptions by it.
pub fn name(protocol: &str, endpoint: &str) -> String {
    format!("{protocol}:{}", masked(endpoint))
}

/// The endpoint with `****` for the password of its URL. SNS lists it in this form, so the two can be compared, and the password stays
/// secret.
#[must_use]
pub fn masked(endpoint: &str) -> Cow<'_, str> {
    let parts = || {
        let (scheme, rest) = endpoint.split_once("://")?;
        let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user_info, host) = authority.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some((scheme, user, host, &rest[authority.len()..]))
    };
    match parts() {
        Some((scheme, user, host, path)) => Cow::Owned(format!("{scheme}://{user}:****@{host}{path}")),
        None => Cow::Borrowed(endpoint),
    }
}

/// E-mail addresses in another case reach the same mailbox.
pub fn in_one_case(name: &str) -> String {
    if name.starts_with("email") { name.to_ascii_lowercase() } else { name.to_owned() }
}

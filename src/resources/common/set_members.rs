//! Members of a resource that the operator never sets, and that would change what the resource does.

/// The names of the members that are set: a resource is compared with none of them.
#[must_use]
pub fn set_members<const N: usize>(members: [(&str, bool); N]) -> Vec<String> {
    members.into_iter().filter(|(_, is_set)| *is_set).map(|(member, _)| member.to_owned()).collect()
}

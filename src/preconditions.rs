//! Preconditions that no schema can check. The operator and `plan` check them before they work in a monitor's account.

use thiserror::Error;

use crate::aws::AccountRegion;
use crate::monitor::{AllowedArns, Owner};

/// The operator's owner has not listed the role of the spec for the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "spec.assumeRole: {role_arn} is not allowed for namespace {namespace}; the operator must be started with \
     --allowed-role {namespace}={role_arn}"
)]
pub struct RoleNotAllowed {
    role_arn: String,
    namespace: String,
}

/// Refuses a role that is not listed for the namespace.
pub fn check_role(allowed: &AllowedArns, namespace: &str, role_arn: &str) -> Result<(), RoleNotAllowed> {
    if allowed.allow(namespace, role_arn) {
        return Ok(());
    }
    Err(RoleNotAllowed { role_arn: role_arn.to_owned(), namespace: namespace.to_owned() })
}

/// The monitor was built in another account or region.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the {noun} lives in account {account}, region {region}, but the operator now works in account {now_account}, region {now_region}; \
     give the operator the credentials and region it had, or delete the {noun} there first; if somebody has edited \
     status.accountId or status.region, set them right with kubectl edit --subresource=status"
)]
pub struct LivesElsewhere {
    noun: &'static str,
    account: String,
    region: String,
    now_account: String,
    now_region: String,
}

/// Other credentials or another default region must not build an object's resources a second time and forget the first. `account` and `region`
/// are those of its status.
pub fn check_account_region(
    noun: &'static str,
    account: Option<&String>,
    region: Option<&String>,
    now: &AccountRegion,
) -> Result<(), LivesElsewhere> {
    if account.is_none_or(|known| *known == now.account) && region.is_none_or(|known| *known == now.region) {
        return Ok(());
    }
    let (known, now) = (|part: Option<&String>| part.cloned().unwrap_or_default(), now.clone());
    Err(LivesElsewhere {
        noun,
        account: known(account),
        region: known(region),
        now_account: now.account,
        now_region: now.region,
    })
}

/// The object's resources were made under another name of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "in AWS the {noun} belongs to {former}, but the operator now works as {now}: start the operator with --cluster-name {cluster}, \
     or delete the {noun} with that operator first; if somebody has edited status.owner, set it right with kubectl edit \
     --subresource=status"
)]
pub struct OfAnotherCluster {
    noun: &'static str,
    former: String,
    cluster: String,
    now: String,
}

/// An operator with another cluster name must not make an object's resources a second time and forget the first. `former` is the owner in its
/// status.
pub fn check_owner<O: Owner>(former: Option<&String>, owner: &O) -> Result<(), OfAnotherCluster> {
    let former = former.filter(|former| **former != *owner.owner());
    // An owner of another namespace or name is that of a copied status.
    match former.and_then(|former| Some((former, former.strip_suffix(owner.identity())?))) {
        Some((former, cluster)) => Err(OfAnotherCluster {
            noun: O::NOUN,
            former: former.clone(),
            cluster: cluster.to_owned(),
            now: owner.owner().to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn a_monitor_of_another_cluster_name_is_refused() {
        let monitor = fixtures::monitor();
        let check = |owner: Option<&str>| {
            let owner = owner.map(str::to_owned);
            check_owner(owner.as_ref(), &monitor)
        };
        assert_eq!(check_owner(None, &monitor), Ok(()));
        for owner in [None, Some(monitor.owner.as_str()), Some("other/elsewhere/copied")] {
            assert_eq!(check(owner), Ok(()), "{owner:?}");
        }
        let refused = check(Some("former/network/production")).unwrap_err().to_string();
        assert!(refused.contains("start the operator with --cluster-name former, or"), "{refused}");
    }
}

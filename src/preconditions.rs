//! Preconditions that no schema can check. The operator and `plan` check them before they work in a monitor's account.

use thiserror::Error;

use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::AccountRegion;
use crate::monitor::{AllowedArns, Monitor};

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
    "the monitor lives in account {account}, region {region}, but the operator now works in account {}, region {}; \
     give the operator the credentials and region it had, or delete the monitor there first; if somebody has edited \
     status.accountId or status.region, set them right with kubectl edit --subresource=status",
    .now.account, .now.region
)]
pub struct LivesElsewhere {
    account: String,
    region: String,
    now: AccountRegion,
}

/// Other credentials or another default region must not build a monitor a second time and forget the first.
pub fn check_account_region(
    status: Option<&VpcFlowMonitorStatus>,
    account_region: &AccountRegion,
) -> Result<(), LivesElsewhere> {
    let Some(status) = status else { return Ok(()) };
    let (account, region) = (status.account_id.as_ref(), status.region.as_ref());
    if account.is_none_or(|known| *known == account_region.account)
        && region.is_none_or(|known| *known == account_region.region)
    {
        return Ok(());
    }
    let known = |part: Option<&String>| part.cloned().unwrap_or_default();
    Err(LivesElsewhere { account: known(account), region: known(region), now: account_region.clone() })
}

/// The monitor was built under another name of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "in AWS the monitor belongs to {former}, but the operator now works as {now}: start the operator with --cluster-name {cluster}, \
     or delete the monitor with that operator first; if somebody has edited status.owner, set it right with kubectl edit \
     --subresource=status"
)]
pub struct OfAnotherCluster {
    former: String,
    cluster: String,
    now: String,
}

/// An operator with another cluster name must not build a monitor a second time and forget the first.
pub fn check_owner(status: Option<&VpcFlowMonitorStatus>, monitor: &Monitor) -> Result<(), OfAnotherCluster> {
    let former = status.and_then(|status| status.owner.as_ref()).filter(|former| **former != monitor.owner);
    let identity = format!("/{}/{}", monitor.namespace, monitor.name);
    // An owner of another namespace or name is that of a copied status.
    match former.and_then(|former| Some((former, former.strip_suffix(&identity)?))) {
        Some((former, cluster)) => {
            Err(OfAnotherCluster { former: former.clone(), cluster: cluster.to_owned(), now: monitor.owner.clone() })
        }
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
            let status = VpcFlowMonitorStatus { owner: owner.map(str::to_owned), ..VpcFlowMonitorStatus::default() };
            check_owner(Some(&status), &monitor)
        };
        assert_eq!(check_owner(None, &monitor), Ok(()));
        for owner in [None, Some(monitor.owner.as_str()), Some("other/elsewhere/copied")] {
            assert_eq!(check(owner), Ok(()), "{owner:?}");
        }
        let refused = check(Some("former/network/production")).unwrap_err().to_string();
        assert!(refused.contains("start the operator with --cluster-name former, or"), "{refused}");
    }
}

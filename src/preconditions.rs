//! Preconditions that no schema can check. The operator and `plan` check them before they work in a monitor's account.

use thiserror::Error;

use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::AccountRegion;
use crate::monitor::AllowedArns;

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

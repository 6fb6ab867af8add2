//! The way to the accounts and regions of an overview.

use std::sync::Arc;

use futures::future::join_all;

use super::super::context::Context;
use crate::api::conditions::Reason;
use crate::api::overview::status::OverviewPlace;
use crate::api::spec::AssumeRole;
use crate::aws::Aws;
use crate::engine::Failure;
use crate::overview::{PlaceKey, Site};
use crate::preconditions::check_role;

/// Clients for an account and region, if the namespace may use the role.
pub async fn connect(
    context: &Context,
    namespace: &str,
    region: Option<&str>,
    role: Option<&AssumeRole>,
) -> Result<Arc<Aws>, Failure> {
    if let Some(role) = role {
        check_role(&context.options.allowed_roles, namespace, &role.role_arn)?;
    }
    Ok(context.aws.get(region, role).await?)
}

/// The accounts and regions of these places. The role comes from a monitor, or from the status, which somebody may have edited: it is checked
/// like any other.
pub async fn sites(context: &Context, namespace: &str, places: &[OverviewPlace]) -> Vec<Site> {
    join_all(places.iter().map(|place| async move {
        let key = PlaceKey::of(place);
        let connected = connect(context, namespace, Some(&place.region), place.assume_role().as_ref()).await;
        let is_it = |aws: &Aws| aws.account_region.account == key.account;
        let aws = connected.and_then(|aws| if is_it(&aws) { Ok(aws) } else { Err(elsewhere(&aws, &key)) });
        Site { key, aws, rules: place.rules, is_linked: place.linked }
    }))
    .await
}

fn elsewhere(aws: &Aws, key: &PlaceKey) -> Failure {
    let message = format!(
        "the operator reaches account {} instead of {}: give it the credentials that it had",
        aws.account_region.account, key.account
    );
    Failure::new(Reason::Conflict, message)
}

//! The way to the accounts and regions of an overview.

use futures::future::join_all;

use super::super::connect::aws_clients;
use super::super::context::Context;
use crate::api::conditions::Reason;
use crate::api::overview::status::OverviewPlace;
use crate::aws::Aws;
use crate::engine::Failure;
use crate::overview::{PlaceKey, Site};

/// The accounts and regions of these places. The role comes from a monitor, or from the status, which somebody may have edited: it is checked
/// like any other.
pub async fn sites(context: &Context, namespace: &str, places: &[OverviewPlace]) -> Vec<Site> {
    join_all(places.iter().map(|place| async move {
        let key = PlaceKey::of(place);
        let connected = aws_clients(context, namespace, Some(&place.region), place.assume_role().as_ref()).await;
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

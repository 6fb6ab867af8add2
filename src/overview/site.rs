//! The way to the accounts and regions of an overview.

use std::sync::Arc;

use futures::future::join_all;

use super::place::PlaceKey;
use crate::api::conditions::Reason;
use crate::api::overview::status::OverviewPlace;
use crate::api::spec::AssumeRole;
use crate::aws::Aws;
use crate::engine::Failure;

/// An account and region that the pass works in.
#[derive(Clone, Debug)]
pub struct Site {
    /// The account and region.
    pub key: PlaceKey,
    /// The clients, or the reason for which there are none.
    pub aws: Result<Arc<Aws>, Failure>,
    /// The number of rules that may be there.
    pub rules: u32,
    /// True if a link may be there.
    pub is_linked: bool,
}

/// The accounts and regions of these places. `connect` makes the clients for a region and a role, which comes from a monitor, or from the status,
/// which somebody may have edited: it checks it like any other.
pub async fn sites<C>(places: &[OverviewPlace], connect: impl Fn(String, Option<AssumeRole>) -> C) -> Vec<Site>
where
    C: Future<Output = Result<Arc<Aws>, Failure>>,
{
    let connections = places.iter().map(|place| connect(place.region.clone(), place.assume_role()));
    let connections = join_all(connections).await;
    places.iter().zip(connections).map(|(place, connected)| site(place, connected)).collect()
}

fn site(place: &OverviewPlace, connected: Result<Arc<Aws>, Failure>) -> Site {
    let key = PlaceKey::of(place);
    let is_it = |aws: &Aws| aws.account_region.account == key.account;
    let aws = connected.and_then(|aws| if is_it(&aws) { Ok(aws) } else { Err(elsewhere(&aws, &key)) });
    Site { key, aws, rules: place.rules, is_linked: place.linked }
}

fn elsewhere(aws: &Aws, key: &PlaceKey) -> Failure {
    let message = format!(
        "the operator reaches account {} instead of {}: give it the credentials that it had",
        aws.account_region.account, key.account
    );
    Failure::new(Reason::Conflict, message)
}

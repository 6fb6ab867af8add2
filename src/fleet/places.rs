//! Reads the places of a fleet.

use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::discovery::discover;
use super::vpc::{PlaceRegion, Reading};
use crate::api::fleet::VpcFlowFleetSpec;
use crate::aws::Aws;
use crate::engine::Failure;

/// The most places that are read at once.
const AT_ONCE: usize = 8;

/// The answers of all places, in the order of the spec. A place that fails holds up none of the others. `connect` gives the clients for the
/// account and region of a place.
pub async fn read_places<C>(spec: &VpcFlowFleetSpec, connect: impl Fn(PlaceRegion) -> C) -> Vec<Reading>
where
    C: Future<Output = Result<Arc<Aws>, Failure>>,
{
    let readings = places(spec).into_iter().map(|at| read_one(spec, at.clone(), connect(at)));
    stream::iter(readings).buffered(AT_ONCE).collect().await
}

fn places(spec: &VpcFlowFleetSpec) -> Vec<PlaceRegion> {
    let mut places = Vec::new();
    for place in &spec.places {
        let regions: Vec<Option<String>> = match &place.regions[..] {
            [] => vec![None],
            some => some.iter().cloned().map(Some).collect(),
        };
        places.extend(regions.into_iter().map(|region| PlaceRegion {
            place: place.name.clone(),
            region,
            assume_role: place.assume_role.clone(),
        }));
    }
    places
}

async fn read_one(
    spec: &VpcFlowFleetSpec,
    at: PlaceRegion,
    connected: impl Future<Output = Result<Arc<Aws>, Failure>>,
) -> Reading {
    match connected.await {
        Ok(aws) => {
            let account_region = Some((aws.account_region.account.clone(), aws.account_region.region.clone()));
            Reading { at, account_region, vpcs: discover(&aws, &spec.selector).await.map_err(Failure::from) }
        }
        Err(failure) => Reading { at, account_region: None, vpcs: Err(failure) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::conditions::Reason;
    use crate::fleet::fixtures::fleet_spec;

    #[tokio::test]
    async fn each_region_of_a_place_is_read_in_the_order_of_the_spec() {
        let spec = fleet_spec("places: [{name: b, regions: [us-east-1, eu-west-1]}, {name: a}]");
        let fails = |_| async { Err(Failure::new(Reason::AwsError, "m")) };
        let readings = read_places(&spec, fails).await;
        let shown: Vec<_> =
            readings.iter().map(|it| format!("{} {}", it.at.place, it.region().unwrap_or_default())).collect();
        assert_eq!(shown, ["b us-east-1", "b eu-west-1", "a "]);
        assert!(readings.iter().all(|it| it.vpcs.is_err()));
    }
}

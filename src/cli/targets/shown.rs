//! Fleets beside monitors, for `status`.

use std::collections::BTreeSet;

use kube::api::DynamicObject;
use kube::{Client, ResourceExt};
use vpc_flow_operator::api::fleet::FLEET_LABEL;
use vpc_flow_operator::status::{Listing, is_of_fleet};

use super::super::cluster::{self, Kind};
use super::name::Named;
use super::{Targets, distinct, missing, none};

/// An object that `status` shows.
#[derive(Debug)]
pub enum Shown {
    /// A monitor by itself.
    Monitor(Box<DynamicObject>),
    /// A fleet with its monitors.
    Fleet {
        /// The fleet.
        fleet: Box<DynamicObject>,
        /// Its monitors.
        monitors: Vec<DynamicObject>,
        /// The monitors that get a line each.
        listing: Listing,
    },
}

/// The objects that were found, and an error for each that was not.
type Found = (Vec<Shown>, Vec<anyhow::Error>);

impl Targets {
    /// Reads fleets and monitors. Without names, fleets come first, and their monitors are not shown by themselves.
    pub async fn read_with_fleets(&self) -> anyhow::Result<Found> {
        let client = self.cluster.client().await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        if !self.names.is_empty() {
            return self.read_by_name(&client, &namespace).await;
        }
        let namespace = Some(namespace.as_str()).filter(|_| !self.all_namespaces);
        let selector = self.selector.as_deref();
        let shown = list(&client, namespace, selector).await?;
        let errors = if shown.is_empty() { vec![none(namespace, selector)] } else { Vec::new() };
        Ok((shown, errors))
    }

    async fn read_by_name(&self, client: &Client, namespace: &str) -> anyhow::Result<Found> {
        let (mut shown, mut errors, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for Named { kind, name } in distinct(self.objects()) {
            let Some((kind, object)) = find(client, kind, namespace, &name).await? else {
                errors.push(missing(kind.unwrap_or(Kind::Monitor), namespace, &name));
                continue;
            };
            // NAME and TYPE/NAME may be the same object.
            if seen.insert((kind, name)) {
                shown.push(match kind {
                    Kind::Monitor => Shown::Monitor(Box::new(object)),
                    Kind::Fleet => with_monitors(client, object, Listing::All).await?,
                });
            }
        }
        Ok((shown, errors))
    }
}

/// The object of that name. Without a kind it is the monitor of that name, else the fleet.
async fn find(
    client: &Client,
    kind: Option<Kind>,
    namespace: &str,
    name: &str,
) -> anyhow::Result<Option<(Kind, DynamicObject)>> {
    let get = async |kind: Kind| {
        let objects = cluster::objects(kind, client.clone(), Some(namespace));
        cluster::get(&objects, kind, namespace, name).await
    };
    if let Some(kind) = kind {
        return Ok(get(kind).await?.map(|object| (kind, object)));
    }
    if let Some(monitor) = get(Kind::Monitor).await? {
        return Ok(Some((Kind::Monitor, monitor)));
    }
    // A cluster without fleets, or one that does not show them, has no fleet of that name.
    Ok(get(Kind::Fleet).await.ok().flatten().map(|fleet| (Kind::Fleet, fleet)))
}

/// The fleets, and after them the monitors that are of none of these.
async fn list(client: &Client, namespace: Option<&str>, selector: Option<&str>) -> anyhow::Result<Vec<Shown>> {
    let objects = cluster::monitors(client.clone(), namespace);
    let mut monitors = cluster::list(&objects, Kind::Monitor, selector).await?;
    let mut shown = Vec::new();
    for fleet in cluster::fleets(client, namespace, selector).await? {
        let (own, others) = monitors.into_iter().partition(|monitor| is_of_fleet(monitor, &fleet));
        monitors = others;
        shown.push(match selector {
            None => Shown::Fleet { fleet: Box::new(fleet), monitors: own, listing: Listing::Brief },
            // The labels of a fleet choose all its monitors.
            Some(_) => with_monitors(client, fleet, Listing::Brief).await?,
        });
    }
    shown.extend(monitors.into_iter().map(|monitor| Shown::Monitor(Box::new(monitor))));
    Ok(shown)
}

async fn with_monitors(client: &Client, fleet: DynamicObject, listing: Listing) -> anyhow::Result<Shown> {
    let objects = cluster::monitors(client.clone(), Some(&fleet.namespace().unwrap_or_default()));
    let labelled = format!("{FLEET_LABEL}={}", fleet.name_any());
    let mut monitors = cluster::list(&objects, Kind::Monitor, Some(&labelled)).await?;
    monitors.retain(|monitor| is_of_fleet(monitor, &fleet));
    Ok(Shown::Fleet { fleet: Box::new(fleet), monitors, listing })
}

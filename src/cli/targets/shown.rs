//! Fleets and overviews beside monitors, for `status`.

use std::collections::BTreeSet;

use kube::api::DynamicObject;
use kube::{Client, ResourceExt};
use vpc_flow_operator::api::fleet::FLEET_LABEL;
use vpc_flow_operator::status::{Listing, is_of_fleet, is_of_overview};

use super::super::cluster::{self, Kind};
use super::name::Named;
use super::{Targets, distinct, find, missing, none};

/// An object that `status` shows.
#[derive(Debug)]
pub enum Shown {
    /// A monitor by itself.
    Monitor(Box<DynamicObject>),
    /// A fleet with its monitors.
    Fleet(Group),
    /// An overview with the monitors that it selects.
    Overview(Group),
}

/// An object with its monitors.
#[derive(Debug)]
pub struct Group {
    /// The fleet or the overview.
    pub object: Box<DynamicObject>,
    /// Its monitors.
    pub monitors: Vec<DynamicObject>,
    /// The monitors that get a line each.
    pub listing: Listing,
}

/// The objects that were found, and an error for each that was not.
type Found = (Vec<Shown>, Vec<anyhow::Error>);

impl Targets {
    /// Reads objects of all kinds. Without names, overviews come first, then fleets, whose monitors are not shown by themselves.
    pub async fn read_all_kinds(&self) -> anyhow::Result<Found> {
        let client = self.cluster.client().await?;
        let namespace = self.namespace_of(&client);
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
                    Kind::Fleet => Shown::Fleet(fleet(client, object, Listing::All).await?),
                    Kind::Overview => Shown::Overview(overview(client, object, Listing::All).await?),
                });
            }
        }
        Ok((shown, errors))
    }
}

/// The overviews, the fleets, and after them the monitors that are of none of these fleets.
async fn list(client: &Client, namespace: Option<&str>, selector: Option<&str>) -> anyhow::Result<Vec<Shown>> {
    let objects = cluster::monitors(client.clone(), namespace);
    let mut monitors = cluster::list(&objects, Kind::Monitor, selector).await?;
    let mut shown = Vec::new();
    for object in cluster::list_if_served(client, Kind::Overview, namespace, selector).await? {
        shown.push(Shown::Overview(match selector {
            None => {
                let selected = monitors.iter().filter(|monitor| is_of_overview(monitor, &object)).cloned().collect();
                Group { object: Box::new(object), monitors: selected, listing: Listing::Brief }
            }
            // The labels of an overview or a fleet choose all its monitors.
            Some(_) => overview(client, object, Listing::Brief).await?,
        }));
    }
    for object in cluster::list_if_served(client, Kind::Fleet, namespace, selector).await? {
        let (own, others) = monitors.into_iter().partition(|monitor| is_of_fleet(monitor, &object));
        monitors = others;
        shown.push(Shown::Fleet(match selector {
            None => Group { object: Box::new(object), monitors: own, listing: Listing::Brief },
            Some(_) => fleet(client, object, Listing::Brief).await?,
        }));
    }
    shown.extend(monitors.into_iter().map(|monitor| Shown::Monitor(Box::new(monitor))));
    Ok(shown)
}

/// A fleet with its monitors.
async fn fleet(client: &Client, object: DynamicObject, listing: Listing) -> anyhow::Result<Group> {
    let labelled = format!("{FLEET_LABEL}={}", object.name_any());
    let mut monitors = beside(client, &object, Some(&labelled)).await?;
    monitors.retain(|monitor| is_of_fleet(monitor, &object));
    Ok(Group { object: Box::new(object), monitors, listing })
}

/// An overview with the monitors that it selects.
async fn overview(client: &Client, object: DynamicObject, listing: Listing) -> anyhow::Result<Group> {
    let mut monitors = beside(client, &object, None).await?;
    monitors.retain(|monitor| is_of_overview(monitor, &object));
    Ok(Group { object: Box::new(object), monitors, listing })
}

/// The monitors in the namespace of the object.
async fn beside(client: &Client, object: &DynamicObject, selector: Option<&str>) -> anyhow::Result<Vec<DynamicObject>> {
    let objects = cluster::monitors(client.clone(), Some(&object.namespace().unwrap_or_default()));
    cluster::list(&objects, Kind::Monitor, selector).await
}

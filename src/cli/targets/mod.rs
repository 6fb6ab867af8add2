//! The objects that a command is about: by name, by label, all of them, or those of files.

mod declared;
mod files;
mod name;
mod shown;

use std::collections::BTreeSet;

use clap::Args;
use kube::api::DynamicObject;
use kube::{Client, ResourceExt};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::fleet::FLEET_LABEL;
use vpc_flow_operator::plan::CustomObject;

pub use declared::Declared;
pub use files::Files;
pub use shown::{Group, Shown};

use self::name::Named;
use super::cluster::{self, ClusterAccess, Kind};
use super::values::namespace;

/// Monitors in the cluster.
#[derive(Debug, Args)]
pub struct Targets {
    /// Monitors in the cluster, as NAME, vfm/NAME or vfm NAME.
    #[arg(value_name = "NAME", value_parser = name::parse, conflicts_with_all = ["all_namespaces", "selector"])]
    names: Vec<Named>,

    /// Namespace of the monitors. [default: that of the kubeconfig's context, then `default`]
    #[arg(short, long, value_parser = namespace)]
    pub namespace: Option<String>,

    /// Monitors of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Monitors with these labels, such as `team=network`.
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,

    #[command(flatten)]
    pub cluster: ClusterAccess,
}

/// The monitors that were found, and an error for each that was not.
#[derive(Debug)]
pub struct Selection<M> {
    /// In the order of the command line, or of the API server.
    pub monitors: Vec<M>,
    /// The others.
    pub errors: Vec<anyhow::Error>,
}

impl Targets {
    /// True if a single monitor was asked for by its name.
    pub fn is_one(&self) -> bool {
        self.objects().len() == 1
    }

    fn objects(&self) -> Vec<Named> {
        name::with_types(&self.names)
    }

    /// The namespace that is meant, unless all are.
    fn namespace_of(&self, client: &Client) -> String {
        self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned())
    }

    /// Reads the monitors.
    pub async fn read(&self) -> anyhow::Result<Selection<DynamicObject>> {
        let client = self.cluster.client().await?;
        let namespace = self.namespace_of(&client);
        let mut selection = Selection { monitors: Vec::new(), errors: Vec::new() };
        if self.names.is_empty() {
            let namespace = Some(namespace.as_str()).filter(|_| !self.all_namespaces);
            let monitors = cluster::monitors(client, namespace);
            selection.monitors = cluster::list(&monitors, Kind::Monitor, self.selector.as_deref()).await?;
            if selection.monitors.is_empty() {
                selection.errors.push(none(namespace, self.selector.as_deref()));
            }
            return Ok(selection);
        }
        for (kind, name) in distinct(self.objects().into_iter().map(|it| (it.kind.unwrap_or(Kind::Monitor), it.name))) {
            if kind != Kind::Monitor {
                selection.errors.push(no_monitor(kind, &name));
                continue;
            }
            match find(&client, Some(kind), &namespace, &name).await? {
                Some((_, object)) => selection.monitors.push(object),
                None => selection.errors.push(missing(kind, &namespace, &name)),
            }
        }
        Ok(selection)
    }
}

/// The object of that name. Without a kind it is the monitor of that name, else the fleet, else the overview.
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
    for kind in Kind::ALL {
        let found = match get(kind).await {
            // A cluster without the kind, or one that does not show it, has no object of that name.
            Err(_) if kind != Kind::Monitor => None,
            found => found?,
        };
        if let Some(object) = found {
            return Ok(Some((kind, object)));
        }
    }
    Ok(None)
}

/// The items in their order, each once.
fn distinct<T: Clone + Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

impl Selection<DynamicObject> {
    /// The monitors as this version of the program knows them.
    pub fn typed(self) -> Selection<VpcFlowMonitor> {
        let (mut monitors, mut errors) = (Vec::new(), self.errors);
        for object in self.monitors {
            match typed(object) {
                Ok(monitor) => monitors.push(monitor),
                Err(error) => errors.push(error),
            }
        }
        Selection { monitors, errors }
    }
}

/// The object as this version of the program knows it.
pub fn typed<K: CustomObject>(object: DynamicObject) -> anyhow::Result<K> {
    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    object.try_parse().map_err(|error| {
        anyhow::anyhow!("{name} does not fit this version of the program: use that of the operator: {error}")
    })
}

/// The command that shows which objects there are.
fn lists_all(kind: Kind) -> String {
    format!("`kubectl get {} -A` lists all", kind.shortnames().join(","))
}

fn missing(kind: Kind, namespace: &str, name: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no {} {namespace}/{name}: {}", kind.resource().kind, lists_all(kind))
}

fn no_monitor(kind: Kind, name: &str) -> anyhow::Error {
    let (type_, its_monitors) = match kind {
        Kind::Monitor => ("vfm", String::new()),
        Kind::Fleet => ("vff", format!("`-l {FLEET_LABEL}={name}`")),
        Kind::Overview => ("vfo", "`-l` and the labels of its monitorSelector".to_owned()),
    };
    let kind = kind.resource().kind;
    anyhow::anyhow!(
        "{type_}/{name} is a {kind}, and this command is for monitors: choose its monitors with {its_monitors}"
    )
}

fn none(namespace: Option<&str>, selector: Option<&str>) -> anyhow::Error {
    let labels = selector.map(|selector| format!(" with the labels {selector}")).unwrap_or_default();
    match namespace {
        Some(namespace) => {
            let lists_all = lists_all(Kind::Monitor);
            anyhow::anyhow!("there is no VpcFlowMonitor{labels} in namespace {namespace}: {lists_all}")
        }
        None => anyhow::anyhow!("there is no VpcFlowMonitor{labels} in the cluster"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_read_once() {
        assert_eq!(distinct(["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}

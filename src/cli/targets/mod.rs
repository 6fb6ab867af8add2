//! The monitors that a command is about: by name, by label, all of them, or those of files.

mod files;
mod name;

use std::collections::BTreeSet;

use clap::Args;
use kube::ResourceExt;
use kube::api::DynamicObject;
use vpc_flow_operator::api::VpcFlowMonitor;

pub use files::Files;

use super::cluster::{self, ClusterAccess};
use super::values::namespace;

/// Monitors in the cluster.
#[derive(Debug, Args)]
pub struct Targets {
    /// Monitors in the cluster, as NAME, vfm/NAME or vfm NAME.
    #[arg(value_name = "NAME", value_parser = name::parse, conflicts_with_all = ["all_namespaces", "selector"])]
    names: Vec<String>,

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
        self.names().len() == 1
    }

    fn names(&self) -> &[String] {
        name::without_type(&self.names)
    }

    /// Reads the monitors.
    pub async fn read(&self) -> anyhow::Result<Selection<DynamicObject>> {
        let client = self.cluster.client().await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        let monitors = cluster::monitors(client, Some(namespace.as_str()).filter(|_| !self.all_namespaces));
        let mut selection = Selection { monitors: Vec::new(), errors: Vec::new() };
        for name in distinct(self.names()) {
            match cluster::get(&monitors, &namespace, name).await? {
                Some(object) => selection.monitors.push(object),
                None => selection.errors.push(missing(&namespace, name)),
            }
        }
        if self.names.is_empty() {
            selection.monitors = cluster::list(&monitors, self.selector.as_deref()).await?;
        }
        if selection.monitors.is_empty() && selection.errors.is_empty() {
            let namespace = Some(namespace.as_str()).filter(|_| !self.all_namespaces);
            selection.errors.push(none(namespace, self.selector.as_deref()));
        }
        Ok(selection)
    }
}

/// The names in their order, each once.
fn distinct(names: &[String]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    names.iter().map(String::as_str).filter(|name| seen.insert(*name)).collect()
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

/// The monitor as this version of the program knows it.
pub fn typed(object: DynamicObject) -> anyhow::Result<VpcFlowMonitor> {
    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    object.try_parse().map_err(|error| {
        anyhow::anyhow!("{name} does not fit this version of the program: use that of the operator: {error}")
    })
}

/// The command that shows which monitors there are.
const LISTS_ALL: &str = "`kubectl get vfm -A` lists all";

fn missing(namespace: &str, name: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no VpcFlowMonitor {namespace}/{name}: {LISTS_ALL}")
}

fn none(namespace: Option<&str>, selector: Option<&str>) -> anyhow::Error {
    let labels = selector.map(|selector| format!(" with the labels {selector}")).unwrap_or_default();
    match namespace {
        Some(namespace) => anyhow::anyhow!("there is no VpcFlowMonitor{labels} in namespace {namespace}: {LISTS_ALL}"),
        None => anyhow::anyhow!("there is no VpcFlowMonitor{labels} in the cluster"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_read_once() {
        let names = ["b", "a", "b", "c", "a"].map(str::to_owned);
        assert_eq!(distinct(&names), ["b", "a", "c"]);
    }
}

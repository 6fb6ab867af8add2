use clap::{Args, ValueEnum};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};

/// Print the `CustomResourceDefinition`s as YAML. Needs no cluster.
#[derive(Debug, Args)]
pub struct Crd {
    /// The kind, by its plural name. [default: all, one YAML document each]
    kind: Option<Kind>,
}

/// A kind by its plural name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// `VpcFlowMonitor`: one VPC.
    #[value(name = "vpcflowmonitors")]
    Monitors,
    /// `VpcFlowFleet`: the VPCs that a selector finds.
    #[value(name = "vpcflowfleets")]
    Fleets,
    /// `VpcFlowOverview`: the monitors that a selector finds.
    #[value(name = "vpcflowoverviews")]
    Overviews,
}

impl Kind {
    fn crd(self) -> CustomResourceDefinition {
        match self {
            Self::Monitors => VpcFlowMonitor::crd(),
            Self::Fleets => VpcFlowFleet::crd(),
            Self::Overviews => VpcFlowOverview::crd(),
        }
    }
}

impl Crd {
    /// Prints them.
    pub fn run(self) -> anyhow::Result<()> {
        let kinds = self.kind.map_or_else(|| Kind::value_variants().to_vec(), |kind| vec![kind]);
        let documents = kinds.into_iter().map(|kind| serde_yaml_ng::to_string(&kind.crd()));
        Ok(super::print(&documents.collect::<Result<Vec<_>, _>>()?.join("---\n"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_name_of_its_crd() {
        for kind in Kind::value_variants() {
            assert_eq!(kind.to_possible_value().unwrap().get_name(), kind.crd().spec.names.plural);
        }
    }
}

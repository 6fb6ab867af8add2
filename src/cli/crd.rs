use kube::CustomResourceExt;
use vpc_flow_operator::api::VpcFlowMonitor;

/// Prints the CRD.
pub fn print() -> anyhow::Result<()> {
    Ok(super::print(&serde_yaml_ng::to_string(&VpcFlowMonitor::crd())?)?)
}

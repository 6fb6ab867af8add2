use std::io::{Write, stdout};

use kube::CustomResourceExt;
use vpc_flow_operator::api::VpcFlowMonitor;

/// Prints the CRD.
pub fn print() -> anyhow::Result<()> {
    let yaml = serde_yaml_ng::to_string(&VpcFlowMonitor::crd())?;
    stdout().write_all(yaml.as_bytes())?;
    Ok(())
}

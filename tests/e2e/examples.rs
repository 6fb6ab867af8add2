//! Every example is accepted as it stands, and becomes Ready.

use std::fs;
use std::path::Path;

use vpc_flow_operator::api::VpcFlowMonitor;

use crate::cluster::{Cluster, Operator};
use crate::support::Sandbox;

#[tokio::test]
async fn every_example_becomes_ready() {
    let (sandbox, cluster) = (Sandbox::new("examples").await, Cluster::new("examples").await);
    let operator = Operator::start(&cluster, &sandbox);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut monitor: VpcFlowMonitor = serde_yaml_ng::from_str(&text).unwrap();
        monitor.spec.vpc_id.clone_from(&sandbox.vpc_id);
        let name = monitor.metadata.name.clone().unwrap();
        cluster.create(&name, monitor.spec).await;
        names.push(name);
    }
    assert!(names.contains(&"quickstart".to_owned()), "{names:?}");
    for name in names {
        cluster.wait_ready(&name).await;
    }
    operator.stop().await;
}

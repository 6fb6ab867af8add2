//! The health check in the forms in which it is handed on.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::lua;
use super::testdata::{HealthTest, read};

/// As Argo CD's own tests run a contributed check.
#[tokio::test]
async fn it_passes_the_test_that_goes_with_it() {
    let test: HealthTest = serde_yaml_ng::from_str(&read("health_test.yaml")).unwrap();
    let mut statuses = BTreeSet::new();
    let mut files = BTreeSet::new();
    for case in &test.tests {
        let object: Value = serde_yaml_ng::from_str(&read(&case.input_path)).unwrap();
        let health = lua::health(&object).await;
        assert_eq!((&health.status, &health.message), (&case.health_status.status, &case.health_status.message));
        statuses.insert(health.status);
        files.insert(Path::new(&case.input_path).file_name().unwrap().to_owned());
    }
    assert_eq!(statuses, ["Degraded", "Healthy", "Progressing", "Suspended"].map(str::to_owned).into());
    let folder = std::fs::read_dir(Path::new(lua::FOLDER).join("testdata")).unwrap();
    assert_eq!(files, folder.map(|file| file.unwrap().file_name()).collect());
}

#[test]
fn the_config_map_to_paste_has_the_same_script() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gitops/argocd/argocd-cm.yaml");
    let config_map: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let pasted = &config_map["data"]["resource.customizations.health.vpcflow.dev_VpcFlowMonitor"];
    assert_eq!(pasted, lua::script().as_str());
}

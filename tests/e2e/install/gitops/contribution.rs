//! The health checks in the forms in which they are handed on.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::lua::{self, KINDS};
use super::testdata::{HealthTest, read};

/// As Argo CD's own tests run a contributed check.
#[tokio::test]
async fn each_passes_the_test_that_goes_with_it() {
    for kind in KINDS {
        let test: HealthTest = serde_yaml_ng::from_str(&read(kind, "health_test.yaml")).unwrap();
        let mut statuses = BTreeSet::new();
        let mut files = BTreeSet::new();
        for case in &test.tests {
            let object: Value = serde_yaml_ng::from_str(&read(kind, &case.input_path)).unwrap();
            assert_eq!(object["kind"], kind, "{}", case.input_path);
            let health = lua::health(&object).await;
            assert_eq!((&health.status, &health.message), (&case.health_status.status, &case.health_status.message));
            statuses.insert(health.status);
            files.insert(Path::new(&case.input_path).file_name().unwrap().to_owned());
        }
        assert_eq!(statuses, ["Degraded", "Healthy", "Progressing", "Suspended"].map(str::to_owned).into(), "{kind}");
        let folder = std::fs::read_dir(lua::folder(kind).join("testdata")).unwrap();
        assert_eq!(files, folder.map(|file| file.unwrap().file_name()).collect(), "{kind}");
    }
}

#[test]
fn the_config_map_to_paste_has_the_same_scripts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gitops/argocd/argocd-cm.yaml");
    let config_map: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for kind in KINDS {
        let pasted = &config_map["data"][format!("resource.customizations.health.vpcflow.dev_{kind}")];
        assert_eq!(pasted, lua::script(kind).as_str(), "{kind}");
    }
    assert_eq!(config_map["data"].as_object().unwrap().len(), KINDS.len());
}

/// The conditions of all kinds have the same meaning.
#[test]
fn one_script_is_for_all_kinds() {
    let [first, others @ ..] = KINDS.map(lua::script);
    assert!(others.iter().all(|other| *other == first));
}

//! The installation by `kubectl apply -k config/`, for users without Helm.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde::Deserialize;
use serde_json::Value;

use super::in_sync::differences;

fn kubectl(arguments: &[&str]) -> Output {
    let mut command = Command::new(env::var_os("KUBECTL").expect("KUBECTL names kubectl"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = kubectl(arguments);
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Applied as Argo CD and Flux do.
const SERVER_SIDE: [&str; 5] =
    ["--server-side", "--force-conflicts", "--field-manager=argocd-controller", "-k", "config"];

#[test]
fn it_is_accepted_and_then_shows_as_in_sync() {
    printed(&[&["apply", "--validate=strict"][..], &SERVER_SIDE].concat());
    let diff = kubectl(&[&["diff"][..], &SERVER_SIDE].concat());
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));

    let rendered = printed(&["kustomize", "config"]);
    let mut kinds = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(&rendered) {
        let wanted = Value::deserialize(document).unwrap();
        let (kind, name) = (wanted["kind"].as_str().unwrap(), wanted["metadata"]["name"].as_str().unwrap());
        let mut get = vec!["get", kind, name, "-o", "json"];
        if let Some(namespace) = wanted["metadata"]["namespace"].as_str() {
            get.extend(["-n", namespace]);
        }
        let live: Value = serde_json::from_str(&printed(&get)).unwrap();
        assert_eq!(differences(&wanted, &live), Vec::<String>::new(), "{kind}/{name}");
        kinds.push(kind.to_owned());
    }
    for kind in
        ["Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"]
    {
        assert!(kinds.iter().any(|known| known == kind), "{kinds:?}");
    }
}

#[test]
fn the_overlay_in_the_documents_reaches_the_operator() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/gitops.md")).unwrap();
    let overlay = document.split("```yaml\n# kustomization.yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("overlay-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(root.join("config"), folder.join("config")).unwrap();
    let url = concat!("https://github.com/vpcflow-dev/vpc-flow-operator/config?ref=v", env!("CARGO_PKG_VERSION"));
    assert!(overlay.contains(url), "{overlay}");
    fs::write(folder.join("kustomization.yaml"), overlay.replace(url, "config")).unwrap();
    let rendered = printed(&["kustomize", folder.to_str().unwrap()]);
    for expected in ["- --cluster-name=my-cluster", "- --region=eu-west-1", "eks.amazonaws.com/role-arn: arn:aws:iam::"]
    {
        assert!(rendered.contains(expected), "{expected} is missing:\n{rendered}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

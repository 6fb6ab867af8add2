//! The script that provides the binaries of the control plane.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::Result;

const BINARIES: [&str; 3] = ["etcd", "kube-apiserver", "kubectl"];

fn build(assets: &Path) -> Result<Output> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/control-plane/build.sh");
    Ok(Command::new(script).env("KUBEBUILDER_ASSETS", assets).output()?)
}

#[test]
fn a_control_plane_that_kubebuilder_assets_names_is_used() -> Result<()> {
    let assets = tempfile::tempdir()?;
    for name in BINARIES {
        let path = assets.path().join(name);
        std::fs::write(&path, "#!/bin/sh\n")?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755))?;
    }
    let output = build(assets.path())?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout)?.trim_end(), assets.path().display().to_string());
    Ok(())
}

#[test]
fn a_folder_without_one_of_the_binaries_is_refused_by_name() -> Result<()> {
    let assets = tempfile::tempdir()?;
    let output = build(assets.path())?;
    let reported = String::from_utf8(output.stderr)?;
    assert!(!output.status.success() && output.stdout.is_empty(), "{reported}");
    assert!(BINARIES.iter().chain(["KUBEBUILDER_ASSETS"].iter()).all(|name| reported.contains(name)), "{reported}");
    Ok(())
}

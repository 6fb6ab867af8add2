//! The choice of the detector package in the container image.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The operator's error message in a folder laid out as in the image, where none of the packages can be read.
fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let program = folder.join("vpc-flow-operator");
    let mut command = Command::new(&program);
    command.arg("run").args(arguments).env_remove("DETECTOR_PACKAGE").env_remove("DETECTOR_ARCHITECTURE");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_flag_chooses_one() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("image-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_vpc-flow-operator"), folder.join("vpc-flow-operator")).unwrap();
    for (arguments, package) in [
        (&["--detector-architecture", "x86_64"][..], "detector-x86_64.zip"),
        (&["--detector-architecture", "arm64"][..], "detector-arm64.zip"),
        (&[][..], "detector.zip"),
    ] {
        let reported = refusal(&folder, arguments);
        assert!(reported.contains(&format!("{}/{package} cannot be read", folder.display())), "{reported}");
    }
    let both = refusal(&folder, &["--detector-architecture", "arm64", "--detector-package", "other.zip"]);
    assert!(both.contains("cannot be used with"), "{both}");
    fs::remove_dir_all(&folder).unwrap();
}

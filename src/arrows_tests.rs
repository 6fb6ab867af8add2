//! The arrows between modules point one way: a module uses modules below its own layer only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the top. Modules of one layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["controller", "plan", "verify", "permissions"],
    &["resources"],
    &["engine"],
    &["preconditions", "credentials"],
    &["monitor"],
    &["metrics"],
    &["aws"],
    &["health", "kubernetes", "leader"],
    &["network"],
    &["api"],
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The modules of the crate that a source file names by `crate::` or, in the binary, by the name of the library.
fn used(text: &str) -> BTreeSet<String> {
    let production = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut modules = BTreeSet::new();
    for line in production.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for root in ["crate::", "vpc_flow_operator::"] {
            for rest in line.split(root).skip(1) {
                let module: String = rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
                modules.insert(module);
            }
        }
    }
    modules
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn arrows_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut up = Vec::new();
    for path in sources(&root) {
        let file = path.strip_prefix(&root).unwrap().display().to_string();
        let module = file.split(['/', '.']).next().unwrap();
        if file.contains("tests") || ["lib", "main"].contains(&module) {
            continue;
        }
        let from = layer(module).unwrap_or_else(|| panic!("{file}: name {module} in LAYERS"));
        let modules = used(&fs::read_to_string(&path).unwrap());
        let others = modules.iter().filter(|other| *other != module).filter_map(|other| Some((other, layer(other)?)));
        up.extend(others.filter(|(_, to)| *to <= from).map(|(other, _)| format!("{file} uses {other}")));
    }
    assert!(up.is_empty(), "these arrows point up or sideways:\n{}", up.join("\n"));
}

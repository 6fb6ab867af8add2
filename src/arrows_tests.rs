//! The arrows between modules point one way: a module uses modules below its own layer only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the top. Modules of one layer do not use each other. `detector` is the crate of the Lambda function.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["controller", "plan", "verify", "permissions"],
    &["resources"],
    &["detector"],
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

/// The modules of the crate that a source file names by `crate::` or, in the binary, by the name of the library; and `detector`,
/// if it names that crate. Layers below it write `self::detector` for a module of the same name.
fn used(text: &str) -> BTreeSet<String> {
    let production = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut modules = BTreeSet::new();
    for line in production.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for path in line.split(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':')) {
            match path.trim_start_matches("::").split("::").collect::<Vec<_>>()[..] {
                ["crate" | "vpc_flow_operator", module, ..] => modules.insert(module.to_owned()),
                ["detector", _, ..] => modules.insert("detector".to_owned()),
                _ => false,
            };
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

//! The arrows between modules point one way: a module uses modules below its own layer only, systems use each other only as listed, and
//! files form no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the top. Modules of one layer do not use each other. `detector` is the crate of the Lambda function.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["controller", "plan", "verify", "status", "permissions", "rule_report"],
    &["overview"],
    &["resources", "fleet"],
    &["detector"],
    &["engine"],
    &["preconditions", "credentials"],
    &["monitor"],
    &["metrics"],
    &["aws"],
    &["kubernetes", "leader"],
    &["network"],
    &["api"],
    &["token_bucket", "elapsed", "shortened", "numbered"],
];

/// The arrows between the systems in `resources`, besides those to `common`.
const BETWEEN_SYSTEMS: &[(&str, &str)] = &[
    // The alarm of a detection of the user changes with its metric filter only.
    ("alarms", "metric_filters"),
    // The dashboard shows the columns of the records, and metrics of the rules of the detector.
    ("dashboard", "analytics"),
    ("dashboard", "detector"),
    // Without a log group the detector counts the detections of users by the conditions of their metric filters.
    ("detector", "metric_filters"),
    // `CreateFlowLogs` writes the policy of the bucket, whose statements only the bucket's module knows.
    ("flow_logs", "bucket"),
    // A new flow log waits until the role is as declared.
    ("flow_logs", "delivery_role"),
];

/// The roots of the crates whose files form no circles.
const CRATES: [&str; 6] =
    ["src", "crd-schema/src", "detector/src", "detector/src/bin/flow-log-analyze", "flow-log-fields/src", "devenv/src"];

/// A module by its path from the root of the crate, as in `["resources", "bucket"]`. The root itself is empty.
type Module = Vec<String>;

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The code of a file without comments and tests.
fn production(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let opens_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(opens_tests).unwrap_or(lines.len());
    let code = lines[..end].iter().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| [line, "\n"]).collect()
}

/// The modules of a crate with their code.
fn modules(root: &Path) -> BTreeMap<Module, String> {
    let mut modules = BTreeMap::<Module, String>::new();
    for path in sources(root) {
        let file = path.strip_prefix(root).unwrap().with_extension("");
        let mut module: Module = file.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let is_test = |part: &String| part.starts_with("test") || part.ends_with("tests");
        if module[0] == "bin" || module.iter().any(is_test) {
            continue;
        }
        let is_root = module.len() == 1 && ["lib", "main"].contains(&module[0].as_str());
        if is_root || module.ends_with(&["mod".to_owned()]) {
            module.pop();
        }
        let text = fs::read_to_string(&path).unwrap();
        modules.entry(module).or_default().push_str(&production(&text));
    }
    modules
}

/// The paths that a path with groups stands for, as `a::{b, c::d}` for `a::b` and `a::c::d`.
fn paths(text: &str) -> Vec<String> {
    let Some((prefix, group)) = text.split_once('{') else { return vec![text.trim().to_owned()] };
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for letter in group.strip_suffix('}').unwrap_or(group).chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(letter),
        }
    }
    parts.iter().flat_map(|part| paths(part)).map(|path| format!("{prefix}{path}")).collect()
}

/// The modules that the code of a module names by `crate`, `super`, `self` or, for one of its own, by the name alone; and the crate
/// `detector`.
fn used(module: &Module, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let own = modules.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module));
    let own: Vec<&str> = own.filter_map(|other| other.last()).map(String::as_str).collect();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let code = &modules[module];
    let named = code.match_indices("::").flat_map(|(at, _)| {
        let first = code[..at].rsplit(|letter| !is_word(letter)).next().unwrap();
        let is_first = !code[..at - first.len()].ends_with([':', '.']);
        if !is_first
            || !(["crate", "super", "self", "vpc_flow_operator", "detector"].contains(&first) || own.contains(&first))
        {
            return Vec::new();
        }
        let rest = &code[at..];
        let end = rest.find(|letter| !is_word(letter) && letter != ':').unwrap_or(rest.len());
        let end = if rest[end..].starts_with('{') { rest.find(';').unwrap() } else { end };
        paths(&format!("{first}{}", &rest[..end]))
    });
    let resolved = named.map(|path| {
        let mut target = module.clone();
        if path.starts_with("detector::") && !own.contains(&"detector") {
            return vec!["detector".to_owned()];
        }
        for part in path.split("::") {
            match part {
                "crate" | "vpc_flow_operator" => target.clear(),
                "super" => drop(target.pop()),
                "self" => {}
                part => target.extend(part.split_whitespace().next().map(str::to_owned)),
            }
        }
        // The rest of the path is an item of the module.
        while !modules.contains_key(&target) {
            target.pop();
        }
        target
    });
    resolved.collect()
}

/// Everything that a module uses, itself or through others.
fn reached<'m>(module: &'m Module, arrows: &'m BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<&'m Module> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![module]);
    while let Some(next) = open.pop() {
        open.extend(arrows[next].iter().filter(|other| reached.insert(*other)));
    }
    reached
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn arrows_point_down() {
    let modules = modules(&root("src"));
    let mut up = Vec::new();
    for module in modules.keys().filter(|module| !module.is_empty()) {
        let from = layer(&module[0]).unwrap_or_else(|| panic!("name {} in LAYERS", module[0]));
        let others = used(module, &modules).into_iter().filter(|other| !other.is_empty() && other[0] != module[0]);
        let at_or_above = others.filter(|other| layer(&other[0]).is_none_or(|to| to <= from));
        up.extend(at_or_above.map(|other| format!("{} uses {}", module.join("::"), other.join("::"))));
    }
    assert!(up.is_empty(), "these arrows point up or sideways:\n{}", up.join("\n"));
}

#[test]
fn systems_use_each_other_only_as_listed() {
    let modules = modules(&root("src"));
    let mut arrows = BTreeSet::new();
    let system = |module: &Module| module.get(1).cloned().filter(|_| module[0] == "resources");
    for (module, from) in modules.keys().filter_map(|module| Some((module, system(module)?))) {
        let others = used(module, &modules).into_iter().filter_map(|other| system(&other));
        let others = others.filter(|to| *to != from && to != "common");
        arrows.extend(others.map(|to| (from.clone(), to)));
    }
    let arrows: Vec<_> = arrows.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(arrows, BETWEEN_SYSTEMS);
}

/// A file may use the modules that it is in: they contain it.
#[test]
fn files_form_no_circle() {
    for folder in CRATES {
        let modules = modules(&root(folder));
        let mut arrows = BTreeMap::new();
        for module in modules.keys() {
            let others = used(module, &modules).into_iter().filter(|other| !module.starts_with(other));
            let others = others.filter(|other| modules.contains_key(other));
            arrows.insert(module.clone(), others.collect::<BTreeSet<_>>());
        }
        let mut circles = Vec::new();
        for (module, others) in &arrows {
            let back = others.iter().filter(|other| reached(other, &arrows).contains(module));
            circles.extend(back.map(|other| format!("{} uses {}", module.join("::"), other.join("::"))));
        }
        assert!(circles.is_empty(), "files of {folder} form circles:\n{}", circles.join("\n"));
    }
}

//! Monitors from files and directories, which kubectl reads in the same way.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::{self, Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueHint};
use kube::ResourceExt;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::plan::{self, FileContent, FileError};

use super::Selection;

/// Files with monitors.
#[derive(Debug, Args)]
pub struct Files {
    /// File with monitors, or directory with such files (*.yaml, *.yml, *.json); `-` for standard input. Repeatable.
    #[arg(
        short,
        long,
        visible_alias = "filename",
        value_hint = ValueHint::AnyPath
    )]
    file: Vec<PathBuf>,

    /// With --file: read the directories in a directory, too.
    #[arg(short = 'R', long, requires = "file")]
    recursive: bool,
}

/// The extensions that kubectl reads in a directory.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

impl Files {
    /// True if no file was named.
    pub const fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// The monitors, each with its namespace: its own, then `asked`, then `default`. An error of one hides no other.
    pub fn read(&self, asked: Option<&str>, default: &str) -> Selection<VpcFlowMonitor> {
        let mut selection = Selection { monitors: Vec::new(), errors: Vec::new() };
        let mut seen = BTreeMap::new();
        for path in &self.file {
            let found = of_path(path, self.recursive);
            selection.errors.extend(found.errors);
            for (source, monitor) in found.monitors {
                match placed(monitor, source, asked, default, &mut seen) {
                    Ok(monitor) => selection.monitors.push(monitor),
                    Err(error) => selection.errors.push(error),
                }
            }
        }
        selection
    }
}

/// The monitor in its namespace, unless it has been there before.
fn placed(
    mut monitor: VpcFlowMonitor,
    source: String,
    asked: Option<&str>,
    default: &str,
    seen: &mut BTreeMap<(String, String), String>,
) -> anyhow::Result<VpcFlowMonitor> {
    let (own, name) = (monitor.metadata.namespace.take(), monitor.name_any());
    if let (Some(own), Some(asked)) = (own.as_deref(), asked)
        && own != asked
    {
        bail!("{source}: {name} is in namespace {own}, not in {asked} of --namespace");
    }
    let namespace = own.unwrap_or_else(|| asked.unwrap_or(default).to_owned());
    match seen.entry((namespace.clone(), name.clone())) {
        Entry::Occupied(first) if *first.get() == source => bail!("{source}: {namespace}/{name} is in it twice"),
        Entry::Occupied(first) => {
            bail!("{namespace}/{name} is in {} and in {source}: leave one of them out", first.get())
        }
        Entry::Vacant(place) => place.insert(source),
    };
    monitor.metadata.namespace = Some(namespace);
    Ok(monitor)
}

/// Monitors, each with the file that it is in.
type Found = Selection<(String, VpcFlowMonitor)>;

fn failed(error: anyhow::Error) -> Found {
    Selection { monitors: Vec::new(), errors: vec![error] }
}

/// The monitors of a file or a directory.
fn of_path(path: &Path, recursive: bool) -> Found {
    if !path.is_dir() {
        return of_file(path, false);
    }
    let files = match files_in(path, recursive) {
        Ok(files) => files,
        Err(error) => return failed(error),
    };
    let mut found = Selection { monitors: Vec::new(), errors: Vec::new() };
    for file in files {
        // Other objects may stand beside monitors.
        let of_file = of_file(&file, true);
        found.monitors.extend(of_file.monitors);
        found.errors.extend(of_file.errors);
    }
    if found.monitors.is_empty() && found.errors.is_empty() {
        let remedy = if recursive { "" } else { ": --recursive reads the directories in it, too" };
        return failed(anyhow!(
            "{}: there is no VpcFlowMonitor in its files (*.yaml, *.yml, *.json){remedy}",
            path.display()
        ));
    }
    found
}

fn of_file(path: &Path, may_be_without: bool) -> Found {
    let source = path.display().to_string();
    let bytes = if path.as_os_str() == "-" { read_all(stdin()) } else { fs::read(path) };
    let bytes = match bytes.with_context(|| format!("cannot read {source}")) {
        Ok(bytes) => bytes,
        Err(error) => return failed(error),
    };
    let FileContent { monitors, errors } = plan::read(&plan::decode(&bytes));
    let counts = |error: &FileError| !(may_be_without && matches!(error, FileError::NoMonitor));
    Selection {
        errors: errors
            .into_iter()
            .filter(counts)
            .map(|error| anyhow::Error::new(error).context(source.clone()))
            .collect(),
        monitors: monitors.into_iter().map(|monitor| (source.clone(), monitor)).collect(),
    }
}

/// The files of a directory in the order of their names. Links to directories are not followed, so that no path leads back.
fn files_in(directory: &Path, recursive: bool) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}", directory.display());
    let entries: io::Result<Vec<_>> = fs::read_dir(directory).with_context(unreadable)?.collect();
    let mut entries = entries.with_context(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.path();
        if entry.file_type().with_context(unreadable)?.is_dir() {
            if recursive {
                files.extend(files_in(&path, recursive)?);
            }
        } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known)) {
            files.push(path);
        }
    }
    Ok(files)
}

fn read_all(mut input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of the test's own.
    fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("monitors-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        for (path, text) in files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn monitor(name: &str) -> String {
        format!(
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{name: {name}}}\nspec: {{vpcId: vpc-12345678}}\n"
        )
    }

    fn names(selection: &Selection<VpcFlowMonitor>) -> Vec<String> {
        selection.monitors.iter().map(|it| format!("{}/{}", it.namespace().unwrap(), it.name_any())).collect()
    }

    fn read(file: Vec<PathBuf>, recursive: bool) -> anyhow::Result<Vec<String>> {
        let mut selection = Files { file, recursive }.read(None, "default");
        match selection.errors.pop() {
            Some(error) => Err(error),
            None => Ok(names(&selection)),
        }
    }

    #[test]
    fn a_directory_is_read_as_kubectl_reads_it() {
        let other = "apiVersion: v1\nkind: ConfigMap\n";
        let (a, b, c) = (monitor("a"), monitor("b"), monitor("c"));
        let files =
            [("b.yml", b.as_str()), ("a.yaml", &a), ("notes.txt", "- no: ["), ("cm.yaml", other), ("in/c.json", &c)];
        let directory = directory("directory", &files);
        assert_eq!(read(vec![directory.clone()], false).unwrap(), ["default/a", "default/b"]);
        assert_eq!(read(vec![directory.clone()], true).unwrap(), ["default/a", "default/b", "default/c"]);
        let inner = directory.join("in");
        assert_eq!(read(vec![inner.clone(), directory.join("a.yaml")], false).unwrap(), ["default/c", "default/a"]);
        let twice = read(vec![inner.clone(), inner.clone()], false).unwrap_err().to_string();
        assert!(twice.ends_with("c.json: default/c is in it twice"), "{twice}");
        fs::copy(inner.join("c.json"), directory.join("again.json")).unwrap();
        let both = read(vec![directory], true).unwrap_err().to_string();
        assert!(both.starts_with("default/c is in ") && both.ends_with("leave one of them out"), "{both}");
    }

    #[test]
    fn a_directory_without_monitors_is_an_error_with_its_remedy() {
        let directory = directory("without", &[("in/a.yaml", &monitor("a"))]);
        let error = read(vec![directory], false).unwrap_err().to_string();
        assert!(error.contains("there is no VpcFlowMonitor in its files"), "{error}");
        assert!(error.ends_with("--recursive reads the directories in it, too"), "{error}");
    }

    #[test]
    fn bad_files_and_documents_hide_no_good_ones() {
        let (bad, worse) = ("kind: [", monitor("worse").replace("vpc-12345678", "vpc-x"));
        let twice = format!("{}---\n{}---\n{}", monitor("d"), monitor("d"), monitor("e"));
        let elsewhere = monitor("f").replace("name: f", "name: f, namespace: network");
        let files = [
            ("a.yaml", bad),
            ("b.yaml", &monitor("b")),
            ("c.yaml", &worse),
            ("d.yaml", &twice),
            ("f.yaml", &elsewhere),
        ];
        let directory = directory("bad", &files);
        let missing = directory.join("missing.yaml");
        let selection = Files { file: vec![missing, directory], recursive: false }.read(Some("default"), "other");
        assert_eq!(names(&selection), ["default/b", "default/d", "default/e"]);
        let errors: Vec<_> = selection.errors.iter().map(|error| format!("{error:#}")).collect();
        let parts = [
            ("missing.yaml", "cannot read"),
            ("a.yaml: document 1", ""),
            ("c.yaml: document 1: spec.vpcId", "`vpc-x`"),
            ("d.yaml: default/d is in it twice", ""),
            ("f.yaml: f is in namespace network, not in default of --namespace", ""),
        ];
        assert_eq!(errors.len(), parts.len(), "{errors:#?}");
        for (part, other) in parts {
            assert!(errors.iter().any(|error| error.contains(part) && error.contains(other)), "{part}: {errors:#?}");
        }
    }
}

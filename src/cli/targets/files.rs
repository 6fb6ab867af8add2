//! Monitors from files and directories, which kubectl reads in the same way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueHint};
use kube::ResourceExt;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::plan::{self, FileError};

/// Files with monitors.
#[derive(Debug, Args)]
pub struct Files {
    /// File with monitors, or directory with such files (*.yaml, *.yml, *.json); `-` for standard input. Repeatable.
    #[arg(
        short,
        long,
        visible_alias = "filename",
        value_hint = ValueHint::AnyPath,
        conflicts_with_all = ["names", "all_namespaces", "selector"]
    )]
    file: Vec<PathBuf>,

    /// With --file: read the directories in a directory, too.
    #[arg(short = 'R', long, requires = "file", conflicts_with_all = ["names", "all_namespaces", "selector"])]
    recursive: bool,
}

/// The extensions that kubectl reads in a directory.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

impl Files {
    /// True if no file was named.
    pub const fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// The monitors, each with its namespace: its own, then `asked`, then `default`.
    pub fn read(&self, asked: Option<&str>, default: &str) -> anyhow::Result<Vec<VpcFlowMonitor>> {
        let (mut monitors, mut seen) = (Vec::new(), BTreeMap::new());
        for path in &self.file {
            for (source, mut monitor) in of_path(path, self.recursive)? {
                let (own, name) = (monitor.metadata.namespace.clone(), monitor.name_any());
                if let (Some(own), Some(asked)) = (own.as_deref(), asked)
                    && own != asked
                {
                    bail!("{source}: {name} is in namespace {own}, not in {asked} of --namespace");
                }
                let namespace = own.unwrap_or_else(|| asked.unwrap_or(default).to_owned());
                match seen.insert((namespace.clone(), name.clone()), source.clone()) {
                    Some(first) if first == source => bail!("{source}: {namespace}/{name} is in it twice"),
                    Some(first) => bail!("{namespace}/{name} is in {first} and in {source}: leave one of them out"),
                    None => {}
                }
                monitor.metadata.namespace = Some(namespace);
                monitors.push(monitor);
            }
        }
        Ok(monitors)
    }
}

/// The monitors of a file or a directory, each with the file that it is in.
fn of_path(path: &Path, recursive: bool) -> anyhow::Result<Vec<(String, VpcFlowMonitor)>> {
    if !path.is_dir() {
        return of_file(path)?.with_context(|| path.display().to_string());
    }
    let mut found = Vec::new();
    for file in files_in(path, recursive)? {
        match of_file(&file)? {
            // Other objects may stand beside monitors.
            Err(FileError::NoMonitor) => {}
            monitors => found.extend(monitors.with_context(|| file.display().to_string())?),
        }
    }
    if found.is_empty() {
        let remedy = if recursive { "" } else { ": --recursive reads the directories in it, too" };
        bail!("{}: there is no VpcFlowMonitor in its files (*.yaml, *.yml, *.json){remedy}", path.display());
    }
    Ok(found)
}

fn of_file(path: &Path) -> anyhow::Result<Result<Vec<(String, VpcFlowMonitor)>, FileError>> {
    let source = path.display().to_string();
    let bytes = if path.as_os_str() == "-" { read_all(stdin()) } else { fs::read(path) };
    let text = plan::decode(&bytes.with_context(|| format!("cannot read {source}"))?);
    let monitors = plan::read(&text);
    Ok(monitors.map(|monitors| monitors.into_iter().map(|monitor| (source.clone(), monitor)).collect()))
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

    fn read(file: Vec<PathBuf>, recursive: bool) -> anyhow::Result<Vec<String>> {
        let monitors = Files { file, recursive }.read(None, "default")?;
        Ok(monitors.iter().map(|it| format!("{}/{}", it.namespace().unwrap(), it.name_any())).collect())
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
}

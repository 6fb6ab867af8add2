//! Objects from files and directories, which kubectl reads in the same way.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::{self, Read, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueHint};
use kube::ResourceExt;
use vpc_flow_operator::plan::{self, CustomObject, FileContent, FileError};

use super::declared::{Declared, keep};

/// Files with objects.
#[derive(Debug, Args)]
pub struct Files {
    /// File with monitors, fleets or overviews, or directory with such files (*.yaml, *.yml, *.json); `-` for standard input. Repeatable.
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

    /// The objects, each with its namespace: its own, then `asked`, then `default`. An error of one hides no other.
    pub fn read(&self, asked: Option<&str>, default: &str) -> Declared {
        let mut declared = Declared::default();
        let mut namespaces = Namespaces { asked, default, seen: BTreeMap::new() };
        for path in &self.file {
            let Found { files, errors } = of_path(path, self.recursive);
            declared.errors.extend(errors);
            for (source, FileContent { monitors, fleets, overviews, errors }) in files {
                let errors = errors.into_iter().map(|error| anyhow::Error::new(error).context(source.clone()));
                declared.errors.extend(errors);
                for monitor in monitors {
                    keep(namespaces.place(monitor, &source), &mut declared.monitors, &mut declared.errors);
                }
                for fleet in fleets {
                    keep(namespaces.place(fleet, &source), &mut declared.fleets, &mut declared.errors);
                }
                for overview in overviews {
                    keep(namespaces.place(overview, &source), &mut declared.overviews, &mut declared.errors);
                }
            }
        }
        declared
    }
}

/// The namespaces of objects, and the files in which objects have been found by kind, namespace and name.
struct Namespaces<'a> {
    asked: Option<&'a str>,
    default: &'a str,
    seen: BTreeMap<(String, String, String), String>,
}

impl Namespaces<'_> {
    /// The object in its namespace, unless it has been there before.
    fn place<K: CustomObject>(&mut self, mut object: K, source: &str) -> anyhow::Result<K> {
        let (own, name) = (object.meta_mut().namespace.take(), object.name_any());
        if let (Some(own), Some(asked)) = (own.as_deref(), self.asked)
            && own != asked
        {
            bail!("{source}: {name} is in namespace {own}, not in {asked} of --namespace");
        }
        let namespace = own.unwrap_or_else(|| self.asked.unwrap_or(self.default).to_owned());
        let key = (K::kind(&()).into_owned(), namespace.clone(), name.clone());
        match self.seen.entry(key) {
            Entry::Occupied(first) if first.get() == source => bail!("{source}: {namespace}/{name} is in it twice"),
            Entry::Occupied(first) => {
                bail!("{namespace}/{name} is in {} and in {source}: leave one of them out", first.get())
            }
            Entry::Vacant(place) => place.insert(source.to_owned()),
        };
        object.meta_mut().namespace = Some(namespace);
        Ok(object)
    }
}

/// Files with their content, and the errors of those that cannot be read.
#[derive(Default)]
struct Found {
    files: Vec<(String, FileContent)>,
    errors: Vec<anyhow::Error>,
}

fn failed(error: anyhow::Error) -> Found {
    Found { errors: vec![error], ..Found::default() }
}

/// The objects of a file or a directory.
fn of_path(path: &Path, recursive: bool) -> Found {
    if !path.is_dir() {
        return of_file(path);
    }
    let files = match files_in(path, recursive) {
        Ok(files) => files,
        Err(error) => return failed(error),
    };
    let mut found = Found::default();
    for file in files {
        let Found { mut files, errors } = of_file(&file);
        // Other objects may stand beside monitors.
        for (_, content) in &mut files {
            content.errors.retain(|error| !matches!(error, FileError::Nothing));
        }
        found.files.extend(files);
        found.errors.extend(errors);
    }
    let is_empty = |(_, content): &(String, FileContent)| content.is_empty();
    if found.files.iter().all(is_empty) && found.errors.is_empty() {
        let remedy = if recursive { "" } else { ": --recursive reads the directories in it, too" };
        return failed(anyhow!(
            "{}: there is no VpcFlowMonitor, VpcFlowFleet or VpcFlowOverview in its files (*.yaml, *.yml, *.json){remedy}",
            path.display()
        ));
    }
    found
}

fn of_file(path: &Path) -> Found {
    let source = path.display().to_string();
    let bytes = if path.as_os_str() == "-" { read_all(stdin()) } else { fs::read(path) };
    match bytes.with_context(|| format!("cannot read {source}")) {
        Ok(bytes) => Found { files: vec![(source, plan::read(&plan::decode(&bytes)))], errors: Vec::new() },
        Err(error) => failed(error),
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

    fn names(declared: &Declared) -> Vec<String> {
        declared.monitors.iter().map(|it| format!("{}/{}", it.namespace().unwrap(), it.name_any())).collect()
    }

    fn read(file: Vec<PathBuf>, recursive: bool) -> anyhow::Result<Vec<String>> {
        let mut declared = Files { file, recursive }.read(None, "default");
        match declared.errors.pop() {
            Some(error) => Err(error),
            None => Ok(names(&declared)),
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
        assert!(error.contains("there is no VpcFlowMonitor, VpcFlowFleet or VpcFlowOverview in its files"), "{error}");
        assert!(error.ends_with("--recursive reads the directories in it, too"), "{error}");
    }

    #[test]
    fn a_fleet_may_have_the_name_of_a_monitor() {
        let fleet = "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowFleet\nmetadata: {name: a}\n\
                     spec: {places: [{name: p}], selector: {matchTags: {a: b}}, template: {}}\n";
        let text = format!("{}---\n{fleet}---\n{fleet}", monitor("a"));
        let directory = directory("fleets", &[("a.yaml", text.as_str())]);
        let declared = Files { file: vec![directory], recursive: false }.read(Some("network"), "default");
        let fleets: Vec<_> = declared.fleets.iter().map(|it| (it.namespace().unwrap(), it.name_any())).collect();
        assert_eq!((names(&declared), fleets), (vec!["network/a".to_owned()], vec![("network".into(), "a".into())]));
        let errors: Vec<_> = declared.errors.iter().map(|error| format!("{error:#}")).collect();
        assert!(errors.len() == 1 && errors[0].ends_with("network/a is in it twice"), "{errors:?}");
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
        let declared = Files { file: vec![missing, directory], recursive: false }.read(Some("default"), "other");
        assert_eq!(names(&declared), ["default/b", "default/d", "default/e"]);
        let errors: Vec<_> = declared.errors.iter().map(|error| format!("{error:#}")).collect();
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

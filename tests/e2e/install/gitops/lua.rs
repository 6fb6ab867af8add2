//! The health checks of Argo CD, run by the Lua engine that Argo CD has, with no more of Lua's libraries than Argo CD gives to a check of
//! one's own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// The folder, as Argo CD's repository has it: each kind has a folder of its own in it.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/gitops/argocd/resource_customizations/vpcflow.dev");

/// The kinds with a check.
pub const KINDS: [&str; 3] = ["VpcFlowMonitor", "VpcFlowFleet", "VpcFlowOverview"];

static ENGINE: OnceCell<PathBuf> = OnceCell::const_new();

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub status: String,
    pub message: String,
}

/// The folder of the check of a kind.
pub fn folder(kind: &str) -> PathBuf {
    Path::new(FOLDER).join(kind)
}

pub fn script(kind: &str) -> String {
    std::fs::read_to_string(folder(kind).join("health.lua")).unwrap()
}

/// The health of an object in Argo CD.
pub async fn health(object: &Value) -> Health {
    let program = format!(
        "string, math, io, os, debug, coroutine, channel, dofile, loadfile = nil\n\
         obj = {}\n\
         local health = (function()\n{}\nend)()\n\
         print(health.status)\nprint(health.message)\n",
        literal(object),
        script(object["kind"].as_str().unwrap())
    );
    let engine = ENGINE.get_or_init(async || devenv::provided_by("tools/lua/build.sh").await.unwrap()).await;
    let output = Command::new(engine).arg("-e").arg(&program).stdin(Stdio::null()).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}\n{program}");
    let (status, message) = printed.split_once('\n').unwrap();
    Health { status: status.to_owned(), message: message.trim_end().to_owned() }
}

/// A value in Lua's syntax. Argo CD has no other values than JSON's either, and none for null.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(entries) => {
            format!("{{{}}}", entries.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("[{}] = {}", quoted(key), literal(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b' ' | b'!' | b'#'..=b'[' | b']'..=b'~' => quoted.push(char::from(byte)),
            other => write!(quoted, "\\{other:03}").unwrap(),
        }
    }
    quoted + "\""
}

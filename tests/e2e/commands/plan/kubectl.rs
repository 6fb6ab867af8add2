//! Files as `plan` reads them, compared with the objects that kubectl reads.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vpc_flow_operator::plan::objects;

const HEAD: &str = "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {name: m}\n";

/// The objects that kubectl sends, or its error.
fn of_kubectl(text: &str) -> Result<Vec<Value>, String> {
    let mut kubectl = Command::new(std::env::var_os("KUBECTL").unwrap())
        // Adds a label, and asks no server.
        .args(["label", "--local", "--filename=-", "kubectl=here", "--output=json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    kubectl.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = kubectl.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut printed = own(&String::from_utf8(output.stdout).unwrap())?;
    for object in &mut printed {
        object["metadata"].as_object_mut().unwrap().remove("labels");
    }
    Ok(printed)
}

fn own(text: &str) -> Result<Vec<Value>, String> {
    objects(text).into_iter().map(|(_, object)| object.map_err(|error| error.to_string())).collect()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn scalars_and_keys_are_what_they_are_for_kubectl() {
    let scalars = [
        "yes",
        "No",
        "y",
        "N",
        "on",
        "OFF",
        "yEs",
        "true",
        "~",
        "Null",
        "nULL",
        "\"yes\"",
        "'0400'",
        "0400",
        "08",
        "0o17",
        "0O17",
        "0x1F",
        "0X1f",
        "-0x10",
        "0b101",
        "-0b11",
        "0b-1",
        "0b12",
        "1_000",
        "_1",
        "1__0",
        "0x_1",
        "+5",
        "-0",
        "-0.0",
        "1e7",
        "1E+7",
        "1e-7",
        "600.0",
        "600.5",
        "5.",
        ".5",
        "-.5",
        "+.5e1",
        "._5",
        "1e400",
        "1e21",
        "1.5e300",
        "12:30",
        "190:20:30",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "0x",
        "0b",
        "-",
        "+",
        ".",
        "1.2.3",
        "1e",
        "0e0",
        "!!str 5",
        "!!int \"7\"",
        "!!int 7.0",
        "!!float 3",
        "!!float 0x10",
        "!!bool yes",
        "!!bool \"no\"",
        "!!null \"\"",
        "!!int x",
        "!!float x",
        "! yes",
        "!foo yes",
        "!!binary aGk=",
        "!!binary %",
        "!!timestamp 2001-01-01",
        ".inf",
        ".nan",
        "=",
        "<<",
        "a b",
        "a: b",
        "[a, yes]",
        "{yes: no}",
        "{~: a}",
        "{1.5: a}",
        "{1e7: a}",
        "{1e5: a}",
        "{123456.5: a}",
        "{0.00001: a}",
        "{0400: a}",
        "{[a]: b}",
        "|\n    yes",
        ">-\n    yes\n    no",
        "&a yes",
        "*a",
        "{a: &x 0400, b: *x}",
        "{<<: {a: 1}, a: 2}",
        "{a: 2, <<: {a: 1}}",
        "{<<: [{a: 1}, {a: 2, b: 3}]}",
        "{<<: 1}",
        "{\"<<\": {a: 1}}",
        "{a: 1, a: 2}",
        "&a [*a]",
    ];
    let mut different = Vec::new();
    for scalar in scalars {
        let text = format!("{HEAD}spec:\n  value: {scalar}\n");
        match (own(&text), of_kubectl(&text)) {
            (Ok(own), Ok(theirs)) if own == theirs => {}
            (Err(_), Err(_)) => {}
            (own, theirs) => different.push(format!("{scalar}: {own:?}\n  kubectl: {theirs:?}")),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn streams_are_divided_as_kubectl_divides_them() {
    let json =
        json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "j"}, "spec": {"a": 1.0, "b": 1e7}}).to_string();
    for text in [
        format!("---\n{HEAD}---\n{HEAD}"),
        format!("# first\n---\n# second\n--- # third\n{HEAD}"),
        format!("{HEAD}--- {{a: b}}\n"),
        format!("{HEAD}----\n"),
        format!("{HEAD}...\n{HEAD}"),
        format!("%YAML 1.1\n{HEAD}"),
        HEAD.replace('\n', "\r\n"),
        format!("{HEAD}a: |\n  x\n---\n{HEAD}"),
        json.clone(),
        format!("{json}\n{json}"),
        format!("{json}\n---\n{HEAD}"),
        format!("{{apiVersion: v1, kind: A, metadata: {{name: m}}, a: yes}}\n---\n{HEAD}"),
        format!("{HEAD}a: [\n"),
        format!("{HEAD}\ta: b\n"),
    ] {
        match (own(&text), of_kubectl(&text)) {
            (Ok(own), Ok(theirs)) => assert_eq!(own, theirs, "{text}"),
            (own, theirs) => assert!(own.is_err() && theirs.is_err(), "{text}\n{own:?}\n{theirs:?}"),
        }
    }
}

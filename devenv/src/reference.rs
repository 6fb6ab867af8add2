//! The references of the fields of the custom resources, each from its `CustomResourceDefinition`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

/// The beginning of the document, by the kind.
const HEADS: [(&str, &str); 3] = [
    (
        "VpcFlowMonitor",
        "# Configuration

Every field of a `VpcFlowMonitor`, with its type, default and rules. Made from the
[CustomResourceDefinition](../crds/vpcflow.dev_vpcflowmonitors.yaml) by `make docs`: change the comments in `src/api` instead.
`kubectl explain vfm.spec --recursive` prints the same in a shell. Settings of the operator are in `vpc-flow-operator run --help`, and in the
[values of the chart](../charts/vpc-flow-operator/README.md#values). Other pages have the fields of a
[`VpcFlowFleet`](fleet-configuration.md) and of a [`VpcFlowOverview`](overview-configuration.md).

`spec` is what you ask for; only `vpcId` is required. `status` is what the operator answers.
",
    ),
    (
        "VpcFlowFleet",
        "# Configuration of a fleet

Every field of a `VpcFlowFleet`, with its type, default and rules. Made from the
[CustomResourceDefinition](../crds/vpcflow.dev_vpcflowfleets.yaml) by `make docs`: change the comments in `src/api/fleet` instead.
`kubectl explain vff.spec --recursive` prints the same in a shell. [Fleets](fleets.md) explains their use, and [Configuration](configuration.md) has the
fields of the monitors that a fleet makes.

`spec` is what you ask for; `places`, `selector` and `template` are required. `status` is what the operator answers.
",
    ),
    (
        "VpcFlowOverview",
        "# Configuration of an overview

Every field of a `VpcFlowOverview`, with its type, default and rules. Made from the
[CustomResourceDefinition](../crds/vpcflow.dev_vpcflowoverviews.yaml) by `make docs`: change the comments in `src/api/overview` instead.
`kubectl explain vfo.spec --recursive` prints the same in a shell. [Overviews](overviews.md) explains their use.

`spec` is what you ask for; `monitorSelector` is required. `status` is what the operator answers.
",
    ),
];

/// The text about an object that takes any field: each one in our kinds is a part of a monitor's spec. Its rules follow.
const OPEN: &str = "Its fields are those of [`spec` of a `VpcFlowMonitor`](configuration.md#spec), with these limits:";

/// Longer lists stand below the table.
const SHORT_LIST: usize = 6;

/// The Markdown document for a CRD in YAML.
pub fn reference(crd: &str) -> Result<String> {
    let crd: Value = serde_yaml_ng::from_str(crd).context("the CRD is no YAML")?;
    let kind = crd["spec"]["names"]["kind"].as_str().context("the CRD has no kind")?;
    let (_, head) =
        HEADS.iter().find(|(known, _)| *known == kind).with_context(|| format!("there is no head for {kind}"))?;
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut text = (*head).to_owned();
    let rules: Vec<_> = validations(schema).map(in_words).collect();
    if !rules.is_empty() {
        let _ = writeln!(text, "\n{}", rules.join("\n"));
    }
    for part in ["spec", "status"] {
        let schema = schema["properties"].get(part).with_context(|| format!("the schema has no {part}"))?;
        section(&mut text, part, 2, schema);
    }
    Ok(text)
}

/// An object: its fields in a table, their rules, and then the objects in it.
fn section(text: &mut String, path: &str, level: usize, schema: &Value) {
    let empty = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&empty);
    let is_required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n{} `{path}`\n", "#".repeat(level));
    if let Some(description) = schema["description"].as_str() {
        let _ = writeln!(text, "{}\n", one_line(description));
    }
    if is_open(schema) {
        // The schema has only the fields that its rules are about.
        let rules: Vec<_> = validations(schema).map(in_words).collect();
        let _ = writeln!(text, "{OPEN}\n\n{}", rules.join("\n"));
        return;
    }
    let _ = writeln!(text, "| Field | Type | Default | Description |\n| --- | --- | --- | --- |");
    let (first, then): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| is_required(name));
    let mut rules = Vec::new();
    for (name, field) in first.into_iter().chain(then) {
        let default = if is_required(name) { "required".to_owned() } else { default(&field["default"]) };
        let description = cell(&one_line(field["description"].as_str().unwrap_or_default()));
        let _ =
            writeln!(text, "| `{name}` | {} | {default} | {description} |", type_of(field, &format!("{path}.{name}")));
        rules.extend(details(name, field));
    }
    rules.extend(validations(schema).map(in_words));
    if !rules.is_empty() {
        let _ = writeln!(text, "\n{}", rules.join("\n"));
    }
    for (name, field) in fields {
        let (ending, inner) = if field["items"].is_object() { ("[]", &field["items"]) } else { ("", field) };
        if inner["properties"].is_object() {
            section(text, &format!("{path}.{name}{ending}"), level + 1, inner);
        }
    }
}

fn type_of(field: &Value, path: &str) -> String {
    if field["items"].is_object() {
        return format!("list of {}", type_of(&field["items"], &format!("{path}[]")));
    }
    if let Some(values) = values(field) {
        return if values.len() > SHORT_LIST { format!("{}, see below", kind(field)) } else { values.join(", ") };
    }
    if field["properties"].is_object() {
        return format!("[object](#{})", path.to_lowercase().replace(['.', '[', ']'], ""));
    }
    if field["additionalProperties"].is_object() {
        return format!("map of {}", kind(&field["additionalProperties"]));
    }
    let mut parts = vec![kind(field).to_owned()];
    parts.extend(range(field, "minimum", "maximum", ""));
    parts.extend(range(field, "minLength", "maxLength", " characters"));
    parts.extend(field["multipleOf"].as_f64().map(|step| format!("a multiple of {step}")));
    parts.join(", ")
}

fn kind(field: &Value) -> &str {
    match field["type"].as_str() {
        None if field["x-kubernetes-int-or-string"] == true => "integer or string",
        kind => kind.unwrap_or("any"),
    }
}

fn range(field: &Value, least: &str, most: &str, unit: &str) -> Option<String> {
    match (field[least].as_f64(), field[most].as_f64()) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    }
}

/// The values of an enumeration.
fn values(field: &Value) -> Option<Vec<String>> {
    Some(field["enum"].as_array()?.iter().map(code).collect())
}

fn default(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > SHORT_LIST => "see below".to_owned(),
        Value::Array(items) => items.iter().map(code).collect::<Vec<_>>().join(", "),
        // The fields have defaults of their own.
        Value::Null | Value::Object(_) => String::new(),
        value => code(value),
    }
}

/// The rules of a field that do not fit into the table.
fn details(name: &str, field: &Value) -> Vec<String> {
    let mut details = Vec::new();
    let inner = if field["items"].is_object() { &field["items"] } else { field };
    if let Some(values) = values(inner).filter(|values| values.len() > SHORT_LIST) {
        details.push(format!("one of {}", values.join(", ")));
    }
    details.extend(range(field, "minItems", "maxItems", " items"));
    details.extend(field["maxProperties"].as_u64().map(|most| format!("at most {most} entries")));
    if let Some(items) = field["default"].as_array().filter(|items| items.len() > SHORT_LIST) {
        details.push(format!("default {}", items.iter().map(code).collect::<Vec<_>>().join(", ")));
    }
    // Those of an object stand with its own fields.
    if !inner["properties"].is_object() {
        details.extend(validations(field).map(|(_, message)| message.to_owned()));
    }
    details.into_iter().map(|detail| format!("- `{name}`: {detail}")).collect()
}

/// The rules of a schema: the field that each blames, if it says so, and what it says.
fn validations(schema: &Value) -> impl Iterator<Item = (Option<&str>, &str)> {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| {
        let field = rule["fieldPath"].as_str().map(|path| path.trim_start_matches('.'));
        Some((field, rule["message"].as_str()?))
    })
}

/// A rule as an item of a list.
fn in_words((field, message): (Option<&str>, &str)) -> String {
    field.map_or_else(|| format!("- {message}"), |field| format!("- `{field}`: {message}"))
}

/// True if the object takes fields that the schema does not have.
fn is_open(schema: &Value) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true
}

/// A value as people read it.
fn code(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| format!("`{number}`")),
        value => format!("`{value}`"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crd_becomes_tables_with_rules_below() -> Result<()> {
        let crd = r"
spec:
  names: {kind: VpcFlowMonitor}
  versions:
  - schema:
      openAPIV3Schema:
        x-kubernetes-validations: [{message: the name is short, rule: 'true'}]
        properties:
          spec:
            description: What  you
              ask for.
            required: [id]
            properties:
              days: {type: integer, default: 30.0, minimum: 1.0, description: Days a|b.}
              id: {type: string, x-kubernetes-validations: [{message: id is immutable, rule: self == oldSelf}]}
              kind: {type: string, enum: [A, B], default: A}
              list:
                type: array
                maxItems: 3
                items: {type: object, properties: {name: {type: string}}}
              open:
                type: object
                description: A part of a monitor.
                x-kubernetes-preserve-unknown-fields: true
                properties: {id: {x-kubernetes-preserve-unknown-fields: true}}
                x-kubernetes-validations: [{message: remove id, rule: '!has(self.id)'}]
            x-kubernetes-validations: [{message: not both, rule: 'true', fieldPath: .days}]
          status: {properties: {}}
";
        let text = reference(crd)?;
        let expected = "answers.\n\n- the name is short\n\n## `spec`\n\nWhat you ask for.\n\n| Field | Type | Default | Description |\n| --- | --- | --- | --- |\n\
             | `id` | string | required |  |\n\
             | `days` | integer, at least 1 | `30` | Days a\\|b. |\n\
             | `kind` | `A`, `B` | `A` |  |\n\
             | `list` | list of [object](#speclist) |  |  |\n\
             | `open` | [object](#specopen) |  | A part of a monitor. |\n\n\
             - `id`: id is immutable\n- `list`: at most 3 items\n- `days`: not both\n\n\
             ### `spec.list[]`\n\n| Field | Type | Default | Description |\n| --- | --- | --- | --- |\n| `name` | string |  |  |\n\n\
             ### `spec.open`\n\nA part of a monitor.\n\nIts fields are those of [`spec` of a `VpcFlowMonitor`](configuration.md#spec), \
             with these limits:\n\n- remove id\n";
        anyhow::ensure!(text.contains(expected), "{text}");
        Ok(())
    }
}

use serde_json::{Value, json};

use super::*;

fn all(text: &str) -> Vec<Value> {
    objects(text).into_iter().map(|(_, value)| value.unwrap()).collect()
}

fn one(text: &str) -> Value {
    all(&format!("v: {text}\n"))[0]["v"].clone()
}

fn problem(text: &str) -> String {
    objects(text).into_iter().find_map(|(_, value)| value.err()).unwrap().to_string()
}

/// The values are those that `kubectl label --local -o json` of Kubernetes 1.37 prints.
#[test]
fn scalars_have_the_values_that_kubectl_gives_them() {
    for text in ["yes", "Yes", "YES", "y", "Y", "on", "On", "ON", "true", "True", "TRUE", "!!bool yes"] {
        assert_eq!(one(text), json!(true), "{text}");
    }
    for text in ["no", "No", "NO", "n", "N", "off", "Off", "OFF", "false", "False", "FALSE"] {
        assert_eq!(one(text), json!(false), "{text}");
    }
    for text in ["~", "null", "Null", "NULL", "", "!!null null"] {
        assert_eq!(one(text), Value::Null, "{text}");
    }
    for (text, value) in [
        ("0400", 256),
        ("08", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("0X1f", 31),
        ("-0x10", -16),
        ("0b101", 5),
        ("0b-1", -1),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+5", 5),
        ("-0", 0),
        ("1e7", 10_000_000),
        ("1E+7", 10_000_000),
        ("600.0", 600),
        ("5.", 5),
        ("-0.0", 0),
        ("!!int \"7\"", 7),
        ("!!float 3", 3),
    ] {
        assert_eq!(one(text), json!(value), "{text}");
    }
    assert_eq!([one(".5"), one("1.5"), one("-.5e1")], [json!(0.5), json!(1.5), json!(-5)]);
    for text in ["yEs", "oN", "nULL", "1e400", "0x", "0b", "0o", "12:30", "2001-01-01", "+", ".", "1.2.3", "0b12"] {
        assert_eq!(one(text), json!(text));
    }
    for text in
        ["\"yes\"", "'yes'", "! yes", "! \"yes\"", "!foo yes", "!!str yes", "|-\n  yes", ">-\n  yes", "!!binary eWVz"]
    {
        assert_eq!(one(text), json!("yes"), "{text}");
    }
}

#[test]
fn keys_are_texts_of_what_they_are() {
    let keys = |text: &str| all(text)[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys("{on: 1, \"off\": 2, 0400: 3, 1.5: 4, 1e7: 5, 0.0001: 6, 0.00001: 7}"),
        ["0.0001", "1.5", "1e+07", "1e-05", "256", "off", "true"]
    );
    assert!(problem("{~: 1}").contains("line 1: a key is a text"));
    assert!(problem("{[a]: 1}").contains("line 1: a key is a text"));
}

#[test]
fn the_last_of_two_equal_keys_counts_and_merges_count_where_they_stand() {
    assert_eq!(all("a: 1\na: 2\n"), [json!({"a": 2})]);
    let base = "base: &base {x: 1, z: 2}\n";
    for (text, value) in [
        ("{x: 9, <<: *base}", json!({"x": 1, "z": 2})),
        ("{<<: *base, x: 9}", json!({"x": 9, "z": 2})),
        ("{<<: [*base, {x: 5, w: 7}]}", json!({"x": 1, "z": 2, "w": 7})),
        ("{\"<<\": *base}", json!({"<<": {"x": 1, "z": 2}})),
    ] {
        assert_eq!(all(&format!("{base}v: {text}\n"))[0]["v"], value, "{text}");
    }
    assert!(problem("v: {<<: 1}").contains("`<<` merges a mapping"));
}

#[test]
fn documents_are_divided_by_lines() {
    let twice = [json!({"a": 1}), json!({"b": 2})];
    for text in [
        "a: 1\n---\nb: 2\n",
        "---\na: 1\n--- # next\nb: 2",
        "a: 1\r\n---\r\nb: 2\r\n",
        "a: 1\n---\n# no\n---\n---\nb: 2\n",
    ] {
        assert_eq!(all(text), twice, "{text:?}");
    }
    assert!(problem("a: 1\n--- b: 2\n").contains("only a comment may follow"));
    assert_eq!(all("a: 1\n...\nb: 2\n"), [json!({"a": 1})]);
    assert_eq!(objects("").len(), 0);
}

#[test]
fn json_is_read_as_json_until_it_is_yaml() {
    assert_eq!(all("{\"a\": 1}\n{\"b\": 2.0}"), [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(all("{\"a\": 1}\n---\nb: yes\n"), [json!({"a": 1}), json!({"b": true})]);
    assert_eq!(all("{a: yes}\n"), [json!({"a": true})]);
}

#[test]
fn what_kubectl_cannot_read_is_refused() {
    for (text, expected) in [
        ("a: !!int x", "line 1: `x` is no !!int"),
        ("a: .inf", "line 1: inf is no number"),
        ("a: &a [*a]", "line 1: the anchor contains itself"),
        ("a: *b", ""),
        ("a: [", ""),
    ] {
        assert!(problem(text).starts_with(expected), "{text}: {}", problem(text));
    }
    let level = |level: u8| {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("a{level}: &a{level} [{aliases}]\n")
    };
    let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}", (1..9).map(level).collect::<String>());
    assert_eq!(problem(&bomb), "too many aliases");
}

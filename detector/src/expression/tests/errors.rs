//! Each error, as a person sees it.

use super::*;

fn shown(text: &str) -> String {
    Expression::compile(text).expect_err(text).to_string()
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    for (text, carets, reason) in [
        ("", "^", "expected a condition, found the end"),
        ("syn &&", "      ^", "expected a condition, found the end"),
        ("syn ack", "    ^^^", "expected `&&`, `||` or the end, found `ack`"),
        ("(syn", "    ^", "expected `&&`, `||` or `)`, found the end"),
        ("syn)", "   ^", "expected `&&`, `||` or the end, found `)`"),
        ("dstport == ", "           ^", "expected a number or a text in quotes, found the end"),
        ("dstport in 22", "           ^^", "expected a list, such as `[22, 3389]`, found the number 22"),
        ("dstport in [22 23]", "               ^^", "expected `,` or `]`, found the number 23"),
        ("dstport in []", "            ^", "the list is empty; write one value at least"),
        ("in_networks(source)", "                  ^", "expected `,` and a list of networks, found `)`"),
        ("has(443)", "    ^^^", "expected the name of a field, found the number 443"),
        ("443 == dstport", "^^^", "a condition begins with a field, such as `dstport == 443`; found the number 443"),
        (
            "srcport == dstport",
            "           ^^^^^^^",
            "fields are compared with numbers and texts in quotes, and `dstport` is a field",
        ),
        (
            "action == action",
            "          ^^^^^^",
            "fields are compared with numbers and texts in quotes, and `action` is a field",
        ),
        ("dstport = 443", "        ^", "`=` is not an operator; write `==`"),
        ("syn & ack", "    ^", "`&` is not an operator; write `&&`"),
        (
            "bytes > 5 * 3",
            "          ^",
            "`*` does not belong to the language, which has comparisons, `in`, `&&`, `||`, `!` and parentheses",
        ),
        (
            "pkt-srcaddr == '10.0.0.1'",
            "   ^",
            "`-` does not belong to the language; write `_` in names of fields, and numbers without a sign",
        ),
        (
            "srcaddr == 10.0.0.1",
            "           ^^^^^^^^",
            "`10.0.0.1` is not a whole number; write addresses and texts in quotes: \"10.0.0.1\"",
        ),
        (
            "bytes > 99999999999999999999",
            "        ^^^^^^^^^^^^^^^^^^^^",
            "the number is too large; the largest is 9223372036854775807",
        ),
        ("action == \"ACCEPT", "          ^^^^^^^", "the text has no closing quote; add `\"`"),
        ("action == 'a\\n'", "          ^^^", "a text has no escapes; take the backslash out"),
        ("size(source)", "^^^^", "there is no function `size`; the functions are `in_networks` and `has`"),
        ("dstprt == 443", "^^^^^^", "there is no field `dstprt`; write `dstport` if you mean it"),
        ("DSTPORT == 443", "^^^^^^^", "there is no field `DSTPORT`; write `dstport` if you mean it"),
        ("weather == 'fine'", "^^^^^^^", "there is no field `weather`"),
        (
            "vpc_id == 'vpc-1'",
            "^^^^^^",
            "the detector does not read the field `vpc_id`; use `interface_id` or an address",
        ),
        ("dstport && syn", "^^^^^^^", "`dstport` is a number, so it needs a comparison, such as `dstport == 443`"),
        ("!source", " ^^^^^^", "`source` is an address, so it needs a comparison, such as `source == \"10.0.0.1\"`"),
        ("!dstport == 443", "^", "`!` applies to `dstport` alone; put the comparison in parentheses: `!(dstport …)`"),
        (
            "!action in ['ACCEPT']",
            "^",
            "`!` applies to `action` alone; put the comparison in parentheses: `!(action …)`",
        ),
        ("opens == true", "^^^^^", "`opens` is true or false by itself; write `opens` or `!opens`"),
        ("dstport == \"443\"", "           ^^^^^", "`dstport` is a number; write 443 without quotes"),
        ("dstport == 'https'", "           ^^^^^^^", "`dstport` is a number; write a number without quotes"),
        ("dstport == https", "           ^^^^^", "`dstport` is a number; write a number without quotes"),
        ("dstport in [22, 65536]", "                ^^^^^", "`dstport` is at most 65535"),
        ("protocol < 256", "           ^^^", "`protocol` is at most 255"),
        ("action == ACCEPT", "          ^^^^^^", "`action` is a text; write \"ACCEPT\" in quotes"),
        ("interface_id == 1", "                ^", "`interface_id` is a text; write \"1\" in quotes"),
        ("action == 'DROP'", "          ^^^^^^", "`action` is never \"DROP\"; write \"ACCEPT\" or \"REJECT\""),
        ("action < 'REJECT'", "       ^", "`action` is a text and has no order; use `==`, `!=` or `in`"),
        (
            "source == '10.0.0.0/8'",
            "          ^^^^^^^^^^^^",
            "\"10.0.0.0/8\" is not an IP address, such as \"10.0.0.1\"; networks belong into `in_networks`",
        ),
        (
            "in_networks(source, ['10.0.0.1'])",
            "                     ^^^^^^^^^^",
            "\"10.0.0.1\" is not a network in CIDR notation, such as \"10.0.0.0/8\"",
        ),
        (
            "in_networks(source, ['10.0.0.1/8'])",
            "                     ^^^^^^^^^^^^",
            "\"10.0.0.1/8\" has address bits beyond the prefix length; write \"10.0.0.0/8\"",
        ),
        (
            "in_networks(dstport, ['10.0.0.0/8'])",
            "            ^^^^^^^",
            "`in_networks` takes an address, such as `source`; `dstport` is a number",
        ),
    ] {
        let column = carets.len() - carets.trim_start().len() + 1;
        assert_eq!(shown(text), format!("line 1, column {column}: {reason}\n  {}\n  {carets}", text.trim_end()));
    }
}

#[test]
fn a_place_has_its_line_and_counts_characters() {
    let text = "syn &&\n\tinterface_id == 'é' && dstprt == 1\n&& ack";
    let expected = "line 2, column 25: there is no field `dstprt`; write `dstport` if you mean it\
                    \n   interface_id == 'é' && dstprt == 1\n                          ^^^^^^";
    assert_eq!(shown(text), expected);
}

#[test]
fn a_long_line_is_shown_in_part() {
    let text = format!("{}dstprt == 443 && {}", "syn && ".repeat(20), "ack && ".repeat(20) + "ack");
    let error = shown(&text);
    let lines: Vec<_> = error.lines().collect();
    assert!(lines[0].starts_with("line 1, column 141: there is no field `dstprt`"), "{error}");
    let place = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][place..place + 6], "dstprt");
    assert!(lines[1].chars().count() <= 74, "{error}");
}

#[test]
fn in_one_line_carets_stand_around_the_place() {
    let error = |text: &str| Expression::compile(text).expect_err(text).in_one_line();
    assert_eq!(
        error("syn &&\n  dstprt == 1 || ack"),
        "line 2, column 3: there is no field `dstprt`; write `dstport` if you mean it: ^dstprt^ == 1 || ack"
    );
    assert_eq!(error("syn &&"), "line 1, column 7: expected a condition, found the end: syn &&^^");
    assert_eq!(error("syn &&\u{7}").lines().count(), 1);
}

//! Bounds, and texts that are no expressions.

use proptest::prelude::*;

use super::samples::sample;
use super::*;

fn problem(text: &str) -> Option<Problem> {
    Expression::compile(text).err().map(|error| error.problem)
}

#[test]
fn each_limit_allows_as_much_and_no_more() {
    let chars = |count: usize| format!("syn{}", " ".repeat(count - 3));
    assert_eq!(problem(&chars(MAX_CHARS)), None);
    assert_eq!(problem(&chars(MAX_CHARS + 1)), Some(Problem::TooLong));
    let nested = |depth: usize| format!("{}syn{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(problem(&nested(MAX_DEPTH)), None);
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), Some(Problem::TooDeep));
    let not = |depth: usize| format!("{}syn", "!".repeat(depth));
    assert_eq!(problem(&not(MAX_DEPTH)), None);
    assert_eq!(problem(&not(MAX_DEPTH + 1)), Some(Problem::TooDeep));
    let conditions = |count: usize| vec!["syn"; count].join("||");
    assert_eq!(problem(&conditions(MAX_CONDITIONS)), None);
    assert_eq!(problem(&conditions(MAX_CONDITIONS + 1)), Some(Problem::TooManyConditions));
    let networks = |count: usize| format!("in_networks(source,[{}])", vec!["'1.0.0.0/8'"; count].join(","));
    assert_eq!(problem(&networks(MAX_NETWORKS)), None);
    assert_eq!(problem(&networks(MAX_NETWORKS + 1)), Some(Problem::TooManyNetworks));
}

#[test]
fn depth_is_that_of_one_branch() {
    let branch = format!("{}syn{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    assert_eq!(problem(&[branch.as_str(); 8].join("&&")), None);
}

/// Far beyond the limits the text is read once at most: this would not end otherwise.
#[test]
fn long_texts_are_rejected() {
    for part in ["(", "!", "syn&&", "\"", "a", "1", "in_networks(source,[", "\u{e9}"] {
        assert!(problem(&part.repeat(1_000_000)).is_some(), "{part}");
    }
}

/// Parts of expressions in any order.
fn parts() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "!",
        "&&",
        "||",
        "==",
        "<",
        "in",
        ",",
        "syn",
        "dstport",
        "source",
        "action",
        "has",
        "in_networks",
        "true",
        "443",
        "'10.0.0.0/8'",
        "\"ACCEPT\"",
        "\"",
        "\n",
        "\u{e9}",
        "&",
        "-",
        "\\",
        "9999999999999999999",
        "1a",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.join(" "))
}

fn errors_show_their_place(text: &str) {
    if let Err(error) = Expression::compile(text) {
        let shown = error.to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        assert!(lines[2].ends_with('^') && lines[2].chars().count() <= 74, "{shown}");
        assert!((1..=MAX_CHARS + 1).contains(&error.column), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_compiler_panic(any in any::<String>(), parts in parts()) {
        errors_show_their_place(&any);
        errors_show_their_place(&parts);
    }

    /// Expressions that no one would write are compiled, and found as their trees say.
    #[test]
    fn no_bytes_make_the_index_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64), parts in prop::collection::vec(parts(), 0..20), sample in sample(false),
    ) {
        let texts = parts.iter().map(String::as_str).chain(std::str::from_utf8(&bytes).ok());
        let expressions: Vec<_> = texts.filter_map(|text| Expression::compile(text).ok()).collect();
        let (parser, line) = (Parser::new(FORMAT.parse().unwrap()), sample.line());
        let record = parser.parse(&line).unwrap();
        let found: Vec<_> = Index::new(&expressions).matches(0, &record, &sample.ends()).collect();
        let expected = (0..expressions.len()).filter(|place| expressions[*place].matches(&record, &sample.ends()));
        prop_assert_eq!(found, expected.collect::<Vec<_>>());
    }
}

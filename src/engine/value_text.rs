//! Two values of a field as one short text, which shows the part that differs.

use serde_json::Value;

/// Longest value that is shown whole, in characters.
const SHOWN: usize = 60;

/// Most characters of equal text before and after a difference.
const CONTEXT: usize = 20;

/// The two values with an arrow between them. Of long ones only the part around the first difference is shown.
#[must_use]
pub fn difference(old: Option<&Value>, new: Option<&Value>) -> String {
    let is_large = |value: &Value| (value.is_object() || value.is_array()) && text(value).chars().count() > SHOWN;
    match (old, new) {
        (None, Some(new)) if is_large(new) => "added".to_owned(),
        (Some(old), None) if is_large(old) => "removed".to_owned(),
        (Some(old), Some(new)) => {
            let texts = (text(old), text(new));
            // A text and a number may read the same.
            let (old, new) = if texts.0 == texts.1 { (old.to_string(), new.to_string()) } else { texts };
            let (old, new) = around_the_difference(&old, &new);
            format!("{old} → {new}")
        }
        (old, new) => {
            let shown = |value: Option<&Value>| {
                value.map_or_else(|| "none".to_owned(), |value| cut(&text(value).chars().collect::<Vec<_>>(), false))
            };
            format!("{} → {}", shown(old), shown(new))
        }
    }
}

/// A value as it is shown.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => on_one_line(text),
        // AWS returns whole numbers with a fraction of zero.
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        value => on_one_line(&value.to_string()),
    }
}

/// The text without line breaks and other characters that would act on a terminal.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// The parts of two texts around their first difference, if one is long.
fn around_the_difference(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if old.len() <= SHOWN && new.len() <= SHOWN {
        return (old.into_iter().collect(), new.into_iter().collect());
    }
    let before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let after = old[before..].iter().rev().zip(new[before..].iter().rev()).take_while(|(old, new)| old == new).count();
    let start = start_of_context(&old[..before]);
    let part = |text: &[char]| {
        let end = end_of_context(text, text.len() - after);
        let shown = cut(&text[start..end], end < text.len());
        if start > 0 { format!("…{shown}") } else { shown }
    };
    (part(&old), part(&new))
}

const fn is_gap(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == ','
}

/// The position of the first whole word of the context before a difference.
fn start_of_context(equal: &[char]) -> usize {
    let Some(earliest) = equal.len().checked_sub(CONTEXT).filter(|earliest| *earliest > 0) else { return 0 };
    let gap = equal[earliest..].iter().position(|letter| is_gap(*letter));
    gap.map_or(earliest, |gap| earliest + gap + 1)
}

/// The end of the word in which a difference ends.
fn end_of_context(text: &[char], end: usize) -> usize {
    let rest = &text[end..];
    let gap = rest.iter().take(CONTEXT).position(|letter| is_gap(*letter));
    end + gap.unwrap_or_else(|| rest.len().min(CONTEXT))
}

/// The beginning of a text; `more` if it goes on anyway.
fn cut(text: &[char], more: bool) -> String {
    let shown: String = text.iter().take(SHOWN).collect();
    if more || text.len() > SHOWN { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shown(old: &Value, new: &Value) -> String {
        difference(Some(old), Some(new))
    }

    #[test]
    fn long_texts_are_cut_around_the_first_difference() {
        let description = |threshold: u32| {
            json!(format!(
                "Rejected connections in VPC vpc-0123456789abcdef0: more than {threshold} flows in each of 2 periods of 300 seconds."
            ))
        };
        assert_eq!(shown(&description(50), &description(5)), "…more than 50… → …more than 5…");
        let long = "x".repeat(100);
        assert_eq!(shown(&json!(long), &json!(format!("{long}, y"))), format!("…{0} → …{0}, y", "x".repeat(20)));
        let (a, b) = ("a".repeat(100), "b".repeat(100));
        assert_eq!(shown(&json!(a), &json!(b)), format!("{}… → {}…", &a[..60], &b[..60]));
    }

    #[test]
    fn short_values_are_whole() {
        assert_eq!(shown(&json!(50.0), &json!(5.5)), "50 → 5.5");
        assert_eq!(shown(&json!(""), &json!("a\nb")), r#""" → a\nb"#);
        assert_eq!(shown(&json!("50"), &json!(50.0)), r#""50" → 50.0"#);
        assert_eq!(difference(None, Some(&json!({"a": 1}))), r#"none → {"a":1}"#);
    }

    #[test]
    fn large_parts_are_only_named() {
        let widget = json!({"properties": {"title": "t".repeat(60)}});
        assert_eq!(difference(None, Some(&widget)), "added");
        assert_eq!(difference(Some(&widget), None), "removed");
        assert_eq!(difference(None, Some(&json!("t".repeat(61)))), format!("none → {}…", "t".repeat(60)));
    }

    proptest! {
        #[test]
        fn different_texts_never_look_alike(old in "[a ,é]{0,90}", new in "[a ,é]{0,90}") {
            let shown = shown(&json!(old), &json!(new));
            let (left, right) = shown.split_once(" → ").unwrap();
            prop_assert!(old == new || left != right, "{}", shown);
            prop_assert!(left.chars().count() <= SHOWN + 2 && right.chars().count() <= SHOWN + 2, "{}", shown);
        }
    }
}

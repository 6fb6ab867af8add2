//! Long texts for people.

/// The text, or its first `most` characters with `…`, so that a long one leaves room for others.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// The first `most` texts, and the number of the others.
pub fn listed(texts: &[String], most: usize, between: &str) -> String {
    match texts.len().saturating_sub(most) {
        0 => texts.join(between),
        more => format!("{} and {more} more", texts[..most].join(between)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!((shortened("äbc", 3), shortened("äb c", 3)), ("äbc".to_owned(), "äb…".to_owned()));
    }
}

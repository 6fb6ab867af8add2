//! Lines of a terminal's width.

/// Width of the terminal that every output fits.
const WIDTH: usize = 80;

/// The text in lines of at most 80 columns: the first after `first`, the others below its end. A longer word, such as a URL, stays whole.
pub fn wrap(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let (mut lines, mut width) = (first.to_owned(), indent);
    for word in text.split_whitespace() {
        let letters = word.chars().count();
        if width == indent {
            lines.push_str(word);
            width += letters;
        } else if width + 1 + letters <= WIDTH {
            lines.push(' ');
            lines.push_str(word);
            width += 1 + letters;
        } else {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            lines.push_str(word);
            width = indent + letters;
        }
    }
    lines.push('\n');
    lines
}

/// The text with its control characters escaped, but for the ends of lines: names and messages of a cluster must not act on a terminal.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\n' {
            printable.extend(letter.escape_default());
        } else {
            printable.push(letter);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\rc\u{9b}\nä\n"), "a\\u{1b}[2Jb\\rc\\u{9b}\nä\n");
    }

    #[test]
    fn lines_fit_and_begin_below_each_other() {
        let wrapped = wrap("  first  ", &"word ".repeat(30));
        assert!(wrapped.lines().count() == 3 && wrapped.lines().all(|line| line.len() <= WIDTH), "{wrapped}");
        assert!(wrapped.starts_with("  first  word ") && wrapped.contains("\n         word "), "{wrapped}");
        let url = "u".repeat(100);
        assert_eq!(wrap("  ", &url), format!("  {url}\n"));
        assert_eq!(wrap("  a", ""), "  a\n");
    }
}

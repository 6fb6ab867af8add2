//! The documents of a YAML stream, divided as kubectl does: by lines, whatever they are part of.

use super::YamlError;

const SEPARATOR: &str = "---";

/// The texts between the lines that begin with `---`.
pub fn split(text: &str) -> Vec<Result<String, YamlError>> {
    let (mut documents, mut current) = (Vec::new(), String::new());
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(SEPARATOR) else {
            current.push_str(line);
            current.push('\n');
            continue;
        };
        if !current.is_empty() {
            documents.push(Ok(std::mem::take(&mut current)));
        }
        let rest = rest.trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            // kubectl ends here, too.
            documents.push(Err(YamlError::Separator(line[SEPARATOR.len()..].to_owned())));
            return documents;
        }
    }
    if !current.is_empty() {
        documents.push(Ok(current));
    }
    documents
}

use serde_json::{Value, json};

/// The most characters, without white space, that a managed policy holds: "IAM and AWS STS quotas" in the IAM user guide.
pub const MANAGED_POLICY_CHARS: usize = 6144;

/// Policy documents with these statements, as many as it takes for each to be short enough. The order stays.
#[must_use]
pub fn split(statements: Vec<Value>) -> Vec<Value> {
    let mut documents: Vec<Vec<Value>> = Vec::new();
    for statement in statements {
        match documents.last_mut() {
            Some(last) if length(last.iter().chain([&statement])) <= MANAGED_POLICY_CHARS => last.push(statement),
            _ => documents.push(vec![statement]),
        }
    }
    documents.into_iter().map(|statements| document(&statements)).collect()
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Without white space between the parts; there is none within them.
fn length<'a>(statements: impl Iterator<Item = &'a Value>) -> usize {
    let statements: Vec<Value> = statements.cloned().collect();
    document(&statements).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_split_where_it_would_be_too_long_and_nothing_is_lost() {
        let statements: Vec<Value> =
            (0..9).map(|number| json!({"Sid": format!("S{number}"), "Resource": "x".repeat(1500)})).collect();
        let documents = split(statements.clone());
        assert_eq!(documents.len(), 3);
        assert!(documents.iter().all(|document| document.to_string().len() <= MANAGED_POLICY_CHARS));
        let all: Vec<Value> =
            documents.iter().flat_map(|document| document["Statement"].as_array().unwrap().clone()).collect();
        assert_eq!(all, statements);
        assert_eq!(split(vec![statements[0].clone()]).len(), 1);
    }
}

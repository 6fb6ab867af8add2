use serde_json::{Value, json};

/// The most characters, without white space, that a managed policy may have: "IAM and AWS STS quotas" in the IAM user guide.
pub const MANAGED_POLICY_CHARS: usize = 6144;

/// Policy documents with these statements, as many as it takes for each to be short enough. The order stays.
#[must_use]
pub fn split(statements: Vec<Value>) -> Vec<Value> {
    let mut documents: Vec<Vec<Value>> = Vec::new();
    for statement in statements.into_iter().flat_map(divided) {
        match documents.last_mut() {
            Some(last) if length(last.iter().chain([&statement])) <= MANAGED_POLICY_CHARS => last.push(statement),
            _ => documents.push(vec![statement]),
        }
    }
    documents.into_iter().map(|statements| document(&statements)).collect()
}

/// Splits a statement that is too long into several, each with a part of the resources.
fn divided(statement: Value) -> Vec<Value> {
    let resources = statement["Resource"].as_array().filter(|resources| resources.len() > 1);
    let Some(resources) = resources.filter(|_| length([&statement].into_iter()) > MANAGED_POLICY_CHARS) else {
        return vec![statement];
    };
    let sid = statement["Sid"].as_str().unwrap_or_default();
    let halves = resources.split_at(resources.len() / 2);
    let half = |resources: &[Value], letter: char| {
        let mut half = statement.clone();
        half["Resource"] = json!(resources);
        half["Sid"] = json!(format!("{sid}{letter}"));
        divided(half)
    };
    [half(halves.0, 'a'), half(halves.1, 'b')].concat()
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
    use std::collections::BTreeSet;

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

    #[test]
    fn a_statement_with_many_resources_is_divided() {
        let resources: Vec<String> =
            (0..300).map(|number| format!("arn:aws:iam::123456789012:role/{number}")).collect();
        let documents = split(vec![json!({"Sid": "Account", "Action": ["sts:AssumeRole"], "Resource": resources})]);
        assert!(documents.len() > 1 && documents.iter().all(|it| it.to_string().len() <= MANAGED_POLICY_CHARS));
        let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
        let (mut sids, mut all) = (BTreeSet::new(), Vec::new());
        for statement in statements {
            assert!(sids.insert(statement["Sid"].as_str().unwrap()), "{sids:?}");
            all.extend(statement["Resource"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()));
        }
        assert_eq!(all, resources);
    }
}

//! The fields of a file.

use crate::function::*;

/// A rejection of port 22, with the fields in another order and others beside.
const REVERSED: &str = "action instance-id dstaddr srcaddr protocol dstport srcport log-status";

async fn found(text: String) -> (u64, u64, Vec<String>) {
    let (answer, messages) = invoke(&format!("{FOLDER}/a.log.gz"), gzip(text.as_bytes())).await;
    let answer = answer.unwrap();
    let findings = messages.iter().flat_map(|message| document(message)["findings"].as_array().unwrap().clone());
    let rules = findings.map(|finding| format!("{} {}", finding["rule"], finding["destination"]).replace('"', ""));
    (answer.parsed, answer.bad, rules.collect())
}

#[tokio::test]
async fn a_header_names_the_fields_wherever_it_stands() {
    let reversed = "ACCEPT i-1 10.0.0.2 198.51.100.7 6 22 50000 OK";
    let (first, second) = ("sensitivePortAccepted 10.0.0.1", "sensitivePortAccepted 10.0.0.2");
    let default = line(1, "198.51.100.7", "10.0.0.1", 22, 4_000, "ACCEPT");
    let header = detector::format::DEFAULT_HEADER;
    assert_eq!(found(format!("{REVERSED}\n{reversed}\n")).await, (1, 0, vec![second.to_owned()]));
    let joined = format!("{header}\n{default}\n{header}\n{default}\n{REVERSED}\n{reversed}");
    assert_eq!(found(joined).await, (3, 0, vec![first.to_owned(), second.to_owned()]));
}

#[tokio::test]
async fn without_a_header_the_fields_are_those_of_the_variable() {
    let default = line(1, "198.51.100.7", "10.0.0.1", 22, 4_000, "ACCEPT");
    let expected = (1, 1, vec!["sensitivePortAccepted 10.0.0.1".to_owned()]);
    assert_eq!(found(format!("{default}\nno record\n")).await, expected);
}

#[tokio::test]
async fn a_header_alone_has_no_records() {
    assert_eq!(found(format!("{REVERSED}\n")).await, (0, 0, Vec::new()));
}

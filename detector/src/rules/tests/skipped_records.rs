use super::*;

fn idle(interface: &str, status: &str) -> String {
    format!("2 1 {interface} - - - - - - - 1200000000 1200000060 - {status}")
}

#[test]
fn fires_once_per_interface() {
    let lines = ["eni-a", "eni-b", "eni-a"].map(|interface| idle(interface, "SKIPDATA"));
    let findings = of(Rule::SkippedRecords, analyze_as(V2_FORMAT, lines, &Config::default()));
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0].subject.detail, Detail::Interface("eni-a".into()));
    assert_eq!(findings[0].tally.records, 2);
}

#[test]
fn no_data_is_no_loss() {
    assert_eq!(analyze_as(V2_FORMAT, [idle("eni-a", "NODATA")], &Config::default()), Findings::default());
}

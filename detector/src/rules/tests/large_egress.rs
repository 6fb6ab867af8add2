use super::*;

const PART: Flow<'_> = Flow { destination: PUBLIC, bytes: 50_000_000, ..FLOW };

#[test]
fn fires_at_the_sum_of_a_window() {
    let last = Flow { start: FLOW.start + 299, ..PART };
    let findings = found(Rule::LargeEgress, [PART; 9].into_iter().chain([last]));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].tally.bytes, 500_000_000);
    assert_eq!(findings[0].subject.destination, PUBLIC.parse().ok());
}

#[test]
fn does_not_fire_below_the_sum_nor_across_windows() {
    let less = Flow { bytes: PART.bytes - 1, ..PART };
    assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([less])));
    let later = Flow { start: FLOW.start + 300, ..PART };
    assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([later])));
}

#[test]
fn sums_over_destinations_but_not_over_sources() {
    let elsewhere = Flow { destination: "203.0.113.9", ..PART };
    let findings = found(Rule::LargeEgress, [PART; 9].into_iter().chain([elsewhere]));
    assert_eq!(findings[0].subject.destination, None);
    let other = Flow { source: TARGET, ..PART };
    assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([other])));
}

#[test]
fn inside_to_inside_and_outside_to_inside_and_trusted_are_no_egress() {
    let many = |flow| [flow; 20];
    assert!(!fires(Rule::LargeEgress, many(Flow { destination: TARGET, ..PART })));
    assert!(!fires(Rule::LargeEgress, many(Flow { source: PUBLIC, destination: INSIDE, ..PART })));
    assert!(!fires(Rule::LargeEgress, many(Flow { action: "REJECT", ..PART })));
    let config = Config { trusted_cidrs: vec!["198.51.100.66/32".parse().unwrap()], ..Config::default() };
    assert_eq!(of(Rule::LargeEgress, analyze(many(PART), &config)), []);
}

#[test]
fn a_nat_gateway_does_not_double_the_sum() {
    // The same packets at the instance and at the gateway, which puts its own address in place of the instance's.
    let line = |interface: &str, source: &str| {
        format!(
            "3 1 {interface} {source} {PUBLIC} 40000 443 6 1 499999999 1200000000 1200000060 ACCEPT OK v s i 0 IPv4 {INSIDE} {PUBLIC}"
        )
    };
    let findings =
        analyze_as(CUSTOM_FORMAT, [line("eni-a", INSIDE), line("eni-nat", "10.0.0.254")], &Config::default());
    assert_eq!(findings.other_ends, 1);
    assert_eq!(of(Rule::LargeEgress, findings), []);
}

#[test]
fn the_destination_that_got_most_is_named_whatever_else_the_source_sent() {
    let time = Flow { destination: "203.0.113.5", bytes: 76, ..PART.to_port(123) };
    let large = Flow { bytes: 600_000_000, ..PART };
    let findings = found(Rule::LargeEgress, [time, large, time]);
    assert_eq!(findings[0].subject.destination, None);
    assert_eq!(
        Sentence(&findings[0]).to_string(),
        "10.0.0.1 sent 600.0 MB to several public addresses (600.0 MB to 198.51.100.66, 152 B to 203.0.113.5) at ports 123 \
         443; 1 flow of 600.0 MB was above the threshold for a flow"
    );
    let Evidence::Destinations(largest) = &findings[0].evidence else { panic!("{findings:?}") };
    assert_eq!(largest.main(findings[0].tally.bytes), PUBLIC.parse().ok());
}

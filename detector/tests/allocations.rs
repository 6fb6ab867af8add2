//! A record costs no allocation once the tables have grown. The only test of its program: it counts for the whole process.

use std::alloc::System;

use detector::format::LogFormat;
use detector::record::Parser;
use detector::rules::{Config, Engine};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Conversations inside, to the internet and back, rejections, a scan and large transfers.
fn lines() -> Vec<String> {
    let line = |n: u32| {
        let (host, port, action) = (n % 50, n % 900, if n.is_multiple_of(9) { "REJECT" } else { "ACCEPT" });
        let ends = match n % 3 {
            0 => format!("10.0.0.{host} 10.0.1.7 40000 {port}"),
            1 => format!("10.0.0.{host} 203.0.113.9 40000 443"),
            _ => format!("2001:db8::{host:x} 10.0.0.{host} 50000 22"),
        };
        let bytes = 40 + u64::from(n % 5) * 20_000_000;
        format!(
            "2 123456789012 eni-0a{host} {ends} 6 10 {bytes} {} {} {action} OK",
            1_200_000_000 + n % 60,
            1_200_000_060
        )
    };
    (0..9_000).map(line).collect()
}

#[test]
fn a_record_is_parsed_and_judged_without_an_allocation() {
    let lines = lines();
    let parser = Parser::new(LogFormat::aws_default());
    let mut engine = Engine::new(&Config::default());
    let mut observe = || lines.iter().filter_map(|line| engine.observe(&parser.parse(line).ok()?)).count();
    assert_eq!(observe(), lines.len());

    let region = Region::new(ALLOCATOR);
    assert_eq!(observe(), lines.len());
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
    assert!(!engine.finish().list.is_empty());
}

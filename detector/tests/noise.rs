//! A day of ordinary noise from the internet, and a door that is open: the messages of it. The figures are those of `docs/rules.md`.

use std::net::Ipv4Addr;

use detector::analysis::{Analysis, Analyzer};
use detector::format::LogFormat;
use detector::message::{Invocation, Message};
use detector::notification_log::{Batch, Notification, NotificationLog};
use detector::package_config::PackageConfig;
use detector::record::Parser;
use detector::rules::Severity;
use detector::settings::{Settings, SettingsError};
use fastrand::Rng;

/// 2026-11-30T00:00:00Z
const MIDNIGHT: u64 = 1_795_996_800;
const MINUTES: u64 = 24 * 60;
/// Hosts with a public address.
const HOSTS: u8 = 4;
/// Probes of a host in a minute.
const PROBES: u64 = 4;
/// Scans of a host in a day, each of many ports within a minute.
const SCANS: u64 = 3;
/// A host whose port 22 is open.
const OPEN: u8 = 2;

/// The ports that the internet asks for most; the rest are arbitrary.
const FAVOURITES: [u16; 10] = [22, 23, 80, 443, 445, 3389, 5432, 6379, 8080, 8443];

/// The settings as the function reads them.
fn settings(min_severity: Severity) -> Result<Settings, SettingsError> {
    let rules = format!("{{\"minSeverity\":\"{min_severity}\"}}");
    let variable = |name: &str| {
        let value = match name {
            "TOPIC_ARN" => "arn:aws:sns:eu-west-1:123456789012:alerts",
            "MONITOR" => "network/production",
            "OWNER" => "cluster/network/production",
            "VPC_ID" => "vpc-0123456789abcdef0",
            "LOG_FORMAT" => return Some(LogFormat::aws_default().to_string()),
            "RULES" => rules.as_str(),
            _ => return None,
        };
        Some(value.to_owned())
    };
    Settings::read(variable, PackageConfig::default())
}

/// A source on the internet.
fn source(random: &mut Rng) -> Ipv4Addr {
    Ipv4Addr::new(random.u8(41..90), random.u8(..), random.u8(..), random.u8(..))
}

fn line(host: u8, source: Ipv4Addr, port: u16, minute: u64) -> String {
    let is_open = port == 443 || port == 22 && host == OPEN;
    let (action, packets, bytes) = if is_open { ("ACCEPT", 12, 4_000) } else { ("REJECT", 1, 40) };
    let start = MIDNIGHT + minute * 60;
    format!(
        "2 123456789012 eni-0{host}35b8ca123456789 {source} 10.0.0.{host} 50000 {port} 6 {packets} {bytes} {start} {} {action} OK",
        start + 59
    )
}

/// The records of a host in a minute: CloudWatch Logs hands them to the function as one batch.
fn records(random: &mut Rng, host: u8, minute: u64) -> Vec<String> {
    let mut records: Vec<_> = (0..PROBES)
        .map(|_| {
            let port = if random.bool() { FAVOURITES[random.usize(..FAVOURITES.len())] } else { random.u16(1..) };
            line(host, source(random), port, minute)
        })
        .collect();
    if random.u64(..MINUTES) < SCANS {
        let source = source(random);
        let first = random.u16(1..60_000);
        records.extend((first..first + 60).map(|port| line(host, source, port, minute)));
    }
    records
}

/// Calls `each` with the batches of the day and their times.
fn day(settings: &Settings, mut each: impl FnMut(&Analysis, u64)) {
    let parser = Parser::new(settings.format.clone());
    let mut random = Rng::with_seed(15);
    for minute in 0..MINUTES {
        for host in 1..=HOSTS {
            let mut analyzer = Analyzer::new(&parser, &settings.rules);
            for record in records(&mut random, host, minute) {
                analyzer.add(&record);
            }
            each(&analyzer.finish(), MIDNIGHT + minute * 60 + 90);
        }
    }
}

fn batch<'f>(analysis: &'f Analysis, settings: &Settings, now: u64, number: usize) -> Batch<'f> {
    Batch::new(number.to_string(), &analysis.findings, settings, now)
}

/// The number of messages if each batch with a finding that is severe enough gives one.
fn without_a_log(min_severity: Severity) -> Result<usize, SettingsError> {
    let settings = settings(min_severity)?;
    let mut messages = 0;
    day(&settings, |analysis, now| {
        messages += usize::from(!batch(analysis, &settings, now, 0).into_notification().is_empty());
    });
    Ok(messages)
}

fn with_a_log(min_severity: Severity) -> Result<Vec<String>, SettingsError> {
    let settings = settings(min_severity)?;
    let (mut log, mut subjects, mut number) = (NotificationLog::default(), Vec::new(), 0);
    day(&settings, |analysis, now| {
        number += 1;
        let notification: Notification = log.add(&batch(analysis, &settings, now, number), settings.renotify_after);
        let message = Message::compose(analysis, &settings, &Invocation::default(), &notification);
        subjects.extend(message.map(|message| message.subject));
    });
    Ok(subjects)
}

#[test]
fn a_day_of_noise_and_an_open_door_are_a_handful_of_messages_and_the_first_names_the_door() {
    let subjects = with_a_log(Severity::Medium).unwrap();
    for subject in &subjects {
        println!("{subject}");
    }
    assert!(subjects.len() <= 6, "{subjects:#?}");
    assert!(subjects[0].starts_with("HIGH: ") && subjects[0].contains(" reached 10.0.0.2:22"), "{subjects:#?}");

    let published = [
        ("| every finding, each batch |", without_a_log(Severity::Low).unwrap()),
        ("| MEDIUM and HIGH, each batch |", without_a_log(Severity::Medium).unwrap()),
        ("| MEDIUM and HIGH, each incident once in 6 hours (default) |", subjects.len()),
    ];
    println!("{published:#?}");
    let thousands = |number: usize| match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    };
    let document = include_str!("../../docs/rules.md");
    for (row, messages) in published {
        let row = format!("{row} {} |", thousands(messages));
        assert!(document.contains(&row), "docs/rules.md lacks: {row}");
    }
}

//! The cost of a monitor a month, from the traffic that the user states. Prices and assumptions are data: `prices.json`.

use std::fmt;

use detector::rules::Rule;
use serde::{Deserialize, Serialize};

use crate::api::spec::{FileFormat, Lifecycle, LogGroupClass, RecordSource, TrafficType};
use crate::monitor::{Architecture, Monitor};
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::detections::Detection;
use crate::resources::detector::rules::{enabled_custom_rules, is_enabled};

/// Prices of one region, and assumptions where a price alone is not enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "named as the pricing pages name them")]
pub struct Prices {
    pub source: String,
    pub region: String,
    pub currency: String,
    pub vended_logs_to_cloud_watch: Vec<Tier>,
    pub vended_logs_to_s3: Vec<Tier>,
    pub parquet_conversion_per_gb: f64,
    pub cloud_watch_storage_per_gb_month: f64,
    pub s3_per_gb_month: StorageClasses,
    pub alarm_per_month: f64,
    pub composite_alarm_per_month: f64,
    pub custom_metric_per_month: f64,
    pub dashboard_per_month: f64,
    pub lambda_per_gb_second: Lambda,
    pub lambda_per_million_requests: f64,
    pub athena_per_tb_scanned: f64,
    pub assumptions: Assumptions,
}

/// A price up to a monthly volume, counted from nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct Tier {
    pub up_to_gb: Option<f64>,
    pub per_gb: f64,
}

/// A price for each storage class of S3 that records pass through.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct StorageClasses {
    pub standard: f64,
    pub standard_ia: f64,
    pub glacier: f64,
    pub deep_archive: f64,
}

/// A price for each architecture of a function.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct Lambda {
    pub arm64: f64,
    pub x86_64: f64,
}

/// The assumptions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct Assumptions {
    pub days_per_month: f64,
    pub accepted_share: f64,
    pub rejected_share: f64,
    pub cloud_watch_compression: f64,
    pub gzip_compression: f64,
    pub parquet_compression: f64,
    pub infrequent_access_share_of_price: f64,
    pub megabytes_per_batch: f64,
    pub seconds_per_batch: f64,
}

impl Prices {
    /// The prices that come with the program.
    pub fn built_in() -> Result<Self, serde_json::Error> {
        Self::parse(include_str!("prices.json"))
    }

    /// The user's own prices, in the form of the built-in ones.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// The cost of a monitor a month once it has run for a year.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Currency of all amounts.
    pub currency: String,
    /// Region of all prices.
    pub region: String,
    /// The traffic that the user stated.
    pub gb_per_day: f64,
    /// The items of the cost.
    pub items: Vec<Item>,
    /// The sum.
    pub per_month: f64,
    /// A cheaper way, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The assumptions behind the figures.
    pub assumptions: Vec<String>,
}

/// An item of the cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its description.
    pub what: String,
    /// Its cost a month.
    pub per_month: f64,
}

/// Records per month by destination, and prices for them.
struct Bill<'a> {
    prices: &'a Prices,
    items: Vec<Item>,
}

impl Bill<'_> {
    fn add(&mut self, what: impl Into<String>, per_month: f64) {
        self.items.push(Item { what: what.into(), per_month: in_cents(per_month) });
    }

    fn share(&self, traffic: TrafficType) -> f64 {
        match traffic {
            TrafficType::All => 1.0,
            TrafficType::Accept => self.prices.assumptions.accepted_share,
            TrafficType::Reject => self.prices.assumptions.rejected_share,
        }
    }
}

/// The estimate for `gb_per_day` gigabytes of records a day, all traffic, as text.
#[must_use]
pub fn estimate(monitor: &Monitor, gb_per_day: f64, prices: &Prices) -> Estimate {
    let items = items(monitor, gb_per_day, prices);
    Estimate {
        currency: prices.currency.clone(),
        region: prices.region.clone(),
        gb_per_day,
        per_month: sum(&items),
        advice: advice(monitor, gb_per_day, prices, sum(&items)),
        items,
        assumptions: assumptions(prices),
    }
}

/// The advice to read the bucket alone, if it would save a good part of the cost.
fn advice(monitor: &Monitor, gb_per_day: f64, prices: &Prices, cost: f64) -> Option<String> {
    if !monitor.spec.reads_log_group() {
        return None;
    }
    let mut other = monitor.clone();
    other.spec.detector.source = RecordSource::S3;
    other.spec.cloud_watch_logs.enabled = false;
    let without = sum(&items(&other, gb_per_day, prices));
    (without <= cost * WORTH_A_CHANGE).then(|| {
        format!(
            "with detector.source S3 and cloudWatchLogs.enabled false it would be {without:.2} {}: findings and alarms come about five \
             minutes later, and Logs Insights has no records",
            prices.currency
        )
    })
}

/// Share of the cost below which another source is proposed.
const WORTH_A_CHANGE: f64 = 0.75;

fn sum(items: &[Item]) -> f64 {
    // The sum of cents is not always one in binary.
    in_cents(items.iter().map(|item| item.per_month).sum())
}

fn items(monitor: &Monitor, gb_per_day: f64, prices: &Prices) -> Vec<Item> {
    let mut bill = Bill { prices, items: Vec::new() };
    let (spec, assumed) = (&monitor.spec, &prices.assumptions);
    let to_logs = gb_per_day * bill.share(spec.cloud_watch_logs.traffic_type.unwrap_or(spec.traffic_type));
    let to_s3 = gb_per_day * bill.share(spec.s3.traffic_type.unwrap_or(spec.traffic_type));

    if spec.cloud_watch_logs.enabled {
        let month = to_logs * assumed.days_per_month;
        let class_share = match spec.cloud_watch_logs.log_group_class {
            LogGroupClass::Standard => 1.0,
            LogGroupClass::InfrequentAccess => assumed.infrequent_access_share_of_price,
        };
        bill.add(
            format!("delivery of {month:.0} GB to CloudWatch Logs"),
            tiered(month, &prices.vended_logs_to_cloud_watch) * class_share,
        );
        let kept = to_logs * f64::from(spec.cloud_watch_logs.retention_days) * assumed.cloud_watch_compression;
        bill.add(format!("{kept:.0} GB kept in the log group"), kept * prices.cloud_watch_storage_per_gb_month);
    }

    let month = to_s3 * assumed.days_per_month;
    let parquet = spec.s3.file_format == FileFormat::Parquet;
    bill.add(format!("delivery of {month:.0} GB to S3"), tiered(month, &prices.vended_logs_to_s3));
    if parquet {
        bill.add(format!("conversion of {month:.0} GB to Parquet"), month * prices.parquet_conversion_per_gb);
    }
    let compression = if parquet { assumed.parquet_compression } else { assumed.gzip_compression };
    let (kept, cost) = stored(to_s3 * compression, &spec.s3.lifecycle, &prices.s3_per_gb_month);
    bill.add(format!("{kept:.0} GB kept in the bucket"), cost);

    let mut alarms = AlarmKind::declared(monitor);
    alarms.retain(|kind| kind.enabled(monitor));
    bill.add(format!("{} alarms", alarms.len()), count(alarms.len()) * prices.alarm_per_month);
    let bands = alarms.iter().filter(|kind| kind.anomaly(monitor).is_some()).count();
    if bands > 0 {
        let band = METRICS_OF_BAND_ALARM * prices.alarm_per_month + prices.composite_alarm_per_month;
        bill.add(format!("{bands} bands of what is usual, each with a composite alarm"), count(bands) * band);
    }
    let rules = if spec.detector.enabled { DETECTOR_METRICS + detector_metrics(monitor) } else { 0 };
    let metrics =
        Detection::declared(monitor).into_iter().filter(|detection| detection.enabled(monitor)).count() + rules;
    bill.add(format!("{metrics} custom metrics"), count(metrics) * prices.custom_metric_per_month);
    if spec.dashboard.enabled {
        bill.add("1 dashboard", prices.dashboard_per_month);
    }
    if spec.detector.enabled {
        let batches = |gb_per_day: f64| gb_per_day * assumed.days_per_month * 1024.0 / assumed.megabytes_per_batch;
        let (batches, invocations, memory_mb) = match spec.detector.source {
            RecordSource::CloudWatchLogs => (batches(to_logs), batches(to_logs), f64::from(spec.detector.memory_mb())),
            // The processor grows with the memory: what more of it costs, it saves in time.
            RecordSource::S3 => (batches(to_s3), FILES_PER_DAY * assumed.days_per_month, BATCH_MEMORY_MB),
        };
        let gb_seconds = batches * assumed.seconds_per_batch * memory_mb / 1024.0;
        let per_gb_second = match monitor.settings.detector.architecture() {
            Architecture::Arm64 => prices.lambda_per_gb_second.arm64,
            Architecture::X86_64 => prices.lambda_per_gb_second.x86_64,
        };
        bill.add(
            format!("{invocations:.0} invocations of the detector"),
            gb_seconds * per_gb_second + invocations / 1e6 * prices.lambda_per_million_requests,
        );
    }
    bill.items
}

/// Files of a flow log: one each five minutes, and more only for those of more than 75 MB. See "Flow log files" in the VPC user guide.
const FILES_PER_DAY: f64 = 288.0;

/// Memory of the function for which the assumption about its time holds.
const BATCH_MEMORY_MB: f64 = 128.0;

/// The amount with two decimals.
pub(super) fn in_cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

/// Metrics of a batch, besides one for each rule.
const DETECTOR_METRICS: usize = 5;

/// CloudWatch pricing: an alarm on a band counts as three, for the metric and the two bounds.
const METRICS_OF_BAND_ALARM: f64 = 3.0;

fn detector_metrics(monitor: &Monitor) -> usize {
    let spec = &monitor.spec.detector;
    Rule::ALL.into_iter().filter(|rule| is_enabled(*rule, &spec.rules)).count() + enabled_custom_rules(spec).count()
}

fn count(things: usize) -> f64 {
    // A monitor has some tens of them.
    f64::from(u32::try_from(things).unwrap_or(u32::MAX))
}

fn tiered(gb: f64, tiers: &[Tier]) -> f64 {
    let mut from = 0.0;
    let mut cost = 0.0;
    for tier in tiers {
        let to = tier.up_to_gb.unwrap_or(f64::INFINITY).min(gb);
        cost += (to - from).max(0.0) * tier.per_gb;
        from = tier.up_to_gb.unwrap_or(f64::INFINITY);
    }
    cost
}

const DAYS_PER_YEAR: i32 = 365;

/// Gigabytes in the bucket after a year, and their cost a month: each day's records are in the class that their age gives them.
fn stored(gb_per_day: f64, lifecycle: &Lifecycle, classes: &StorageClasses) -> (f64, f64) {
    let (mut kept, mut cost) = (0.0, 0.0);
    let last = lifecycle.expire_after_days.unwrap_or(DAYS_PER_YEAR).min(DAYS_PER_YEAR);
    for age in 0..last {
        kept += gb_per_day;
        cost += gb_per_day * price_at(age, lifecycle, classes);
    }
    (kept, cost)
}

fn price_at(age: i32, lifecycle: &Lifecycle, classes: &StorageClasses) -> f64 {
    let reached = |days: i32| days > 0 && age >= days;
    if lifecycle.intelligent_tiering {
        // Frequent access for 30 days, then infrequent access; the archive tiers are opt-in.
        return if age >= 30 { classes.standard_ia } else { classes.standard };
    }
    if reached(lifecycle.deep_archive_after_days) {
        classes.deep_archive
    } else if reached(lifecycle.glacier_after_days) {
        classes.glacier
    } else if reached(lifecycle.standard_ia_after_days) {
        classes.standard_ia
    } else {
        classes.standard
    }
}

fn assumptions(prices: &Prices) -> Vec<String> {
    let assumed = &prices.assumptions;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    vec![
        format!(
            "list prices of {}, without free tiers and discounts; records are all that is in the bucket",
            prices.region
        ),
        "the traffic is that of one monitor: AWS counts the volume tiers of an account together".to_owned(),
        format!(
            "{} of the records are of accepted traffic, {} of rejected",
            percent(assumed.accepted_share),
            percent(assumed.rejected_share)
        ),
        format!(
            "records shrink to {} in CloudWatch Logs, {} as gzip and {} as Parquet, whatever their fields",
            percent(assumed.cloud_watch_compression),
            percent(assumed.gzip_compression),
            percent(assumed.parquet_compression)
        ),
        "both destinations get the stated gigabytes: by default a record has 14 fields in CloudWatch Logs and 21 in S3, where it is up \
         to twice as long"
            .to_owned(),
        format!(
            "conversion to Parquet costs {} {} per GB: AWS's pricing example has 2,211.84 USD for 72 TB",
            prices.parquet_conversion_per_gb, prices.currency
        ),
        format!(
            "delivery to log class INFREQUENT_ACCESS costs {} of the price of STANDARD",
            percent(assumed.infrequent_access_share_of_price)
        ),
        format!(
            "the detector gets {} MB of records at a time and works on them for {} s; it is called per network interface, so many \
             quiet ones mean more invocations; from the bucket it is called each five minutes, and takes as long for a megabyte",
            assumed.megabytes_per_batch, assumed.seconds_per_batch
        ),
        "storage is that of a monitor after one year".to_owned(),
        format!(
            "not included: queries ({} {} per TB scanned), the detector's own log, notifications, KMS, S3 requests and transitions",
            prices.athena_per_tb_scanned, prices.currency
        ),
    ]
}

impl fmt::Display for Estimate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "Cost a month at {} GB of records a day, {}", self.gb_per_day, self.currency)?;
        for Item { what, per_month } in &self.items {
            writeln!(formatter, "  {per_month:>10.2}  {what}")?;
        }
        writeln!(formatter, "  {:>10.2}  in all", self.per_month)?;
        if let Some(advice) = &self.advice {
            writeln!(formatter, "Cheaper: {advice}")?;
        }
        writeln!(formatter, "Assumed")?;
        self.assumptions.iter().try_for_each(|assumption| writeln!(formatter, "  - {assumption}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::anomaly_mode::AnomalyMode;
    use crate::monitor::fixtures;

    fn of(change: impl FnOnce(&mut VpcFlowMonitorSpec), gb_per_day: f64) -> Estimate {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        change(&mut spec);
        estimate(&fixtures::with_spec(spec), gb_per_day, &Prices::built_in().unwrap())
    }

    fn item(estimate: &Estimate, part: &str) -> f64 {
        estimate.items.iter().find(|item| item.what.contains(part)).unwrap().per_month
    }

    #[test]
    fn volume_is_charged_by_tier() {
        let tiers = Prices::built_in().unwrap().vended_logs_to_cloud_watch;
        assert!((tiered(1.0, &tiers) - 0.5).abs() < 1e-9);
        assert!((tiered(10_241.0, &tiers) - 5_120.25).abs() < 1e-9);
        assert!((tiered(60_000.0, &tiers) - (5_120.0 + 5_120.0 + 2_048.0 + 440.0)).abs() < 1e-6);
    }

    #[test]
    fn the_default_monitor_costs_what_the_pricing_pages_say() {
        let estimate = of(|_| (), 10.0);
        // 304 GB a month; 10 GB * 30 days * 0.15 kept in the log group.
        assert!((item(&estimate, "to CloudWatch Logs") - 152.0).abs() < 0.01);
        assert!((item(&estimate, "in the log group") - 1.35).abs() < 0.01);
        assert!((item(&estimate, "GB to S3") - 76.0).abs() < 0.01);
        assert!((item(&estimate, "to Parquet") - 9.12).abs() < 0.01);
        // 1.2 GB a day: 30 days standard, 60 in Standard-IA, 275 in Glacier.
        assert!(
            (item(&estimate, "in the bucket") - 1.2 * (30.0 * 0.023 + 60.0 * 0.0125 + 275.0 * 0.0036)).abs() < 0.01
        );
        assert!((item(&estimate, "4 alarms") - 0.4).abs() < 0.001);
        assert!((item(&estimate, "17 custom metrics") - 5.1).abs() < 0.001);
        let sum: f64 = estimate.items.iter().map(|item| item.per_month).sum();
        assert!((estimate.per_month - sum).abs() < 0.001);
    }

    #[test]
    fn amounts_have_two_decimals_at_most() {
        for gb_per_day in 1..200 {
            let estimate = of(|_| (), f64::from(gb_per_day));
            let document = serde_json::to_string(&estimate.per_month).unwrap();
            assert!(document.split('.').nth(1).unwrap().len() <= 2, "{document}");
        }
    }

    #[test]
    fn the_price_of_parquet_is_that_of_its_source() {
        let prices = Prices::built_in().unwrap();
        assert!((73_728.0 * prices.parquet_conversion_per_gb - 2_211.84).abs() < 0.001);
        assert!(prices.source.contains("72 TB (73,728 GB) cost 2,211.84 USD"), "{}", prices.source);
        let printed = of(|_| (), 1.0).assumptions.into_iter().find(|it| it.contains("Parquet costs 0.03 USD")).unwrap();
        assert!(printed.contains("2,211.84 USD") && printed.contains("72 TB"), "{printed}");
    }

    #[test]
    fn a_longer_aggregation_interval_saves_nothing() {
        let longer = of(|spec| spec.aggregation_interval = 600, 10.0);
        assert_eq!(longer.to_string(), of(|_| (), 10.0).to_string(), "Nitro instances do not use it");
    }

    #[test]
    fn what_is_switched_off_or_filtered_costs_less() {
        let all = of(|_| (), 10.0);
        let less = of(
            |spec| {
                spec.cloud_watch_logs.traffic_type = Some(TrafficType::Reject);
                spec.dashboard.enabled = false;
                spec.detector.enabled = false;
                spec.s3.lifecycle.expire_after_days = Some(400);
                spec.s3.file_format = FileFormat::PlainText;
            },
            10.0,
        );
        assert!((item(&less, "to CloudWatch Logs") * 10.0 - item(&all, "to CloudWatch Logs")).abs() < 0.1);
        assert!(!less.items.iter().any(|item| item.what.contains("dashboard") || item.what.contains("detector")));
        assert!(!less.items.iter().any(|item| item.what.contains("Parquet")));
        let tiered = of(|spec| spec.s3.lifecycle.intelligent_tiering = true, 10.0);
        assert!(item(&tiered, "in the bucket") > item(&all, "in the bucket"), "it never moves on to Glacier");
    }

    #[test]
    fn each_rule_of_the_user_that_is_on_costs_a_metric() {
        let rule = |name: &str, enabled: bool| json!({"name": name, "severity": "LOW", "when": "syn", "description": "d", "enabled": enabled});
        let rules = json!([rule("one", true), rule("off", false), rule("two", true)]);
        let estimate = of(|spec| spec.detector.custom_rules = serde_json::from_value(rules).unwrap(), 10.0);
        assert!((item(&estimate, "19 custom metrics") - 5.7).abs() < 0.001);
    }

    #[test]
    fn a_band_costs_an_alarm_on_three_metrics_and_a_composite_alarm() {
        let band = |spec: &mut VpcFlowMonitorSpec| spec.detections.high_data_transfer.anomaly.mode = AnomalyMode::Both;
        let (without, with) = (of(|_| {}, 1.0), of(band, 1.0));
        assert!((item(&with, "bands of what is usual") - 0.80).abs() < 1e-9, "{with}");
        assert!((with.per_month - without.per_month - 0.80).abs() < 1e-9);
    }

    #[test]
    fn every_assumption_is_named() {
        let text = of(|_| (), 1.0).to_string();
        let parts = ["us-east-1", "accepted", "shrink", "INFREQUENT_ACCESS", "at a time", "one year", "not included"];
        for part in parts.into_iter().chain(["network interface", "14 fields", "Parquet costs", "own log"]) {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

//! Tests of every name that is made from a monitor's identity.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::common::alarm_kind::AlarmKind;
use super::common::detections::Detection;
use crate::api::VpcFlowMonitorSpec;
use crate::aws::AccountRegion;
use crate::monitor::{Monitor, Settings};

/// Longest name, and characters allowed besides letters and digits: each service's own rule.
const ROLE: (usize, &str) = (64, "+=,.@_-");
const FUNCTION: (usize, &str) = (64, "-_");
const TOPIC: (usize, &str) = (256, "-_");
const ALARM: (usize, &str) = (255, "-");
const DASHBOARD: (usize, &str) = (255, "-_");
const WORKGROUP: (usize, &str) = (128, "._-");
const DATABASE: (usize, &str) = (128, "_");
const LOG_GROUP: (usize, &str) = (512, "_/.-#");
const FILTER: (usize, &str) = (512, "-");
const METRIC: (usize, &str) = (255, "-");
const BUCKET: (usize, &str) = (63, "-");

fn monitor(cluster: &str, (namespace, name): (&str, &str)) -> Monitor {
    let account_region =
        AccountRegion { partition: "aws".into(), account: "123456789012".into(), region: "ap-southeast-2".into() };
    let spec = VpcFlowMonitorSpec::new("vpc-12345678");
    Monitor::new(namespace, name, spec, None, account_region, Settings::to_look(cluster.to_owned()))
}

fn names(monitor: &Monitor) -> Vec<(String, (usize, &'static str))> {
    let names = &monitor.names;
    let mut all = vec![
        (names.bucket.clone(), BUCKET),
        (names.log_group.clone(), LOG_GROUP),
        (names.database.clone(), DATABASE),
        (names.delivery_role(), ROLE),
        (names.detector(), FUNCTION),
        (names.detector_log_group(), LOG_GROUP),
        (names.topic(), TOPIC),
        (names.workgroup(), WORKGROUP),
        (names.dashboard(), DASHBOARD),
    ];
    all.extend(AlarmKind::declared(monitor).into_iter().map(|kind| (kind.alarm_name(monitor), ALARM)));
    let with_bands = Detection::ALL.map(AlarmKind::from);
    all.extend(with_bands.map(|kind| (kind.band_name(monitor), ALARM)));
    all.extend(with_bands.map(|kind| (kind.verdict_name(monitor), ALARM)));
    all.extend(Detection::declared(monitor).into_iter().map(|detection| (detection.filter_name(monitor), FILTER)));
    all.extend(Detection::declared(monitor).into_iter().map(|detection| (detection.metric_name(monitor), METRIC)));
    all
}

/// Namespace and name of two similar monitors of a cluster: one text, split at different places, with dots in place of some dashes.
fn look_alikes() -> impl Strategy<Value = [(String, String); 2]> {
    let part = "[a-z0-9]{1,9}";
    (prop::collection::vec(part, 3..9), any::<u64>(), any::<(usize, usize)>()).prop_map(|(parts, dots, cuts)| {
        let cut = |at: usize, dots: u64| {
            let at = 1 + at % (parts.len() - 1);
            let name = parts[at..].iter().enumerate().fold(String::new(), |name, (index, part)| match index {
                0 => part.clone(),
                index => format!("{name}{}{part}", if dots >> index & 1 == 1 { '.' } else { '-' }),
            });
            (parts[..at].join("-"), name)
        };
        [cut(cuts.0, dots), cut(cuts.1, dots.rotate_left(7))]
    })
}

proptest! {
    #[test]
    fn look_alikes_share_no_name([left, right] in look_alikes()) {
        prop_assume!(left != right);
        let set = |(namespace, name): &(String, String)| -> BTreeSet<String> {
            names(&monitor("cluster", (namespace, name))).into_iter().map(|(name, _)| name).collect()
        };
        prop_assert!(set(&left).is_disjoint(&set(&right)), "{left:?} {right:?}");
    }

    #[test]
    fn every_name_is_valid_for_its_service(
        cluster in "[A-Za-z0-9._-]{1,100}",
        namespace in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        name in "[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?",
    ) {
        let monitor = monitor(&cluster, (&namespace, &name));
        prop_assert!(monitor.owner.len() <= 256);
        for (name, (most, extra)) in names(&monitor) {
            let allowed = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
            prop_assert!((3..=most).contains(&name.len()) && name.chars().all(allowed), "{name}");
        }
        // "Bucket naming rules" in the S3 user guide; Glue takes lower case only.
        let bucket = &monitor.names.bucket;
        prop_assert!(bucket.chars().all(|c| !c.is_ascii_uppercase()) && bucket.starts_with("vpc") && !bucket.ends_with('-'));
        prop_assert!(monitor.names.database.chars().all(|c| !c.is_ascii_uppercase()));
    }
}

#[test]
fn a_name_that_goes_on_where_anothers_ends_is_not_taken_for_it() {
    let victim = monitor("cluster", ("team", "a"));
    let hash = victim.names.base().rsplit_once('-').unwrap().1.to_owned();
    let neighbour = monitor("cluster", ("team", &format!("a-{hash}")));
    assert!(neighbour.names.base().starts_with(&format!("{}-", victim.names.base())), "they do look alike");
    let policy = format!("{:?}", super::notifications::Topic::new(&victim));
    for kind in AlarmKind::declared(&victim) {
        assert!(policy.contains(&kind.alarm_arn(&victim)), "{policy}");
    }
    assert!(!policy.contains('*'), "{policy}");
}

use kube::api::ObjectMeta;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn terms() -> Terms {
    Terms::new(15 * SECOND, 10 * SECOND, 2 * SECOND).unwrap()
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn lease(version: &str, holder: Option<&str>, renewed: i64, seconds: i32) -> Lease {
    Lease {
        metadata: ObjectMeta { resource_version: Some(version.into()), ..ObjectMeta::default() },
        spec: Some(LeaseSpec {
            holder_identity: holder.map(Into::into),
            renew_time: Some(MicroTime(time(renewed))),
            lease_duration_seconds: Some(seconds),
            lease_transitions: Some(4),
            ..LeaseSpec::default()
        }),
    }
}

/// The lease that `step` would write: holder, transitions, and the version that it replaces.
fn written(step: NextStep) -> (Option<String>, Option<i32>, Option<String>) {
    let (spec, version) = match step {
        NextStep::Follow(holder) => panic!("follows {holder}"),
        NextStep::Create(spec) => (spec, None),
        NextStep::Replace(lease) => (lease.spec.unwrap(), lease.metadata.resource_version),
    };
    (spec.holder_identity, spec.lease_transitions, version)
}

#[test]
fn the_first_replica_creates_the_lease() {
    let election = Election::new("a".into(), terms());
    assert_eq!(written(election.next(Instant::now(), time(0))), (Some("a".into()), Some(0), None));
}

#[test]
fn a_leader_is_followed_until_its_lease_was_seen_unchanged_for_its_duration() {
    let start = Instant::now();
    let mut election = Election::new("a".into(), terms());
    // Its clock is far behind ours: that says nothing.
    election.observe(Some(lease("1", Some("b"), -1_000_000, 15)), start);
    assert_eq!(election.next(start + 14 * SECOND, time(100)), NextStep::Follow("b".into()));
    // Another version of the same record is no sign of life.
    election.observe(Some(lease("2", Some("b"), -1_000_000, 15)), start + 14 * SECOND);
    assert_eq!(written(election.next(start + 15 * SECOND, time(100))), (Some("a".into()), Some(5), Some("2".into())));
    // A renewal is.
    election.observe(Some(lease("3", Some("b"), -999_998, 15)), start + 15 * SECOND);
    assert_eq!(election.next(start + 29 * SECOND, time(100)), NextStep::Follow("b".into()));
    assert!(matches!(election.next(start + 30 * SECOND, time(100)), NextStep::Replace(_)));
}

#[test]
fn a_holders_own_terms_hold() {
    let start = Instant::now();
    let mut election = Election::new("a".into(), terms());
    election.observe(Some(lease("1", Some("b"), 0, 60)), start);
    assert_eq!(election.next(start + 59 * SECOND, time(0)), NextStep::Follow("b".into()));
    assert!(matches!(election.next(start + 60 * SECOND, time(0)), NextStep::Replace(_)));
}

#[test]
fn a_released_lease_is_taken_at_once() {
    let start = Instant::now();
    for holder in [None, Some("")] {
        let mut election = Election::new("a".into(), terms());
        election.observe(Some(lease("1", holder, 0, 1)), start);
        assert_eq!(written(election.next(start, time(0))), (Some("a".into()), Some(5), Some("1".into())));
    }
}

#[test]
fn a_renewal_is_no_transition() {
    let start = Instant::now();
    let mut election = Election::new("a".into(), terms());
    election.observe(Some(lease("1", Some("a"), 0, 15)), start);
    let NextStep::Replace(renewed) = election.next(start + SECOND, time(7)) else { panic!("no renewal") };
    let spec = renewed.spec.unwrap();
    assert_eq!((spec.lease_transitions, spec.renew_time), (Some(4), Some(MicroTime(time(7)))));
    assert_eq!(renewed.metadata.resource_version.as_deref(), Some("1"));
}

#[test]
fn a_deleted_lease_does_not_unseat_a_leader_that_was_just_seen() {
    let start = Instant::now();
    let mut election = Election::new("a".into(), terms());
    election.observe(Some(lease("1", Some("b"), 0, 15)), start);
    election.observe(None, start + SECOND);
    assert_eq!(election.next(start + 14 * SECOND, time(0)), NextStep::Follow("b".into()));
    assert!(matches!(election.next(start + 15 * SECOND, time(0)), NextStep::Create(_)));
    // The leader itself makes it anew at once.
    let mut leader = Election::new("b".into(), terms());
    leader.observe(Some(lease("1", Some("b"), 0, 15)), start);
    leader.observe(None, start + SECOND);
    assert_eq!(written(leader.next(start + SECOND, time(0))).0.as_deref(), Some("b"));
}

#[test]
fn only_ones_own_lease_is_released() {
    let start = Instant::now();
    let mut election = Election::new("a".into(), terms());
    assert_eq!(election.released(time(0)), None);
    election.observe(Some(lease("1", Some("b"), 0, 15)), start);
    assert_eq!(election.released(time(0)), None);
    election.observe(Some(lease("2", Some("a"), 0, 15)), start);
    let released = election.released(time(3)).unwrap();
    assert_eq!(released.metadata.resource_version.as_deref(), Some("2"));
    let spec = released.spec.unwrap();
    assert_eq!((spec.holder_identity, spec.lease_duration_seconds), (None, Some(1)));
}

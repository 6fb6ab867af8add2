//! A crash at every write of a fleet to Kubernetes: while it makes its monitors, and while a change of their template reaches them in waves.
//! Killed there, started again, the operator ends where it would have ended undisturbed, and no wave begins before the one before it is
//! Ready.

mod history;
mod life;
mod points;
mod state;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use life::{Undisturbed, killed, undisturbed};
use points::{Crashes, Plan, Point, points, spread};

use crate::crash::points::Moment;
use crate::kube_faults::KubeCall;
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;
use crate::snapshot::check_same;

/// Rounds in which a point that does not come up, since monitors are made side by side, is tried again.
const ROUNDS: usize = 5;

/// The writes on which something depends, by their resources.
const RESOURCES: [&str; 3] = ["vpcflowmonitors", "vpcflowmonitors/status", "vpcflowfleets/status"];

/// The undisturbed life that all others are compared with, with the writes that come in each of several ones.
static UNDISTURBED: LazyLock<Undisturbed> = LazyLock::new(|| {
    let lives = if is_full() { 6 } else { 1 };
    let names = (0..lives).map(|life| format!("fleet-undisturbed-{life}")).collect();
    let lives = side_by_side(names, async |name: String| undisturbed(&name).await);
    let mut lives = lives.into_iter().map(|life| life.expect("an undisturbed life"));
    let mut first = lives.next().expect("a life");
    for life in lives {
        for (phase, state) in &first.states {
            check_same(state, &life.states[phase]).expect("undisturbed lives that end the same");
        }
        first.keep_common(&life.writes);
    }
    first
});

#[test]
fn at_every_write() {
    if !is_full() {
        return;
    }
    let (mut sweep, undisturbed) = (Sweep::start("fleets: crash at every write"), &*UNDISTURBED);
    let lives = AtomicUsize::new(0);
    let live = async |points: Vec<Point>| {
        let name = format!("fleet-crash-{}", lives.fetch_add(1, Ordering::Relaxed));
        let plan = points.iter().map(|point| (point.phase, point.crashes())).collect();
        let story = killed(&name, &plan, undisturbed).await?;
        Ok((points, story))
    };
    let mut left = points(&undisturbed.writes);
    eprintln!("{} points", left.len());
    for _ in 0..ROUNDS {
        for outcome in side_by_side(spread(std::mem::take(&mut left)), live) {
            let Some((points, story)) = sweep.add_run("a life", outcome) else { continue };
            for point in points {
                match (story.kills.get(&point.phase), &story.failed) {
                    (Some(1), _) => sweep.add_points(1),
                    (_, Some((phase, error))) if *phase == point.phase => {
                        sweep.add_failure(format!("{point}: {error:#}"));
                    }
                    // Others came first, or the phase before it has failed.
                    _ => left.push(point),
                }
            }
        }
        if left.is_empty() {
            break;
        }
    }
    for point in left {
        sweep.add_failure(format!("{point}: did not come up in {ROUNDS} lives"));
    }
    sweep.finish();
}

#[test]
fn again_and_again() {
    let (mut sweep, undisturbed) = (Sweep::start("fleets: crash again and again"), &*UNDISTURBED);
    let live = async |(life, plan): (usize, Plan)| killed(&format!("fleet-often-{life}"), &plan, undisturbed).await;
    let plans = plans();
    for (plan, outcome) in plans.iter().zip(side_by_side(plans.iter().cloned().enumerate().collect(), live)) {
        let what = format!("{plan:?}");
        let Some(story) = sweep.add_run(&what, outcome) else { continue };
        sweep.add_points(story.kills.values().sum::<u32>() as usize);
        if let Some((phase, error)) = story.failed {
            sweep.add_failure(format!("{phase:?} of {what}: {error:#}"));
        }
    }
    sweep.finish();
}

/// Lives in which each start of the operator ends at one of its first writes. After a write that is dropped, another one must come first, or
/// nothing would ever be written.
fn plans() -> Vec<Plan> {
    let all = RESOURCES.into_iter().flat_map(|resource| [(resource, Moment::Before), (resource, Moment::After)]);
    // Of the three resources' six, two of the monitors' own and one of each status.
    let all = all.enumerate().filter(|(number, _)| is_full() || number % 3 != 2).map(|(_, write)| write);
    // Each start reads all monitors in AWS: many more would be too much for the emulator.
    let (skips, times) = if is_full() { (0..4, 8) } else { (0..1, 4) };
    let plan = |(resource, moment): (&str, Moment), skip: u32| {
        let call = KubeCall { verb: "patch", resource: resource.to_owned() };
        let skip = if moment == Moment::Before { skip + 1 } else { skip };
        let crashes = Crashes { call, skip, moment, times };
        points::Phase::ALL.map(|phase| (phase, crashes.clone())).into()
    };
    skips.flat_map(|skip| all.clone().map(move |write| plan(write, skip))).collect()
}

//! A crash at every call of a whole life: killed there, started again, the operator ends where it would have ended undisturbed.

pub mod lives;
pub mod points;
mod trap;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use lives::{Undisturbed, killed_at, undisturbed};
use points::{Point, fewest, points};

use crate::life::Phase;
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;

/// Rounds in which a point that does not come up, since calls go side by side in any order, is tried again.
const ROUNDS: usize = 5;

/// Several undisturbed lives: they end alike, and what comes in all of them can be relied on.
fn undisturbed_lives(sweep: &mut Sweep, lives: usize) -> Undisturbed {
    let names = (0..lives).map(|life| format!("crash-undisturbed-{life}")).collect();
    let mut known: Option<Undisturbed> = None;
    for outcome in side_by_side(names, async |name: String| undisturbed(&name).await) {
        let Some(life) = sweep.add_run("undisturbed", outcome) else { continue };
        let Some(known) = &mut known else {
            known = Some(life);
            continue;
        };
        for (phase, (counts, snapshot)) in life {
            let (fewest_so_far, first) = known.get_mut(&phase).unwrap();
            *fewest_so_far = fewest(std::mem::take(fewest_so_far), &counts);
            if let Err(error) = snapshot.check(first) {
                sweep.add_failure(format!("{phase:?}, twice undisturbed: {error}"));
            }
        }
    }
    known.expect("an undisturbed life")
}

type Waiting = Mutex<BTreeMap<Phase, VecDeque<Point>>>;

/// A point of each phase that has some left.
fn next(waiting: &Waiting) -> BTreeMap<Phase, Point> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.iter_mut().filter_map(|(phase, points)| Some((*phase, points.pop_front()?))).collect()
}

#[test]
fn at_every_call() {
    if !is_full() {
        return;
    }
    let mut sweep = Sweep::start("crash at every call");
    let undisturbed = undisturbed_lives(&mut sweep, 3);
    let mut left: Vec<Point> = undisturbed.iter().flat_map(|(phase, (counts, _))| points(*phase, counts)).collect();
    eprintln!("{} points", left.len());
    for round in 0..ROUNDS {
        let mut waiting: BTreeMap<Phase, VecDeque<Point>> = BTreeMap::new();
        for point in left.drain(..) {
            waiting.entry(point.phase).or_default().push_back(point);
        }
        let lives = waiting.values().map(VecDeque::len).max().unwrap_or_default();
        let waiting = Mutex::new(waiting);
        let names = (0..lives).map(|life| format!("crash-{round}-{life}")).collect();
        for outcome in side_by_side(names, async |name: String| killed_at(&name, next(&waiting), &undisturbed).await) {
            let Some(story) = sweep.add_run("a life", outcome) else { continue };
            sweep.add_points(story.passed.len());
            if let Some((point, error)) = story.failed {
                sweep.add_points(1);
                sweep.add_failure(format!("{point}: {error:#}"));
            }
            left.extend(story.not_tried);
            left.extend(story.not_reached);
        }
        eprintln!("round {round}: {lives} lives, {} points left", left.len());
        if left.is_empty() {
            break;
        }
    }
    for point in left {
        sweep.add_failure(format!("{point}: did not come up in {ROUNDS} lives"));
    }
    sweep.finish();
}

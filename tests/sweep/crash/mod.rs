//! A crash at every call of a whole life: killed there, started again, the operator ends where it would have ended undisturbed.

mod killed_process;
mod lives;
mod points;
mod trap;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use lives::{Story, Undisturbed, killed_again_and_again, killed_at, killed_at_first_writes, random_trap, undisturbed};
use points::{Moment, Point, fewest, points};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::life::Phase;
use crate::report::{Sweep, is_full, seed};
use crate::side_by_side::side_by_side;

/// Rounds in which a point that does not come up, since calls go side by side in any order, is tried again.
const ROUNDS: usize = 5;

/// Points at which the operator is killed, and then a second time while it recovers.
const TWICE: usize = 160;

/// Lives in which it is killed again and again.
const OFTEN: u64 = 12;

/// Several undisturbed lives: they end alike, and what comes in all of them can be relied on.
fn undisturbed_lives(sweep: &mut Sweep, name: &str, lives: usize) -> Undisturbed {
    let names = (0..lives).map(|life| format!("{name}-undisturbed-{life}")).collect();
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

/// Points that are still to be tried, by phase.
struct Waiting(Mutex<BTreeMap<Phase, VecDeque<Point>>>);

impl Waiting {
    fn new(points: Vec<Point>) -> Self {
        let mut waiting: BTreeMap<Phase, VecDeque<Point>> = BTreeMap::new();
        for point in points {
            waiting.entry(point.phase).or_default().push_back(point);
        }
        Self(Mutex::new(waiting))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Phase, VecDeque<Point>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lives that it takes, with one point of each phase in a life.
    fn lives(&self) -> usize {
        self.lock().values().map(VecDeque::len).max().unwrap_or_default()
    }

    /// A point of each phase that has some left.
    fn next(&self) -> BTreeMap<Phase, Point> {
        self.lock().iter_mut().filter_map(|(phase, points)| Some((*phase, points.pop_front()?))).collect()
    }
}

/// Adds what came of lives, and returns the points that are to be tried again.
fn add_stories(sweep: &mut Sweep, outcomes: Vec<anyhow::Result<Story>>, kills: impl Fn(&Story) -> usize) -> Vec<Point> {
    let mut left = Vec::new();
    for outcome in outcomes {
        let Some(story) = sweep.add_run("a life", outcome) else { continue };
        sweep.add_points(kills(&story));
        if let Some((point, error)) = story.failed {
            sweep.add_points(1);
            sweep.add_failure(format!("{point}: {error:#}"));
        }
        left.extend(story.not_tried);
        left.extend(story.not_reached);
    }
    left
}

fn all_points(undisturbed: &Undisturbed) -> Vec<Point> {
    undisturbed.iter().flat_map(|(phase, (counts, _))| points(*phase, counts)).collect()
}

#[test]
fn at_every_call() {
    if !is_full() {
        return;
    }
    let mut sweep = Sweep::start("crash at every call");
    let undisturbed = undisturbed_lives(&mut sweep, "crash", 3);
    let mut left = all_points(&undisturbed);
    eprintln!("{} points", left.len());
    for round in 0..ROUNDS {
        let waiting = Waiting::new(std::mem::take(&mut left));
        let lives = waiting.lives();
        let names = (0..lives).map(|life| format!("crash-{round}-{life}")).collect();
        let live = async |name: String| killed_at(&name, waiting.next(), |_| None, &undisturbed).await;
        left = add_stories(&mut sweep, side_by_side(names, live), |story| story.passed.len());
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

#[test]
fn twice_in_a_row() {
    if !is_full() {
        return;
    }
    let (mut sweep, seed) = (Sweep::start("crash, and crash again in the recovery"), seed());
    let undisturbed = undisturbed_lives(&mut sweep, "crash-twice", 1);
    let mut points = all_points(&undisturbed);
    points.shuffle(&mut StdRng::seed_from_u64(seed));
    points.truncate(TWICE);
    let waiting = Waiting::new(points);
    let lives = (0..waiting.lives() as u64).collect();
    let live = async |life: u64| {
        let mut random = StdRng::seed_from_u64(seed + life);
        let (mut first, points) = (true, waiting.next());
        let again = |world: &_| std::mem::replace(&mut first, false).then(|| random_trap(world, &mut random));
        killed_at(&format!("crash-twice-{life}"), points, again, &undisturbed).await
    };
    let not_reached = add_stories(&mut sweep, side_by_side(lives, live), |story| story.kills);
    eprintln!("{} points did not come up", not_reached.len());
    sweep.finish();
}

/// How the operator is killed throughout a life.
#[derive(Clone, Copy, Debug)]
enum Often {
    AtFirstWrites(Moment),
    AgainAndAgain(u64),
}

#[test]
fn again_and_again() {
    let (mut sweep, seed) = (Sweep::start("crash again and again"), seed());
    let undisturbed = undisturbed_lives(&mut sweep, "crash-often", 1);
    let often = if is_full() { OFTEN } else { 1 };
    let mut lives = vec![Often::AtFirstWrites(Moment::After), Often::AtFirstWrites(Moment::Before)];
    lives.extend((0..often).map(|life| Often::AgainAndAgain(seed + life)));
    let live = async |life| match life {
        Often::AtFirstWrites(moment) => {
            killed_at_first_writes(&format!("crash-often-{moment:?}").to_lowercase(), moment, &undisturbed).await
        }
        Often::AgainAndAgain(seed) => killed_again_and_again(&format!("crash-often-{seed}"), seed, &undisturbed).await,
    };
    for (life, outcome) in lives.iter().zip(side_by_side(lives.clone(), live)) {
        let kills = sweep.add_run(&format!("{life:?}"), outcome);
        sweep.add_points(kills.unwrap_or(1));
    }
    sweep.finish();
}

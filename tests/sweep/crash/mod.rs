//! A crash at every call of a whole life: killed there, started again, the operator ends where it would have ended undisturbed.

mod killed_process;
pub mod lives;
pub mod points;
pub mod trap;

use std::collections::BTreeMap;

use lives::{
    Story, Undisturbed, killed_again_and_again, killed_at, killed_at_first_writes, random_trap, undisturbed,
    undisturbed_creation,
};
use points::{Moment, Point};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::json;

use crate::life::Phase;
use crate::report::{Sweep, is_full, seed};
use crate::side_by_side::side_by_side;
use crate::world::World;

/// Rounds in which a point that does not come up, since calls go side by side in any order, is tried again.
const ROUNDS: usize = 5;

/// Points of a phase that share a life if what follows cannot depend on them; any other is the only one of its phase.
const TOGETHER: usize = 8;

/// Undisturbed lives: calls that come in all of them, side by side as later with others, can be relied on to come again.
const UNDISTURBED: usize = 8;

/// Points at which the operator is killed, and then a second time while it recovers.
const TWICE: usize = 160;

/// Lives in which it is killed again and again.
const OFTEN: u64 = 12;

/// The calls that come in all of several undisturbed lives, which end alike: these can be relied on.
fn undisturbed_lives(sweep: &mut Sweep, name: &str, lives: usize) -> Undisturbed {
    let names = (0..lives).map(|life| format!("{name}-undisturbed-{life}")).collect();
    let mut known: Option<Undisturbed> = None;
    for outcome in side_by_side(names, async |name: String| undisturbed(&name).await) {
        let Some(life) = sweep.add_run("undisturbed", outcome) else { continue };
        let Some(known) = &mut known else {
            known = Some(life);
            continue;
        };
        for (phase, (calls, snapshot)) in life {
            let (common, first) = known.get_mut(&phase).unwrap();
            *common = common.common(&calls);
            if let Err(error) = snapshot.check(first) {
                sweep.add_failure(format!("{phase:?}, twice undisturbed: {error}"));
            }
        }
    }
    known.expect("an undisturbed life")
}

/// Spreads points over lives: at most `most` of a phase in one life, and those far apart.
fn spread(points: Vec<Point>, most: usize) -> Vec<BTreeMap<Phase, Vec<Point>>> {
    let mut phases: BTreeMap<Phase, Vec<Point>> = BTreeMap::new();
    for point in points {
        phases.entry(point.phase).or_default().push(point);
    }
    let mut lives: Vec<BTreeMap<Phase, Vec<Point>>> = Vec::new();
    for (phase, points) in phases {
        let wanted = points.len().div_ceil(most);
        lives.resize_with(lives.len().max(wanted), BTreeMap::new);
        for (index, point) in points.into_iter().enumerate() {
            lives[index % wanted].entry(phase).or_default().push(point);
        }
    }
    lives
}

/// Adds the results of lives, and returns the points that are to be tried again.
fn add_stories(sweep: &mut Sweep, outcomes: Vec<anyhow::Result<Story>>, kills: impl Fn(&Story) -> usize) -> Vec<Point> {
    let mut left = Vec::new();
    for outcome in outcomes {
        let Some(story) = sweep.add_run("a life", outcome) else { continue };
        sweep.add_points(kills(&story));
        if let Some((points, error)) = story.failed {
            sweep.add_points(points.len());
            let points: Vec<_> = points.iter().map(ToString::to_string).collect();
            sweep.add_failure(format!("{}: {error:#}", points.join("; ")));
        }
        left.extend(story.not_tried);
        left.extend(story.not_reached);
    }
    left
}

fn all_points(undisturbed: &Undisturbed) -> Vec<Point> {
    undisturbed.iter().flat_map(|(phase, (calls, _))| calls.points(*phase)).collect()
}

#[test]
fn at_every_call() {
    if !is_full() {
        return;
    }
    let mut sweep = Sweep::start("crash at every call");
    let undisturbed = undisturbed_lives(&mut sweep, "crash", UNDISTURBED);
    let mut left = all_points(&undisturbed);
    eprintln!("{} points", left.len());
    for round in 0..ROUNDS {
        let (alone, together) = left.into_iter().partition(|point: &Point| point.call.matters());
        // An earlier point of the life may have kept a point from coming up.
        let most = if round == 0 { TOGETHER } else { 1 };
        let lives: Vec<_> = spread(alone, 1).into_iter().chain(spread(together, most)).enumerate().collect();
        let count = lives.len();
        let live = async |(life, points): (usize, BTreeMap<_, _>)| {
            let story = killed_at(&format!("crash-{round}-{life}"), points, |_| None, &undisturbed).await?;
            if let Some((points, error)) = &story.failed {
                eprintln!("{}: {error:#}", points[0]);
            }
            Ok(story)
        };
        left = add_stories(&mut sweep, side_by_side(lives, live), |story| story.passed.len());
        eprintln!("round {round}: {count} lives, {} points left", left.len());
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
    let lives = spread(points, 1).into_iter().zip(0_u64..).collect();
    let live = async |(points, life): (BTreeMap<_, _>, u64)| {
        let (mut random, mut recovers) = (StdRng::seed_from_u64(seed + life), false);
        let again = |world: &World| {
            recovers = !recovers;
            recovers.then(|| random_trap(world, &mut random))
        };
        killed_at(&format!("crash-twice-{life}"), points, again, &undisturbed).await
    };
    let not_reached = add_stories(&mut sweep, side_by_side(lives, live), |story| story.kills);
    eprintln!("{} points did not come up", not_reached.len());
    sweep.finish();
}

/// The moments at which the operator is killed throughout a life.
#[derive(Clone, Copy, Debug)]
enum Often {
    AtFirstWrites(Moment),
    AgainAndAgain(u64),
}

#[test]
fn again_and_again() {
    let (mut sweep, seed) = (Sweep::start("crash again and again"), seed());
    let undisturbed = undisturbed_lives(&mut sweep, "crash-often", 1);
    let mut lives = vec![Often::AtFirstWrites(Moment::After), Often::AgainAndAgain(seed)];
    if is_full() {
        lives.push(Often::AtFirstWrites(Moment::Before));
        lives.extend((1..OFTEN).map(|life| Often::AgainAndAgain(seed + life)));
    }
    let live = async |life| match life {
        Often::AtFirstWrites(moment) => {
            let name = format!("crash-often-{moment:?}").to_lowercase();
            killed_at_first_writes(&name, &json!({}), moment, &undisturbed).await
        }
        Often::AgainAndAgain(seed) => killed_again_and_again(&format!("crash-often-{seed}"), seed, &undisturbed).await,
    };
    for (life, outcome) in lives.iter().zip(side_by_side(lives.clone(), live)) {
        let kills = sweep.add_run(&format!("{life:?}"), outcome);
        sweep.add_points(kills.unwrap_or(1));
    }
    sweep.finish();
}

/// The monitor's resources never look foreign, even if AWS refuses or ignores tags at their creation.
#[test]
fn without_tags_at_the_creation() {
    let mut sweep = Sweep::start("crash without tags at the creation");
    let worlds = [("refused", "refused"), ("ignored", "ignored"), ("refused", "unsupported")];
    let lives =
        worlds.into_iter().flat_map(|world| [Moment::Before, Moment::After].map(|moment| (world, moment))).collect();
    let live = async |((bucket_tags, dashboard_tags), moment): ((&str, &str), Moment)| {
        let modes = json!({"bucketTags": bucket_tags, "dashboardTags": dashboard_tags});
        let name = format!("untagged-{bucket_tags}-{dashboard_tags}-{moment:?}").to_lowercase();
        let undisturbed = undisturbed_creation(&format!("{name}-undisturbed"), &modes).await?;
        killed_at_first_writes(&name, &modes, moment, &undisturbed).await
    };
    for outcome in side_by_side(lives, live) {
        let kills = sweep.add_run("a life", outcome);
        sweep.add_points(kills.unwrap_or(1));
    }
    sweep.finish();
}

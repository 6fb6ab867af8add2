//! Lives with many failures. If one goes wrong, the failures that cause it are traced.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use super::lives::failing;
use super::points::{Plan, Point};
use crate::crash::lives::Undisturbed;
use crate::report::Sweep;
use crate::side_by_side::side_by_side;

/// Runs lives with these plans. If a phase with many failures goes wrong, the failures that cause it are traced.
pub fn live(sweep: &mut Sweep, name: &'static str, undisturbed: &Undisturbed, mut plans: Vec<Plan>) {
    let (lives, mut wrong) = (AtomicUsize::new(0), Vec::new());
    let run = async |plan: Plan| -> Result<_> {
        let life = lives.fetch_add(1, Ordering::Relaxed);
        let story = failing(&format!("{name}-{life}"), plan.clone(), undisturbed).await?;
        Ok((plan, story))
    };
    while !plans.is_empty() {
        eprintln!("{name}: {} lives", plans.len());
        let outcomes = side_by_side(std::mem::take(&mut plans), run);
        for outcome in outcomes {
            let Some((mut plan, story)) = sweep.add_run("a life", outcome) else { continue };
            sweep.add_points(story.hit);
            if let Some((phase, error)) = story.failed {
                let points = plan.remove(&phase).unwrap_or_default();
                eprintln!("{phase:?}, with {} failures: {error:#}", points.len());
                plan.retain(|later, _| *later > phase);
                if points.is_empty() {
                    sweep.add_failure(format!("{phase:?}, undisturbed after what failed before: {error:#}"));
                } else {
                    wrong.push((phase, points, error));
                    plans.extend((!plan.is_empty()).then_some(plan));
                }
            }
            for point in story.not_hit {
                eprintln!("did not come up: {point}");
            }
        }
    }
    for (phase, points, error) in wrong {
        let culprits = trace(points, |points| {
            let outcome = side_by_side(vec![Plan::from([(phase, points)])], run).remove(0);
            outcome.is_ok_and(|(_, story)| story.failed.is_none())
        });
        let reported: Vec<String> = culprits.iter().map(ToString::to_string).collect();
        sweep.add_failure(format!("{}: {error:#}", reported.join(" and ")));
    }
}

/// The few among `points` with which it goes wrong; all of them if it does not go wrong again.
fn trace(points: Vec<Point>, goes_well: impl Fn(Vec<Point>) -> bool) -> Vec<Point> {
    let mut culprits = points;
    while culprits.len() > 1 {
        let (left, right) = culprits.split_at(culprits.len() / 2);
        let half = [left, right].into_iter().find(|half| !goes_well(half.to_vec())).map(<[Point]>::to_vec);
        match half {
            Some(half) => culprits = half,
            None => break,
        }
    }
    culprits
}

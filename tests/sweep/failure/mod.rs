//! A failure at every call of a whole life, of every kind: once it stops, the operator ends where it would have ended undisturbed.

mod kinds;
mod lives;
mod points;

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use kinds::{Kind, KubeKind};
use lives::failing;
use points::{Failure, Plan, Point, plan};

use crate::crash::lives::{Undisturbed, undisturbed};
use crate::crash::points::Calls;
use crate::life::Phase;
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;

fn calls(undisturbed: &Undisturbed) -> impl Iterator<Item = (Phase, &Calls)> {
    undisturbed.iter().map(|(phase, (calls, _))| (*phase, calls))
}

/// For each n, a life in which the n-th call of every operation fails.
fn every_call(undisturbed: &Undisturbed, failure: Failure) -> Vec<Plan> {
    (1..).map(|nth| plan(calls(undisturbed), nth, failure)).take_while(|plan| !plan.is_empty()).collect()
}

fn undisturbed_life(sweep: &mut Sweep, name: &str) -> Undisturbed {
    let life = side_by_side(vec![name.to_owned()], async |name: String| undisturbed(&name).await).remove(0);
    sweep.add_run("undisturbed", life).expect("an undisturbed life")
}

/// Lives with these plans. What went wrong in a phase with many failures is traced to those that it takes.
fn live(sweep: &mut Sweep, name: &'static str, undisturbed: &Undisturbed, mut plans: Vec<Plan>) {
    let (lives, mut wrong) = (AtomicUsize::new(0), Vec::new());
    let run = async |plan: Plan| -> Result<_> {
        let life = lives.fetch_add(1, Ordering::Relaxed);
        let story = failing(&format!("{name}-{life}"), plan.clone(), undisturbed).await?;
        Ok((plan, story))
    };
    while !plans.is_empty() {
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
        let told: Vec<String> = culprits.iter().map(ToString::to_string).collect();
        sweep.add_failure(format!("{}: {error:#}", told.join(" and ")));
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

#[test]
fn at_every_aws_call() {
    let mut sweep = Sweep::start("failure at every AWS call");
    let undisturbed = undisturbed_life(&mut sweep, "failure-undisturbed");
    let plans = if is_full() {
        Kind::ALL.into_iter().flat_map(|kind| every_call(&undisturbed, Failure::Aws(kind))).collect()
    } else {
        vec![mixed(&undisturbed)]
    };
    live(&mut sweep, "failure", &undisturbed, plans);
    sweep.finish();
}

/// Every operation fails once, each in another way than the one before.
fn mixed(undisturbed: &Undisturbed) -> Plan {
    let mut kinds = Kind::ALL.into_iter().cycle();
    let mut mixed = plan(calls(undisturbed), 1, Failure::Aws(Kind::ServerError));
    for point in mixed.values_mut().flatten() {
        let kind = kinds.by_ref().find(|kind| kind.applies(point.call.writes()));
        point.failure = Failure::Aws(kind.expect("a cycle never ends"));
    }
    mixed
}

#[test]
fn at_every_kubernetes_call() {
    let mut sweep = Sweep::start("failure at every Kubernetes call");
    let undisturbed = undisturbed_life(&mut sweep, "kube-failure-undisturbed");
    let kinds = if is_full() { &KubeKind::ALL[..] } else { &[KubeKind::ServerError] };
    let plans = kinds.iter().flat_map(|kind| {
        let mut plans = every_call(&undisturbed, Failure::Kubernetes(*kind));
        plans.truncate(if is_full() { plans.len() } else { 1 });
        plans
    });
    live(&mut sweep, "kube-failure", &undisturbed, plans.collect());
    sweep.finish();
}

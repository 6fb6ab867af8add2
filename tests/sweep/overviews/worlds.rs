//! Jobs in several worlds side by side.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use super::world::World;
use crate::report::Sweep;
use crate::side_by_side::side_by_side;

/// Worlds at a time.
const WORLDS: usize = 6;

/// Works on each job in a world without an overview, and adds the points that it returns. A world serves many jobs, because its monitors take
/// longer than an overview, until one of them goes wrong.
pub fn in_worlds<J>(sweep: &mut Sweep, name: &str, jobs: Vec<J>, work: impl AsyncFn(&World, &J) -> Result<usize> + Sync)
where
    J: Display + Send,
{
    let worlds = WORLDS.min(jobs.len());
    let waiting = Mutex::new(VecDeque::from(jobs));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let live = async |world: usize| {
        let (mut outcomes, mut number, mut job) = (Vec::new(), 0, next());
        while job.is_some() {
            let world = World::new(&format!("{name}-{world}-{number}")).await?;
            while let Some(work_on) = job.take() {
                let outcome = work(&world, &work_on).await;
                let goes_on = outcome.is_ok();
                outcomes.push((work_on, outcome));
                job = next();
                if !goes_on {
                    break;
                }
            }
            number += 1;
        }
        Ok(outcomes)
    };
    for outcomes in side_by_side((0..worlds).collect(), live) {
        let outcomes = outcomes.unwrap_or_else(|error| {
            sweep.add_failure(format!("a world: {error:#}"));
            Vec::new()
        });
        for (job, outcome) in outcomes {
            let points = sweep.add_run(&job.to_string(), outcome);
            sweep.add_points(points.unwrap_or(1));
        }
    }
}

//! Lives in which calls fail for a while.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use devenv::Consistency;
use vpc_flow_operator::controller::Backoff;

use super::points::{Plan, Point};
use crate::crash::lives::Undisturbed;
use crate::life::{Phase, strangers};
use crate::snapshot::Snapshot;
use crate::world::{NAME, World};

/// The result of a life.
#[derive(Default)]
pub struct Story {
    pub hit: usize,
    pub not_hit: Vec<Point>,
    /// The phase that went wrong, if one did; those after it did not happen.
    pub failed: Option<(Phase, anyhow::Error)>,
}

/// A world with resources of others, and with an operator whose backoff and resync are short.
pub async fn inhabited(name: &str) -> Result<World> {
    let mut world = World::new(name).await?;
    strangers(&world).await?;
    world.start_with(|options| {
        options.backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(400) };
        // Failures that a person has to fix are tried again only after this time.
        options.resync = Duration::from_secs(1);
    })?;
    Ok(world)
}

/// Lives until nothing is left to fail.
pub async fn failing(name: &str, mut plan: Plan, undisturbed: &Undisturbed) -> Result<Story> {
    let world = inhabited(name).await?;
    let mut story = Story::default();
    for phase in Phase::ALL {
        if plan.is_empty() {
            break;
        }
        let since = Instant::now();
        let points = plan.remove(&phase).unwrap_or_default();
        let ended = go_through(&world, phase, &points, undisturbed).await;
        let (hit, not_hit) = points.into_iter().partition::<Vec<_>, _>(|point| point.was_hit(&world, since));
        story.hit += hit.len();
        story.not_hit.extend(not_hit);
        if let Err(error) = ended {
            story.failed = Some((phase, error));
            break;
        }
    }
    Ok(story)
}

async fn go_through(world: &World, phase: Phase, points: &[Point], undisturbed: &Undisturbed) -> Result<()> {
    for point in points {
        point.arm(world);
    }
    phase.begin(world).await?;
    end(world, phase, undisturbed).await
}

/// The phase ends where it would have ended undisturbed, once nothing fails any more.
pub async fn end(world: &World, phase: Phase, undisturbed: &Undisturbed) -> Result<()> {
    let ended = phase.end(world).await;
    world.proxy.clear();
    world.kube.clear();
    ended?;
    // A failure of the very last pass is over only after another pass.
    if world.cluster.monitors.get_opt(NAME).await?.is_some() {
        world.wait_at_rest().await?;
    }
    let should = &undisturbed.get(&phase).context("a phase of the undisturbed life")?.1;
    Snapshot::take(world).await?.check(should)
}

/// Lives a whole life in which AWS is slow to show what has changed.
pub async fn slow(name: &str, consistency: Consistency, undisturbed: &Undisturbed) -> Result<Vec<(Phase, Result<()>)>> {
    let world = inhabited(name).await?;
    let mut phases = Vec::new();
    for phase in Phase::ALL {
        // AWS already shows everything that happened before.
        world.proxy.set_consistency(consistency);
        phase.begin(&world).await?;
        let ended = end(&world, phase, undisturbed).await;
        let goes_on = ended.is_ok();
        phases.push((phase, ended));
        if !goes_on {
            break;
        }
    }
    Ok(phases)
}

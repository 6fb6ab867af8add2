//! A whole life under exactly the policies that `vpc-flow-operator permissions` prints, and one for each action that is taken away.

mod drifts;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use devenv::wait_for;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::Value;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Options};

use crate::life::Phase;
use crate::report::{Sweep, is_full, seed};
use crate::side_by_side::side_by_side;
use crate::world::{DEADLINE, World};
use testkit::policies::{actions_of_overviews, without};
use testkit::sandbox::REGION;

/// Actions that no life in one account needs.
const ELSEWHERE: [&str; 2] = [
    // Between two accounts: tests/e2e/cross_account.rs.
    "sts:AssumeRole",
    "sts:TagSession",
];

/// Actions taken away outside of `make sweep`.
const A_FEW: usize = 6;

/// A part of the life; failures are reported with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Phase(Phase),
    /// A change that the phases leave out, between two of them.
    More(drifts::More),
}

impl Part {
    fn all() -> Vec<Self> {
        let mut parts: Vec<Self> = Phase::ALL.into_iter().map(Self::Phase).collect();
        let after = parts.iter().position(|part| *part == Self::Phase(Phase::Repair)).unwrap() + 1;
        parts.splice(after..after, drifts::More::ALL.map(Self::More));
        parts
    }

    async fn begin(self, world: &World) -> Result<()> {
        match self {
            Self::Phase(phase) => phase.begin(world).await,
            Self::More(more) => more.begin(world).await,
        }
    }

    async fn end(self, world: &World) -> Result<()> {
        match self {
            Self::Phase(phase) => phase.end(world).await,
            Self::More(_) => world.wait_at_rest().await,
        }
    }
}

fn options(world: &World) -> Options {
    let (account, namespace) = (&world.sandbox.account, &world.cluster.namespace);
    Options {
        permissions_boundary_arn: Some(drifts::boundary_arn(world)),
        subscription_roles: vec![drifts::firehose_roles(world)],
        also: vec![
            format!("arn:aws:s3:::renamed-{account}"),
            format!("arn:aws:logs:{REGION}:{account}:log-group:/{namespace}/renamed"),
            format!("arn:aws:glue:{REGION}:{account}:database/flows"),
        ],
        ..world.sandbox.printed(Caller::Operator)
    }
}

async fn bound(name: &str, policies: impl FnOnce(&[Value]) -> Vec<Value>) -> Result<World> {
    let mut world = World::new(name).await?;
    drifts::prepare(&world).await?;
    let all = permissions::policies(&options(&world));
    world.bind(&policies(&all)).await?;
    let boundary = drifts::boundary_arn(&world);
    world.start_with(|options| options.settings.permissions_boundary_arn = Some(boundary))?;
    Ok(world)
}

/// The actions that each part of a life is the first to need.
async fn needed() -> Result<BTreeMap<&'static str, Part>> {
    let world = bound("permissions-all", <[Value]>::to_vec).await?;
    let (actions, mut needed) = (permissions::actions(Caller::Operator), BTreeMap::new());
    for part in Part::all() {
        part.begin(&world).await.with_context(|| format!("{part:?}"))?;
        part.end(&world).await.with_context(|| format!("{part:?}"))?;
        for need in world.sandbox.emulator.needs(&world.sandbox.account).await? {
            ensure!(need.allowed, "{part:?}: {need:?}");
            if let Some(action) = actions.iter().find(|action| **action == need.action) {
                needed.entry(*action).or_insert(part);
            }
        }
    }
    Ok(needed)
}

/// True if the message has the action as a word: `iam:GetRole` is not in `iam:GetRolePolicy`.
fn names(message: &str, action: &str) -> bool {
    message.match_indices(action).any(|(at, _)| {
        let next = message[at + action.len()..].chars().next();
        !next.is_some_and(|next| next.is_ascii_alphanumeric())
    })
}

/// Lives without the action until the operator says that it is missing; then has it back, and goes on.
async fn lacking(action: &'static str, part: Part) -> Result<()> {
    let name = format!("permissions-{}", action.replace(':', "-").to_lowercase());
    let world = bound(&name, |policies| without(policies, action)).await?;
    for earlier in Part::all().into_iter().take_while(|other| *other != part) {
        earlier.begin(&world).await.with_context(|| format!("{earlier:?}"))?;
        earlier.end(&world).await.with_context(|| format!("{earlier:?}"))?;
    }
    part.begin(&world).await?;
    let reported = async {
        wait_for(&format!("a condition that names {action}"), DEADLINE, async || {
            let Some(monitor) = world.cluster.monitors.get_opt(crate::world::NAME).await? else {
                bail!("the monitor is gone, and nobody has missed {action}");
            };
            let conditions = monitor.status.into_iter().flat_map(|status| status.conditions);
            let mut messages = conditions.map(|condition| condition.message);
            Ok(messages.any(|message| names(&message, action)).then_some(()))
        })
        .await
    };
    tokio::select! {
        biased;
        reported = reported => reported?,
        ended = part.end(&world) => {
            ended.with_context(|| format!("{part:?}"))?;
            bail!("{part:?} came to its end without {action}");
        }
    }
    world.sandbox.config_bound_to(&permissions::policies(&options(&world))).await;
    // The operator retries an action by itself once it is allowed again.
    part.end(&world).await.with_context(|| format!("{part:?}, with {action} again"))
}

/// One life under all policies; then one for each action that is taken away.
#[tokio::test]
async fn each_action_is_needed_and_missed() {
    let (mut sweep, seed) = (Sweep::start("permissions, each taken away"), seed());
    let Some(needed) = sweep.add_run("all permissions", needed().await) else { return sweep.finish() };
    sweep.add_points(needed.len());
    let all: BTreeSet<&str> = permissions::actions(Caller::Operator).into_iter().collect();
    // Those of overviews: tests/e2e/overviews/permissions.rs.
    let of_overviews = actions_of_overviews();
    let others = ELSEWHERE.into_iter().chain(of_overviews.iter().map(String::as_str));
    let used: BTreeSet<&str> = needed.keys().copied().chain(others).collect();
    for action in all.difference(&used) {
        sweep.add_failure(format!("no part of the life needs {action}"));
    }
    let mut actions: Vec<_> = needed.into_iter().collect();
    if !is_full() {
        actions.shuffle(&mut StdRng::seed_from_u64(seed));
        actions.truncate(A_FEW);
    }
    let names: Vec<_> = actions.iter().map(|(action, _)| *action).collect();
    let lives = std::thread::spawn(|| side_by_side(actions, async |(action, part)| lacking(action, part).await));
    for (action, outcome) in names.into_iter().zip(lives.join().unwrap()) {
        sweep.add_run(action, outcome);
        sweep.add_points(1);
    }
    sweep.finish();
}

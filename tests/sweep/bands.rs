//! One message for each breach, wherever the operator is killed on the way to a band and back. Between the call that makes one alarm notify and the
//! call that silences the other there may be two; there is never none.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::Tag;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::breach::breach;
use testkit::sandbox::REGION;
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::common::alarm_kind::AlarmKind;
use vpc_flow_operator::resources::common::detections::Detection;

use crate::crash::points::{Call, Moment, Point};
use crate::crash::trap::Trap;
use crate::life::Phase;
use crate::report::Sweep;
use crate::snapshot::Snapshot;
use crate::world::World;

const HIGH: Detection = Detection::HighDataTransfer;
const KIND: AlarmKind = AlarmKind::Detection(HIGH);

/// A call of the operator: the n-th of its operation.
type Nth = (&'static str, u32);

/// The calls that switch the band on, in order. The fourth makes the composite alarm notify, the fifth silences the alarm on the threshold.
const ON: [Nth; 5] = [
    ("PutAnomalyDetector", 1),
    ("PutMetricAlarm", 1),
    ("PutCompositeAlarm", 1),
    ("PutCompositeAlarm", 2),
    ("PutMetricAlarm", 2),
];

/// Those that switch it off. The first makes the alarm on the threshold notify, the second silences the composite alarm.
const OFF: [Nth; 5] = [
    ("PutMetricAlarm", 1),
    ("PutCompositeAlarm", 1),
    ("DeleteAlarms", 1),
    ("DeleteAlarms", 2),
    ("DeleteAnomalyDetector", 1),
];

#[test]
fn one_message_for_each_breach_wherever_the_operator_is_killed() {
    let mut sweep = Sweep::start("bands: messages");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(points) = sweep.add_run("on, learnt, off", runtime.block_on(Box::pin(on_and_off()))) {
        sweep.add_points(points);
    }
    sweep.finish();
}

async fn on_and_off() -> Result<usize> {
    let mut world = World::new("bands-messages").await?;
    world.start()?;
    let off = json!({"enabled": false});
    let spec = json!({
        "vpcId": world.sandbox.vpc_id, "deletionPolicy": "Delete",
        "detector": off, "dashboard": off, "analytics": off,
    });
    world.create(serde_json::from_value(spec)?).await?;
    world.wait_at_rest().await?;
    let first = Snapshot::take(&world).await?;
    let monitor = world.monitor().await?;
    let mut points = 0;
    for index in 0..ON.len() {
        for moment in [Moment::Before, Moment::After] {
            let what = |way: &str, (operation, nth): Nth| format!("{way}, {moment:?} {operation} #{nth}");
            // Only between these two do both alarms notify.
            let twice = |notifies: usize| {
                (index, moment) == (notifies, Moment::After) || (index, moment) == (notifies + 1, Moment::Before)
            };
            killed(&mut world, &monitor, "Both", (ON[index], moment), if twice(3) { 2 } else { 1 })
                .await
                .with_context(|| what("on", ON[index]))?;
            learnt(&mut world, &monitor, moment).await.with_context(|| what("learnt", ON[index]))?;
            killed(&mut world, &monitor, "Disabled", (OFF[index], moment), if twice(0) { 2 } else { 1 })
                .await
                .with_context(|| what("off", OFF[index]))?;
            Snapshot::take(&world).await?.check_aws(&first).with_context(|| what("off again", OFF[index]))?;
            points += 3;
        }
    }
    world.delete().await?;
    world.wait_gone().await?;
    let left = Snapshot::take(&world).await?.resources();
    ensure!(!left.iter().any(|name| name.starts_with("anomalyModels")), "{left:?}");
    world.stop().await?;
    Ok(points)
}

/// Changes the mode, and kills the operator at a call. Expects so many messages of a breach before the operator is back, and one after it.
async fn killed(
    world: &mut World,
    monitor: &Monitor,
    mode: &str,
    ((operation, nth), moment): (Nth, Moment),
    expected: usize,
) -> Result<()> {
    let trap = set(world, operation, nth, moment);
    world.change(mode_of(mode)).await?;
    spring(world, trap, monitor, expected).await
}

/// Lets the band learn, and kills the operator at the call by which the band takes part.
async fn learnt(world: &mut World, monitor: &Monitor, moment: Moment) -> Result<()> {
    let sandbox = &world.sandbox;
    // Below what the breach reaches.
    sandbox.emulator.teach(&sandbox.account, REGION, &HIGH.metric_name(monitor), "TRAINED", 100.0).await?;
    let since = Timestamp::from_second((Timestamp::now() - SignedDuration::from_hours(24 * 15)).as_second())?;
    let tag = Tag::builder().key("vpcflow.dev/band-since").value(since.to_string()).build();
    let arn = monitor.account_region.arn("cloudwatch", format!("alarm:{}", KIND.band_name(monitor)));
    Client::new(&sandbox.config).tag_resource().resource_arn(arn).tags(tag).send().await?;
    let trap = set(world, "PutCompositeAlarm", 1, moment);
    world.request_pass().await?;
    spring(world, trap, monitor, 1).await
}

fn mode_of(mode: &str) -> Value {
    json!({"detections": {"highDataTransfer": {"anomaly": {"mode": mode}}}})
}

fn set(world: &World, operation: &str, nth: u32, moment: Moment) -> Trap {
    let call = Call::Aws { service: "monitoring".to_owned(), operation: operation.to_owned(), writes: true };
    Trap::set(world, &Point { phase: Phase::Change, call, nth, moment })
}

async fn spring(world: &mut World, trap: Trap, monitor: &Monitor, expected: usize) -> Result<()> {
    trap.sprung().await;
    world.kill().await?;
    trap.remove();
    world.proxy.clear();
    let sent = breach(&world.sandbox.config, monitor, HIGH, 1000.0).await;
    ensure!(sent.len() == expected, "{expected} messages expected while the operator is dead: {sent:?}");
    world.start()?;
    world.wait_at_rest().await?;
    let sent = breach(&world.sandbox.config, monitor, HIGH, 1000.0).await;
    ensure!(sent.len() == 1, "one message expected at rest: {sent:?}");
    Ok(())
}

//! A failure at every call of a whole life, of every kind: once it stops, the operator ends where it would have ended undisturbed; while
//! it lasts, it is reported, delays only the systems that depend on it, and is not tried too often.

mod kinds;
mod lasting;
mod lives;
mod operation;
mod points;
mod tracing;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use devenv::Consistency;
pub use kinds::Kind;
use kinds::KubeKind;
use lasting::{Lasting, in_first_phase};
use lives::slow;
pub use operation::{FailingOperation, every_operation};
pub use points::READS;
use points::{Failure, Plan, plans};
use tracing::live;

use crate::crash::lives::{Undisturbed, undisturbed};
use crate::report::{Sweep, is_full};
use crate::side_by_side::side_by_side;

/// The undisturbed life that all sweeps of this module are compared with.
static UNDISTURBED: LazyLock<Undisturbed> = LazyLock::new(|| {
    let life = side_by_side(vec!["failure-undisturbed"], async |name| undisturbed(name).await).remove(0);
    life.expect("an undisturbed life")
});

#[test]
fn at_every_aws_call() {
    let mut sweep = Sweep::start("failure at every AWS call");
    let lives = if is_full() {
        Kind::ALL.into_iter().flat_map(|kind| plans(&UNDISTURBED, Failure::Aws(kind), u32::MAX)).collect()
    } else {
        vec![mixed(&UNDISTURBED)]
    };
    live(&mut sweep, "failure", &UNDISTURBED, lives);
    sweep.finish();
}

/// Every operation fails once, each in another way than the one before.
fn mixed(undisturbed: &Undisturbed) -> Plan {
    let mut kinds = Kind::ALL.into_iter().cycle();
    let mut mixed = plans(undisturbed, Failure::Aws(Kind::ServerError), 1).remove(0);
    for point in mixed.values_mut().flatten() {
        let kind = kinds.by_ref().find(|kind| kind.applies(point.call.writes()));
        point.failure = Failure::Aws(kind.expect("a cycle never ends"));
    }
    mixed
}

#[test]
fn at_every_kubernetes_call() {
    let mut sweep = Sweep::start("failure at every Kubernetes call");
    let (kinds, most) = if is_full() { (&KubeKind::ALL[..], u32::MAX) } else { (&[KubeKind::ServerError][..], 1) };
    let lives = kinds.iter().flat_map(|kind| plans(&UNDISTURBED, Failure::Kubernetes(*kind), most)).collect();
    live(&mut sweep, "kube-failure", &UNDISTURBED, lives);
    sweep.finish();
}

#[test]
fn while_it_lasts() {
    let mut sweep = Sweep::start("while an AWS call fails");
    let reported = [Kind::Throttled, Kind::ServerError, Kind::AccessDenied];
    let mut lasting = in_first_phase(&UNDISTURBED, |index, writes| {
        if is_full() && writes { reported.to_vec() } else { vec![reported[index % reported.len()]] }
    });
    if !is_full() {
        // Far apart, so that each has another service.
        lasting = lasting.into_iter().step_by(15).collect();
    }
    let worlds = AtomicUsize::new(0);
    let run = async |lasting: Lasting| {
        let world = worlds.fetch_add(1, Ordering::Relaxed);
        let rate = lasting.run(&format!("lasting-{world}"), &UNDISTURBED).await?;
        anyhow::Ok((lasting, rate))
    };
    let mut most: Option<(f64, String)> = None;
    for outcome in side_by_side(lasting, run) {
        let Some((lasting, rate)) = sweep.add_run("while it lasts", outcome) else { continue };
        sweep.add_points(1);
        let calls = rate.per_pass();
        if most.as_ref().is_none_or(|(most, _)| calls > *most) {
            most = Some((calls, lasting.to_string()));
        }
    }
    if let Some((calls, what)) = most {
        eprintln!("the failing call that comes most often in a pass: {calls:.1} times, {what}");
    }
    sweep.finish();
}

#[test]
fn while_aws_catches_up() {
    let mut sweep = Sweep::start("while AWS catches up");
    let at_once = Consistency::default();
    let all = [
        Consistency { role_not_assumable: 5, ..at_once },
        Consistency { name_taken: 5, ..at_once },
        Consistency { function_pending: 4, ..at_once },
        Consistency { stale_reads: 1, ..at_once },
        Consistency { stale_reads: 4, ..at_once },
        Consistency { role_not_assumable: 2, name_taken: 2, function_pending: 2, stale_reads: 2 },
    ];
    let chosen = if is_full() { all.to_vec() } else { vec![all[5]] };
    let worlds = AtomicUsize::new(0);
    let run = async |consistency: Consistency| {
        let world = worlds.fetch_add(1, Ordering::Relaxed);
        let phases = slow(&format!("catches-up-{world}"), consistency, &UNDISTURBED).await?;
        anyhow::Ok((consistency, phases))
    };
    for outcome in side_by_side(chosen, run) {
        let Some((consistency, phases)) = sweep.add_run("a life", outcome) else { continue };
        for (phase, ended) in phases {
            sweep.add_points(1);
            if let Err(error) = ended {
                sweep.add_failure(format!("{phase:?}, {consistency:?}: {error:#}"));
            }
        }
    }
    sweep.finish();
}

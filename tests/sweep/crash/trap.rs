//! Holds the operator at a point, to be killed there.

use std::time::Duration;

use devenv::{Gate, ProxyFault, Rule};

use super::points::{Call, Moment, Point};
use crate::kube_faults::{Hold, KubeCall, KubeFault, KubeFaults, KubeRule};
use crate::world::World;

/// A point at which the operator is held once.
pub enum Trap {
    Aws(Gate),
    Kubernetes(Hold),
}

impl Trap {
    /// Set before the phase begins, since calls are counted from then on.
    pub fn set(world: &World, point: &Point) -> Self {
        let skip = point.nth - 1;
        match &point.call {
            Call::Aws { service, operation, .. } => {
                let gate = Gate::new();
                world.proxy.add(Rule::of(service, operation, fault(&gate, point.moment)).skip(skip).times(1));
                Self::Aws(gate)
            }
            Call::Kubernetes(call) => Self::Kubernetes(hold_once(&world.kube, call, skip, point.moment)),
        }
    }

    /// At the AWS call that comes after `skip` others, whatever it is.
    pub fn set_after(world: &World, skip: u32, moment: Moment) -> Self {
        let gate = Gate::new();
        world.proxy.add(Rule::all(fault(&gate, moment)).skip(skip).times(1));
        Self::Aws(gate)
    }

    /// Waits until the operator is held.
    pub async fn sprung(&self) {
        match self {
            // Another wait reports that it takes too long.
            Self::Aws(gate) => while gate.arrived(Duration::from_mins(1)).await.is_err() {},
            Self::Kubernetes(hold) => hold.arrived().await,
        }
    }

    /// Waits until the operator is held if it is about to be.
    pub async fn settled(&self) {
        match self {
            // The effect of a call to AWS shows only when the operator reports it, which it cannot while it is held.
            Self::Aws(_) => {}
            Self::Kubernetes(hold) => hold.settled().await,
        }
    }

    pub fn is_sprung(&self) -> bool {
        match self {
            Self::Aws(gate) => !gate.arrivals().is_empty(),
            Self::Kubernetes(hold) => hold.has_arrived(),
        }
    }

    /// Drops the held calls, so that they never go on. Only once the operator is dead.
    pub fn remove(self) {
        if let Self::Aws(gate) = self {
            gate.drop_calls();
        }
    }
}

/// Holds the call to Kubernetes that comes after `skip` others of its kind.
pub fn hold_once(kube: &KubeFaults, call: &KubeCall, skip: u32, moment: Moment) -> Hold {
    let hold = Hold::default();
    let fault = match moment {
        Moment::Before => KubeFault::HoldBefore(hold.clone()),
        Moment::After => KubeFault::HoldAfter(hold.clone()),
    };
    kube.add(KubeRule { call: Some(call.clone()), skip, times: Some(1), fault });
    hold
}

fn fault(gate: &Gate, moment: Moment) -> ProxyFault {
    match moment {
        Moment::Before => ProxyFault::HoldBefore(gate.clone()),
        Moment::After => ProxyFault::HoldAfter(gate.clone()),
    }
}

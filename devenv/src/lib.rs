//! The environment of the tests and the demo: a Kubernetes control plane and an AWS emulator on this machine, each on free
//! ports of 127.0.0.1 and in a folder of its own. Neither outlives the process that started it.

#![forbid(unsafe_code)]

mod control_plane;
mod detector_package;
mod emulator;
mod environment;
mod fault_proxy;
mod local;
mod supervised;
mod wait;

pub use control_plane::ControlPlane;
pub use detector_package::{detector_package, package_detector};
pub use emulator::{
    Call, Delivery, Emulator, EmulatorClient, Fault, Need, PermissionTable, Queue, RoleSession, Scenario, Traffic,
};
pub use environment::{ACCOUNT, Environment, REGION};
pub use fault_proxy::{Consistency, FaultProxy, Gate, ProxiedCall, ProxyFault, Rule, Treatment};
pub use local::{free_port, project_root, provided_by};
pub use supervised::{Supervised, supervised_command};
pub use wait::wait_for;

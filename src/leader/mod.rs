//! One active replica: leader election over a `coordination.k8s.io/v1` Lease by the rules of client-go's `leaderelection`.
//!
//! A replica judges the leader by when it saw the lease change last, on its own monotonic clock; clocks of different machines are never
//! compared. Every write of the lease carries the version it was read at, so of two candidates one gets it. The [`Fence`] decides if a
//! leader may still change anything, at the very moment of each write.

mod election;
mod elector;
mod fence;
mod terms;

pub use elector::{Elector, Lost, identity};
pub use fence::{Fence, NotLeader};
pub use terms::{InvalidTerms, Terms};

//! The product in real company: Argo CD, Flux, Prometheus and Alertmanager themselves, against an API server with its controllers, the emulator and
//! the operator as a process. `make test-gitops` starts them; each test has all of them to itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]
#![allow(clippy::large_futures, reason = "a test has a stack to itself")]

mod argocd;
mod fleets;
mod flux;
mod programs;
mod prometheus;
mod scene;

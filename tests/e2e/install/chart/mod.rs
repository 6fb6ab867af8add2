//! The Helm chart, against a real API server.

mod helm;
mod metrics;
mod namespaces;
mod pod_security;
mod release;
mod rules;
mod verbs;

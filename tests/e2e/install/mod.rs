//! The CRD, the chart, the examples and GitOps tools.

mod admission;
mod chart;
mod examples;
mod gitops;

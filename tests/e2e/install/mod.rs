//! The CRD, the chart, the examples and GitOps tools.

pub mod admission;
pub mod chart;
pub mod columns;
pub mod examples;
pub mod gitops;

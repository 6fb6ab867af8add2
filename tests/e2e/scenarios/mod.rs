//! A whole monitor over time: its life, faults, rivals, hostile input and traffic.

pub mod attention;
pub mod cluster_name;
pub mod cross_account;
pub mod failed_reads;
pub mod fault_proxy;
pub mod hostile;
pub mod layouts;
pub mod leader;
pub mod lifecycle;
pub mod limits;
pub mod refusals;
pub mod reports;
pub mod stopping;
pub mod superseded;
pub mod traffic;
pub mod years;

//! A whole monitor over time: its life, faults, rivals, hostile input and traffic.

mod cross_account;
mod fault_proxy;
mod hostile;
mod leader;
mod lifecycle;
mod limits;
mod refusals;
mod stopping;
mod superseded;
mod traffic;
mod years;

//! The test alarm.

//! Argo CD: an Application of monitors, and one of the chart and its monitors.

mod monitors;
mod release;

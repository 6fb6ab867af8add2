//! Widgets and their places on the grid. See "Dashboard body structure and syntax" in the CloudWatch API reference.

use serde_json::{Value, json};

/// CloudWatch's red.
pub const RED: &str = "#d13212";

/// Columns of a dashboard's grid.
const GRID_COLUMNS: usize = 24;

/// The members of a placed widget that [`placed`] computes.
pub(super) const PLACE: [&str; 4] = ["x", "y", "width", "height"];

/// A widget without a position.
#[derive(Debug)]
pub struct Widget {
    /// `text`, `metric` …
    pub kind: &'static str,
    /// Its height, in rows of the grid.
    pub height: usize,
    /// Its properties.
    pub properties: Value,
}

/// A graph of sums over time in a region; `more` adds properties or replaces these.
#[must_use]
pub fn graph(region: &str, title: &str, metrics: &Value, more: Value) -> Widget {
    let mut properties = json!({
        "title": title,
        "region": region,
        "view": "timeSeries",
        "stacked": false,
        "stat": "Sum",
        "period": 300,
        "metrics": metrics,
        "yAxis": {"left": {"min": 0}},
    });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    Widget { kind: "metric", height: 6, properties }
}

/// Positions the widgets of each row across the whole width.
#[must_use]
pub fn placed(rows: impl IntoIterator<Item = Vec<Widget>>) -> Vec<Value> {
    let mut placed = Vec::new();
    let mut y = 0;
    for row in rows {
        let height = row.iter().map(|widget| widget.height).max().unwrap_or(0);
        let width = GRID_COLUMNS / row.len().max(1);
        for (column, Widget { kind, properties, .. }) in row.into_iter().enumerate() {
            let x = column * width;
            placed.push(
                json!({"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}),
            );
        }
        y += height;
    }
    placed
}

//! Reads the monitors that an overview selects.

use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};

use super::super::context::Context;
use super::super::pages::list;
use super::super::read::read;
use crate::api::overview::{MOST_MONITORS, MonitorSelector};
use crate::overview::Member;

/// The selected monitors by name, as many as an overview may have, and the number of those above that. Monitors that are being deleted, and
/// those whose spec cannot be read, are not among them.
pub async fn selected(
    context: &Context,
    namespace: &str,
    selector: &MonitorSelector,
    partition: &str,
) -> kube::Result<(Vec<Member>, usize)> {
    let member = |object: DynamicObject| {
        let is_selected = selector.selects(object.labels()) && object.metadata.deletion_timestamp.is_none();
        let monitor = is_selected.then(|| read(object)).and_then(Result::ok);
        Ok(monitor.map(|it| (it.name_any(), Member::new(&it, partition, &context.options.settings))))
    };
    let mut members = list(&context.objects(namespace), ListParams::default(), member).await?;
    members.sort_by(|left, right| left.0.cmp(&right.0));
    let left_out = members.len().saturating_sub(MOST_MONITORS);
    members.truncate(MOST_MONITORS);
    Ok((members.into_iter().map(|(_, member)| member).collect(), left_out))
}

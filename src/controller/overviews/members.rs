//! Reads the monitors that an overview selects.

use kube::ResourceExt;
use kube::api::ListParams;

use super::super::context::Context;
use super::super::read::read;
use crate::api::overview::{MOST_MONITORS, MonitorSelector};
use crate::overview::Member;

/// Monitors that are read at once.
const PAGE: u32 = 100;

/// The selected monitors by name, as many as an overview may have, and the number of those above that. Monitors that are being deleted, and
/// those whose spec cannot be read, are not among them.
pub async fn selected(
    context: &Context,
    namespace: &str,
    selector: &MonitorSelector,
    partition: &str,
) -> kube::Result<(Vec<Member>, usize)> {
    let monitors = context.objects(namespace);
    let mut parameters = ListParams::default().limit(PAGE);
    let mut members = Vec::new();
    loop {
        let page = monitors.list(&parameters).await?;
        for object in page.items {
            let is_selected = selector.selects(object.labels()) && object.metadata.deletion_timestamp.is_none();
            if let Some(monitor) = is_selected.then(|| read(object)).and_then(Result::ok) {
                members.push((monitor.name_any(), Member::new(&monitor, partition, &context.options.settings)));
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => break,
        }
    }
    members.sort_by(|left, right| left.0.cmp(&right.0));
    let left_out = members.len().saturating_sub(MOST_MONITORS);
    members.truncate(MOST_MONITORS);
    Ok((members.into_iter().map(|(_, member)| member).collect(), left_out))
}

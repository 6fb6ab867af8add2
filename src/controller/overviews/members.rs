//! Reads the monitors that an overview selects.

use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};

use super::super::context::Context;
use super::super::pages::list;
use super::super::read::read;
use crate::api::overview::MonitorSelector;
use crate::overview::{Member, within_limit};

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
    Ok(within_limit(list(&context.objects(namespace), ListParams::default(), member).await?))
}

//! Reads and changes the monitors of a fleet in Kubernetes.

use jiff::Timestamp;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::super::context::Context;
use super::super::pages::list;
use crate::api::VpcFlowMonitor;
use crate::api::fleet::{FLEET_LABEL, ORPHANED_SINCE};
use crate::fleet::{Action, DesiredMonitor, FIELD_MANAGER, FleetIdentity, OtherMonitor, PresentMonitor, in_template};
use crate::kubernetes::message;

/// The field manager of the marks on orphans, which an apply must not take away.
const MARKER: &str = "vpc-flow-operator";

/// The answer of the API server to a monitor.
#[derive(Debug)]
pub enum Answer {
    /// It accepts it.
    Accepted,
    /// It refuses it for its content, with this message in words of the template.
    Refused(String),
}

/// The monitors of a fleet.
pub async fn of_fleet(context: &Context, fleet: &FleetIdentity) -> kube::Result<Vec<PresentMonitor>> {
    let labelled = ListParams::default().labels(&format!("{FLEET_LABEL}={}", fleet.name));
    let monitors = context.objects(&fleet.namespace);
    let mut present =
        list(&monitors, labelled, |object| Ok(PresentMonitor::read(&as_value(object)?, &fleet.uid))).await?;
    present.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(present)
}

/// All other monitors that the operator works on.
pub async fn others(context: &Context, fleet: &FleetIdentity) -> kube::Result<Vec<OtherMonitor>> {
    let resource = ApiResource::erase::<VpcFlowMonitor>(&());
    let apis: Vec<Api<DynamicObject>> = match &context.options.watch_namespaces {
        all if all.is_empty() => vec![Api::all_with(context.client.clone(), &resource)],
        some => some.iter().map(|namespace| context.objects(namespace)).collect(),
    };
    let mut others = Vec::new();
    for api in apis {
        others.extend(
            list(&api, ListParams::default(), |object| Ok(OtherMonitor::read(&as_value(object)?, &fleet.uid))).await?,
        );
    }
    Ok(others)
}

fn as_value(object: DynamicObject) -> kube::Result<Value> {
    serde_json::to_value(object).map_err(kube::Error::SerdeError)
}

/// Asks the API server in a dry run whether a monitor can be as the template has it.
pub async fn try_out(
    context: &Context,
    fleet: &FleetIdentity,
    desired: &DesiredMonitor,
    now: Timestamp,
) -> kube::Result<Answer> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict().dry_run();
    submit(context, fleet, desired, now, &parameters).await
}

/// Makes a change.
pub async fn make(context: &Context, fleet: &FleetIdentity, action: &Action, now: Timestamp) -> kube::Result<Answer> {
    let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
    let monitors = context.objects(&fleet.namespace);
    let mark = async |name: &str, since: Value| -> kube::Result<Answer> {
        let patch = json!({"metadata": {"annotations": {ORPHANED_SINCE: since}}});
        let parameters = PatchParams { field_manager: Some(MARKER.to_owned()), ..PatchParams::default() };
        ignoring_absent(monitors.patch_metadata(name, &parameters, &Patch::Merge(patch)).await.map(drop))
    };
    match action {
        Action::Create(desired) | Action::Update(desired) => submit(context, fleet, desired, now, &parameters).await,
        Action::Restore(desired, applied_at) => submit(context, fleet, desired, *applied_at, &parameters).await,
        Action::MarkOrphaned(name) => mark(name, json!(format!("{now:.0}"))).await,
        Action::UnmarkOrphaned(name) => mark(name, Value::Null).await,
        Action::Delete { name, uid } => {
            // A monitor of the same name that was made since is another one.
            let same = Preconditions { uid: Some(uid.clone()), resource_version: None };
            let parameters = DeleteParams { preconditions: Some(same), ..DeleteParams::default() };
            ignoring_absent(monitors.delete(name, &parameters).await.map(drop))
        }
    }
}

async fn submit(
    context: &Context,
    fleet: &FleetIdentity,
    desired: &DesiredMonitor,
    applied_at: Timestamp,
    parameters: &PatchParams,
) -> kube::Result<Answer> {
    let manifest = desired.manifest(fleet, &format!("{applied_at:.0}"));
    let monitors = context.objects(&fleet.namespace);
    match monitors.patch(&desired.name, parameters, &Patch::Apply(manifest)).await {
        Ok(stored) => {
            tracing::debug!(monitor = stored.name_any(), "the API server accepts the monitor");
            Ok(Answer::Accepted)
        }
        Err(error) if is_about_the_object(&error) => Ok(Answer::Refused(in_template(&message(&error)))),
        Err(error) => Err(error),
    }
}

/// True if the API server refuses the content of the object, or a policy does. Missing rights, conflicts and failures are another matter.
fn is_about_the_object(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    match status.code {
        400 | 422 => true,
        403 => !is_denied(error),
        // A server-side apply answers so to a field that the schema lacks.
        500 => status.message.contains("field not declared in schema"),
        _ => false,
    }
}

/// The API server's own words about missing rights: on the object, and on the finalizers of its owner.
const DENIALS: [&str; 2] = [" is forbidden: User ", "cannot set blockOwnerDeletion"];

/// True if the operator lacks a right. The message of a policy is free text.
pub fn is_denied(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403 && DENIALS.iter().any(|it| status.message.contains(it)))
}

fn ignoring_absent(result: kube::Result<()>) -> kube::Result<Answer> {
    match result {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Answer::Accepted),
        other => other.map(|()| Answer::Accepted),
    }
}

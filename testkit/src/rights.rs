//! The rights that the Helm chart gives the operator, read from its renderings, which `make check-chart` keeps current. The operators of all
//! tests have these and no others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devenv::{project_root, wait_for};
use http::{HeaderValue, Request};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde::Deserialize;
use serde_json::Value;

const DEADLINE: Duration = Duration::from_mins(1);

/// The chart's ServiceAccount.
pub const SERVICE_ACCOUNT: &str = "vpc-flow-operator";
/// The Lease that the chart's rules let the operator keep.
pub const LEASE: &str = "vpc-flow-operator";

/// The namespace of the release in all renderings.
pub const RELEASE_NAMESPACE: &str = "vpc-flow-system";
/// The namespaces that are watched in the rendering `namespaces`; `fleets` watches the first.
const WATCHED_NAMESPACES: [&str; 2] = ["team-a", "team-b"];

/// The objects of a rendering in the chart's `ci/goldens/`.
pub fn rendering(name: &str) -> Vec<DynamicObject> {
    let path = project_root().join(format!("charts/vpc-flow-operator/ci/goldens/{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let documents = serde_yaml_ng::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).map(|object| serde_json::from_value(object).unwrap()).collect()
}

/// Kind and name, such as `Role/vpc-flow-operator`.
pub fn title(object: &DynamicObject) -> String {
    format!("{}/{}", object.types.as_ref().unwrap().kind, object.name_any())
}

/// Applies an object, whatever its kind.
pub async fn apply(client: &Client, object: &DynamicObject) {
    let kind = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.patch(&object.name_any(), &PatchParams::apply("test").force(), &Patch::Apply(object)).await.unwrap();
}

/// Installs the ServiceAccount with its rights in a namespace, as a release there that watches it alone.
pub async fn install(client: &Client, namespace: &str) {
    install_release(client, namespace, &[namespace]).await;
}

/// The same with the rights for fleets.
pub async fn install_with_fleets(client: &Client, namespace: &str) {
    install_rendering(client, "fleets", namespace, &[namespace]).await;
    let right = ResourceAttributes {
        group: Some("vpcflow.dev".to_owned()),
        resource: Some("vpcflowmonitors".to_owned()),
        verb: Some("create".to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    wait_until_allowed(&acting_as_operator(client, namespace), &right, true).await;
}

/// As [`install`], as a release that watches up to two namespaces.
pub async fn install_release(client: &Client, release: &str, watched: &[&str]) {
    install_rendering(client, "namespaces", release, watched).await;
}

async fn install_rendering(client: &Client, name: &str, release: &str, watched: &[&str]) {
    assert!(watched.len() <= WATCHED_NAMESPACES.len(), "the rendering watches no more: {watched:?}");
    let mut namespaces: BTreeMap<&str, &str> = WATCHED_NAMESPACES.into_iter().zip(watched.iter().copied()).collect();
    namespaces.insert(RELEASE_NAMESPACE, release);
    for mut object in rendering(name) {
        let there = object.namespace().and_then(|rendered| namespaces.get(rendered.as_str()).copied());
        let wanted = ["ServiceAccount", "Role", "RoleBinding"].contains(&object.types.as_ref().unwrap().kind.as_str());
        if let Some(there) = there.filter(|_| wanted) {
            object.metadata.namespace = Some(there.to_owned());
            if let Some(subjects) = object.data.get_mut("subjects") {
                subjects[0]["namespace"] = release.into();
            }
            apply(client, &object).await;
        }
    }
    let operator = acting_as_operator(client, release);
    let status = watched.iter().map(|namespace| (*namespace, "vpcflow.dev", "vpcflowmonitors", Some("status")));
    for (namespace, group, resource, subresource) in status.chain([(release, "coordination.k8s.io", "leases", None)]) {
        let right = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: subresource.map(str::to_owned),
            verb: Some(if subresource.is_some() { "patch" } else { "create" }.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ResourceAttributes::default()
        };
        wait_until_allowed(&operator, &right, true).await;
    }
}

/// Waits until the client has a right, or has it no more: the API server learns of rules a moment after they are stored.
pub async fn wait_until_allowed(client: &Client, right: &ResourceAttributes, allowed: bool) {
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(right.clone()), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let heeded = wait_for("the rules to take effect", DEADLINE, async || {
        let review = reviews.create(&PostParams::default(), &review).await?;
        Ok(review.status.is_some_and(|status| status.allowed == allowed).then_some(()))
    });
    heeded.await.unwrap();
}

/// An administrator's client that does everything as the ServiceAccount.
pub fn acting_as_operator(administrator: &Client, namespace: &str) -> Client {
    let user: HeaderValue = format!("system:serviceaccount:{namespace}:{SERVICE_ACCOUNT}").parse().unwrap();
    let inner = administrator.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        request.headers_mut().insert("impersonate-user", user.clone());
        let inner = inner.clone();
        async move { Ok::<_, Box<dyn std::error::Error + Send + Sync>>(inner.send(request).await?) }
    });
    Client::new(service, administrator.default_namespace().to_owned())
}

/// A token of the ServiceAccount, as a pod has it.
pub async fn token(administrator: &Client, namespace: &str) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(administrator.clone(), namespace);
    let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let issued = accounts.create_token_request(SERVICE_ACCOUNT, &PostParams::default(), &request).await.unwrap();
    issued.status.and_then(|status| status.token).unwrap()
}

/// A kubeconfig beside another one, for the same server, with this token. `name` is unlike that of any other test's.
pub fn kubeconfig(like: &Path, token: &str, name: &str) -> PathBuf {
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(like).unwrap()).unwrap();
    config["users"][0]["user"] = serde_json::json!({ "token": token });
    let path = like.with_file_name(format!("{name}-{}.kubeconfig", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

//! The pod passes Pod Security level *restricted*.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use testkit::rights::{apply, rendering, title};

/// Makes a namespace that accepts no other pods.
async fn restricted(client: &Client, namespace: &str) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
    namespaces.patch(namespace, &PatchParams::apply("test").force(), &Patch::Apply(object)).await.unwrap();
}

/// The API server's answer to a pod, without creating it.
async fn admission(client: &Client, namespace: &str, template: &Value) -> kube::Result<Pod> {
    let mut pod = template.clone();
    pod["metadata"]["name"] = "pod".into();
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    pods.create(&PostParams { dry_run: true, ..PostParams::default() }, &pod).await
}

#[tokio::test]
async fn the_pod_is_let_into_a_restricted_namespace() {
    let (client, namespace) = (Client::try_default().await.unwrap(), "chart-restricted");
    restricted(&client, namespace).await;
    for name in ["default", "production", "namespaces"] {
        let objects = rendering(name);
        let accounts = objects.iter().filter(|object| title(object).starts_with("ServiceAccount/"));
        for account in accounts {
            let mut account = account.clone();
            account.metadata.namespace = Some(namespace.to_owned());
            apply(&client, &account).await;
        }
        let deployment = objects.iter().find(|object| title(object).starts_with("Deployment/")).unwrap();
        let template = &deployment.data["spec"]["template"];
        admission(&client, namespace, template).await.unwrap_or_else(|error| panic!("{name}: {error}"));

        let mut privileged = template.clone();
        privileged["spec"]["securityContext"].as_object_mut().unwrap().remove("seccompProfile").unwrap();
        let refused = admission(&client, namespace, &privileged).await.unwrap_err().to_string();
        assert!(refused.contains("violates PodSecurity \"restricted"), "{refused}");
    }
}

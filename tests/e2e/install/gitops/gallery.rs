//! Objects in every state, as the operator and the API server really make them, judged by Argo CD's health check and by kstatus.
//!
//! `UPDATE_EXPECTED=1` writes what they look like into `gitops/argocd/resource_customizations/`; read the difference as carefully as code.

use std::borrow::Cow;

use kube::api::{ApiResource, DynamicObject};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use serde_json::{Value, json};
use testkit::cluster::Cluster;
use testkit::sandbox::Sandbox;

use super::kstatus::{self, Status};
use super::lua;
use super::testdata::{Case, HealthTest, essence, neutral, read, write};

/// The states of the objects of one kind.
pub struct Gallery<'a> {
    pub sandbox: &'a Sandbox,
    kind: Cow<'static, str>,
    objects: Api<DynamicObject>,
    updates: bool,
    cases: Vec<Case>,
    /// Texts that differ from run to run, besides those of the sandbox, and what stands for them.
    pub placeholders: Vec<(String, String)>,
}

impl<'a> Gallery<'a> {
    pub fn of<K>(cluster: &Cluster, sandbox: &'a Sandbox) -> Self
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let resource = ApiResource::erase::<K>(&());
        let objects = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
        let updates = std::env::var_os("UPDATE_EXPECTED").is_some();
        Self { sandbox, kind: K::kind(&()), objects, updates, cases: Vec::new(), placeholders: Vec::new() }
    }

    /// The object is now in the state called `state`.
    pub async fn judge(&mut self, state: &str, name: &str, health: &str, status: Status) {
        let live = self.objects.get(name).await.unwrap();
        let object = json!(live);
        assert_eq!(lua::health(&object).await.status, health, "{state}: {object:#}");
        assert_eq!(kstatus::compute(&object), status, "{state}: {object:#}");

        let (object, path) = (neutral(&live, self.sandbox, &self.placeholders), format!("testdata/{state}.yaml"));
        if self.updates {
            write(&self.kind, &path, &object);
        }
        let known: Value = serde_yaml_ng::from_str(&read(&self.kind, &path)).unwrap();
        assert_eq!(essence(&object), essence(&known), "{path} is not what such an object looks like");
        self.cases.push(Case::new(state, lua::health(&known).await));
    }

    /// Checks that the test of the health check is that of the objects.
    pub fn finish(self) {
        let path = "health_test.yaml";
        let test = HealthTest { tests: self.cases };
        if self.updates {
            write(&self.kind, path, &test);
        }
        let known: HealthTest = serde_yaml_ng::from_str(&read(&self.kind, path)).unwrap();
        assert_eq!(test, known, "{path} is not what the objects are");
    }
}

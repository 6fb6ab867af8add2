//! The monitor to verify, and the way to its account.

use std::sync::Arc;

use kube::ResourceExt;
use thiserror::Error;

use crate::api::status::VpcFlowMonitorStatus;
use crate::api::{VpcFlowMonitor, conditions, notes};
use crate::aws::{Aws, ClientPool};
use crate::credentials::{self, AccountError};
use crate::monitor::{Monitor, Settings};

/// A problem that prevents the verification of a monitor.
#[derive(Debug, Error)]
pub enum SubjectError {
    /// The operator has not reported anything about it yet.
    #[error("the operator has made nothing of {monitor} in AWS yet: {why}")]
    NotStarted {
        /// `<namespace>/<name>`
        monitor: String,
        /// The reason, from its status if it has one.
        why: String,
    },
    /// The status was not written for this object.
    #[error(
        "status.owner of {monitor} is {owner:?}, which is not this monitor; the operator corrects it at its next pass"
    )]
    NotItsOwner {
        /// `<namespace>/<name>`
        monitor: String,
        /// The status's owner.
        owner: String,
    },
    /// There is no way into the account.
    #[error("{monitor}: {source}")]
    Account {
        /// `<namespace>/<name>`
        monitor: String,
        /// The reason.
        source: Box<AccountError>,
    },
}

/// Clients for the monitor's account and region, and the monitor as the operator sees it. Its identity is from its status.
pub async fn connect(object: &VpcFlowMonitor, pool: &ClientPool) -> Result<(Arc<Aws>, Monitor), SubjectError> {
    let identity = Identity::of(object)?;
    let (region, role) = (Some(identity.region.as_str()), object.spec.assume_role.as_ref());
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let connected = credentials::connect(pool, region, Some(&identity.account), role).await;
    let aws = connected
        .map_err(|source| SubjectError::Account { monitor: format!("{namespace}/{name}"), source: Box::new(source) })?;
    let settings = Settings::to_look(identity.cluster_name);
    let account_region = aws.account_region.clone();
    Ok((aws, Monitor::new(&namespace, &name, object.spec.clone(), object.status.as_ref(), account_region, settings)))
}

/// The identity of the monitor, as the operator wrote it into the status.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    cluster_name: String,
    account: String,
    region: String,
}

impl Identity {
    fn of(object: &VpcFlowMonitor) -> Result<Self, SubjectError> {
        let monitor = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        let known = |status: &VpcFlowMonitorStatus| {
            Some((status.owner.clone()?, status.account_id.clone()?, status.region.clone()?))
        };
        let Some((owner, account, region)) = object.status.as_ref().and_then(known) else {
            let status = object.status.as_ref();
            let why = status
                .and_then(|status| conditions::not_ready(&status.conditions))
                .unwrap_or_else(|| "is the operator running, and does it watch this namespace?".to_owned());
            return Err(SubjectError::NotStarted { monitor, why });
        };
        match owner.strip_suffix(&format!("/{monitor}")) {
            Some(cluster_name) => Ok(Self { cluster_name: cluster_name.to_owned(), account, region }),
            None => Err(SubjectError::NotItsOwner { monitor, owner }),
        }
    }
}

/// Notes on the object for a reader of the checklist.
#[must_use]
pub fn notes(object: &VpcFlowMonitor) -> Vec<String> {
    let status = object.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation);
    let mut notes = notes::of_object(&object.metadata, object.spec.suspend, observed);
    notes.extend(status.and_then(|status| notes::not_ready(&status.conditions)));
    notes
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::{Value, json};

    use super::*;

    fn object(status: &Value) -> VpcFlowMonitor {
        serde_json::from_value(json!({
            "apiVersion": "vpcflow.dev/v1alpha1",
            "kind": "VpcFlowMonitor",
            "metadata": {"namespace": "network", "name": "production", "generation": 2},
            "spec": {"vpcId": "vpc-0123456789abcdef0"},
            "status": status,
        }))
        .unwrap()
    }

    fn ready(status: &str) -> Value {
        json!([{"type": "Ready", "status": status, "reason": "AccessDenied", "message": "may not",
                "lastTransitionTime": "2026-11-23T11:30:00Z"}])
    }

    #[test]
    fn who_it_is_follows_from_the_status() {
        let status = json!({"owner": "a/b/network/production", "accountId": "123456789012", "region": "eu-west-1"});
        let identity = Identity::of(&object(&status)).unwrap();
        assert_eq!((identity.cluster_name.as_str(), identity.account.as_str()), ("a/b", "123456789012"));
        assert_eq!(identity.region, "eu-west-1");
    }

    #[test]
    fn without_an_identity_the_status_says_why() {
        let error = |status: Value| Identity::of(&object(&status)).unwrap_err().to_string();
        assert!(error(json!({})).contains("network/production in AWS yet: is the operator running"));
        assert!(error(json!({"conditions": ready("False")})).ends_with("AccessDenied: may not"));
        let foreign = json!({"owner": "c/other/production", "accountId": "123456789012", "region": "eu-west-1"});
        assert!(error(foreign).contains("\"c/other/production\""));
    }

    #[test]
    fn what_beclouds_the_result_is_reported() {
        assert_eq!(
            notes(&object(&json!({"observedGeneration": 2, "conditions": ready("True")}))),
            Vec::<String>::new()
        );
        let mut troubled = object(&json!({"observedGeneration": 1, "conditions": ready("False")}));
        troubled.spec.suspend = true;
        troubled.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        let notes = notes(&troubled).join("\n");
        for clue in ["being deleted", "spec.suspend", "not Ready: AccessDenied: may not", "latest change"] {
            assert!(notes.contains(clue), "{notes}");
        }
    }

    #[test]
    fn every_error_names_the_monitor() {
        let error = SubjectError::Account { monitor: "network/a".to_owned(), source: Box::new(AccountError::NoRegion) };
        assert_eq!(error.to_string(), "network/a: no AWS region: give --region here, or set spec.region");
    }
}

//! The way to a monitor's account. Preconditions that no schema can check are checked here, before anything is made.

use std::sync::Arc;

use kube::ResourceExt;

use super::context::Context;
use crate::api::VpcFlowMonitor;
use crate::api::conditions::Reason;
use crate::api::spec::AssumeRole;
use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::{Aws, ConnectError};
use crate::engine::Failure;
use crate::monitor::{Monitor, Owner};
use crate::preconditions::{
    LivesElsewhere, OfAnotherCluster, RoleNotAllowed, check_account_region, check_owner, check_role,
};
use crate::resources::flow_logs::{self, Vpc};

/// Clients for an account and region, if the namespace may use the role.
pub async fn aws_clients(
    context: &Context,
    namespace: &str,
    region: Option<&str>,
    role: Option<&AssumeRole>,
) -> Result<Arc<Aws>, Failure> {
    if let Some(role) = role {
        check_role(&context.options.allowed_roles, namespace, &role.role_arn)?;
    }
    Ok(context.aws.get(region, role).await?)
}

/// Clients for the account and region of a monitor, and the monitor in the form that the code without I/O uses.
pub async fn connect(context: &Context, object: &VpcFlowMonitor) -> Result<(Arc<Aws>, Monitor), Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let spec = &object.spec;
    let aws = aws_clients(context, &namespace, spec.region.as_deref(), spec.assume_role.as_ref()).await?;
    let status = object.status.as_ref();
    let (account, known_region) =
        (status.and_then(|it| it.account_id.as_ref()), status.and_then(|it| it.region.as_ref()));
    check_account_region(Monitor::NOUN, account, known_region, &aws.account_region)?;
    let monitor = Monitor::new(
        &namespace,
        &object.name_any(),
        spec.clone(),
        object.status.as_ref(),
        aws.account_region.clone(),
        context.options.settings.clone(),
    );
    check_owner(status.and_then(|status| status.owner.as_ref()), &monitor)?;
    if object.status.as_ref().is_none_or(VpcFlowMonitorStatus::has_made_nothing) {
        check_vpc(&aws, &monitor).await?;
    }
    Ok((aws, monitor))
}

/// Refuses a monitor whose VPC is not in the account and region.
async fn check_vpc(aws: &Aws, monitor: &Monitor) -> Result<(), Failure> {
    match flow_logs::look_up(aws, monitor).await {
        Vpc::Found => Ok(()),
        Vpc::Missing(error) | Vpc::Unknown(error) => Err(error.into()),
    }
}

impl From<RoleNotAllowed> for Failure {
    fn from(error: RoleNotAllowed) -> Self {
        Self::new(Reason::AccessDenied, error.to_string())
    }
}

impl From<LivesElsewhere> for Failure {
    fn from(error: LivesElsewhere) -> Self {
        Self::new(Reason::Conflict, error.to_string())
    }
}

impl From<OfAnotherCluster> for Failure {
    fn from(error: OfAnotherCluster) -> Self {
        Self::new(Reason::Conflict, error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Identity(error) => error.into(),
            ConnectError::Role { ref source, .. } => {
                Self { message: error.to_string(), ..Self::from(source.as_ref().clone()) }
            }
            error @ (ConnectError::NoRegion | ConnectError::UnexpectedCaller(_)) => {
                Self::new(Reason::InvalidSpec, error.to_string())
            }
        }
    }
}

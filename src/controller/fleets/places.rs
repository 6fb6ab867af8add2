//! The way to the accounts of a fleet.

use std::sync::Arc;

use super::super::context::Context;
use crate::api::conditions::Reason;
use crate::api::fleet::VpcFlowFleetSpec;
use crate::aws::{Aws, ConnectError};
use crate::engine::Failure;

use crate::fleet::{PlaceRegion, Reading, read_places};
use crate::preconditions::check_role;

/// The answers of all places.
pub async fn read(context: &Context, namespace: &str, spec: &VpcFlowFleetSpec) -> Vec<Reading> {
    read_places(spec, |at| connect(context, namespace, at)).await
}

async fn connect(context: &Context, namespace: &str, at: PlaceRegion) -> Result<Arc<Aws>, Failure> {
    // The messages are about the spec of a monitor.
    let of_place =
        |failure: Failure| Failure { message: failure.message.replacen("spec.assumeRole", "assumeRole", 1), ..failure };
    if let Some(role) = &at.assume_role {
        check_role(&context.options.allowed_roles, namespace, &role.role_arn)
            .map_err(|refused| of_place(refused.into()))?;
    }
    context.aws.get(at.region.as_deref(), at.assume_role.as_ref()).await.map_err(|error| match error {
        ConnectError::NoRegion => {
            Failure::new(Reason::InvalidSpec, "no AWS region: set regions, or start the operator with --region")
        }
        error => of_place(error.into()),
    })
}

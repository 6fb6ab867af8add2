use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use thiserror::Error;
use tracing::{debug, info};

use super::operations::{self, Access, Caller, Operation};
use crate::leader::Fence;
use crate::metrics::Metrics;

/// Stands before every call: what the table of operations lacks is never sent, nor what changes AWS while another replica may lead.
/// What is sent is logged and counted.
#[derive(Clone, Debug)]
pub struct Gate {
    metrics: Metrics,
    caller: Caller,
    fence: Fence,
}

impl Gate {
    /// The operator's gate, which counts into `metrics`.
    #[must_use]
    pub const fn new(metrics: Metrics) -> Self {
        Self { metrics, caller: Caller::Operator, fence: Fence::always_open() }
    }

    /// The same gate, which lets through what changes AWS only while `fence` is open.
    #[must_use]
    pub fn with_fence(self, fence: Fence) -> Self {
        Self { fence, ..self }
    }

    /// The gate of `verify`: reads, and the few writes that are its own.
    #[must_use]
    pub fn of_verify() -> Self {
        Self { metrics: Metrics::default(), caller: Caller::Verify, fence: Fence::always_open() }
    }

    fn operation(&self, config: &ConfigBag) -> Result<&'static Operation, UnknownOperation> {
        let (service, name) =
            config.load::<Metadata>().map_or(("", ""), |metadata| (metadata.service(), metadata.name()));
        operations::find(service, name)
            .filter(|operation| operation.is_for(self.caller))
            .ok_or_else(|| UnknownOperation { service: service.to_owned(), operation: name.to_owned() })
    }
}

/// The table of operations does not have the call for this caller: a defect of the operator, stopped before it reached AWS.
#[derive(Debug, Error)]
#[error("{service} {operation} is not in the operator's table of AWS operations; please report this defect")]
struct UnknownOperation {
    service: String,
    operation: String,
}

#[dyn_dispatch_hint]
impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "TableOfOperations"
    }

    // The first hook at which the SDK has named the operation.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.operation(config)?;
        Ok(())
    }

    // The last hook before the request goes out, at each attempt: signing, credentials and waiting take time.
    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.operation(config)?.access == Access::Write {
            self.fence.check()?;
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = self.operation(config)?;
        let succeeded = context.output_or_error().is_some_and(|result| result.is_ok());
        let request_id = context.response().and_then(|response| {
            let headers = response.headers();
            headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id"))
        });
        let (service, name) = (operation.service.id(), operation.name);
        match operation.access {
            Access::Read => debug!(service, operation = name, succeeded, request_id, "AWS request"),
            Access::Write => info!(service, operation = name, succeeded, request_id, "AWS request"),
        }
        self.metrics.aws_request(operation, succeeded);
        Ok(())
    }
}

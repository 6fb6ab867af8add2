use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use thiserror::Error;
use tracing::{debug, info};

use super::classes::Class;
use super::error::AwsError;
use super::limits::{LimitMetrics, LocalLimits};
use super::operations::{self, Access, Caller, Operation};

/// An interceptor of every call. It rejects calls that are not in the table of operations, and writes that the observer refuses. It logs
/// every call.
#[derive(Clone, Debug)]
pub struct AwsGate {
    caller: Caller,
    observer: Arc<dyn CallObserver>,
    limit_metrics: LimitMetrics,
    limits: Option<LocalLimits>,
}

/// Approves every write, and receives the result of every call.
pub trait CallObserver: fmt::Debug + Send + Sync {
    /// An error if nothing may be changed now.
    fn may_write(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// A call has ended. `took` is its time, if it was sent.
    fn answered(&self, _operation: &Operation, _outcome: RequestOutcome, _took: Option<Duration>) {}
}

/// Observes nothing.
impl CallObserver for () {}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// As asked.
    Success,
    /// A read of something that does not exist.
    NotFound,
    /// Any other failure.
    Error,
}

impl RequestOutcome {
    /// For metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::NotFound => "not_found",
            Self::Error => "error",
        }
    }
}

/// The time at which a call was first sent.
#[derive(Debug)]
struct Sent(Instant);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Default for AwsGate {
    /// The operator's gate, without an observer.
    fn default() -> Self {
        Self::new(Arc::new(()), LimitMetrics::default())
    }
}

impl AwsGate {
    /// The operator's gate.
    #[must_use]
    pub fn new(observer: Arc<dyn CallObserver>, limit_metrics: LimitMetrics) -> Self {
        Self { caller: Caller::Operator, observer, limit_metrics, limits: None }
    }

    /// The gate of `plan`: reads alone.
    #[must_use]
    pub fn of_plan() -> Self {
        Self { caller: Caller::Plan, ..Self::default() }
    }

    /// The gate of `verify`: reads, and the few writes that are its own.
    #[must_use]
    pub fn of_verify() -> Self {
        Self { caller: Caller::Verify, ..Self::default() }
    }

    /// The same gate for an account and region. It reports calls that AWS refuses because of the rate to `limits`.
    #[must_use]
    pub fn reporting_to(&self, limits: LocalLimits) -> Self {
        Self { limits: Some(limits), ..self.clone() }
    }

    /// The counters of the limits.
    #[must_use]
    pub const fn limit_metrics(&self) -> &LimitMetrics {
        &self.limit_metrics
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
impl Intercept for AwsGate {
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
            self.observer.may_write()?;
        }
        if config.load::<Sent>().is_none() {
            config.interceptor_state().store_put(Sent(Instant::now()));
        }
        Ok(())
    }

    // Every attempt, not only the last.
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = self.operation(config)?;
        if let Some(limits) = &self.limits
            && AwsError::of_attempt(operation, context.inner()).is_some_and(|error| error.class == Class::Throttled)
        {
            limits.throttled(operation);
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
        let took = config.load::<Sent>().map(|sent| sent.0.elapsed());
        let failure = AwsError::of_attempt(operation, context.inner());
        let request_id = context.response().and_then(|response| {
            let headers = response.headers();
            headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id"))
        });
        let outcome = match &failure {
            None => RequestOutcome::Success,
            Some(error) if error.is_not_found() && operation.access == Access::Read => RequestOutcome::NotFound,
            Some(_) => RequestOutcome::Error,
        };
        let code = failure.as_ref().map(|error| error.code.as_str());
        log(operation, outcome, code, request_id, took);
        self.observer.answered(operation, outcome, took);
        Ok(())
    }
}

/// Reads that succeed, or find that there is no such thing, are routine.
fn log(
    operation: &Operation,
    outcome: RequestOutcome,
    code: Option<&str>,
    request_id: Option<&str>,
    took: Option<Duration>,
) {
    let (service, name) = (operation.service.id(), operation.name);
    let duration_ms = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let routine = operation.access == Access::Read && outcome != RequestOutcome::Error;
    let outcome = outcome.label();
    if routine {
        debug!(service, operation = name, outcome, code, request_id, duration_ms, "AWS request");
    } else {
        info!(service, operation = name, outcome, code, request_id, duration_ms, "AWS request");
    }
}

//! The wait of a call for its token: before the credentials that sign it are handed out, once for each attempt.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;

use super::LocalLimits;
use crate::aws::operations;

/// An identity cache that lets each call through when its turn has come.
#[derive(Clone, Debug)]
pub struct WaitBeforeSigning {
    limits: LocalLimits,
    identities: SharedIdentityCache,
}

impl WaitBeforeSigning {
    /// A cache that waits before it asks `identities`.
    #[must_use]
    pub const fn new(limits: LocalLimits, identities: SharedIdentityCache) -> Self {
        Self { limits, identities }
    }
}

impl ResolveCachedIdentity for WaitBeforeSigning {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            let metadata = config.load::<Metadata>();
            let operation = metadata.and_then(|metadata| operations::find(metadata.service(), metadata.name()));
            if let Some(operation) = operation {
                self.limits.turn(operation).await;
            }
            self.identities.resolve_cached_identity(resolver, components, config).await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_base_client_config(&self.identities, components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_final_config(&self.identities, components, config)
    }
}

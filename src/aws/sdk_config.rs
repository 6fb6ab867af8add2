//! The configuration of the AWS SDK from its environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};

use super::http_client::http_client;
use super::trust::{TrustError, tls_context};
use crate::network::Proxies;

/// Credentials, endpoint, proxies and trusted certificates from the environment and the profile; the region as well, unless `region` names one.
pub async fn sdk_config(region: Option<&str>) -> Result<SdkConfig, TrustError> {
    let client = http_client(Proxies::of_aws(), &tls_context().await?);
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client);
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    Ok(loader.load().await)
}

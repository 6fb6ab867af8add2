//! The fault proxy of `devenv`, between real clients and the emulator.

mod consistency;
mod effects;
mod errors;
mod record;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use devenv::FaultProxy;

use testkit::sandbox::Sandbox;

/// An account behind a proxy, and the configuration of its clients, which send each request once.
struct Proxied {
    sandbox: Sandbox,
    proxy: FaultProxy,
    config: SdkConfig,
}

impl Proxied {
    async fn new(test: &str) -> Self {
        let sandbox = Sandbox::new(test).await;
        let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
        let config = sandbox.config_at(proxy.endpoint()).to_builder().retry_config(RetryConfig::disabled()).build();
        Self { sandbox, proxy, config }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }
}

//! The way to AWS: clients per account and region, the table of operations, classes of failure.

mod account_region;
mod advice;
mod classes;
mod clients;
mod credentials_advice;
mod error;
mod gate;
mod http_client;
pub mod limits;
pub mod operations;
mod optional_features;
pub mod quotas;
pub mod refusals;
mod sdk_config;
mod trust;

pub use account_region::{AccountRegion, Arn};
pub use classes::Class;
pub use clients::{Aws, ClientPool, ConnectError};
pub use error::{About, AwsError, AwsResult, Expected, Gone, Optional, UNREACHABLE};
pub use gate::{AwsGate, CallObserver, RequestOutcome};
pub use optional_features::{missing as missing_in_words, optional_feature};
pub use sdk_config::sdk_config;
pub use trust::TrustError;

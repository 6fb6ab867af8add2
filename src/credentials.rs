//! Chooses the AWS credentials for `plan` and `verify`.

use std::sync::Arc;

use thiserror::Error;

use crate::api::spec::AssumeRole;
use crate::aws::{Arn, Aws, AwsError, ClientPool, ConnectError};

/// A failure to reach the account for a person's command.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The credentials are another account's.
    #[error(
        "your AWS credentials are for account {yours}, but account {account} is needed: use credentials of that account"
    )]
    Other {
        /// The account of the credentials.
        yours: String,
        /// The account of the object.
        account: String,
    },
    /// The role of the spec does not let the caller in.
    #[error(
        "your AWS credentials are for account {yours}, and {role_arn} of spec.assumeRole does not let them in: use credentials of account {account}: {source}"
    )]
    Role {
        /// The account of the credentials.
        yours: String,
        /// The account of the object.
        account: String,
        /// The role.
        role_arn: String,
        /// The error of STS.
        source: Box<AwsError>,
    },
    /// No region is known.
    #[error("no AWS region: give --region here, or set spec.region")]
    NoRegion,
    /// There is no way to AWS.
    #[error(transparent)]
    Connect(ConnectError),
}

impl From<ConnectError> for AccountError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NoRegion => Self::NoRegion,
            error => Self::Connect(error),
        }
    }
}

/// Clients for the account and region of an object. `account` is its account, if known; otherwise it is that of the spec's role, or the
/// caller's.
///
/// The caller's own credentials are used if they are for that account. Otherwise the role of the spec is assumed, as the operator does: its
/// trust policy need not allow people who may read the account anyway.
pub async fn connect(
    pool: &ClientPool,
    region: Option<&str>,
    account: Option<&str>,
    role: Option<&AssumeRole>,
) -> Result<Arc<Aws>, AccountError> {
    let own = pool.get(region, None).await?;
    let yours = own.account_region.account.clone();
    let of_role = role.and_then(|role| Arn::parse(&role.role_arn)).map(|arn| arn.account.to_owned());
    let account = account.map(str::to_owned).or(of_role).unwrap_or_else(|| yours.clone());
    let aws = match role {
        Some(role) if yours != account => pool.get(region, Some(role)).await.map_err(|error| match error {
            ConnectError::Role { role_arn, source } => {
                AccountError::Role { yours: yours.clone(), account: account.clone(), role_arn, source }
            }
            error => error.into(),
        })?,
        _ => own,
    };
    if aws.account_region.account == account { Ok(aws) } else { Err(AccountError::Other { yours, account }) }
}

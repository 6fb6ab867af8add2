//! The certificate authorities that the AWS clients trust.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_types::os_shim_internal::{Env, Fs};
use pem::Pem;
use rustls::RootCertStore;
use thiserror::Error;

/// Names a PEM file with certificates to trust instead of the system's, in every AWS SDK and the AWS CLI.
const CA_BUNDLE_VARIABLE: &str = "AWS_CA_BUNDLE";
/// The same in a profile.
const CA_BUNDLE_SETTING: &str = "ca_bundle";

/// No usable certificates where the settings say that there are some.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("{setting}: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The variable or the setting of the profile that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It contains none.
    #[error(
        "{setting}: {} contains no certificate of an authority in PEM (-----BEGIN CERTIFICATE-----)", path.display()
    )]
    Empty {
        /// The variable or the setting of the profile that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// The authorities that the environment or the profile names; by default, those of the system.
pub async fn tls_context() -> Result<TlsContext, TrustError> {
    let Some((setting, path)) = ca_bundle().await else { return Ok(TlsContext::default()) };
    let context = TlsContext::builder().with_trust_store(read(setting, &path)?).build();
    // Its contents are checked already; the builder has no error of its own.
    Ok(context.unwrap_or_default())
}

async fn ca_bundle() -> Option<(&'static str, PathBuf)> {
    if let Some(path) = env::var_os(CA_BUNDLE_VARIABLE).filter(|path| !path.is_empty()) {
        return Some((CA_BUNDLE_VARIABLE, path.into()));
    }
    // A profile that cannot be read is reported by the SDK, which reads it for everything else.
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None).await.ok()?;
    let path = profiles.get(CA_BUNDLE_SETTING).filter(|path| !path.is_empty())?;
    Some((CA_BUNDLE_SETTING, path.into()))
}

fn read(setting: &'static str, path: &Path) -> Result<TrustStore, TrustError> {
    let bundle = fs::read(path).map_err(|source| TrustError::Unreadable { setting, path: path.to_owned(), source })?;
    let certificates = usable(&bundle);
    if certificates.is_empty() {
        return Err(TrustError::Empty { setting, path: path.to_owned() });
    }
    Ok(TrustStore::empty().with_pem_certificate(pem::encode_many(&certificates)))
}

/// The certificates that can be used. Bundles of a whole system contain some that cannot.
fn usable(bundle: &[u8]) -> Vec<Pem> {
    let mut roots = RootCertStore::empty();
    let sections = pem::parse_many(bundle).unwrap_or_default();
    let is_usable =
        |section: &Pem| section.tag() == "CERTIFICATE" && roots.add(section.contents().to_vec().into()).is_ok();
    sections.into_iter().filter(is_usable).collect()
}

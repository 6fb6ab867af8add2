//! Keys and tokens of one control plane.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::KeyPair;
use serde_json::json;

/// The files that the API server is given, and the token of its administrator.
#[derive(Debug)]
pub(super) struct Credentials {
    /// Folder in which the API server puts the certificate that it makes for itself.
    pub(super) certificates: PathBuf,
    /// CSV of token, user, user id, groups.
    pub(super) tokens: PathBuf,
    /// Private key (PEM) that signs the tokens of service accounts.
    pub(super) signing_key: PathBuf,
    /// Its public key (PEM), which verifies them.
    pub(super) verification_key: PathBuf,
    admin_token: String,
}

impl Credentials {
    pub(super) fn create(dir: &Path) -> Result<Self> {
        let created = Self {
            certificates: certificates(dir),
            tokens: dir.join("tokens.csv"),
            signing_key: dir.join("service-account.key"),
            verification_key: dir.join("service-account.pub"),
            admin_token: random_token()?,
        };
        fs::write(&created.tokens, format!("{},admin,admin,system:masters\n", created.admin_token))?;
        let key = KeyPair::generate()?;
        fs::write(&created.signing_key, key.serialize_pem())?;
        fs::write(&created.verification_key, key.public_key_pem())?;
        Ok(created)
    }

    pub(super) fn write_kubeconfig(&self, dir: &Path, port: u16) -> Result<PathBuf> {
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "devenv",
            "clusters": [{
                "name": "devenv",
                "cluster": {
                    "server": format!("https://127.0.0.1:{port}"),
                    "certificate-authority": serving_certificate(dir),
                },
            }],
            "users": [{ "name": "admin", "user": { "token": self.admin_token } }],
            "contexts": [{ "name": "devenv", "context": { "cluster": "devenv", "user": "admin" } }],
        });
        let path = dir.join("kubeconfig");
        // JSON is YAML.
        fs::write(&path, serde_json::to_vec_pretty(&kubeconfig)?)?;
        Ok(path)
    }
}

/// The certificate that the API server makes when it starts; the file also contains the authority that signed it.
pub(super) fn serving_certificate(dir: &Path) -> PathBuf {
    certificates(dir).join("apiserver.crt")
}

fn certificates(dir: &Path) -> PathBuf {
    dir.join("certificates")
}

fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("cannot read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

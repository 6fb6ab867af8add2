//! A Kubernetes control plane on this machine: etcd and kube-apiserver, without nodes.

mod credentials;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::local::{free_port, provided_by, start_on_free_ports};
use crate::supervised::{Supervised, supervised_command};
use crate::wait::wait_for;
use credentials::Credentials;

/// Six seconds on an idle machine; a build may keep this one busy.
const READY_DEADLINE: Duration = Duration::from_mins(2);

/// A running control plane. It ends when dropped, or with this process.
#[derive(Debug)]
pub struct ControlPlane {
    etcd: Supervised,
    apiserver: Supervised,
    binaries: PathBuf,
    place: Place,
    kubeconfig: PathBuf,
}

/// Where a control plane lives, also after a restart.
#[derive(Debug)]
struct Place {
    dir: PathBuf,
    credentials: Credentials,
    etcd_port: u16,
    api_port: u16,
}

impl ControlPlane {
    /// Starts etcd and kube-apiserver on free ports of 127.0.0.1, with everything they write in the folder `dir`, and
    /// waits until the API server is ready. Builds the binaries first if this machine does not have them yet.
    pub async fn start(dir: &Path) -> Result<Self> {
        let binaries = provided_by("devenv/control-plane/build.sh").await?;
        let spawn = |dir: &Path| Self::spawn(&binaries, dir);
        start_on_free_ports(dir, spawn, Self::wait_until_ready, Self::lost_its_port).await
    }

    fn spawn(binaries: &Path, dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let (etcd_port, api_port) = (free_port()?, free_port()?);
        let credentials = Credentials::create(dir)?;
        let kubeconfig = credentials.write_kubeconfig(dir, api_port)?;
        let place = Place { dir: dir.to_owned(), credentials, etcd_port, api_port };
        let (etcd, apiserver) = place.spawn(binaries)?;
        Ok(Self { etcd, apiserver, binaries: binaries.to_owned(), place, kubeconfig })
    }

    /// Ends both processes, and starts them again with what is stored, at the same address.
    pub async fn restart(self) -> Result<Self> {
        let Self { etcd, apiserver, binaries, place, kubeconfig } = self;
        apiserver.stop().await?;
        etcd.stop().await?;
        let (etcd, apiserver) = place.spawn(&binaries)?;
        let mut restarted = Self { etcd, apiserver, binaries, place, kubeconfig };
        restarted.wait_until_ready().await?;
        Ok(restarted)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let certificate = credentials::serving_certificate(&self.place.dir);
        let ready = wait_for("kube-apiserver to be ready", READY_DEADLINE, async || {
            self.etcd.check_running()?;
            self.apiserver.check_running()?;
            // Until the server has made its certificate there is nothing to ask.
            if !certificate.exists() {
                return Ok(None);
            }
            let answer = self.kubectl_command().args(["get", "--raw", "/readyz"]).output().await?;
            Ok(answer.status.success().then_some(()))
        });
        if let Err(error) = ready.await {
            // The log of a process that has ended explains more than the timeout does.
            self.etcd.check_running()?;
            self.apiserver.check_running()?;
            bail!("{error:#}\n{}", self.apiserver.end_of_log());
        }
        Ok(())
    }

    fn lost_its_port(&self) -> bool {
        [&self.etcd, &self.apiserver].iter().any(|process| process.end_of_log().contains("address already in use"))
    }

    /// A kubeconfig with the rights of a cluster administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The `kubectl` of the same version.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.binaries.join("kubectl")
    }

    /// A `kubectl` command that talks to this control plane as its administrator.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        let mut command = Command::new(self.kubectl());
        command.arg("--kubeconfig").arg(&self.kubeconfig).kill_on_drop(true);
        command
    }

    /// Stops both processes and waits until they are gone.
    pub async fn stop(self) -> Result<()> {
        // The API server first: without etcd it would not end in good order.
        self.apiserver.stop().await?;
        self.etcd.stop().await
    }
}

impl Place {
    fn spawn(&self, binaries: &Path) -> Result<(Supervised, Supervised)> {
        let (dir, etcd_port) = (&self.dir, self.etcd_port);
        let etcd = Supervised::spawn("etcd", etcd_command(binaries, dir, etcd_port), &dir.join("etcd.log"))?;
        let apiserver = Supervised::spawn(
            "kube-apiserver",
            apiserver_command(binaries, &self.credentials, etcd_port, self.api_port),
            &dir.join("kube-apiserver.log"),
        )?;
        Ok((etcd, apiserver))
    }
}

fn etcd_command(binaries: &Path, dir: &Path, port: u16) -> Command {
    let mut command = supervised_command(binaries.join("etcd"));
    command
        .arg(format!("--data-dir={}", dir.join("etcd").display()))
        .arg(format!("--listen-client-urls=http://127.0.0.1:{port}"))
        .arg(format!("--advertise-client-urls=http://127.0.0.1:{port}"))
        .arg("--listen-peer-urls=http://127.0.0.1:0")
        // This data may be lost in a crash.
        .arg("--unsafe-no-fsync")
        .arg("--log-level=warn");
    command
}

fn apiserver_command(binaries: &Path, credentials: &Credentials, etcd_port: u16, port: u16) -> Command {
    let mut command = supervised_command(binaries.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg("--bind-address=127.0.0.1")
        .arg("--advertise-address=127.0.0.1")
        .arg(format!("--secure-port={port}"))
        .arg(format!("--cert-dir={}", credentials.certificates.display()))
        .arg(format!("--token-auth-file={}", credentials.tokens.display()))
        .arg("--authorization-mode=RBAC")
        // As on OpenShift: who sets an owner reference needs rights on both objects.
        .arg("--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!("--service-account-key-file={}", credentials.verification_key.display()))
        .arg(format!("--service-account-signing-key-file={}", credentials.signing_key.display()))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        // A loopback address may not be the endpoint of the `kubernetes` service, which is not used here.
        .arg("--endpoint-reconciler-type=none");
    command
}

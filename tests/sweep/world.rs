//! A world of one's own: an AWS account, a namespace, and an operator that reaches both through layers that can disturb it.

use std::io::{Cursor, Write as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::SdkConfig;
use devenv::{FaultProxy, wait_for};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};
use vpc_flow_operator::controller::{Backoff, Options};
use vpc_flow_operator::monitor::{DetectorPackage, Monitor};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::kube_faults::KubeFaults;
use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

/// The monitor's name.
pub const NAME: &str = "m";

/// The deadline of every wait. Generous: lives run side by side.
pub const DEADLINE: Duration = Duration::from_mins(5);

/// Passes that a monitor may take to come to rest once it is Ready.
const PASSES_TO_REST: usize = 10;

/// A world of one's own.
pub struct World {
    /// The AWS account. Its own clients pass by the proxy.
    pub sandbox: Sandbox,
    /// The namespace. Its client passes by the faults.
    pub cluster: Cluster,
    /// Between the operator and AWS.
    pub proxy: FaultProxy,
    /// Between the operator and Kubernetes.
    pub kube: KubeFaults,
    operator: Option<Operator>,
    /// The operator's credentials; `None` for the account's own.
    caller: Option<SdkConfig>,
    requests: AtomicU32,
}

/// A package in place of the real one, whose megabytes would be most of what the lives send.
static DETECTOR: LazyLock<Arc<DetectorPackage>> =
    LazyLock::new(|| Arc::new(DetectorPackage::from_bytes(package(64)).unwrap()));

/// A zip with a program of so many bytes.
pub fn package(bytes: usize) -> Vec<u8> {
    let mut bootstrap = b"\x7fELF".to_vec();
    bootstrap.resize(bytes, 0);
    bootstrap[18] = 0x3e;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default()).unwrap();
    zip.write_all(&bootstrap).unwrap();
    zip.finish().unwrap().into_inner()
}

impl World {
    /// Without an operator. `name` is unique among all tests, and fit for a namespace.
    pub async fn new(name: &str) -> Result<Self> {
        let (sandbox, cluster) = (Sandbox::new(name).await, Cluster::new(name).await);
        let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await?;
        Ok(Self {
            sandbox,
            cluster,
            proxy,
            kube: KubeFaults::default(),
            operator: None,
            caller: None,
            requests: AtomicU32::new(0),
        })
    }

    /// From its next start the operator may do just what these policies allow.
    pub async fn bind(&mut self, policies: &[Value]) -> Result<()> {
        self.caller = Some(self.sandbox.config_bound_to(policies).await);
        Ok(())
    }

    /// Starts an operator that remembers nothing.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(|_| ())
    }

    /// The same, with other options.
    pub fn start_with(&mut self, change: impl FnOnce(&mut Options)) -> Result<()> {
        if self.operator.is_some() {
            bail!("the operator runs already");
        }
        let cluster = Cluster { operator: self.kube.client(self.cluster.operator.clone()), ..self.cluster.clone() };
        let caller = self.caller.as_ref().unwrap_or(&self.sandbox.config);
        let config = caller.to_builder().endpoint_url(self.proxy.endpoint()).build();
        self.operator = Some(Operator::start_at(&cluster, &config, |options| {
            options.backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) };
            options.resync = Duration::from_secs(30);
            options.settings.detector = DETECTOR.clone();
            change(options);
        }));
        Ok(())
    }

    /// Kills the operator on the spot.
    pub async fn kill(&mut self) -> Result<()> {
        self.operator.take().context("no operator runs")?.kill().await;
        Ok(())
    }

    /// Stops the operator as SIGTERM does.
    pub async fn stop(&mut self) -> Result<()> {
        self.operator.take().context("no operator runs")?.stop().await;
        Ok(())
    }

    /// Makes the monitor.
    pub async fn create(&self, spec: VpcFlowMonitorSpec) -> Result<()> {
        self.cluster.monitors.create(&PostParams::default(), &VpcFlowMonitor::new(NAME, spec)).await?;
        Ok(())
    }

    /// Merges into the monitor's spec.
    pub async fn change(&self, spec: Value) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.cluster.monitors.patch(NAME, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Deletes the monitor, and does not wait.
    pub async fn delete(&self) -> Result<()> {
        self.cluster.monitors.delete(NAME, &DeleteParams::default()).await?;
        Ok(())
    }

    /// The monitor in the form that the code without I/O uses, for its names and ARNs.
    pub async fn monitor(&self) -> Result<Monitor> {
        let object = self.cluster.monitors.get(NAME).await?;
        Ok(self.sandbox.named_monitor(&self.cluster.namespace, NAME, object.spec))
    }

    /// Asks for a pass now.
    pub async fn request_pass(&self) -> Result<String> {
        let token = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let patch = json!({"metadata": {"annotations": {"vpcflow.dev/reconcile-requested-at": token}}});
        self.cluster.monitors.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(token)
    }

    /// Asks for a pass now, and waits until one has begun after that and is done.
    pub async fn pass(&self) -> Result<()> {
        let token = self.request_pass().await?;
        let handled = |monitor: &VpcFlowMonitor| {
            monitor.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(&token)
        };
        self.wait("the requested pass", handled).await
    }

    /// Waits until the monitor is Ready for its present generation.
    pub async fn wait_ready(&self) -> Result<()> {
        self.wait("the monitor to be Ready", |monitor| is(monitor, "Ready", "True")).await
    }

    /// Waits until the monitor is Ready and a whole pass changes nothing in AWS.
    pub async fn wait_at_rest(&self) -> Result<()> {
        for _ in 0..PASSES_TO_REST {
            self.wait_ready().await?;
            let before = self.sandbox.latest_call().await;
            self.pass().await?;
            if self.sandbox.writes_since(before).await.is_empty() {
                return self.wait_ready().await;
            }
        }
        bail!("{PASSES_TO_REST} passes, and AWS is still being changed")
    }

    /// Waits until the monitor is gone.
    pub async fn wait_gone(&self) -> Result<()> {
        let mut latest = None;
        let gone = wait_for("the monitor to be gone", DEADLINE, async || {
            latest = self.cluster.monitors.get_opt(NAME).await?;
            Ok(latest.is_none().then_some(()))
        });
        gone.await.with_context(|| reported(latest.as_ref()))
    }

    /// Waits until the monitor is as `condition` says.
    pub async fn wait(&self, what: &str, condition: impl Fn(&VpcFlowMonitor) -> bool) -> Result<()> {
        let mut latest = None;
        let waited = wait_for(what, DEADLINE, async || {
            let monitor = self.cluster.monitors.get(NAME).await?;
            let matches = condition(&monitor);
            latest = Some(monitor);
            Ok(matches.then_some(()))
        });
        waited.await.with_context(|| reported(latest.as_ref()))
    }
}

/// The conditions of a monitor that are not True, or the whole monitor if there are none.
fn reported(monitor: Option<&VpcFlowMonitor>) -> String {
    let status = monitor.and_then(|monitor| monitor.status.as_ref());
    let conditions = status.into_iter().flat_map(|status| &status.conditions).filter(|known| known.status != "True");
    let troubles: Vec<String> =
        conditions.map(|known| format!("{} {}: {}", known.type_, known.reason, known.message)).collect();
    if troubles.is_empty() { format!("{monitor:?}") } else { troubles.join("; ") }
}

//! A way to the Kubernetes API server that can be cut.

use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on until it is cut: then they are closed, and no new one gets through.
pub struct Link {
    cut: watch::Sender<bool>,
    server: JoinHandle<()>,
    /// Leads through the link.
    pub kubeconfig: PathBuf,
}

impl Link {
    /// A link to where `KUBECONFIG` leads. `name` is unlike that of any other test's.
    pub async fn start(name: &str) -> Self {
        Self::to(Path::new(&std::env::var_os("KUBECONFIG").unwrap()), name).await
    }

    /// A link to where a kubeconfig leads.
    pub async fn to(kubeconfig: &Path, name: &str) -> Self {
        let text = std::fs::read_to_string(kubeconfig).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
        let upstream = server.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        config["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{port}").into();
        let kubeconfig = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{port}.kubeconfig"));
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let (cut, is_cut) = watch::channel(false);
        let server = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (mut is_cut, upstream) = (is_cut.clone(), upstream.clone());
                tokio::spawn(async move {
                    if *is_cut.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(upstream).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { cut, server, kubeconfig }
    }

    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.abort();
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

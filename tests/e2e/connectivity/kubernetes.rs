use std::path::{Path, PathBuf};

use serde_json::Value;

use testkit::cluster::Cluster;

use super::proxy::{Protocol, Proxy};
use super::{Ended, run};

/// A name in the certificate of the API server that only a proxy resolves.
const SERVER: &str = "kubernetes.default.svc";

/// The API server, and its true address.
struct Target {
    kubeconfig: Value,
    address: String,
}

impl Target {
    /// `namespace` is of this test alone.
    async fn new(namespace: &str) -> Self {
        // Installs the CRD.
        Cluster::new(namespace).await;
        let text = std::fs::read_to_string(std::env::var_os("KUBECONFIG").unwrap()).unwrap();
        let kubeconfig: Value = serde_json::from_str(&text).unwrap();
        let server = kubeconfig["clusters"][0]["cluster"]["server"].as_str().unwrap();
        let address = server.trim_start_matches("https://").to_owned();
        Self { kubeconfig, address }
    }

    /// A kubeconfig that names the API server as `server`.
    fn kubeconfig(&self, name: &str, server: &str, proxy_url: Option<&str>) -> PathBuf {
        let mut kubeconfig = self.kubeconfig.clone();
        let cluster = &mut kubeconfig["clusters"][0]["cluster"];
        cluster["server"] = server.into();
        if let Some(url) = proxy_url {
            cluster["proxy-url"] = url.into();
        }
        let file = format!("connectivity-{name}-{}.kubeconfig", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }

    async fn proxy(&self, protocol: Protocol) -> Proxy {
        Proxy::start(protocol, &self.address).await
    }
}

async fn plan(kubeconfig: &Path, variables: &[(&str, &str)]) -> Ended {
    let kubeconfig = ("KUBECONFIG", kubeconfig.to_str().unwrap());
    run(&["plan", "absent", "--namespace", "default"], &[&[kubeconfig], variables].concat()).await
}

/// The API server answered that there is no such monitor.
fn assert_answered(ended: &Ended) {
    assert!(ended.stderr.contains("there is no VpcFlowMonitor default/absent"), "{}", ended.stderr);
}

fn assert_refused(ended: &Ended, reason: &str) {
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);
}

#[tokio::test]
async fn the_environments_proxy_leads_to_the_api_server() {
    let target = Target::new("connectivity-environment").await;
    let kubeconfig = target.kubeconfig("environment", &format!("https://{SERVER}"), None);
    let proxy = target.proxy(Protocol::Http).await;
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        for url in [format!("http://{}", proxy.address), proxy.address.clone()] {
            assert_answered(&plan(&kubeconfig, &[(variable, &url)]).await);
        }
    }
    let line = format!("CONNECT {SERVER}:443 HTTP/1.1");
    let requests = proxy.requests();
    assert!(requests.len() >= 4 && requests.iter().all(|request| *request == line), "{requests:?}");
    let named = [("HTTPS_PROXY", proxy.address.as_str()), ("NO_PROXY", ".svc")];
    assert_refused(&plan(&kubeconfig, &named).await, "dns error");
    assert_eq!(proxy.requests().len(), requests.len());
}

#[tokio::test]
async fn a_server_that_no_proxy_names_and_loopback_are_reached_directly() {
    let target = Target::new("connectivity-direct").await;
    let kubeconfig = target.kubeconfig("direct", &format!("https://{}", target.address), None);
    let nowhere = ("HTTPS_PROXY", "http://127.0.0.1:1");
    assert_answered(&plan(&kubeconfig, &[nowhere]).await);
    assert_answered(&plan(&kubeconfig, &[nowhere, ("NO_PROXY", "127.0.0.0/8")]).await);
    assert_answered(&plan(&kubeconfig, &[("HTTPS_PROXY", "no URL at all"), ("ALL_PROXY", "http://127.0.0.1:1")]).await);
}

#[tokio::test]
async fn the_kubeconfigs_proxy_comes_first() {
    let target = Target::new("connectivity-kubeconfig").await;
    for (name, protocol, scheme) in [("http", Protocol::Http, "http"), ("socks", Protocol::Socks5, "socks5")] {
        let proxy = target.proxy(protocol).await;
        let url = format!("{scheme}://{}", proxy.address);
        let kubeconfig = target.kubeconfig(name, &format!("https://{SERVER}"), Some(&url));
        assert_answered(&plan(&kubeconfig, &[("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", SERVER)]).await);
        assert!(proxy.requests().iter().any(|request| request.contains(SERVER)), "{:?}", proxy.requests());
    }
    let kubeconfig = target.kubeconfig("wrong", &format!("https://{SERVER}"), Some("ftp://proxy"));
    assert_refused(&plan(&kubeconfig, &[]).await, "proxy-url of the kubeconfig is not the URL of a proxy");
}

#[tokio::test]
async fn a_proxy_that_does_not_lead_on_is_explained() {
    let target = Target::new("connectivity-explained").await;
    let kubeconfig = target.kubeconfig("explained", &format!("https://{SERVER}"), None);
    // me:s@cret
    let wants = target.proxy(Protocol::HttpWith("Basic bWU6c0BjcmV0")).await;
    let with = format!("http://me:s%40cret@{}", wants.address);
    assert_answered(&plan(&kubeconfig, &[("HTTPS_PROXY", &with)]).await);
    let without = format!("http://{}", wants.address);
    assert_refused(&plan(&kubeconfig, &[("HTTPS_PROXY", &without)]).await, "requires a user and a password");
    let refusing = target.proxy(Protocol::Refusing).await;
    assert_refused(
        &plan(&kubeconfig, &[("HTTPS_PROXY", &refusing.address)]).await,
        "refuses to connect to the API server",
    );
    assert_refused(&plan(&kubeconfig, &[("HTTPS_PROXY", "127.0.0.1:1")]).await, "cannot be reached: check its address");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_explained() {
    let mut target = Target::new("connectivity-authority").await;
    let cluster = target.kubeconfig["clusters"][0]["cluster"].as_object_mut().unwrap();
    cluster.remove("certificate-authority");
    let kubeconfig = target.kubeconfig("authority", &format!("https://{}", target.address), None);
    assert_refused(&plan(&kubeconfig, &[]).await, "does not name the authority that signed this certificate");
}

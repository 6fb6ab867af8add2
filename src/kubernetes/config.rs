//! The address of the Kubernetes API, and the proxy on the way.

use http::Uri;
use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use thiserror::Error;

use crate::network::{InvalidProxy, Proxies, ProxyUrl};

/// The field of a kubeconfig that names a proxy.
const PROXY_URL: &str = "proxy-url of the kubeconfig";

/// No way to a Kubernetes API.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Neither a kubeconfig nor a pod.
    #[error(
        "no kubeconfig with a current context: set KUBECONFIG ({kubeconfig}); nor is this process in a pod of a cluster ({in_cluster})"
    )]
    Unknown {
        /// The reason why the kubeconfig is not used.
        kubeconfig: Box<KubeconfigError>,
        /// The reason why a pod's configuration is not used.
        in_cluster: InClusterError,
    },
    /// The proxy on the way is not usable.
    #[error(transparent)]
    Proxy(#[from] InvalidProxy),
}

/// The current context of the kubeconfig; without one, the cluster of this pod. Proxies are those that kubectl uses: `proxy-url` of the
/// kubeconfig, then the environment's.
pub async fn config() -> Result<Config, ConfigError> {
    let (mut config, own_proxy) = match of_kubeconfig().await {
        Ok(found) => found,
        Err(kubeconfig) => {
            let in_cluster =
                Config::incluster().map_err(|in_cluster| ConfigError::Unknown { kubeconfig, in_cluster })?;
            (in_cluster, None)
        }
    };
    config.apply_debug_overrides();
    config.proxy_url = proxy(&config.cluster_url, own_proxy.as_deref(), &Proxies::of_kubectl())?;
    Ok(config)
}

async fn of_kubeconfig() -> Result<(Config, Option<String>), Box<KubeconfigError>> {
    let mut kubeconfig = Kubeconfig::read()?;
    let proxy = take_proxy(&mut kubeconfig);
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok((config, proxy))
}

/// Takes the place of `proxy-url`, so that kube reads no variable: it fails for a proxy that is not used, and applies `NO_PROXY` to the address of
/// the proxy instead of the server's.
const NOT_READ: &str = "http://proxy.invalid";

/// The `proxy-url` of the current context's cluster.
fn take_proxy(kubeconfig: &mut Kubeconfig) -> Option<String> {
    let current = kubeconfig.current_context.as_deref()?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == current)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter_mut().find(|cluster| cluster.name == context.cluster)?;
    cluster.cluster.as_mut()?.proxy_url.replace(NOT_READ.to_owned()).filter(|url| !url.is_empty())
}

/// As in client-go, `NO_PROXY` does not apply to `proxy-url`.
fn proxy(server: &Uri, own: Option<&str>, proxies: &Proxies) -> Result<Option<Uri>, InvalidProxy> {
    Ok(match own {
        Some(url) => Some(ProxyUrl::parse(PROXY_URL, url)?.url_with_credentials()),
        None => proxies.proxy_for(server)?.map(ProxyUrl::url_with_credentials),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://k8s.example:6443";

    fn used(own: Option<&str>, no_proxy: &str) -> Option<String> {
        let get = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://me:secret@proxy:3128".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        };
        let used = proxy(&Uri::from_static(SERVER), own, &Proxies::read(get)).unwrap();
        used.map(|url| url.to_string())
    }

    #[test]
    fn the_environments_proxy_is_used_unless_no_proxy_names_the_server() {
        assert_eq!(used(None, "").as_deref(), Some("http://me:secret@proxy:3128/"));
        assert_eq!(
            used(None, "proxy").as_deref(),
            Some("http://me:secret@proxy:3128/"),
            "the name of the proxy itself"
        );
        assert_eq!(used(None, "k8s.example"), None);
        assert_eq!(used(None, ".example:6443"), None);
    }

    #[test]
    fn the_kubeconfigs_own_proxy_comes_first() {
        assert_eq!(used(Some("socks5://own:1080"), "k8s.example").as_deref(), Some("socks5://own:1080/"));
    }

    #[test]
    fn only_the_current_clusters_proxy_counts() {
        let text = "
current-context: a
contexts: [{name: a, context: {cluster: one, user: u}}, {name: b, context: {cluster: two, user: u}}]
clusters:
- {name: two, cluster: {server: https://two, proxy-url: http://other:1}}
- {name: one, cluster: {server: https://one, proxy-url: http://own:1}}
";
        let mut kubeconfig = Kubeconfig::from_yaml(text).unwrap();
        assert_eq!(take_proxy(&mut kubeconfig).as_deref(), Some("http://own:1"));
        assert_eq!(kubeconfig.clusters[0].cluster.as_ref().unwrap().proxy_url.as_deref(), Some("http://other:1"));
    }
}

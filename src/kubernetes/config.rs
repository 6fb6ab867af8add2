//! The address of the Kubernetes API, and the proxy on the way.

use std::path::PathBuf;

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
        "no kubeconfig with a current context: set KUBECONFIG ({}); nor is this process in a pod of a cluster ({in_cluster})",
        in_words(.kubeconfig)
    )]
    Unknown {
        /// The reason why the kubeconfig is not used.
        kubeconfig: Box<KubeconfigError>,
        /// The reason why a pod's configuration is not used.
        in_cluster: InClusterError,
    },
    /// The kubeconfig has no context of the chosen name.
    #[error("the kubeconfig has no context {context}: it has {known}")]
    UnknownContext {
        /// The name.
        context: String,
        /// The names that it has.
        known: String,
    },
    /// The chosen kubeconfig or context is not usable.
    #[error("{}: check the kubeconfig and its context", in_words(.0))]
    Chosen(Box<KubeconfigError>),
    /// The proxy on the way is not usable.
    #[error(transparent)]
    Proxy(#[from] InvalidProxy),
}

/// The error; kube writes the path of a file that cannot be read between quotation marks of two kinds.
fn in_words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(cause, path) => format!("cannot read {}: {cause}", path.display()),
        error => error.to_string(),
    }
}

/// The kubeconfig and the context that a user chose.
#[derive(Clone, Debug, Default)]
pub struct KubeconfigChoice {
    /// The file, instead of that of `KUBECONFIG` or of the home directory.
    pub kubeconfig: Option<PathBuf>,
    /// The context, instead of the current one.
    pub context: Option<String>,
}

/// The chosen context of the kubeconfig, by default the current one; without one, the cluster of this pod. A pod's cluster never takes the
/// place of a choice. Proxies are those that kubectl uses: `proxy-url` of the kubeconfig, then the environment's.
pub async fn config(choice: &KubeconfigChoice) -> Result<Config, ConfigError> {
    let (mut config, own_proxy) = match of_kubeconfig(choice).await {
        Ok(found) => found,
        Err(Unusable::Context { context, known }) => return Err(ConfigError::UnknownContext { context, known }),
        Err(Unusable::Kubeconfig(problem)) if choice.kubeconfig.is_some() || choice.context.is_some() => {
            return Err(ConfigError::Chosen(problem));
        }
        Err(Unusable::Kubeconfig(kubeconfig)) => {
            let in_cluster =
                Config::incluster().map_err(|in_cluster| ConfigError::Unknown { kubeconfig, in_cluster })?;
            (in_cluster, None)
        }
    };
    config.apply_debug_overrides();
    config.proxy_url = proxy(&config.cluster_url, own_proxy.as_deref(), &Proxies::of_kubectl())?;
    Ok(config)
}

/// The reason why a kubeconfig is not used.
#[derive(Debug)]
enum Unusable {
    Kubeconfig(Box<KubeconfigError>),
    Context { context: String, known: String },
}

impl From<KubeconfigError> for Unusable {
    fn from(error: KubeconfigError) -> Self {
        Self::Kubeconfig(Box::new(error))
    }
}

async fn of_kubeconfig(choice: &KubeconfigChoice) -> Result<(Config, Option<String>), Unusable> {
    let mut kubeconfig = match &choice.kubeconfig {
        Some(path) => Kubeconfig::read_from(path)?,
        None => Kubeconfig::read()?,
    };
    if let Some(context) = &choice.context {
        check_context(&kubeconfig, context)?;
        kubeconfig.current_context = Some(context.clone());
    }
    let proxy = take_proxy(&mut kubeconfig);
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok((config, proxy))
}

fn check_context(kubeconfig: &Kubeconfig, context: &str) -> Result<(), Unusable> {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|known| known.name.as_str()).collect();
    if names.contains(&context) {
        return Ok(());
    }
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(Unusable::Context { context: context.to_owned(), known })
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

    /// A kubeconfig in a folder that lives as long as the test's process.
    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kubeconfig-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[tokio::test]
    async fn a_chosen_context_takes_the_place_of_the_current_one() {
        let kubeconfig = file(
            "context",
            "
current-context: a
contexts:
- {name: a, context: {cluster: one, user: u}}
- {name: b, context: {cluster: two, user: u, namespace: network}}
clusters:
- {name: one, cluster: {server: 'https://one'}}
- {name: two, cluster: {server: 'https://two', proxy-url: 'http://own:1'}}
users: [{name: u, user: {}}]
",
        );
        let of = async |context: &str| {
            let choice = KubeconfigChoice { kubeconfig: Some(kubeconfig.clone()), context: Some(context.to_owned()) };
            config(&choice).await
        };
        let chosen = of("b").await.unwrap();
        assert_eq!((chosen.cluster_url.host(), chosen.default_namespace.as_str()), (Some("two"), "network"));
        assert_eq!(chosen.proxy_url.unwrap().host(), Some("own"));
        let unknown = of("c").await.unwrap_err().to_string();
        assert_eq!(unknown, "the kubeconfig has no context c: it has a, b");
    }

    #[tokio::test]
    async fn a_chosen_kubeconfig_is_never_replaced_by_another_way() {
        let choice = KubeconfigChoice { kubeconfig: Some("/nonexistent/kubeconfig".into()), context: None };
        let error = config(&choice).await.unwrap_err();
        assert!(matches!(error, ConfigError::Chosen(_)), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("cannot read /nonexistent/kubeconfig: ") && !text.contains('"'), "{text}");
    }
}

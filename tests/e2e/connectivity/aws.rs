use std::path::Path;

use testkit::sandbox::{REGION, Sandbox};

use super::authority::{HttpsServer, file};
use super::credentials::source;
use super::proxy::{Protocol, Proxy};
use super::{Ended, run};

const CHANGES: Option<i32> = Some(2);
const ERROR: Option<i32> = Some(1);

struct Case {
    sandbox: Sandbox,
    monitor: String,
    emulator: String,
}

impl Case {
    async fn new(name: &str) -> Self {
        let sandbox = Sandbox::new(&format!("connectivity::{name}")).await;
        let text = format!(
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {{namespace: network, name: production}}\n\
             spec: {{vpcId: {}}}\n",
            sandbox.vpc_id
        );
        let monitor = file(&format!("{name}.yaml"), &text).to_str().unwrap().to_owned();
        let emulator = sandbox.emulator.endpoint().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { sandbox, monitor, emulator }
    }

    async fn plan(&self, endpoint: &str, variables: &[(&str, &str)]) -> Ended {
        let own = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", &self.sandbox.account),
            ("REGION", REGION),
            ("KUBECONFIG", "/nonexistent"),
            ("HOME", "/nonexistent"),
        ];
        let flags = ["plan", "--file", &self.monitor, "--cluster-name", "c", "--offline", "--detailed-exitcode"];
        run(&flags, &[&own[..], variables].concat()).await
    }
}

fn assert_planned(ended: &Ended) {
    assert_eq!(ended.code, CHANGES, "{} {}", ended.stdout, ended.stderr);
}

fn assert_failed(ended: &Ended, reason: &str) {
    assert_eq!(ended.code, ERROR, "{} {}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);
}

#[tokio::test]
async fn aws_is_reached_through_the_environments_proxy() {
    let case = Case::new("proxy").await;
    let proxy = Proxy::start(Protocol::Http, &case.emulator).await;
    let endpoint = "http://aws.invalid";
    assert_planned(&case.plan(endpoint, &[("HTTP_PROXY", &proxy.address)]).await);
    let requests = proxy.requests();
    assert!(requests.iter().any(|request| request.contains("http://aws.invalid/")), "{requests:?}");
    let named = [("HTTP_PROXY", proxy.address.as_str()), ("NO_PROXY", "aws.invalid")];
    assert_failed(&case.plan(endpoint, &named).await, "dns error");
    // Loopback, where the emulator is.
    let direct = format!("http://{}", case.emulator);
    assert_planned(&case.plan(&direct, &[("HTTP_PROXY", "http://127.0.0.1:1")]).await);
}

#[tokio::test]
async fn credentials_of_a_source_on_this_machine_need_no_proxy() {
    let case = Case::new("source").await;
    let endpoint = format!("http://{}", case.emulator);
    let from = async |url: &str| {
        let variables = [
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
        ];
        case.plan(&endpoint, &variables).await
    };
    assert_planned(&from(&source(Some(&case.sandbox.account)).await).await);
    let refused = from(&source(None).await).await;
    assert_failed(&refused, "no AWS credentials found, because a source of them failed");
    assert_failed(&refused, "give the operator IRSA or EKS Pod Identity");
    assert!(refused.stderr.contains("403") && !refused.stderr.contains("proxy"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_tunnel_leads_to_aws_and_a_refused_one_is_explained() {
    let case = Case::new("tunnel").await;
    let server = HttpsServer::start("aws.invalid", &case.emulator).await;
    let bundle = file("tunnel.pem", &server.authority);
    let trust = ("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    let upstream = format!("127.0.0.1:{}", server.port);
    let proxy = Proxy::start(Protocol::Http, &upstream).await;
    let endpoint = "https://aws.invalid";
    assert_planned(&case.plan(endpoint, &[trust, ("HTTPS_PROXY", &proxy.address)]).await);
    assert!(proxy.requests().iter().all(|request| request == "CONNECT aws.invalid:443 HTTP/1.1"));
    let refusing = Proxy::start(Protocol::Refusing, &upstream).await;
    let refused = case.plan(endpoint, &[trust, ("HTTPS_PROXY", &refusing.address)]).await;
    assert_failed(&refused, "the proxy of HTTPS_PROXY refuses to connect to this host");
    let socks = case.plan(endpoint, &[trust, ("HTTPS_PROXY", "socks5://127.0.0.1:1")]).await;
    assert_failed(&socks, "HTTPS_PROXY names a SOCKS proxy");
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_the_settings_name_it() {
    let case = Case::new("authority").await;
    let server = HttpsServer::start("localhost", &case.emulator).await;
    let endpoint = format!("https://localhost:{}", server.port);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let bundle = path(&file("authority.pem", &format!("Corporate authority\n{}", server.authority)));
    assert_failed(&case.plan(&endpoint, &[]).await, "set AWS_CA_BUNDLE to a PEM file with the authority");
    assert_planned(&case.plan(&endpoint, &[("AWS_CA_BUNDLE", &bundle)]).await);
    let config = path(&file("authority.config", &format!("[profile corporate]\nca_bundle = {bundle}\n")));
    let profile = [("AWS_CONFIG_FILE", config.as_str()), ("AWS_PROFILE", "corporate")];
    assert_planned(&case.plan(&endpoint, &profile).await);
    let missing = case.plan(&endpoint, &[("AWS_CA_BUNDLE", "/nonexistent.pem")]).await;
    assert_failed(&missing, "AWS_CA_BUNDLE: /nonexistent.pem cannot be read");
    let empty = path(&file("authority-empty.pem", "no certificate"));
    assert_failed(&case.plan(&endpoint, &[("AWS_CA_BUNDLE", &empty)]).await, "contains no certificate");
}

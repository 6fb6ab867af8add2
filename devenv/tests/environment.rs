//! The environment that `devenv run` gives to tests.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use devenv::{EmulatorClient, Fault, REGION};

/// An account that no other test uses.
const ACCOUNT: &str = "900000000001";

fn kubectl(arguments: &[&str]) -> Result<Output> {
    let kubectl = std::env::var("KUBECTL").context("KUBECTL is not set: run the tests with `make test`")?;
    let output = Command::new(kubectl).args(arguments).output()?;
    ensure!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

#[test]
fn kubectl_is_an_administrator() -> Result<()> {
    let answer = kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"])?;
    let groups = String::from_utf8(answer.stdout)?;
    ensure!(groups.contains("system:masters"), "groups are {groups}");
    Ok(())
}

#[test]
fn tokens_of_service_accounts_are_accepted() -> Result<()> {
    let name = format!("environment-{}", std::process::id());
    kubectl(&["create", "serviceaccount", &name])?;
    let token = kubectl(&["create", "token", &name])?;
    let token = format!("--token={}", String::from_utf8(token.stdout)?);
    // The kubeconfig's own token would win over the flag.
    let config = kubectl(&["config", "view", "--raw", "-o", "json"])?;
    let config: serde_json::Value = serde_json::from_slice(&config.stdout)?;
    let cluster = &config["clusters"][0]["cluster"];
    let server = format!("--server={}", cluster["server"].as_str().context("no server")?);
    let authority = cluster["certificate-authority"].as_str().context("no certificate authority")?;
    let authority = format!("--certificate-authority={authority}");
    let user = "jsonpath={.status.userInfo.username}";
    let answer = kubectl(&["--kubeconfig=/dev/null", &server, &authority, &token, "auth", "whoami", "-o", user]);
    kubectl(&["delete", "serviceaccount", &name])?;
    let user = String::from_utf8(answer?.stdout)?;
    assert_eq!(user, format!("system:serviceaccount:default:{name}"));
    Ok(())
}

#[tokio::test]
async fn an_account_that_nobody_used_is_empty() -> Result<()> {
    let emulator = EmulatorClient::from_env()?;
    assert_eq!(emulator.calls(ACCOUNT, 0).await?, []);
    let inventory = emulator.inventory(ACCOUNT, REGION).await?;
    let inventory = inventory.as_object().context("the inventory is no object")?;
    assert!(inventory.contains_key("buckets"), "{inventory:?}");
    for (kind, items) in inventory {
        assert!(items.as_object().is_some_and(serde_json::Map::is_empty), "{kind}: {items}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_request_says_why() -> Result<()> {
    let emulator = EmulatorClient::from_env()?;
    let fault = Fault {
        account: "not an account".to_owned(),
        service: "ec2".to_owned(),
        operation: "CreateFlowLogs".to_owned(),
        code: "RequestLimitExceeded".to_owned(),
        message: "Request limit exceeded.".to_owned(),
        status: 503,
        times: Some(1),
    };
    let error = emulator.add_fault(fault).await.err().context("the fault was accepted")?;
    assert!(format!("{error:#}").contains("12 digits"), "{error:#}");
    Ok(())
}

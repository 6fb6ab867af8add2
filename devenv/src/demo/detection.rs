//! Detection by a team: its own rules with their tests, and the whole VPC from the bucket.

use std::time::Duration;

use anyhow::{Result, ensure};
use devenv::{Scenario, wait_for};
use serde_json::json;

use super::attack::{Subscriber, print_document};
use super::story::{Monitor, Story};

const RULE: &str = "examples/rules/database.yaml";
const DEADLINE: Duration = Duration::from_mins(1);

impl Story<'_> {
    /// Tests a rule of the team, as its CI would, and puts it into the monitor.
    pub(super) async fn own_rule(&mut self, monitor: &Monitor) -> Result<()> {
        self.step("A team's own rule has its tests beside it, which need neither a cluster nor AWS");
        self.shell.show(&format!("vpc-flow-operator test -f {RULE}")).await?;

        self.step("The monitor gets the rule; with a failing test it would have kept its former ones");
        let rules = format!("kubectl create --dry-run=client -f {RULE} -o json");
        let rules: serde_json::Value = serde_json::from_str(&self.shell.run(&rules).await?)?;
        let patch = json!({ "spec": { "detector": { "customRules": rules["spec"]["detector"]["customRules"] } } });
        let patch = patch.to_string().replace('\'', r"'\''");
        self.shell.run(&format!("kubectl patch {} --type merge -p '{patch}'", monitor.arguments())).await?;
        println!(
            "   $ kubectl patch {} --type merge -p '{{\"spec\": {{\"detector\": {{\"customRules\": ...}}}}}}'",
            monitor.arguments()
        );
        self.waits_until_ready(monitor).await
    }

    /// Lets the detector read the bucket, and sweeps over the hosts of the VPC.
    pub(super) async fn files(&mut self, monitor: &Monitor, vpc: &str, subscriber: &Subscriber) -> Result<()> {
        self.step("The detector reads the files of the bucket instead: all network interfaces at once");
        let patch = r#"{"spec": {"detector": {"source": "S3"}}}"#;
        self.shell.show(&format!("kubectl patch {} --type merge -p '{patch}'", monitor.arguments())).await?;
        self.waits_until_ready(monitor).await?;

        let attacker = Scenario::ATTACKER;
        self.step(&format!(
            "{attacker} knocks at one port of sixty hosts, once each; no interface sees more than one packet"
        ));
        self.traffic(vpc, Scenario::Sweep).await?;
        let document = wait_for("the detector's message about the sweep", DEADLINE, async || {
            let messages = self.receive(subscriber).await?;
            Ok(messages.into_iter().find(|message| message["findings"].to_string().contains("hostSweep")))
        })
        .await?;
        print_document(&document);
        Ok(())
    }

    async fn waits_until_ready(&self, monitor: &Monitor) -> Result<()> {
        self.ask_for_pass(monitor).await?;
        let shown = self.shell.show(&format!("kubectl get -n {} vfm", monitor.namespace)).await?;
        ensure!(shown.contains("True"), "the monitor was to be ready");
        Ok(())
    }
}

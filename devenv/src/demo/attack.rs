//! The last steps: ordinary traffic, then an attack, which is reported to the subscriber and in the monitor's status.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devenv::{ACCOUNT, REGION, Scenario, wait_for};
use serde_json::{Value, json};

use super::story::{Monitor, Story};

const DEADLINE: Duration = Duration::from_mins(1);
/// The minutes of traffic, up to now.
const MINUTES: u32 = 15;
/// The number of entries shown of a list.
const SHOWN: usize = 3;
/// The number of characters shown of a link.
const LINK_CHARS: usize = 100;

/// An SQS queue that is subscribed to the monitor's topic.
pub struct Subscriber {
    queue_url: String,
}

impl Story<'_> {
    /// Subscribes a queue, as a ticket system would.
    pub(super) async fn somebody_subscribes(&mut self) -> Result<Subscriber> {
        self.step("A queue subscribes to the monitor's topic (people would give e-mail addresses in the spec)");
        let topic = self.account().await?.topic_arn()?;
        let queue_arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:alerts");
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
            "Resource": queue_arn, "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
        }] });
        let queue = json!({ "QueueName": "alerts", "Attributes": { "Policy": policy.to_string() } });
        let created = self.shell.run(&format!("aws sqs create-queue --cli-input-json '{queue}'")).await?;
        let created: Value = serde_json::from_str(&created)?;
        let queue_url = created["QueueUrl"].as_str().context("the queue has no URL")?.to_owned();
        self.aws("sns subscribe", &json!({ "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue_arn })).await?;
        Ok(Subscriber { queue_url })
    }

    /// Makes harmless traffic, which fires no alarm, and verifies that its records arrive everywhere.
    pub(super) async fn ordinary_day(&mut self, monitor: &Monitor, vpc: &str, subscriber: &Subscriber) -> Result<()> {
        self.step("An ordinary quarter of an hour in the VPC: flow logs deliver, no alarm fires, no message comes");
        self.traffic(vpc, Scenario::Normal).await?;
        self.ask_for_pass(monitor).await?;
        self.shows_firing(monitor, 0).await?;
        let mut messages = self.receive(subscriber).await?;
        messages.retain(|message| message["OldStateValue"] != "INSUFFICIENT_DATA"); // a new alarm reports its first OK
        ensure!(messages.is_empty(), "there was to be no message: {messages:?}");
        println!("   The topic got no message, though scanners of the internet knocked.");
        self.step("The command `verify` follows the records from the flow log to a query");
        self.shell.show(&format!("vpc-flow-operator verify -n {} {}", monitor.namespace, monitor.name)).await?;
        Ok(())
    }

    /// Sends data to a public address, and shows the messages, the alarm and the query that report it.
    pub(super) async fn attack(&mut self, monitor: &Monitor, vpc: &str, subscriber: &Subscriber) -> Result<()> {
        let attacker = Scenario::ATTACKER;
        self.step(&format!("An attack: a host sends gigabytes to {attacker}"));
        self.traffic(vpc, Scenario::Exfiltration).await?;

        self.step("The subscriber gets the alarm's message, and the detector's with the address");
        self.messages_arrive(subscriber).await?;

        self.step("Kubernetes shows that an alarm fires");
        self.ask_for_pass(monitor).await?;
        self.shows_firing(monitor, 1).await?;

        self.step("The saved query `Top talkers` has the attacker on top");
        let rows = self.saved_query("Top talkers").await?;
        for row in rows.iter().take(SHOWN + 1) {
            let cells: Vec<_> = row.iter().map(|value| format!("{value:<18}")).collect();
            println!("   {}", cells.concat().trim_end());
        }
        let top = rows.get(1).context("the query found nothing")?;
        ensure!(top.iter().any(|value| value == attacker), "{attacker} was to be on top: {top:?}");
        Ok(())
    }

    pub(super) async fn traffic(&self, vpc: &str, scenario: Scenario) -> Result<()> {
        let emulator = self.environment.emulator().client();
        let traffic = emulator.traffic(ACCOUNT, REGION, vpc, scenario, MINUTES).await?;
        for delivery in traffic.flow_logs.values() {
            ensure!(delivery.refused.is_none(), "a flow log could not deliver: {delivery:?}");
            println!("   {} records to {}", delivery.delivered, delivery.destination);
        }
        Ok(())
    }

    async fn shows_firing(&self, monitor: &Monitor, alarms: usize) -> Result<()> {
        let shown = self.shell.show(&format!("kubectl get -n {} vfm", monitor.namespace)).await?;
        ensure!(shown.contains(&format!("{alarms} firing")), "{alarms} alarms were to fire");
        Ok(())
    }

    /// Waits for an alarm's message and a document of the detector, and prints what they say.
    async fn messages_arrive(&self, subscriber: &Subscriber) -> Result<()> {
        let (mut alarm, mut document) = (None, None);
        wait_for("the alarm's message and the detector's", DEADLINE, async || {
            for message in self.receive(subscriber).await? {
                if message["NewStateValue"] == "ALARM" {
                    alarm = Some(message);
                } else if message["findings"].to_string().contains(Scenario::ATTACKER) {
                    document = Some(message);
                }
            }
            Ok(alarm.clone().zip(document.clone()))
        })
        .await
        .map(|(alarm, document)| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            println!("   CloudWatch: {} is in ALARM", text(&alarm["AlarmName"]));
            println!("      {}", text(&alarm["NewStateReason"]));
            print_document(&document);
        })
    }

    /// The messages that wait in the queue, without SNS's envelope.
    pub(super) async fn receive(&self, subscriber: &Subscriber) -> Result<Vec<Value>> {
        let request = json!({ "QueueUrl": subscriber.queue_url, "MaxNumberOfMessages": 10 });
        let answer = self.shell.run(&format!("aws sqs receive-message --cli-input-json '{request}'")).await?;
        if answer.trim().is_empty() {
            return Ok(Vec::new());
        }
        let answer: Value = serde_json::from_str(&answer)?;
        let unwrap = |message: &Value| {
            let envelope: Value = serde_json::from_str(message["Body"].as_str()?).ok()?;
            serde_json::from_str(envelope["Message"].as_str()?).ok()
        };
        Ok(answer["Messages"].as_array().into_iter().flatten().filter_map(unwrap).collect())
    }

    /// The rows that a saved query finds, after their header.
    async fn saved_query(&self, name: &str) -> Result<Vec<Vec<String>>> {
        let account = self.account().await?;
        let query = account.saved_query(name)?;
        let request = json!({
            "WorkGroup": query.workgroup, "QueryString": query.statement,
            "QueryExecutionContext": { "Database": query.database },
        });
        // The statement contains single quotes, which end the shell's quoted string unless they are escaped.
        let request = request.to_string().replace('\'', r"'\''");
        let started = self.shell.run(&format!("aws athena start-query-execution --cli-input-json '{request}'")).await?;
        let started: Value = serde_json::from_str(&started)?;
        let id = json!({ "QueryExecutionId": started["QueryExecutionId"] });
        wait_for("the query to end", DEADLINE, async || {
            let line = format!("aws athena get-query-execution --cli-input-json '{id}'");
            let execution: Value = serde_json::from_str(&self.shell.run(&line).await?)?;
            let status = &execution["QueryExecution"]["Status"];
            ensure!(status["State"] != "FAILED", "the query failed: {status}");
            Ok((status["State"] == "SUCCEEDED").then_some(()))
        })
        .await?;
        let results = self.shell.run(&format!("aws athena get-query-results --cli-input-json '{id}'")).await?;
        let results: Value = serde_json::from_str(&results)?;
        let rows = results["ResultSet"]["Rows"].as_array().context("the query has no rows")?;
        let value = |value: &Value| value["VarCharValue"].as_str().unwrap_or_default().to_owned();
        Ok(rows.iter().map(|row| row["Data"].as_array().into_iter().flatten().map(value).collect()).collect())
    }
}

/// Prints the findings of a document of the detector, with what to do and the links of the first.
pub(super) fn print_document(document: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("   Detector: {}", text(&document["severity"]));
    let findings = document["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    for finding in findings.iter().take(SHOWN) {
        println!("      {} {}: {}", text(&finding["severity"]), text(&finding["rule"]), text(&finding["summary"]));
    }
    let first = findings.first().unwrap_or(&Value::Null);
    println!("      Do: {}", text(&first["action"]));
    for (name, link) in first["links"].as_object().into_iter().flatten() {
        let link = text(link);
        println!(
            "      {name}: {}{}",
            link.chars().take(LINK_CHARS).collect::<String>(),
            if link.len() > LINK_CHARS { "…" } else { "" }
        );
    }
}

//! The steps of the demo, in order. A step fails if the result that it shows is missing.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use devenv::{ACCOUNT, Environment, wait_for};
use serde_json::{Value, json};

use super::account::{Account, print_table};
use super::conditions::print_until_ready;
use super::operator::{Operator, program};
use super::shell::Shell;

const EXAMPLE: &str = "examples/quickstart.yaml";
const REPAIR_DEADLINE: Duration = Duration::from_secs(30);
/// The resources that deletion policy `RetainData` keeps, and the VPC itself, which existed before the monitor.
const LEFT_AFTER_DELETE: [&str; 3] = ["VPC", "S3 bucket", "CloudWatch log group"];

pub struct Story<'a> {
    pub(super) environment: &'a Environment,
    /// For the operator's log.
    folder: &'a Path,
    pub(super) shell: Shell<'a>,
    steps: u32,
}

/// The parts of the demo that still run after its last step.
pub struct Running {
    pub operator: Operator,
    /// The VPC that is watched.
    pub vpc: String,
}

/// The monitor of the example.
pub(super) struct Monitor {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Monitor {
    /// The arguments that name it to kubectl.
    pub(super) fn arguments(&self) -> String {
        format!("-n {} vpcflowmonitor/{}", self.namespace, self.name)
    }
}

impl<'a> Story<'a> {
    pub fn new(environment: &'a Environment, folder: &'a Path) -> Result<Self> {
        let operator = program()?;
        let shell = Shell::new(environment, operator.with_file_name(""));
        Ok(Self { environment, folder, shell, steps: 0 })
    }

    /// Runs all steps.
    pub async fn play(mut self) -> Result<Running> {
        self.kubernetes_and_aws().await?;
        self.resource_definition().await?;
        let mut operator = self.operator_starts()?;
        let vpc = self.vpc().await?;
        let apply = format!("sed 's/vpcId: vpc-[0-9a-f]*/vpcId: {vpc}/' {EXAMPLE} | kubectl apply -f -");
        let monitor = self.apply(&apply).await?;
        self.turns_ready(&monitor, &mut operator).await?;
        self.kubernetes_shows(&monitor).await?;
        self.aws_has_it().await?;
        self.rests(&monitor).await?;
        self.repairs(&monitor).await?;
        self.deletes(&monitor).await?;
        self.keeps_the_data().await?;
        self.comes_back(&monitor, &apply, &mut operator).await?;
        let subscriber = self.somebody_subscribes().await?;
        self.ordinary_day(&monitor, &vpc, &subscriber).await?;
        self.attack(&monitor, &vpc, &subscriber).await?;
        self.own_rule(&monitor).await?;
        self.files(&monitor, &vpc, &subscriber).await?;
        operator.check_running()?;
        println!("\nAll {} steps happened.", self.steps);
        Ok(Running { operator, vpc })
    }

    async fn kubernetes_and_aws(&mut self) -> Result<()> {
        self.step("A Kubernetes API server and an AWS, both on this machine");
        self.shell.show("kubectl version").await?;
        self.shell.show("aws sts get-caller-identity").await?;
        Ok(())
    }

    async fn resource_definition(&mut self) -> Result<()> {
        self.step("Kubernetes learns the kind VpcFlowMonitor");
        self.shell.show("kubectl apply -f crds/").await?;
        self.shell.show("kubectl wait --for=condition=Established --timeout=60s -f crds/").await?;
        Ok(())
    }

    fn operator_starts(&mut self) -> Result<Operator> {
        self.step("The operator starts");
        let operator = Operator::start(self.environment, self.folder)?;
        println!("   $ {}", operator.command_line());
        println!("   logs to {}", operator.log().display());
        Ok(operator)
    }

    async fn vpc(&mut self) -> Result<String> {
        self.step("A VPC without monitoring");
        let created = self.aws("ec2 create-vpc", &json!({ "CidrBlock": "10.20.0.0/16" })).await?;
        let created: Value = serde_json::from_str(&created)?;
        Ok(created["Vpc"]["VpcId"].as_str().context("the VPC has no id")?.to_owned())
    }

    async fn apply(&mut self, command_line: &str) -> Result<Monitor> {
        self.step("One apply asks for its whole monitoring");
        let monitor = self.example().await?;
        if monitor.namespace != "default" {
            self.shell.show(&format!("kubectl create namespace {}", monitor.namespace)).await?;
        }
        self.shell.show(command_line).await?;
        Ok(monitor)
    }

    /// Where the example puts its monitor.
    async fn example(&self) -> Result<Monitor> {
        let names = r"-o jsonpath='{.metadata.namespace} {.metadata.name}'";
        let line = format!("kubectl create --dry-run=client -f {EXAMPLE} {names}");
        let names = self.shell.run(&line).await?;
        let (namespace, name) = names.trim().split_once(' ').context("the example has no name")?;
        // Without one, kubectl chooses that of its configuration.
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        Ok(Monitor { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    async fn turns_ready(&mut self, monitor: &Monitor, operator: &mut Operator) -> Result<()> {
        self.step("Its systems turn ready");
        print_until_ready(&self.shell, &monitor.arguments(), operator).await
    }

    async fn kubernetes_shows(&mut self, monitor: &Monitor) -> Result<()> {
        self.step("The status in Kubernetes");
        self.shell.show(&format!("kubectl get -n {} vpcflowmonitors", monitor.namespace)).await?;
        let template = r#"{range .status.conditions[*]}{.type}: {.message}{"\n"}{end}"#;
        self.shell.show(&format!("kubectl get {} -o jsonpath='{template}'", monitor.arguments())).await?;
        println!("   (kubectl describe also prints every resource with its ARN, the alarms, links and events)");
        Ok(())
    }

    async fn aws_has_it(&mut self) -> Result<()> {
        self.step("The resources in AWS");
        let account = self.account().await?;
        print_table(&account.resources());
        ensure!(account.alarms().len() == 4, "four alarms were to be made: {:?}", account.alarms());
        Ok(())
    }

    async fn rests(&mut self, monitor: &Monitor) -> Result<()> {
        self.step("A pass over a monitor at rest changes nothing");
        let emulator = self.environment.emulator().client();
        let before = emulator.calls(ACCOUNT, 0).await?.last().map_or(0, |call| call.seq);
        self.ask_for_pass(monitor).await?;
        let calls = emulator.calls(ACCOUNT, before).await?;
        let changes: Vec<&str> =
            calls.iter().filter(|call| call.mutating).map(|call| call.operation.as_str()).collect();
        println!("   The pass read AWS with {} calls and changed it with {}.", calls.len(), changes.len());
        ensure!(!calls.is_empty(), "the pass did not look at AWS");
        ensure!(changes.is_empty(), "the pass changed AWS: {changes:?}");
        Ok(())
    }

    async fn repairs(&mut self, monitor: &Monitor) -> Result<()> {
        self.step("Somebody deletes an alarm and opens the bucket to the public");
        let account = self.account().await?;
        let alarm = *account.alarms().first().context("there is no alarm")?;
        let bucket = account.bucket()?;
        let open = json!({ "BlockPublicAcls": false, "IgnorePublicAcls": false, "BlockPublicPolicy": false,
            "RestrictPublicBuckets": false });
        self.aws("cloudwatch delete-alarms", &json!({ "AlarmNames": [alarm] })).await?;
        let request = json!({ "Bucket": bucket, "PublicAccessBlockConfiguration": open });
        self.aws("s3api put-public-access-block", &request).await?;
        let broken = self.account().await?;
        ensure!(!broken.alarms().contains(&alarm) && !broken.blocks_public_access(bucket), "nothing broke");

        self.step("The next pass repairs both (by itself every 10 minutes; here it is asked for)");
        let events = self.events(monitor).await?;
        self.ask_for_pass(monitor).await?;
        wait_for("the alarm and the public access block to be back", REPAIR_DEADLINE, async || {
            let account = self.account().await?;
            Ok((account.alarms().contains(&alarm) && account.blocks_public_access(bucket)).then_some(()))
        })
        .await?;
        println!("   alarm {alarm} is back");
        println!("   bucket {bucket} blocks public access again");
        wait_for("an event about the repair", REPAIR_DEADLINE, async || {
            Ok((self.events(monitor).await? != events).then_some(()))
        })
        .await?;
        self.shell
            .show(&format!("kubectl events -n {} --for vpcflowmonitor/{}", monitor.namespace, monitor.name))
            .await?;
        Ok(())
    }

    async fn deletes(&mut self, monitor: &Monitor) -> Result<()> {
        self.step("One delete takes it all away");
        self.shell.show(&format!("kubectl delete --timeout=120s {}", monitor.arguments())).await?;
        Ok(())
    }

    async fn keeps_the_data(&mut self) -> Result<()> {
        self.step("AWS still has the logs that deletion policy RetainData keeps, and the VPC");
        let account = self.account().await?;
        let left = account.resources();
        print_table(&left);
        let kinds: Vec<&str> = left.iter().map(|(kind, _)| *kind).collect();
        ensure!(
            LEFT_AFTER_DELETE.iter().all(|kind| kinds.iter().filter(|left| *left == kind).count() == 1)
                && kinds.len() == LEFT_AFTER_DELETE.len(),
            "exactly one of each was to be left: {}",
            LEFT_AFTER_DELETE.join(", ")
        );
        Ok(())
    }

    async fn comes_back(&mut self, monitor: &Monitor, apply: &str, operator: &mut Operator) -> Result<()> {
        self.step("The same apply takes the bucket and the log group back, and the rest is made anew");
        self.shell.show(apply).await?;
        print_until_ready(&self.shell, &monitor.arguments(), operator).await?;
        let buckets = self.account().await?.resources().iter().filter(|(kind, _)| *kind == "S3 bucket").count();
        ensure!(buckets == 1, "the bucket was to be taken back, but there are {buckets}");
        Ok(())
    }

    /// Asks for a pass now and waits until it is done.
    pub(super) async fn ask_for_pass(&self, monitor: &Monitor) -> Result<()> {
        let monitor = monitor.arguments();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let annotation = format!("vpcflow.dev/reconcile-requested-at={now}");
        self.shell.show(&format!("kubectl annotate --overwrite {monitor} {annotation}")).await?;
        let done = format!("jsonpath='{{.status.lastHandledReconcileAt}}'={now}");
        self.shell.show(&format!("kubectl wait --for={done} --timeout=60s {monitor}")).await?;
        Ok(())
    }

    /// The resource versions of the monitor's events: they change with every new or repeated event.
    async fn events(&self, monitor: &Monitor) -> Result<String> {
        let Monitor { namespace, name } = monitor;
        let versions = "-o jsonpath='{.items[*].metadata.resourceVersion}'";
        let line = format!("kubectl get events -n {namespace} --field-selector involvedObject.name={name} {versions}");
        self.shell.run(&line).await
    }

    pub(super) async fn aws(&self, operation: &str, input: &Value) -> Result<String> {
        self.shell.show(&format!("aws {operation} --cli-input-json '{input}'")).await
    }

    pub(super) async fn account(&self) -> Result<Account> {
        Account::read(self.environment.emulator().client()).await
    }

    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        println!("\n{}. {title}", self.steps);
    }
}

//! Every call is recorded, under its right name.

use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::engine::Outcome;
use vpc_flow_operator::resources::SYSTEMS;

use super::Proxied;
use testkit::roles::trusting_role;
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn the_proxy_names_every_call_of_a_life_as_the_emulator_does() {
    let mut proxied = Proxied::new("fault_proxy::life").await;
    let pool = ClientPool::new(&proxied.config, AwsGate::default());
    let since = proxied.sandbox.latest_call().await;
    proxied.sandbox.aws = pool.get(None, None).await.unwrap();
    let sandbox = &proxied.sandbox;
    let all: Vec<Component> = SYSTEMS.iter().map(|system| system.component).collect();
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, &all).await;
    for _ in 0..3 {
        if sandbox.tear_down(&monitor, &all).await.iter().all(Outcome::is_settled) {
            break;
        }
    }

    let calls = proxied.proxy.calls();
    assert_eq!(proxied.proxy.unknown_requests(), [""; 0]);
    assert!(calls.iter().enumerate().all(|(index, call)| call.seq == index as u64 + 1));
    let mut seen: Vec<_> = calls
        .iter()
        .map(|call| (&*call.account, &*call.service, &*call.operation, &*call.region, call.mutating, call.answered))
        .collect();
    let journal = sandbox.emulator.calls(&sandbox.account, since).await.unwrap();
    let mut truth: Vec<_> = journal
        .iter()
        .map(|call| {
            (&*sandbox.account, &*call.service, &*call.operation, &*call.region, call.mutating, Some(call.status))
        })
        .collect();
    seen.sort_unstable();
    truth.sort_unstable();
    assert_eq!(seen, truth);
    assert!(seen.len() > 100, "{}", seen.len());
}

#[tokio::test]
async fn a_session_counts_for_the_account_it_acts_in() {
    let there = Sandbox::new("fault_proxy::there").await;
    let proxied = Proxied::new("fault_proxy::here").await;
    let role = trusting_role(&there, &proxied.sandbox).await;
    let pool = ClientPool::new(&proxied.config, AwsGate::default());
    pool.get(None, Some(&role)).await.unwrap();
    let identities = proxied.proxy.calls().into_iter().filter(|call| call.operation == "GetCallerIdentity");
    assert_eq!(identities.map(|call| call.account).collect::<Vec<_>>(), [there.account]);
}

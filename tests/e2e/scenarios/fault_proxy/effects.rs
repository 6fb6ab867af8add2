//! The effects of calls that are closed, lost, delayed or held.

use std::time::Duration;

use devenv::{Gate, ProxyFault, Rule, Treatment, wait_for};

use super::Proxied;

const DEADLINE: Duration = Duration::from_mins(1);

async fn topics(proxied: &Proxied) -> usize {
    proxied.sandbox.inventory().await["topics"].as_object().unwrap().len()
}

async fn create_topic(proxied: &Proxied) -> bool {
    aws_sdk_sns::Client::new(&proxied.config).create_topic().name("t").send().await.is_ok()
}

fn creating(fault: ProxyFault) -> Rule {
    Rule::of("sns", "CreateTopic", fault)
}

#[tokio::test]
async fn a_closed_connection_had_no_effect_and_a_lost_answer_had() {
    let proxied = Proxied::new("fault_proxy::lost").await;
    proxied.proxy.add(creating(ProxyFault::Close).times(1));
    assert!(!create_topic(&proxied).await);
    assert_eq!(topics(&proxied).await, 0);
    proxied.proxy.add(creating(ProxyFault::LoseAnswer).times(1));
    assert!(!create_topic(&proxied).await);
    assert_eq!(topics(&proxied).await, 1);
    assert!(create_topic(&proxied).await, "both rules are used up");
    let calls = proxied.proxy.calls();
    let reported: Vec<_> = calls.iter().map(|call| (&call.treatment, call.answered)).collect();
    assert_eq!(reported, [(&Treatment::Closed, None), (&Treatment::AnswerLost, None), (&Treatment::Passed, Some(200))]);
}

#[tokio::test]
async fn a_delayed_call_takes_effect() {
    let proxied = Proxied::new("fault_proxy::delay").await;
    let delay = Duration::from_millis(300);
    proxied.proxy.add(creating(ProxyFault::Delay(delay)));
    assert!(create_topic(&proxied).await);
    let call = &proxied.proxy.calls()[0];
    assert!(call.at.elapsed() >= delay);
    assert_eq!((&call.treatment, call.answered), (&Treatment::Delayed, Some(200)));
    assert_eq!(topics(&proxied).await, 1);
}

/// Kills the client while its call is held.
async fn killed_at(proxied: &Proxied, gate: &Gate) {
    let config = proxied.config.clone();
    let client = tokio::spawn(async move { aws_sdk_sns::Client::new(&config).create_topic().name("t").send().await });
    assert_eq!(gate.arrived(DEADLINE).await.unwrap().operation, "CreateTopic");
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    gate.drop_calls();
    proxied.proxy.clear();
}

#[tokio::test]
async fn who_is_killed_before_a_call_did_nothing_and_after_it_all_of_it() {
    let proxied = Proxied::new("fault_proxy::killed").await;
    let before = Gate::new();
    proxied.proxy.add(creating(ProxyFault::HoldBefore(before.clone())));
    killed_at(&proxied, &before).await;
    assert_eq!(topics(&proxied).await, 0);
    let after = Gate::new();
    proxied.proxy.add(creating(ProxyFault::HoldAfter(after.clone())));
    killed_at(&proxied, &after).await;
    assert_eq!(topics(&proxied).await, 1);
}

#[tokio::test]
async fn held_calls_go_on_or_are_dropped_as_the_test_says() {
    let proxied = Proxied::new("fault_proxy::held").await;
    for (fault, effect) in [(ProxyFault::HoldBefore as fn(Gate) -> _, 0), (ProxyFault::HoldAfter, 1)] {
        let gate = Gate::new();
        proxied.proxy.add(creating(fault(gate.clone())));
        let test = async {
            gate.arrived(DEADLINE).await.unwrap();
            gate.drop_calls();
        };
        let (created, ()) = tokio::join!(create_topic(&proxied), test);
        assert!(!created);
        assert_eq!(topics(&proxied).await, effect);
        proxied.proxy.clear();
    }
    let gate = Gate::new();
    proxied.proxy.add(creating(ProxyFault::HoldBefore(gate.clone())));
    let test = async {
        gate.arrived(DEADLINE).await.unwrap();
        assert_eq!(proxied.proxy.calls().last().unwrap().answered, None);
        proxied.proxy.clear();
    };
    let (created, ()) = tokio::join!(create_topic(&proxied), test);
    assert!(created, "what is held goes on once there are no more rules");
}

#[tokio::test]
async fn a_dropped_proxy_answers_no_more() {
    let Proxied { sandbox, proxy, config } = Proxied::new("fault_proxy::dropped").await;
    let client = aws_sdk_sns::Client::new(&config);
    client.create_topic().name("t").send().await.unwrap();
    drop(proxy);
    let gone = wait_for("the proxy to be gone", DEADLINE, async || {
        Ok(client.create_topic().name("t").send().await.is_err().then_some(()))
    });
    gone.await.unwrap();
    drop(sandbox);
}

//! A layer between an operator and Kubernetes: counts calls, holds them for a crash, refuses them, loses their answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::sync::watch;

/// A call, other than a list or a watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KubeCall {
    /// As in RBAC: `get`, `create`, `update`, `patch`, `delete`; and `dry-run` for any of them that changes nothing.
    pub verb: &'static str,
    /// The resource with its subresource, as in RBAC: `vpcflowmonitors/status`.
    pub resource: String,
}

impl KubeCall {
    pub fn is_write(&self) -> bool {
        !["get", "dry-run"].contains(&self.verb)
    }

    /// None for lists and watches.
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let parts: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
        // `api/VERSION` of the core group, `apis/GROUP/VERSION` of all others.
        let rest = parts.get(if parts.first() == Some(&"api") { 2 } else { 3 }..)?;
        let rest = match rest {
            ["namespaces", _, namespaced @ ..] if !namespaced.is_empty() => namespaced,
            _ => rest,
        };
        let (resource, name, subresource) = match rest {
            [resource] => (*resource, None, None),
            [resource, name] => (*resource, Some(*name), None),
            [resource, name, subresource, ..] => (*resource, Some(*name), Some(*subresource)),
            [] => return None,
        };
        let asks = |parameter: &str| request.uri().query().is_some_and(|query| query.contains(parameter));
        let verb = match *request.method() {
            _ if asks("dryRun=") => "dry-run",
            Method::GET if name.is_some() && !asks("watch=") => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => return None,
        };
        let resource = subresource.map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
        Some(Self { verb, resource })
    }
}

/// A place where a call is held until its caller is gone. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Hold(Arc<watch::Sender<Stage>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Empty,
    /// On its way: it may have taken effect, and will be held.
    Caught,
    Held,
}

impl Hold {
    /// Waits until a call is held.
    pub async fn arrived(&self) {
        self.wait_for(|stage| stage == Stage::Held).await;
    }

    /// Waits until no call is on its way here: its effect is visible before its answer arrives and is held.
    pub async fn settled(&self) {
        self.wait_for(|stage| stage != Stage::Caught).await;
    }

    /// True once a call has been held.
    pub fn has_arrived(&self) -> bool {
        *self.0.borrow() == Stage::Held
    }

    async fn wait_for(&self, wanted: impl Fn(Stage) -> bool) {
        // The sender is this one's own, so that the wait cannot fail.
        _ = self.0.subscribe().wait_for(|stage| wanted(*stage)).await;
    }

    async fn hold<T>(&self) -> T {
        self.0.send_replace(Stage::Held);
        std::future::pending().await
    }

    /// Holds a call that has gone through.
    async fn hold_after<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.0.send_replace(Stage::Caught);
        let _caught = Caught(self);
        call.await?;
        self.hold().await
    }
}

/// Lasts as long as a call that is caught. One that fails, or is given up on its way, is never held.
struct Caught<'a>(&'a Hold);

impl Drop for Caught<'_> {
    fn drop(&mut self) {
        self.0.0.send_if_modified(|stage| {
            let caught = *stage == Stage::Caught;
            if caught {
                *stage = Stage::Empty;
            }
            caught
        });
    }
}

/// A fault, and the calls that it hits.
#[derive(Clone)]
pub struct KubeRule {
    /// Only this call, or every one.
    pub call: Option<KubeCall>,
    /// The number of matching calls that pass first.
    pub skip: u32,
    /// The number of calls after those that are hit; `None` for all.
    pub times: Option<u32>,
    pub fault: KubeFault,
}

/// The fault of a call.
#[derive(Clone)]
pub enum KubeFault {
    /// Reported as held, and never sent: it is held until its caller is gone.
    HoldBefore(Hold),
    /// Sent, then reported as held: its answer is held until its caller is gone.
    HoldAfter(Hold),
    /// Not sent; answered with this status and reason, such as 409 `Conflict`.
    Answer(u16, &'static str),
    /// Sent, and its answer lost.
    LoseAnswer,
}

#[derive(Default)]
struct State {
    rules: Vec<KubeRule>,
    calls: Vec<(Instant, KubeCall)>,
}

impl State {
    /// Records a call and returns the fault that a rule gives it.
    fn arrived(&mut self, call: &KubeCall) -> Option<KubeFault> {
        self.calls.push((Instant::now(), call.clone()));
        let matching = self.rules.iter_mut().filter(|rule| rule.call.as_ref().is_none_or(|wanted| wanted == call));
        for rule in matching {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times != Some(0) {
                rule.times = rule.times.map(|times| times - 1);
                return Some(rule.fault.clone());
            }
        }
        None
    }
}

/// Counts and disturbs the calls of all clients made here.
#[derive(Clone, Default)]
pub struct KubeFaults {
    state: Arc<Mutex<State>>,
}

impl KubeFaults {
    /// A client as `inner`, whose calls pass through here.
    pub fn client(&self, inner: Client) -> Client {
        let (state, namespace) = (self.state.clone(), inner.default_namespace().to_owned());
        let service = tower::service_fn(move |request: Request<Body>| pass(state.clone(), inner.clone(), request));
        Client::new(service, namespace)
    }

    pub fn add(&self, rule: KubeRule) {
        self.with_state(|state| state.rules.push(rule));
    }

    /// Removes all rules. Held calls stay held.
    pub fn clear(&self) {
        self.with_state(|state| state.rules.clear());
    }

    /// Every call with the time of its arrival, in that order.
    pub fn calls(&self) -> Vec<(Instant, KubeCall)> {
        self.with_state(|state| state.calls.clone())
    }

    /// The number of calls with this verb and resource so far.
    pub fn count(&self, verb: &str, resource: &str) -> usize {
        self.with_state(|state| {
            state.calls.iter().filter(|(_, call)| (call.verb, call.resource.as_str()) == (verb, resource)).count()
        })
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn pass(
    state: Arc<Mutex<State>>,
    inner: Client,
    request: Request<Body>,
) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let call = KubeCall::of(&request);
    let fault = call.and_then(|call| state.lock().unwrap_or_else(PoisonError::into_inner).arrived(&call));
    match fault {
        None => Ok(inner.send(request).await?),
        Some(KubeFault::HoldBefore(hold)) => hold.hold().await,
        Some(KubeFault::HoldAfter(hold)) => Ok(hold.hold_after(inner.send(request)).await?),
        Some(KubeFault::Answer(status, reason)) => Ok(refusal(status, reason)?),
        Some(KubeFault::LoseAnswer) => {
            inner.send(request).await?;
            Err("the connection was closed before the answer came".into())
        }
    }
}

fn refusal(code: u16, reason: &str) -> http::Result<Response<Body>> {
    let message = format!("{reason}, as the sweep wants it");
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
    });
    let builder = Response::builder().status(code).header("content-type", "application/json");
    builder.body(Body::from(status.to_string().into_bytes()))
}

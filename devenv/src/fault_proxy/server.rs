//! The HTTP side: reads a request, does to it what its rule says, passes it on.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, EXPECT, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::call::ProxiedCall;
use super::consistency::{Asked, Instead, Kept};
use super::errors::{self, ServiceError};
use super::operation::{Identified, identify};
use super::rule::ProxyFault;
use super::state::State;
use super::wire;

type Answer = Response<Full<Bytes>>;

#[derive(Clone)]
struct Proxy {
    upstream: Arc<str>,
    client: Client<HttpConnector, Full<Bytes>>,
    state: Arc<State>,
}

/// Serves until it is aborted, and its connections with it.
pub(super) async fn serve(listener: TcpListener, upstream: String, state: Arc<State>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let proxy = Proxy { upstream: upstream.into(), client, state };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, proxy.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, proxy: Proxy) {
    _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let proxy = proxy.clone();
        async move { proxy.handle(request).await }
    });
    // An error of the service is a connection closed on purpose.
    _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Proxy {
    /// An error closes the connection.
    async fn handle(self, request: Request<Incoming>) -> Result<Answer> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let identified = match identify(&parts, &body) {
            Ok(identified) => identified,
            Err(problem) => {
                eprintln!("the fault proxy refused a request: {problem}");
                self.state.record_unknown(problem.clone());
                return Ok(Response::builder().status(501).body(Full::from(problem))?);
            }
        };
        let (call, fault) = self.state.arrive(&identified);
        let answer = self.treat(&call, fault, parts, body, &identified).await?;
        self.state.answered(call.seq, answer.status().as_u16());
        Ok(answer)
    }

    async fn treat(
        &self,
        call: &ProxiedCall,
        fault: Option<ProxyFault>,
        parts: Parts,
        body: Bytes,
        identified: &Identified,
    ) -> Result<Answer> {
        let service = call.service.as_str();
        match fault {
            None => self.pass_on(call, parts, body, identified).await,
            Some(ProxyFault::Throttle) => self.refuse(call, &parts, &errors::throttled(service)),
            Some(ProxyFault::ServerError) => self.refuse(call, &parts, &errors::failed(service)),
            Some(ProxyFault::AccessDenied) => self.refuse(call, &parts, &errors::denied(service)),
            Some(ProxyFault::Error { code, message, status }) => {
                self.refuse(call, &parts, &ServiceError { code, message, status })
            }
            Some(ProxyFault::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.pass_on(call, parts, body, identified).await
            }
            Some(ProxyFault::Close) => bail!("closed before it took effect"),
            Some(ProxyFault::LoseAnswer) => {
                self.pass_on(call, parts, body, identified).await?;
                bail!("its answer is lost")
            }
            Some(ProxyFault::HoldBefore(gate)) => {
                if !gate.hold(call.clone()).await {
                    bail!("dropped before it took effect");
                }
                self.pass_on(call, parts, body, identified).await
            }
            Some(ProxyFault::HoldAfter(gate)) => {
                let answer = self.pass_on(call, parts, body, identified).await?;
                if !gate.hold(call.clone()).await {
                    bail!("its answer is dropped");
                }
                Ok(answer)
            }
        }
    }

    fn refuse(&self, call: &ProxiedCall, parts: &Parts, error: &ServiceError) -> Result<Answer> {
        self.state.refused(call.seq, &error.code);
        let reported = wire::error(&call.service, parts, error, call.seq);
        let mut answer = Response::builder().status(reported.status);
        for (name, value) in reported.headers {
            answer = answer.header(name, value);
        }
        Ok(answer.body(Full::from(reported.body))?)
    }

    /// Takes effect even if the client goes away meanwhile: on its way to AWS nothing can be called back.
    async fn pass_on(&self, call: &ProxiedCall, parts: Parts, body: Bytes, identified: &Identified) -> Result<Answer> {
        let asked = Asked { identified, parts: &parts, body: &body };
        match self.state.lags(asked) {
            Some(Instead::Error(error)) => return self.refuse(call, &parts, &error),
            Some(Instead::Stale(kept)) => {
                self.state.stale(call.seq);
                return Ok(kept.into_answer());
            }
            None => {}
        }
        let (proxy, identified, seq) = (self.clone(), identified.clone(), call.seq);
        let passed = tokio::spawn(async move {
            let mut answer = proxy.forward(&parts, body.clone(), &identified).await?;
            proxy.state.answers(seq, Asked { identified: &identified, parts: &parts, body: &body }, &mut answer);
            anyhow::Ok(answer)
        });
        Ok(passed.await??.into_answer())
    }

    async fn forward(&self, parts: &Parts, body: Bytes, identified: &Identified) -> Result<Kept> {
        let mut sent = Request::new(Full::from(body));
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        *sent.uri_mut() = format!("{}{path}", self.upstream).parse().context("the upstream's URL")?;
        *sent.method_mut() = parts.method.clone();
        *sent.headers_mut() = parts.headers.clone();
        for header in [CONNECTION, EXPECT, TRANSFER_ENCODING] {
            sent.headers_mut().remove(header);
        }
        let sent = self.client.request(sent);
        let (mut parts, body) = sent.await.map_err(|error| anyhow!("{}: {error}", self.upstream))?.into_parts();
        let body = body.collect().await?.to_bytes();
        for header in [CONNECTION, TRANSFER_ENCODING] {
            parts.headers.remove(header);
        }
        if identified.operation == "AssumeRole" {
            self.learn_session(&body);
        }
        Ok(Kept { status: parts.status, headers: parts.headers, body })
    }

    /// The session that STS opened acts in the account of its role.
    fn learn_session(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split('<').next()
        };
        if let (Some(key), Some(account)) =
            (element("AccessKeyId"), element("Arn").and_then(|arn| arn.split(':').nth(4)))
        {
            self.state.remember_session(key.to_owned(), account.to_owned());
        }
    }
}

impl Kept {
    fn into_answer(self) -> Answer {
        let mut answer = Response::new(Full::from(self.body));
        *answer.status_mut() = self.status;
        *answer.headers_mut() = self.headers;
        answer
    }
}

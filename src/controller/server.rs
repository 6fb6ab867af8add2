//! `/metrics`, `/healthz` and `/readyz`.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::health::Health;
use crate::leader::Fence;
use crate::metrics::Metrics;

/// The data that is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// `/metrics`.
    pub metrics: Metrics,
    /// Open while this replica leads, for `/metrics`.
    pub fence: Fence,
    /// `/healthz`.
    pub health: Health,
    /// `/readyz`: true once all monitors are known, or while another replica leads.
    pub ready: watch::Receiver<bool>,
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, served: Served) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(liveness))
        .route("/readyz", get(readiness))
        .with_state(served);
    tracing::info!(address = %listener.local_addr()?, "serving metrics and health");
    axum::serve(listener, router).await
}

async fn show_metrics(State(served): State<Served>) -> Response {
    let (active, queued) = served.health.passes();
    served.metrics.now(served.fence.is_open(), active, queued);
    match served.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn liveness(State(served): State<Served>) -> (StatusCode, String) {
    match served.health.check() {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(stuck) => {
            tracing::error!(%stuck, "not healthy: a restart is needed");
            (StatusCode::SERVICE_UNAVAILABLE, stuck.to_string())
        }
    }
}

async fn readiness(State(served): State<Served>) -> (StatusCode, &'static str) {
    if *served.ready.borrow() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not all monitors are listed yet")
    }
}

//! The guard's port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ringfence_wire::{Service, ServiceError, error, identify};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::pipeline::Pipeline;

/// How long a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How long open requests get to end once the guard stops.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `stopping`, then ends the connections.
pub(crate) async fn serve(
    listener: TcpListener,
    pipeline: Arc<Pipeline>,
    stopping: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let requests = TaskTracker::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Without it small answers wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (pipeline, requests) = (Arc::clone(&pipeline), requests.clone());
        let service = service_fn(move |request| answer(request, peer, &pipeline, &requests));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    connections.shutdown().await;
    requests.close();
    let _ = tokio::time::timeout(GRACE, requests.wait()).await;
}

/// Answers a request. It goes its whole road even when its client leaves
/// half-way: what it changed upstream must be noticed and journaled.
fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    pipeline: &Arc<Pipeline>,
    requests: &TaskTracker,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + use<> {
    let pipeline = Arc::clone(pipeline);
    let road = requests.spawn(async move { handle(request, peer, &pipeline).await });
    async move {
        let response = road.await.unwrap_or_else(|_| failed());
        Ok(response.map(Full::new))
    }
}

async fn handle(
    request: Request<Incoming>,
    peer: SocketAddr,
    pipeline: &Pipeline,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let dialect = identify::error_dialect(&parts);
    let limit = identify::body_limit(dialect);
    match Limited::new(body, limit).collect().await {
        Ok(body) => {
            let request = Request::from_parts(parts, body.to_bytes());
            pipeline.handle(request, peer.ip()).await
        }
        Err(cause) => pipeline.refuse_body(&body_error(cause.as_ref(), limit), dialect, peer.ip()),
    }
}

fn body_error(cause: &(dyn std::error::Error + 'static), limit: usize) -> ServiceError {
    if cause.is::<LengthLimitError>() {
        ServiceError::new(
            413,
            "RequestEntityTooLarge",
            format!("the request's body is larger than {limit} bytes"),
        )
    } else {
        ServiceError::new(400, "RequestTimeout", format!("the request's body broke off: {cause}"))
    }
}

fn failed() -> Response<Bytes> {
    let error = ServiceError::new(500, "InternalFailure", "the guard failed; nothing was decided");
    error::render(&error, Service::Sts, "")
}

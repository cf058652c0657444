//! The guard's port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ringfence_wire::{Service, ServiceError, error};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connections::{Connection, Connections};
use crate::patience::Patient;
use crate::pipeline::Pipeline;
use crate::{admit, bodies};

/// How long a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How many connections are open at once: with those that the guard opens itself
/// they are fewer than the 1,024 files that a process may usually have open, which
/// all tests share.
const CONNECTIONS: usize = if cfg!(test) { 48 } else { 384 };
/// How long a client may read nothing of its answer.
const READS_WITHIN: Duration = Duration::from_secs(60);
/// The most bytes of headers: a session's token and a token of an issuer fit in.
const HEADERS: usize = 128 * 1024;
/// How long open requests get to end once the guard stops.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `stopping`, then ends the connections.
pub(crate) async fn serve(
    listener: TcpListener,
    pipeline: Arc<Pipeline>,
    stopping: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let open = Connections::of(CONNECTIONS);
    let requests = TaskTracker::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: one that waits has one.
            open.close_one();
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let connection = tokio::select! {
            entered = open.enter() => entered,
            () = stopping.cancelled() => break,
        };
        let Some(connection) = connection else { break };
        // Without it small answers wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (pipeline, requests) = (Arc::clone(&pipeline), requests.clone());
        let (closing, connection) = (connection.closing(), Arc::new(connection));
        let service =
            service_fn(move |request| answer(request, peer, &pipeline, &requests, &connection));
        let stream = TokioIo::new(Patient::with(stream, READS_WITHIN));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_buf_size(HEADERS)
            .serve_connection(stream, service);
        let served = graceful.watch(served);
        connections.spawn(async move {
            tokio::select! {
                // A connection that breaks is its client's affair.
                _ = served => {}
                // Another needs its room.
                () = closing.cancelled() => {}
            }
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
    connection: &Arc<Connection>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + use<> {
    let (pipeline, connection) = (Arc::clone(pipeline), Arc::clone(connection));
    let own = Arc::clone(&connection);
    let is_signed = request.headers().contains_key(http::header::AUTHORIZATION);
    let road = requests.spawn(async move { handle(request, peer, &pipeline, &own).await });
    async move {
        let response = road.await.unwrap_or_else(|_| failed());
        // A signature that held, or the call had not been answered.
        connection.idles(is_signed && response.status().is_success());
        Ok(response.map(Full::new))
    }
}

async fn handle(
    request: Request<Incoming>,
    peer: SocketAddr,
    pipeline: &Pipeline,
    connection: &Connection,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        connection.works();
        return pipeline.handle(Request::from_parts(parts, Bytes::new()), peer.ip()).await;
    }
    let mut admitted = match pipeline.admit(&parts) {
        Ok(admitted) => admitted,
        Err((error, service)) => {
            return pipeline.refuse_body(&error, &parts, Some(service), peer.ip());
        }
    };
    if admitted.is_anonymous {
        connection.works();
        match pipeline.nobody(&parts, peer.ip(), admitted.limit).await {
            Ok(limit) => admitted.limit = limit,
            Err(refused) => return *refused,
        }
    }
    connection.sends(admitted.is_signed);
    match bodies::read(body, admitted.limit, &pipeline.memory).await {
        Ok(body) => {
            connection.works();
            pipeline.handle(Request::from_parts(parts, body), peer.ip()).await
        }
        Err(unread) => {
            let (error, service) = admit::refused(&unread, &admitted, &parts);
            pipeline.refuse_body(&error, &parts, service, peer.ip())
        }
    }
}

fn failed() -> Response<Bytes> {
    let error = ServiceError::new(500, "InternalFailure", "the guard failed; nothing was decided");
    error::render(&error, Service::Sts, "")
}

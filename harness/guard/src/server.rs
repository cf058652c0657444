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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::pipeline::Pipeline;
use crate::{admit, bodies};

/// How long a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How many connections are open at once; further ones wait.
const CONNECTIONS: usize = 1_024;
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
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let requests = TaskTracker::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = stopping.cancelled() => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, peer, slot)) = accepted else {
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
            .max_buf_size(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    connections.shutdown().await;
    requests.close();
    let _ = tokio::time::timeout(GRACE, requests.wait()).await;
}

/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
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
    if body.is_end_stream() {
        return pipeline.handle(Request::from_parts(parts, Bytes::new()), peer.ip()).await;
    }
    let admitted = match pipeline.admit(&parts) {
        Ok(admitted) => admitted,
        Err((error, service)) => return pipeline.refuse_body(&error, Some(service), peer.ip()),
    };
    match bodies::read(body, admitted.limit, &pipeline.memory).await {
        Ok(body) => pipeline.handle(Request::from_parts(parts, body), peer.ip()).await,
        Err(unread) => {
            let (error, service) = admit::refused(&unread, &admitted, &parts);
            pipeline.refuse_body(&error, service, peer.ip())
        }
    }
}

fn failed() -> Response<Bytes> {
    let error = ServiceError::new(500, "InternalFailure", "the guard failed; nothing was decided");
    error::render(&error, Service::Sts, "")
}

//! The Runtime API: how a function's process gets its invocations and gives
//! its answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinHandle, JoinSet};

/// AWS's limit of an answer: 6 MB and a little for its envelope.
pub(in crate::lambda) const LARGEST_ANSWER: usize = 6_291_556;

/// An invocation, as the runtime gets it.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Invocation {
    pub(in crate::lambda) request_id: String,
    pub(in crate::lambda) payload: Bytes,
    /// Epoch milliseconds.
    pub(in crate::lambda) deadline_ms: i128,
    /// As the caller named the function.
    pub(in crate::lambda) arn: String,
    /// X-Ray's header.
    pub(in crate::lambda) trace: String,
    /// JSON, where the caller gave one.
    pub(in crate::lambda) client_context: Option<String>,
}

/// What the runtime did.
#[derive(Debug)]
pub(in crate::lambda) enum Event {
    /// It waits for an invocation.
    Ready,
    /// It answered the invocation.
    Response(Bytes),
    /// It reported the invocation's failure.
    Error(Bytes),
    /// Its answer is larger than an answer may be.
    TooLarge,
    /// It could not start.
    InitError(Bytes),
}

/// The Runtime API of one execution environment; it ends with this value.
#[derive(Debug)]
pub(in crate::lambda) struct RuntimeApi {
    address: SocketAddr,
    work: mpsc::Sender<Invocation>,
    events: mpsc::UnboundedReceiver<Event>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    work: Mutex<mpsc::Receiver<Invocation>>,
    events: mpsc::UnboundedSender<Event>,
    /// The invocation that is running.
    current: StdMutex<Option<String>>,
}

impl RuntimeApi {
    /// Serves on a port of its own.
    ///
    /// # Errors
    /// When no port can be had.
    pub(in crate::lambda) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (work, receiver) = mpsc::channel(1);
        let (sender, events) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            work: Mutex::new(receiver),
            events: sender,
            current: StdMutex::new(None),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { address, work, events, shared, server })
    }

    /// `HOST:PORT`, as `AWS_LAMBDA_RUNTIME_API` has it.
    pub(in crate::lambda) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands an invocation to the runtime, which takes it when it asks.
    pub(in crate::lambda) async fn hand_over(&self, invocation: Invocation) {
        *self.shared.current() = Some(invocation.request_id.clone());
        // The receiver lives as long as the server, which lives as long as this.
        let _ = self.work.send(invocation).await;
    }

    /// What the runtime does next. Safe to cancel.
    pub(in crate::lambda) async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What the runtime did already.
    pub(in crate::lambda) fn past_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(route) = path.strip_prefix("/2018-06-01/runtime/") else {
            return refuse(StatusCode::NOT_FOUND, "InvalidPath", "no such path");
        };
        let parts: Vec<&str> = route.split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["init", "error"]) => {
                let body = read(request).await.unwrap_or_default();
                self.tell(Event::InitError(body))
            }
            (&Method::POST, ["invocation", id, what @ ("response" | "error")]) => {
                if self.current().as_deref() != Some(id) {
                    return refuse(
                        StatusCode::BAD_REQUEST,
                        "InvalidRequestID",
                        "Invalid request ID",
                    );
                }
                let failed = *what == "error";
                match read(request).await {
                    Some(body) => {
                        *self.current() = None;
                        self.tell(if failed { Event::Error(body) } else { Event::Response(body) })
                    }
                    None => {
                        *self.current() = None;
                        let _ = self.tell(Event::TooLarge);
                        refuse(
                            StatusCode::PAYLOAD_TOO_LARGE,
                            "RequestEntityTooLarge",
                            &format!(
                                "Exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
                            ),
                        )
                    }
                }
            }
            _ => refuse(StatusCode::NOT_FOUND, "InvalidPath", "no such path"),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        let mut work = self.work.lock().await;
        let _ = self.events.send(Event::Ready);
        let Some(invocation) = work.recv().await else {
            return refuse(StatusCode::GONE, "Shutdown", "the environment is shutting down");
        };
        drop(work);
        let mut response = Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &invocation.request_id)
            .header("Lambda-Runtime-Deadline-Ms", invocation.deadline_ms.to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", &invocation.arn)
            .header("Lambda-Runtime-Trace-Id", &invocation.trace);
        if let Some(context) = &invocation.client_context {
            response = response.header("Lambda-Runtime-Client-Context", context);
        }
        response.body(Full::new(invocation.payload)).unwrap_or_else(|_| {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "a header cannot be sent")
        })
    }

    fn tell(&self, event: Event) -> Response<Full<Bytes>> {
        let _ = self.events.send(event);
        let body = Bytes::from_static(br#"{"status":"OK"}"#);
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = StatusCode::ACCEPTED;
        response
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // The connections end with the server.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, std::convert::Infallible>(shared.answer(request).await) }
            });
            // A runtime that hangs up in the middle is killed, or asks again.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The body, where it is no larger than an answer may be.
async fn read(request: Request<Incoming>) -> Option<Bytes> {
    let body = Limited::new(request.into_body(), LARGEST_ANSWER);
    body.collect().await.ok().map(http_body_util::Collected::to_bytes)
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "errorMessage": message, "errorType": kind }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

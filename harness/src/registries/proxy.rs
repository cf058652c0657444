//! The proxy of one step: `CONNECT`, and plain HTTP for an index that has no
//! TLS. It looks at host and port alone.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use url::Url;

use super::{Registries, Registry};

/// The largest head of a request, and how long it may take to come.
const LARGEST_HEAD: usize = 16 * 1024;
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(20);
/// Connections of one step at once.
const CONNECTIONS: usize = 64;
/// Different hosts of one step that are remembered one by one.
const REMEMBERED: usize = 200;

/// What a step asked the proxy for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// The host, as the step named it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the list has it.
    pub allowed: bool,
}

type Visits = Arc<Mutex<BTreeMap<Visit, u64>>>;

/// A proxy; it ends with this value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    visits: Visits,
    server: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn start(registries: Registries) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let visits = Visits::default();
        let server = tokio::spawn(serve(listener, Arc::new(registries), Arc::clone(&visits)));
        Ok(Self { address, visits, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked for, with how often.
    pub fn visits(&self) -> Vec<(Visit, u64)> {
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.iter().map(|(visit, count)| (visit.clone(), *count)).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, registries: Arc<Registries>, visits: Visits) {
    // The connections end with the proxy.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let (registries, visits) = (Arc::clone(&registries), Arc::clone(&visits));
        connections.spawn(async move {
            // A client or registry that hangs up in the middle tells its own error.
            let _ = connection(stream, &registries, &visits).await;
        });
    }
}

/// What a request asks for.
struct Asked {
    to: Registry,
    /// The request itself, where it is no tunnel.
    plain: Option<Url>,
}

async fn connection(
    mut client: TcpStream,
    registries: &Registries,
    visits: &Visits,
) -> io::Result<()> {
    let Ok(head) = timeout(HEAD_TIME, head(&mut client)).await else {
        return refuse(&mut client, "408 Request Timeout", "no request").await;
    };
    let (head, rest) = head?;
    let Some(asked) = asked(&head) else {
        return refuse(
            &mut client,
            "400 Bad Request",
            "this proxy takes CONNECT and http:// alone",
        )
        .await;
    };
    let allowed = registries.allows(&asked.to);
    let visit = Visit { host: asked.to.host.clone(), port: asked.to.port, allowed };
    {
        let mut visits = visits.lock().unwrap_or_else(PoisonError::into_inner);
        if visits.len() < REMEMBERED || visits.contains_key(&visit) {
            *visits.entry(visit).or_default() += 1;
        }
    }
    if !allowed {
        let why = format!("{} is not in `workflows.registries` of ringfence.toml", asked.to);
        return refuse(&mut client, "403 Forbidden", &why).await;
    }
    let reached = match timeout(CONNECT_TIME, reach(&asked, &head, registries)).await {
        Ok(reached) => reached,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let (mut server, said) = match reached {
        Ok(reached) => reached,
        Err(error) => {
            return refuse(&mut client, "502 Bad Gateway", &format!("{}: {error}", asked.to)).await;
        }
    };
    if asked.plain.is_none() {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    }
    client.write_all(&said).await?;
    server.write_all(&rest).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A head without its empty line, and what came after it.
async fn head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            read.truncate(end);
            let head = String::from_utf8(read).map_err(|_| io::ErrorKind::InvalidData)?;
            return Ok((head, rest));
        }
        if read.len() > LARGEST_HEAD || stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn asked(head: &str) -> Option<Asked> {
    let mut words = head.lines().next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if !version.starts_with("HTTP/1.") || words.next().is_some() {
        return None;
    }
    if method == "CONNECT" {
        // Without the port of the scheme, which `Url` leaves out.
        let url = Url::parse(&format!("https://{target}/")).ok()?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        return Some(Asked { to: Registry::of_url(&url).filter(|_| plain)?, plain: None });
    }
    let url = Url::parse(target).ok().filter(|url| url.scheme() == "http")?;
    Some(Asked { to: Registry::of_url(&url)?, plain: Some(url) })
}

/// A connection on which the request has been made, where it is no tunnel, or
/// which leads to the host; and what that said already.
async fn reach(
    asked: &Asked,
    head: &str,
    registries: &Registries,
) -> io::Result<(TcpStream, Vec<u8>)> {
    let proxy = registries.machine.proxy_of(&asked.to.host, asked.plain.is_none());
    let Some(proxy) = proxy else {
        let mut server = direct(&asked.to).await?;
        if let Some(url) = &asked.plain {
            let path = url.path();
            let target =
                url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            server.write_all(rewritten(head, &target, None).as_bytes()).await?;
        }
        return Ok((server, Vec::new()));
    };
    let proxy = Url::parse(proxy).map_err(io::Error::other)?;
    if proxy.scheme() != "http" {
        return Err(io::Error::other(format!("a `{}` proxy is not supported", proxy.scheme())));
    }
    let (host, port) = (proxy.host_str().unwrap_or_default(), proxy.port_or_known_default());
    let mut server =
        TcpStream::connect((host.trim_matches(['[', ']']), port.unwrap_or(80))).await?;
    let authorization = (!proxy.username().is_empty()).then(|| {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let password = proxy.password().unwrap_or_default();
        STANDARD.encode(format!("{}:{}", decoded(proxy.username()), decoded(password)))
    });
    if let Some(url) = &asked.plain {
        let text = rewritten(head, url.as_str(), authorization.as_deref());
        server.write_all(text.as_bytes()).await?;
        return Ok((server, Vec::new()));
    }
    let extra =
        authorization.map_or_else(String::new, |it| format!("Proxy-Authorization: Basic {it}\r\n"));
    let to = &asked.to;
    server
        .write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{extra}\r\n").as_bytes())
        .await?;
    let (answer, said) = self::head(&mut server).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(io::Error::other(format!("this machine's proxy answers {status}")));
    }
    Ok((server, said))
}

/// A connection to a host itself. A name that leads to this machine is none of
/// a registry's.
async fn direct(to: &Registry) -> io::Result<TcpStream> {
    let host = to.host.trim_matches(['[', ']']);
    let found: Vec<SocketAddr> = lookup_host((host, to.port))
        .await?
        .filter(|address| {
            let ip = address.ip().to_canonical();
            to.is_here() || !(ip.is_loopback() || ip.is_unspecified())
        })
        .collect();
    TcpStream::connect(found.as_slice()).await
}

/// A request for another target, alone on its connection.
fn rewritten(head: &str, target: &str, authorization: Option<&str>) -> String {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let method = first.split(' ').next().unwrap_or_default();
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for line in lines {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if name != "connection" && !name.starts_with("proxy-") {
            text.push_str(line);
            text.push_str("\r\n");
        }
    }
    if let Some(authorization) = authorization {
        text.push_str(&format!("Proxy-Authorization: Basic {authorization}\r\n"));
    }
    text.push_str("Connection: close\r\n\r\n");
    text
}

async fn refuse(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let why = format!("ringfence: {why}\n");
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}",
        why.len()
    );
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await
}

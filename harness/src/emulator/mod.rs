//! What answers behind the guard: LocalStack in a container, moto's server as
//! a child process, or any endpoint.

mod embedded;
mod localstack;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ringfence_guard::{SECRET_HEADER, UpstreamEndpoint};
use ringfence_wire::Secret;
use serde::Serialize;
use url::Url;

use crate::config::Backend;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::tools::PythonTools;

/// LocalStack's image where the configuration names no other: the last release
/// that starts without a token.
pub const IMAGE: &str = "localstack/localstack:4.14.0";

/// Why there is no upstream.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// No Docker engine.
    #[error("no Docker engine answers: {0}; start one, or use `--backend embedded`")]
    NoDocker(String),
    /// No image.
    #[error(
        "the image `{image}` is not here and cannot be pulled: {message}; `just localstack-image` builds it"
    )]
    NoImage {
        /// The image.
        image: String,
        /// What the engine says.
        message: String,
    },
    /// The container does not start.
    #[error("LocalStack (`{image}`) did not start: {message}")]
    Container {
        /// The image.
        image: String,
        /// What went wrong, with the container's last words.
        message: String,
    },
    /// The server does not start.
    #[error("the embedded server did not start: {0}")]
    Embedded(String),
    /// There is no secret for it.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// It cannot be given images.
    #[error(
        "{0} cannot be given machine images: an [[existing]] of the type `aws_ami` needs `--backend embedded`"
    )]
    Images(&'static str),
    /// The endpoint does not answer.
    #[error("the upstream at `{url}` does not answer: {message}")]
    Endpoint {
        /// The endpoint.
        url: Url,
        /// What went wrong.
        message: String,
    },
}

/// Which upstream ran, for the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// `localstack`, `embedded` or `endpoint`.
    pub backend: &'static str,
    /// What runs there.
    pub product: String,
    /// Its version, as it says itself.
    pub version: Option<String>,
    /// The container's image.
    pub image: Option<String>,
    /// The image's digest: the registry's, else the local image's id.
    pub digest: Option<String>,
    /// Why this one was taken, where `auto` chose.
    pub chosen_because: Option<String>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.product)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        if let Some(image) = &self.image {
            write!(f, " ({image})")?;
        }
        Ok(())
    }
}

/// What to start, and how.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Which one.
    pub backend: &'a Backend,
    /// LocalStack's image.
    pub image: &'a str,
    /// More environment for the container.
    pub environment: &'a BTreeMap<String, String>,
    /// The account that the embedded server takes for its own.
    pub account_id: &'a str,
    /// Whether there are others beside it: each request says then which it is of.
    pub several_accounts: bool,
    /// The region of the same.
    pub region: &'a str,
    /// Whether what is started answers the guard alone. An endpoint cannot be
    /// made to.
    pub sealed: bool,
    /// Machine images of others that the embedded server knows besides its own.
    pub images: &'a [serde_json::Value],
}

/// A running upstream; it ends when dropped.
#[derive(Debug)]
pub struct Emulator {
    url: Url,
    secret: Option<Secret>,
    identity: Identity,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Embedded(Box<embedded::Server>),
    LocalStack(Box<localstack::Server>),
    Elsewhere,
}

/// Why no container engine answers, where none does.
pub async fn no_engine() -> Option<EmulatorError> {
    localstack::engine().await.err()
}

impl Emulator {
    /// Starts an upstream and waits until it answers.
    ///
    /// # Errors
    /// When it does not; `auto` falls back on the embedded server only where
    /// Docker or the image is missing, and says so.
    pub async fn start(
        options: &Options<'_>,
        tools: &PythonTools,
        scratch: &Scratch,
        progress: &Progress,
    ) -> Result<Self, EmulatorError> {
        let phase = progress.phase("upstream");
        let elsewhere = match options.backend {
            Backend::Embedded | Backend::Auto => None,
            Backend::Endpoint(_) => Some("an endpoint"),
            Backend::LocalStack => Some("LocalStack"),
        };
        if let Some(product) = elsewhere.filter(|_| !options.images.is_empty()) {
            return Err(EmulatorError::Images(product));
        }
        let secret = options.sealed.then(random).transpose()?;
        let secret = secret.as_ref();
        let emulator = match options.backend {
            Backend::Embedded => embedded(options, tools, scratch, secret, None).await?,
            Backend::Endpoint(url) => endpoint(url).await?,
            Backend::LocalStack => {
                let engine = localstack::engine().await?;
                engine.obtain(options.image, &phase).await?;
                started(options, &engine, scratch, secret, None).await?
            }
            Backend::Auto if !options.images.is_empty() => {
                let why = "an [[existing]] is a machine image".to_owned();
                embedded(options, tools, scratch, secret, Some(why)).await?
            }
            Backend::Auto => match localstack_is_there(options, &phase).await {
                Ok(engine) => {
                    let why = "a Docker engine answers and the image is there".to_owned();
                    started(options, &engine, scratch, secret, Some(why)).await?
                }
                Err(error) => {
                    phase.note(format!("not LocalStack: {error}"));
                    let why = format!("not LocalStack: {error}");
                    embedded(options, tools, scratch, secret, Some(why)).await?
                }
            },
        };
        phase.note(emulator.identity.to_string());
        phase.done();
        Ok(emulator)
    }

    /// Where it answers.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where it answers, with what it asks for.
    pub fn endpoint(&self) -> UpstreamEndpoint {
        UpstreamEndpoint {
            url: self.url.clone(),
            secret: self.secret.clone(),
            is_new: !matches!(self.running, Running::Elsewhere),
        }
    }

    /// Whether it answers the guard alone.
    pub const fn is_sealed(&self) -> bool {
        self.secret.is_some()
    }

    /// Which one it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its last words, for a report of its death.
    pub async fn last_words(&self) -> Vec<String> {
        match &self.running {
            Running::Embedded(server) => server.last_words(),
            Running::LocalStack(server) => server.last_words().await,
            Running::Elsewhere => Vec::new(),
        }
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(self) {
        match self.running {
            Running::Embedded(server) => server.stop().await,
            Running::LocalStack(server) => server.stop().await,
            Running::Elsewhere => {}
        }
    }
}

async fn localstack_is_there(
    options: &Options<'_>,
    phase: &crate::progress::Phase,
) -> Result<localstack::Engine, EmulatorError> {
    let engine = localstack::engine().await?;
    engine.obtain(options.image, phase).await?;
    Ok(engine)
}

async fn started(
    options: &Options<'_>,
    engine: &localstack::Engine,
    scratch: &Scratch,
    secret: Option<&Secret>,
    chosen_because: Option<String>,
) -> Result<Emulator, EmulatorError> {
    let server = engine.start(options, scratch, secret).await?;
    let url = server.url().clone();
    let identity = Identity {
        backend: "localstack",
        product: "LocalStack".to_owned(),
        version: version_of(&url, secret).await,
        image: Some(options.image.to_owned()),
        digest: engine.digest(options.image).await,
        chosen_because,
    };
    let running = Running::LocalStack(Box::new(server));
    Ok(Emulator { url, secret: secret.cloned(), identity, running })
}

async fn embedded(
    options: &Options<'_>,
    tools: &PythonTools,
    scratch: &Scratch,
    secret: Option<&Secret>,
    chosen_because: Option<String>,
) -> Result<Emulator, EmulatorError> {
    let server = embedded::Server::start(options, tools, scratch, secret).await?;
    let identity = Identity {
        backend: "embedded",
        product: "moto server".to_owned(),
        version: Some(server.version().to_owned()),
        image: None,
        digest: None,
        chosen_because,
    };
    Ok(Emulator {
        url: server.url().clone(),
        secret: secret.cloned(),
        identity,
        running: Running::Embedded(Box::new(server)),
    })
}

/// How often a silent upstream is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until nobody listens at a URL any more: refused twice in a row.
pub(crate) async fn silence(url: &Url) {
    let Some(host) = url.host_str() else { return std::future::pending().await };
    let address = (host.trim_matches(['[', ']']), url.port_or_known_default().unwrap_or(80));
    let mut refused = 0;
    while refused < 2 {
        tokio::time::sleep(LOOK).await;
        // Slow is not dead, nor is an address that cannot be resolved just now.
        refused = match tokio::net::TcpStream::connect(address).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => refused + 1,
            _ => 0,
        };
    }
}

/// How long an endpoint may take for its first answer: emulators load a service
/// at its first call.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

async fn endpoint(url: &Url) -> Result<Emulator, EmulatorError> {
    let client = reqwest::Client::builder().timeout(FIRST_ANSWER).build();
    let answer = match client {
        Ok(client) => client.get(url.clone()).send().await,
        Err(error) => Err(error),
    };
    // Any status shows that somebody is there.
    answer.map_err(|error| EmulatorError::Endpoint {
        url: url.clone(),
        message: root_cause(&error),
    })?;
    let version = version_of(url, None).await;
    let product = if version.is_some() { "LocalStack" } else { "endpoint" };
    let identity = Identity {
        backend: "endpoint",
        product: format!("{product} at {url}"),
        version,
        image: None,
        digest: None,
        chosen_because: None,
    };
    Ok(Emulator { url: url.clone(), secret: None, identity, running: Running::Elsewhere })
}

/// The version that a LocalStack tells.
async fn version_of(url: &Url, secret: Option<&Secret>) -> Option<String> {
    let health = url.join("_localstack/health").ok()?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().ok()?;
    let mut request = client.get(health);
    if let Some(secret) = secret {
        request = request.header(SECRET_HEADER, secret.expose());
    }
    let answer: serde_json::Value = request.send().await.ok()?.json().await.ok()?;
    Some(answer.get("version")?.as_str()?.to_owned())
}

/// A secret that nobody has had before.
fn random() -> Result<Secret, EmulatorError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| EmulatorError::Randomness(error.to_string()))?;
    Ok(Secret::new(hex::encode(bytes)))
}

/// The innermost cause: what the system said.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn iam(url: &Url, secret: Option<&str>, form: &str) -> (u16, String) {
        let mut request = reqwest::Client::new().post(url.clone());
        if let Some(secret) = secret {
            request = request.header(SECRET_HEADER, secret);
        }
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(form.to_owned());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn start(backend: &Backend) -> Result<(Emulator, Scratch), EmulatorError> {
        let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
        let scratch = Scratch::create(&tools.python()).unwrap();
        let options = Options {
            backend,
            image: IMAGE,
            environment: &BTreeMap::new(),
            account_id: "123456789012",
            several_accounts: false,
            region: "us-east-1",
            sealed: true,
            images: &[],
        };
        let emulator = Emulator::start(&options, &tools, &scratch, &Progress::silent()).await?;
        Ok((emulator, scratch))
    }

    /// AWS's own policies are there, for who shows the secret alone, and the
    /// upstream is gone after `stop`.
    async fn serves_and_ends(emulator: Emulator, scratch: Scratch) {
        let url = emulator.url().clone();
        let form = "Action=GetPolicy&Version=2010-05-08&PolicyArn=arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";
        let secret = emulator.endpoint().secret.unwrap();
        let (status, body) = iam(&url, Some(secret.expose()), form).await;
        assert_eq!(status, 200, "{body}");
        let nearly = secret.expose().strip_prefix(|_: char| true);
        for shown in [None, Some(""), Some("guessed"), nearly] {
            let (status, body) = iam(&url, shown, form).await;
            assert_eq!(status, 403);
            assert_eq!(
                body,
                "This emulator answers Ringfence's guard alone; send the request to the guard.\n"
            );
        }
        for path in ["moto-api/data.json", "_localstack/health", "bucket/key"] {
            let answer = reqwest::get(url.join(path).unwrap()).await.unwrap();
            assert_eq!(answer.status(), 403, "{path}");
        }
        assert!(!format!("{emulator:?}").contains(secret.expose()));
        emulator.stop().await;
        scratch.remove().await;
        assert!(reqwest::get(url).await.unwrap_err().is_connect());
    }

    #[tokio::test]
    async fn the_embedded_server_serves_and_ends() {
        let (emulator, scratch) = start(&Backend::Embedded).await.unwrap();
        assert_eq!(emulator.identity().version.as_deref(), PythonTools::pinned("moto"));
        serves_and_ends(emulator, scratch).await;
    }

    #[tokio::test]
    async fn an_endpoint_where_nobody_answers_is_an_error_that_names_it() {
        let nobody = Backend::Endpoint(Url::parse("http://127.0.0.1:9/").unwrap());
        let error = start(&nobody).await.unwrap_err().to_string();
        assert!(
            error.starts_with("the upstream at `http://127.0.0.1:9/` does not answer: "),
            "{error}"
        );
    }
}

//! LocalStack in a container.

use std::time::Duration;

use futures_util::StreamExt;
use ringfence_wire::Secret;
use sha2::{Digest as _, Sha256};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use url::Url;

use super::{EmulatorError, Options, root_cause};
use crate::progress::Phase;
use crate::scratch::Scratch;

/// LocalStack's port, in the container.
const PORT: u16 = 4566;

/// Every container that we start carries this label.
const LABEL: &str = "dev.ringfence.run";

/// Closes LocalStack's port to all but the guard; the container holds the
/// secret's hash alone.
const SEAL: &str = include_str!("localstack.py");
const SEAL_PLACE: &str = "/etc/localstack/init/start.d/ringfence.py";

/// LocalStack's services call one another inside the process, in place of by its
/// own port, which is closed to them as well.
const IN_MEMORY: &str = "IN_MEMORY_CLIENT";

/// Handed to the container and shown nowhere.
const TOKEN: &str = "LOCALSTACK_AUTH_TOKEN";

const PING_TIME: Duration = Duration::from_secs(5);
const PULL_TIME: Duration = Duration::from_secs(600);
const START_TIME: Duration = Duration::from_secs(180);

/// A Docker engine that answers.
#[derive(Debug)]
pub(super) struct Engine(Docker);

/// The container.
#[derive(Debug)]
pub(super) struct Server {
    container: ContainerAsync<GenericImage>,
    url: Url,
}

/// The engine that the environment names, once it answers.
pub(super) async fn engine() -> Result<Engine, EmulatorError> {
    let failed = |error: &dyn std::error::Error| EmulatorError::NoDocker(root_cause(error));
    let docker = docker_client_instance().await.map_err(|error| failed(&error))?;
    match tokio::time::timeout(PING_TIME, docker.ping()).await {
        Ok(Ok(_)) => Ok(Engine(docker)),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(EmulatorError::NoDocker(format!("no reply in {} s", PING_TIME.as_secs()))),
    }
}

impl Engine {
    /// Makes sure that the image is there.
    pub(super) async fn obtain(&self, image: &str, phase: &Phase) -> Result<(), EmulatorError> {
        if self.0.inspect_image(image).await.is_ok() {
            return Ok(());
        }
        phase.note(format!("pulling {image}"));
        let options = CreateImageOptionsBuilder::default().from_image(image).build();
        let pull = async {
            let mut steps = self.0.create_image(Some(options), None, None);
            while let Some(step) = steps.next().await {
                step?;
            }
            Ok::<_, testcontainers::bollard::errors::Error>(())
        };
        let message = match tokio::time::timeout(PULL_TIME, pull).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => root_cause(&error),
            Err(_) => format!("not finished after {} s", PULL_TIME.as_secs()),
        };
        Err(EmulatorError::NoImage { image: image.to_owned(), message })
    }

    /// The image's digest in its registry, else its id here.
    pub(super) async fn digest(&self, image: &str) -> Option<String> {
        let found = self.0.inspect_image(image).await.ok()?;
        found.repo_digests.and_then(|digests| digests.into_iter().next()).or(found.id)
    }

    /// Starts a container and waits until it is ready.
    pub(super) async fn start(
        &self,
        options: &Options<'_>,
        scratch: &Scratch,
        secret: Option<&Secret>,
    ) -> Result<Server, EmulatorError> {
        let failed =
            |message: String| EmulatorError::Container { image: options.image.to_owned(), message };
        let (name, tag) = split(options.image);
        let mut request = GenericImage::new(name, tag)
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stdout("Ready."))
            .with_startup_timeout(START_TIME)
            .with_label(LABEL, scratch.path().to_string_lossy());
        for (name, value) in options.environment {
            request = request.with_env_var(name, value);
        }
        if let Some(secret) = secret {
            let hash = hex::encode(Sha256::digest(secret.expose()));
            request = request
                .with_copy_to(SEAL_PLACE, SEAL.replace("@SHA256@", &hash).into_bytes())
                .with_env_var(IN_MEMORY, "1");
        }
        if let Ok(token) = std::env::var(TOKEN) {
            request = request.with_env_var(TOKEN, token);
        }
        let container = request.start().await.map_err(|error| failed(root_cause(&error)))?;
        // From here on the container goes even if we are killed.
        scratch.container(container.id()).map_err(|error| failed(error.to_string()))?;
        let host = container.get_host().await.map_err(|error| failed(root_cause(&error)))?;
        let port = container
            .get_host_port_ipv4(PORT.tcp())
            .await
            .map_err(|error| failed(root_cause(&error)))?;
        let url = Url::parse(&format!("http://{host}:{port}/"))
            .map_err(|error| failed(error.to_string()))?;
        // `localhost` may resolve to ::1 first, where Docker does not listen.
        let url = loopback(url);
        if secret.is_some() {
            refuses_others(&url).await.map_err(failed)?;
        }
        Ok(Server { container, url })
    }
}

impl Server {
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) async fn last_words(&self) -> Vec<String> {
        let said = self.container.stderr_to_vec().await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        lines.iter().rev().take(20).rev().map(|line| (*line).to_owned()).collect()
    }

    pub(super) async fn stop(self) {
        // The sweeper removes what this cannot.
        let _ = self.container.rm().await;
    }
}

/// LocalStack goes on where a script of its start fails: whether it refuses who
/// does not show the secret is seen by asking.
async fn refuses_others(url: &Url) -> Result<(), String> {
    let answer = reqwest::get(url.clone()).await.map_err(|error| root_cause(&error))?;
    match answer.status() {
        reqwest::StatusCode::FORBIDDEN => Ok(()),
        status => Err(format!(
            "it answers everybody ({status}), though it was told to answer the guard alone"
        )),
    }
}

/// `registry:5000/name:tag` to its name and tag.
fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

fn loopback(mut url: Url) -> Url {
    if url.host_str() == Some("localhost") {
        // Always possible for an http URL.
        let _ = url.set_host(Some("127.0.0.1"));
    }
    url
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("localstack/localstack:4.14.0", "localstack/localstack", "4.14.0")]
    #[case("registry:5000/localstack", "registry:5000/localstack", "latest")]
    #[case("registry:5000/localstack:4", "registry:5000/localstack", "4")]
    fn an_image_is_a_name_and_a_tag(#[case] image: &str, #[case] name: &str, #[case] tag: &str) {
        assert_eq!(split(image), (name, tag));
    }
}

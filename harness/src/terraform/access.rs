//! How an AWS client reaches the guard.

use ringfence_wire::Secret;
use tokio::process::Command;
use url::Url;

/// How an AWS client reaches the guard: the endpoint, the region and whose
/// credentials it signs with.
#[derive(Debug, Clone)]
pub struct Access {
    /// The guard's endpoint.
    pub endpoint: Url,
    /// The region.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: Secret,
    /// The session's token.
    pub session_token: Option<Secret>,
}

impl Access {
    /// Sets the environment of an AWS client, and takes everything out of it
    /// that could send the client elsewhere.
    pub fn apply_to(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // AWS_CA_BUNDLE must not be set for the provider, nor for Python.
            if name.starts_with("AWS_") || name.starts_with("SAM_CLI_") {
                command.env_remove(&*name);
            }
        }
        command.envs(self.environment());
    }

    /// The environment of an AWS client.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.endpoint.as_str().trim_end_matches('/').to_owned()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.expose().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // Files that need not exist: nobody's own profile is read.
            ("AWS_CONFIG_FILE", "/nonexistent/config".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials".to_owned()),
            ("NO_PROXY", "localhost,127.0.0.1,.localhost".to_owned()),
            ("no_proxy", "localhost,127.0.0.1,.localhost".to_owned()),
        ];
        if let Some(token) = &self.session_token {
            variables.push(("AWS_SESSION_TOKEN", token.expose().to_owned()));
        }
        variables
    }
}

//! The catalogue: for each deployer, what lies beyond its job. Everything is
//! derived from the deployed state; no service's name stands here.

mod api;
mod data;
mod functions;
mod network;
mod roles;
mod stacks;

use super::attack::Attack;
use super::facts::{DeployerFacts, Facts};

/// The attacks of one deployer, in a stable order.
pub fn attacks(facts: &Facts, deployer: &DeployerFacts) -> Vec<Attack> {
    let scene = Scene { facts, deployer };
    [
        roles::attacks(&scene),
        api::attacks(&scene),
        functions::attacks(&scene),
        network::attacks(&scene),
        stacks::attacks(&scene),
        data::attacks(&scene),
    ]
    .concat()
}

/// A deployer in the deployed state.
struct Scene<'a> {
    facts: &'a Facts,
    deployer: &'a DeployerFacts,
}

impl Scene<'_> {
    /// A name in the deployer's own namespace.
    fn own(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.deployer.app)
    }

    /// A role's name in the deployer's own namespace, or in the platform's
    /// where it has none.
    fn own_role(&self, suffix: &str) -> String {
        let prefix = self.deployer.role_prefix.as_deref().unwrap_or("app-");
        format!("{prefix}{suffix}")
    }

    /// The name of the deployer's own role.
    fn self_role(&self) -> &str {
        self.deployer.role_arn.rsplit('/').next().unwrap_or_default()
    }
}

/// A trust policy for Lambda.
pub(super) fn lambda_trust() -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

/// A policy that allows everything.
fn everything() -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    })
    .to_string()
}

/// A deployment package of one Python source, as `ZipFile` takes it: base64.
pub(super) fn package(source: &str) -> String {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    // Writing to memory does not fail; were it to, the empty package would be
    // refused, and the attack inconclusive.
    let bytes = archive
        .start_file("index.py", options)
        .and_then(|()| Ok(std::io::Write::write_all(&mut archive, source.as_bytes())?))
        .and_then(|()| archive.finish())
        .map(std::io::Cursor::into_inner)
        .unwrap_or_default();
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

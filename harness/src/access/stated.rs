//! What the configuration says of the organization and of VPC endpoints, with the
//! policies of the files that it names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence_policy::{Document, Kind};

use super::control::{Levels, Through};
use super::files::Unreadable;
use crate::config::{self, Config};

pub use super::control::Stated;

/// Reads it.
///
/// # Errors
/// A policy that cannot be read, or is none.
pub fn stated(config: &Config) -> Result<Stated, Unreadable> {
    let mut levels = Levels::default();
    for level in config.levels() {
        if let Some(policies) = &level.policies {
            levels.service.push(all(policies, Kind::ServiceControl)?);
        }
        if !level.resource_control.is_empty() {
            levels.resource.push(all(&level.resource_control, Kind::ResourceControl)?);
        }
    }
    let organization = config.account.organization.as_ref();
    Ok(Stated {
        path: organization.map(|it| it.path.get_ref().clone()),
        management: organization.map(|it| it.management_account.as_str().to_owned()),
        levels,
        endpoints: config.vpc_endpoints.iter().map(through).collect::<Result<_, _>>()?,
    })
}

fn all(paths: &[PathBuf], kind: Kind) -> Result<Vec<Arc<Document>>, Unreadable> {
    paths.iter().map(|path| one(path, kind)).collect()
}

fn one(path: &Path, kind: Kind) -> Result<Arc<Document>, Unreadable> {
    let text = fs::read_to_string(path).map_err(|error| Unreadable::new(path, error))?;
    let name = path.display().to_string();
    let read = match kind {
        Kind::VpcEndpoint => Document::parse(name, &text, kind),
        _ => Document::parse_managed(name, &text, kind),
    };
    read.map(Arc::new).map_err(|error| Unreadable::new(path, error))
}

fn through(endpoint: &config::VpcEndpoint) -> Result<Through, Unreadable> {
    Ok(Through {
        policy: one(&endpoint.policy, Kind::VpcEndpoint)?,
        services: endpoint.services.clone(),
        callers: endpoint.callers.clone(),
    })
}

//! `actions/checkout`: a copy of the repository in the workspace.

use std::fs;
use std::io;
use std::path::Path;

use ringfence_sandbox::User;

use crate::copying::{self, at};

/// Empties the workspace, as the action does where it finds no repository, and
/// copies the repository into it.
///
/// # Errors
/// What the system says, with the path.
pub(super) fn checkout(repository: &Path, workspace: &Path, user: User) -> io::Result<()> {
    // What an earlier step left could lead us elsewhere.
    fs::remove_dir_all(workspace).map_err(|error| at(workspace, error))?;
    fs::create_dir(workspace).map_err(|error| at(workspace, error))?;
    copying::tree(repository, workspace)?;
    user.own(workspace)
}

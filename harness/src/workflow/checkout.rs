//! `actions/checkout`: a copy of the repository in the workspace.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use ringfence_sandbox::User;

/// What is never copied: other runs' state and what is no source.
const SKIPPED: [&str; 5] = [".terraform", ".git", "target", "node_modules", ".aws-sam"];

/// Empties the workspace, as the action does where it finds no repository, and
/// copies the repository into it. A symbolic link stays one, as in Git: it
/// leads nowhere but where the steps may go.
///
/// # Errors
/// What the system says, with the path.
pub(super) fn checkout(repository: &Path, workspace: &Path, user: User) -> io::Result<()> {
    let at = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    // What an earlier step left could lead us elsewhere.
    fs::remove_dir_all(workspace).map_err(|error| at(workspace, error))?;
    fs::create_dir(workspace).map_err(|error| at(workspace, error))?;
    copy(repository, workspace)?;
    user.own(workspace)
}

fn copy(source: &Path, target: &Path) -> io::Result<()> {
    let at = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    for entry in fs::read_dir(source).map_err(|error| at(source, error))? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if SKIPPED.contains(&&*text) || text.contains(".tfstate") {
            continue;
        }
        let (from, to) = (entry.path(), target.join(&name));
        let kind = entry.file_type().map_err(|error| at(&from, error))?;
        let done = if kind.is_symlink() {
            fs::read_link(&from).and_then(|link| symlink(link, &to))
        } else if kind.is_dir() {
            fs::create_dir(&to).and_then(|()| copy(&from, &to))
        } else if kind.is_file() {
            fs::copy(&from, &to).map(drop)
        } else {
            // No Git repository holds such.
            Err(io::Error::other("is neither a file, a directory nor a link"))
        };
        done.map_err(|error| at(&from, error))?;
    }
    Ok(())
}

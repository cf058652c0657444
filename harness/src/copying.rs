//! Copies of a team's or the platform's directory: sources, and nothing that
//! other runs left.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What is never copied: other runs' state and what is no source.
const SKIPPED: [&str; 5] = [".terraform", ".git", "target", "node_modules", ".aws-sam"];

/// What becomes of a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// It stays one, as in Git: in the copy it leads nowhere but where its
    /// reader may go anyway.
    Kept,
    /// What it points at is copied in its place.
    Followed,
}

/// Copies what a directory holds into one that is there already.
///
/// # Errors
/// What the system says, with the path; also for what is neither a file, a
/// directory nor a link, which no Git repository holds.
pub(crate) fn tree(source: &Path, target: &Path, links: Links) -> io::Result<()> {
    for entry in fs::read_dir(source).map_err(|error| at(source, error))? {
        let entry = entry.map_err(|error| at(source, error))?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if SKIPPED.contains(&&*text) || text.contains(".tfstate") {
            continue;
        }
        let (from, to) = (entry.path(), target.join(&name));
        let kind = match links {
            Links::Kept => entry.file_type(),
            Links::Followed => fs::metadata(&from).map(|metadata| metadata.file_type()),
        };
        let kind = kind.map_err(|error| at(&from, error))?;
        if kind.is_dir() {
            fs::create_dir(&to).map_err(|error| at(&to, error))?;
            tree(&from, &to, links)?;
            continue;
        }
        let done = if kind.is_symlink() {
            fs::read_link(&from).and_then(|link| symlink(link, &to))
        } else if kind.is_file() {
            fs::copy(&from, &to).map(drop)
        } else {
            Err(io::Error::other("is neither a file, a directory nor a link"))
        };
        done.map_err(|error| at(&from, error))?;
    }
    Ok(())
}

/// An error with its path.
pub(crate) fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn source() -> TempDir {
        let source = tempfile::tempdir().unwrap();
        let at = |name: &str| source.path().join(name);
        fs::create_dir_all(at("modules/a")).unwrap();
        fs::create_dir_all(at(".terraform/x")).unwrap();
        fs::write(at("modules/a/main.tf"), "a").unwrap();
        fs::write(at("terraform.tfstate.backup"), "secret").unwrap();
        symlink("modules", at("link")).unwrap();
        source
    }

    fn copied(source: &Path, links: Links) -> (TempDir, Vec<String>) {
        let target = tempfile::tempdir().unwrap();
        tree(source, target.path(), links).unwrap();
        let entries = fs::read_dir(target.path()).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        (target, names)
    }

    #[test]
    fn a_link_is_kept_or_followed_and_what_other_runs_left_stays_behind() {
        let source = source();
        for links in [Links::Kept, Links::Followed] {
            let (target, names) = copied(source.path(), links);
            assert_eq!(names, ["link", "modules"]);
            let link = target.path().join("link");
            assert_eq!(link.is_symlink(), links == Links::Kept);
            assert_eq!(fs::read_to_string(link.join("a/main.tf")).unwrap(), "a");
        }
    }

    #[test]
    fn an_error_names_the_path() {
        let source = source();
        let socket = source.path().join("modules/socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let target = tempfile::tempdir().unwrap();
        for links in [Links::Kept, Links::Followed] {
            let into = target.path().join(format!("{links:?}"));
            fs::create_dir(&into).unwrap();
            let error = tree(source.path(), &into, links).unwrap_err().to_string();
            let expected = "socket: is neither a file, a directory nor a link";
            assert!(error.ends_with(expected), "{error}");
        }
    }
}

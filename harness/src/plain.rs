//! Files that a team wrote. A repository holds links as well as files, and a link leads
//! anywhere: to a key, to what never ends, to what waits for a writer. Only plain files
//! are read, of bounded size, and no link that leads out of the repository is followed.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The most that is read of a file. CloudFormation takes templates of 1 MB, GitHub
/// workflows of less.
const LARGEST: u64 = 16 << 20;

/// Opens a plain file, without waiting for anybody.
///
/// # Errors
/// What the system says; that it is no plain file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("is no plain file")),
    }
}

/// The bytes of a plain file, so many at most.
///
/// # Errors
/// What [`open`] does; that it is larger.
pub(crate) fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    up_to(most, open(path)?)
}

/// The bytes of what its user named, which may be a pipe; so many at most.
///
/// # Errors
/// What the system says; that they are more.
pub(crate) fn named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    up_to(most, File::open(path)?)
}

fn up_to(most: u64, file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file of the kernel's tells no size.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("is larger than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// The text of a plain file in a repository.
///
/// # Errors
/// What [`bytes`] does; that it leads out of the repository, or is no text.
pub(crate) fn text(path: &Path, repository: &Path) -> io::Result<String> {
    if !is_within(path, repository)? {
        return Err(io::Error::other("leads out of the repository"));
    }
    String::from_utf8(bytes(path, LARGEST)?).map_err(|_| io::Error::other("is not UTF-8"))
}

/// Whether a path, followed to its end, stays in a directory.
///
/// # Errors
/// What the system says.
pub(crate) fn is_within(path: &Path, directory: &Path) -> io::Result<bool> {
    Ok(path.canonicalize()?.starts_with(directory.canonicalize()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_repositorys_own_files_are_read_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let repository = directory.path().join("repository");
        std::fs::create_dir(&repository).unwrap();
        let own = |name: &str| repository.join(name);
        std::fs::write(own("template.yaml"), "Resources: {}").unwrap();
        std::fs::write(directory.path().join("key"), "secret").unwrap();
        symlink("template.yaml", own("same")).unwrap();
        symlink("../key", own("key")).unwrap();
        symlink("/dev/zero", own("endless")).unwrap();
        symlink("/proc/self/environ", own("environment")).unwrap();
        symlink("endless-loop", own("endless-loop")).unwrap();
        std::fs::write(own("large"), vec![b'x'; 17 << 20]).unwrap();
        std::fs::write(own("bytes"), [0xff]).unwrap();
        let pipe = own("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
        let read = |name: &str| text(&own(name), &repository).map_err(|error| error.to_string());
        assert_eq!(read("template.yaml").as_deref(), Ok("Resources: {}"));
        assert_eq!(read("same").as_deref(), Ok("Resources: {}"));
        let out = Err("leads out of the repository".to_owned());
        for name in ["key", "endless", "environment"] {
            assert_eq!(read(name), out, "{name}");
        }
        assert_eq!(read("large"), Err("is larger than 16777216 bytes".to_owned()));
        assert_eq!(read("bytes"), Err("is not UTF-8".to_owned()));
        assert_eq!(read("pipe"), Err("is no plain file".to_owned()));
        assert!(read("endless-loop").is_err());
        assert_eq!(bytes(Path::new("/dev/zero"), 10).unwrap_err().to_string(), "is no plain file");
    }
}

//! The list of a bundle's files with their SHA-256, in the form that
//! `sha256sum -c` reads: what is signed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The manifest's name in the bundle.
pub const MANIFEST: &str = "MANIFEST.sha256";
/// The signature's name in the bundle.
pub const SIGNATURE: &str = "MANIFEST.sha256.sig";

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file or directory cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Neither file nor directory, or a name that a manifest cannot hold.
    #[error("`{}` has no place in a bundle: {what}", path.display())]
    Strange {
        /// Which.
        path: PathBuf,
        /// What is strange about it.
        what: &'static str,
    },
    /// A line that is none of a manifest.
    #[error("{MANIFEST}, line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Files by their path below the bundle, each with its SHA-256.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest(BTreeMap<String, String>);

impl Manifest {
    /// Of what lies in a directory; the manifest itself and its signature
    /// have no place in it.
    ///
    /// # Errors
    /// When something cannot be read, or is no plain file.
    pub fn of(directory: &Path) -> Result<Self, ManifestError> {
        let mut files = BTreeMap::new();
        collect(directory, "", &mut files)?;
        files.remove(MANIFEST);
        files.remove(SIGNATURE);
        Ok(Self(files))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// At the first line that is none.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let mut files = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |what| ManifestError::Line { line: index + 1, what };
            let (hash, path) =
                line.split_once("  ").ok_or_else(|| wrong("no two spaces after the hash"))?;
            if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(wrong("no SHA-256 in lower-case hexadecimal"));
            }
            if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(wrong("a path that leads out of the bundle"));
            }
            if files.insert(path.to_owned(), hash.to_owned()).is_some() {
                return Err(wrong("a path for the second time"));
            }
        }
        if files.is_empty() {
            return Err(ManifestError::Line { line: 1, what: "no file is listed" });
        }
        Ok(Self(files))
    }

    /// The files with their hashes, in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, hash)| (path.as_str(), hash.as_str()))
    }

    /// A file's hash.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

impl std::fmt::Display for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files().try_for_each(|(path, hash)| writeln!(f, "{hash}  {path}"))
    }
}

/// A text's SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn collect(
    directory: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, String>,
) -> Result<(), ManifestError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ManifestError::Read { path, source }
    };
    for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
        let entry = entry.map_err(failed(directory))?;
        let path = entry.path();
        let strange = |what| ManifestError::Strange { path: path.clone(), what };
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| strange("its name is no text"))?;
        if name.contains(|c: char| c.is_control() || c == '\\') {
            return Err(strange("its name has a control character or a backslash"));
        }
        let below = format!("{prefix}{name}");
        // Of the link itself: what a link leads to is not in the bundle.
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            collect(&path, &format!("{below}/"), files)?;
        } else if kind.is_file() {
            files.insert(below, hash(&path).map_err(failed(&path))?);
        } else {
            return Err(strange("it is no plain file"));
        }
    }
    Ok(())
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(part) if read > 0 => digest.update(part),
            _ => return Ok(hex::encode(digest.finalize())),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_directory_is_listed_in_order_without_the_manifest_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("raw")).unwrap();
        for (name, text) in [("run.json", "{}"), ("raw/a b.json", ""), (MANIFEST, "x")] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let manifest = Manifest::of(directory.path()).unwrap();
        assert_eq!(
            manifest.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  raw/a b.json\n\
             44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  run.json\n"
        );
        assert_eq!(Manifest::parse(&manifest.to_string()).unwrap(), manifest);
    }

    #[test]
    fn a_link_has_no_place_in_a_bundle() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", directory.path().join("run.json")).unwrap();
        let error = Manifest::of(directory.path()).unwrap_err().to_string();
        assert!(error.ends_with("run.json` has no place in a bundle: it is no plain file"));
    }

    #[rstest]
    #[case::empty("", "line 1: no file is listed")]
    #[case::no_hash("a  run.json\n", "line 1: no SHA-256 in lower-case hexadecimal")]
    #[case::one_space("x run.json\n", "line 1: no two spaces after the hash")]
    #[case::out("HASH  ../run.json\n", "line 1: a path that leads out of the bundle")]
    #[case::absolute("HASH  /run.json\n", "line 1: a path that leads out of the bundle")]
    #[case::twice("HASH  a\nHASH  a\n", "line 2: a path for the second time")]
    fn a_line_that_is_none_is_named(#[case] text: &str, #[case] expected: &str) {
        let text = text.replace("HASH", &"0".repeat(64));
        let error = Manifest::parse(&text).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

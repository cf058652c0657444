//! Deployment packages: read, checked and unpacked.
//!
//! A package is written by whoever may update the function, so nothing in it
//! is trusted: names that leave the directory, packages that grow beyond AWS's
//! limit, and links that later entries would be written through are refused.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Cursor, Read, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use ringfence_wire::ServiceError;
use sha2::{Digest, Sha256};
use tempfile::{TempDir, TempPath};
use uuid::Uuid;
use zip::ZipArchive;

use crate::lambda::error::{invalid, too_large};

/// AWS's limit for a package that travels in the request.
const ZIPPED_LIMIT: usize = 52_428_800;
/// AWS's limit for an unpacked package.
const UNZIPPED_LIMIT: u64 = 262_144_000;
/// More entries than this, with the directories that their names make, are no function
/// (AWS names no limit).
const ENTRY_LIMIT: usize = 100_000;

/// No path of Linux's is longer.
const LONGEST_NAME: usize = 4096;

const NOT_A_ZIP: &str =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";

/// A package that was read and checked, and where it was unpacked, once it was.
#[derive(Debug)]
pub(in crate::lambda) struct Code {
    /// What its URL calls it.
    pub(in crate::lambda) id: Uuid,
    /// Base64 of the package's SHA-256.
    pub(in crate::lambda) sha256: String,
    /// The package's size.
    pub(in crate::lambda) size: usize,
    directory: OnceLock<TempDir>,
    archive: OnceLock<TempPath>,
}

/// A package that can be unpacked.
#[derive(Debug)]
pub(in crate::lambda) struct Package {
    bytes: Bytes,
    unpacked: u64,
}

impl Code {
    /// The directory of the unpacked code; removed with the last user of this
    /// code.
    pub(in crate::lambda) fn directory(&self) -> Option<&Path> {
        self.directory.get().map(TempDir::path)
    }

    /// The file of the package as it came; removed with the last user of this
    /// code.
    pub(in crate::lambda) fn archive(&self) -> Option<PathBuf> {
        self.archive.get().map(|path| path.to_path_buf())
    }
}

impl Package {
    /// Reads the base64 text of `ZipFile`.
    ///
    /// # Errors
    /// For text that is no base64, and what [`Package::read`] refuses.
    pub(in crate::lambda) fn decode(text: &str) -> Result<Self, ServiceError> {
        let bytes = BASE64.decode(text).map_err(|_| invalid(NOT_A_ZIP))?;
        if bytes.len() > ZIPPED_LIMIT {
            return Err(too_large(format!(
                "Zipped size must be smaller than {ZIPPED_LIMIT} bytes"
            )));
        }
        Self::read(bytes.into())
    }

    /// Checks a package, as AWS does before it answers.
    ///
    /// # Errors
    /// `InvalidParameterValueException`, with AWS's texts.
    pub(in crate::lambda) fn read(bytes: Bytes) -> Result<Self, ServiceError> {
        Self::read_within(bytes, UNZIPPED_LIMIT)
    }

    fn read_within(bytes: Bytes, limit: u64) -> Result<Self, ServiceError> {
        let mut archive = ZipArchive::new(Cursor::new(&bytes)).map_err(|_| invalid(NOT_A_ZIP))?;
        if archive.is_empty() {
            return Err(invalid("Uploaded file must be a non-empty zip"));
        }
        let entries = archive.len();
        if entries > ENTRY_LIMIT {
            return Err(invalid(NOT_A_ZIP));
        }
        let mut total = 0_u64;
        // One name makes as many directories as it has parts.
        let (state, mut directories) = (RandomState::new(), HashSet::new());
        for index in 0..entries {
            let entry = archive.by_index_raw(index).map_err(|_| invalid(NOT_A_ZIP))?;
            total = total.saturating_add(entry.size());
            let inner = entry.name().ok().and_then(|name| inner_path(&name));
            let inner = inner.filter(|it| entry.is_dir() || !it.as_os_str().is_empty());
            let Some(inner) = inner.filter(|_| !entry.encrypted()) else {
                return Err(invalid(NOT_A_ZIP));
            };
            for directory in inner.ancestors().skip(1) {
                // Those above it are known where it is.
                if !directories.insert(state.hash_one(directory)) {
                    break;
                }
                if directories.len() + entries > ENTRY_LIMIT {
                    return Err(invalid(NOT_A_ZIP));
                }
            }
        }
        if total >= limit {
            return Err(invalid(format!("Unzipped size must be smaller than {limit} bytes")));
        }
        Ok(Self { bytes, unpacked: total })
    }

    /// The package of a container image, which is never unpacked: nothing of it is
    /// here but its name.
    pub(in crate::lambda) fn of_image(uri: &str) -> (Self, Code) {
        let package = Self { bytes: Bytes::new(), unpacked: 0 };
        let code = Code { sha256: hex::encode(Sha256::digest(uri)), size: 0, ..package.code() };
        (package, code)
    }

    /// The size of its files, as it tells it.
    pub(in crate::lambda) fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// The code that this package will be.
    pub(in crate::lambda) fn code(&self) -> Code {
        Code {
            id: Uuid::new_v4(),
            sha256: BASE64.encode(Sha256::digest(&self.bytes)),
            size: self.bytes.len(),
            directory: OnceLock::new(),
            archive: OnceLock::new(),
        }
    }

    /// Keeps the package itself for `code` under `parent`. Blocks.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(in crate::lambda) fn keep(&self, code: &Code, parent: &Path) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(parent)?;
        let mut file = tempfile::Builder::new().prefix("package-").tempfile_in(parent)?;
        file.write_all(&self.bytes)?;
        // The package of the same code may be there already.
        let _ = code.archive.set(file.into_temp_path());
        Ok(())
    }

    /// Unpacks the package for `code` under `parent`. Blocks.
    ///
    /// # Errors
    /// When an entry lies about itself, or the disk does not take it.
    pub(in crate::lambda) fn unpack(&self, code: &Code, parent: &Path) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(parent)?;
        let directory = tempfile::Builder::new().prefix("task-").tempdir_in(parent)?;
        self.unpack_into(directory.path(), UNZIPPED_LIMIT)?;
        // The function is another user; what is above lets nobody else in.
        set_mode(directory.path(), 0o755)?;
        // A second unpacking of the same code would be dropped with its directory.
        let _ = code.directory.set(directory);
        Ok(())
    }

    fn unpack_into(&self, root: &Path, limit: u64) -> io::Result<()> {
        let mut archive = ZipArchive::new(Cursor::new(&self.bytes))?;
        let mut left = limit;
        let mut links = Vec::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let inner = inner_path(&entry.name()?)
                .ok_or_else(|| io::Error::other("an entry leaves the package"))?;
            let path = root.join(inner);
            if entry.is_dir() {
                fs::create_dir_all(&path)?;
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            if entry.is_symlink() {
                let mut target = String::new();
                entry.by_ref().take(4096).read_to_string(&mut target)?;
                links.push((path, target));
                continue;
            }
            let mode = entry.unix_mode().map_or(0o644, |mode| mode & 0o777 | 0o444);
            let mut file = fs::File::create(&path)?;
            // The header's size was checked, and may lie: what comes out counts.
            let written = io::copy(&mut entry.by_ref().take(left.saturating_add(1)), &mut file)?;
            left = left
                .checked_sub(written)
                .ok_or_else(|| io::Error::other("the package is larger than it says"))?;
            set_mode(&path, mode)?;
        }
        // Links come last, so that no entry is ever written through one.
        for (path, target) in links {
            make_link(root, &path, &target)?;
        }
        Ok(())
    }
}

/// The path of an entry below the root; none where it would leave it.
fn inner_path(name: &str) -> Option<PathBuf> {
    if name.len() > LONGEST_NAME || name.contains('\0') || name.contains('\\') {
        return None;
    }
    let mut inner = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => inner.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inner)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn make_link(root: &Path, path: &Path, target: &str) -> io::Result<()> {
    let mut parent = path.parent();
    while let Some(directory) = parent.filter(|directory| *directory != root) {
        if fs::symlink_metadata(directory)?.is_symlink() {
            return Err(io::Error::other("a link lies behind another link"));
        }
        parent = directory.parent();
    }
    std::os::unix::fs::symlink(target, path)
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip(entries: &[(&str, &[u8], u32)]) -> Bytes {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in entries {
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner().into()
    }

    #[test]
    fn a_package_keeps_its_files_and_their_modes() {
        let package = Package::read(zip(&[
            ("bootstrap", b"#!/bin/sh\n", 0o755),
            ("lib/app.py", b"x = 1\n", 0o644),
        ]))
        .unwrap();
        let parent = TempDir::new().unwrap();
        let code = package.code();
        assert_eq!(code.directory(), None);
        package.unpack(&code, parent.path()).unwrap();
        let root = code.directory().unwrap().to_owned();
        assert_eq!(fs::read(root.join("lib/app.py")).unwrap(), b"x = 1\n");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(root.join("bootstrap")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o755);
        drop(code);
        assert!(!root.exists(), "the code goes with its last user");
    }

    #[test]
    fn what_is_no_zip_is_refused_in_aws_words() {
        let error = Package::read(Bytes::from_static(b"no zip")).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValueException");
        assert_eq!(error.status, 400);
        assert_eq!(
            error.message,
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        );
        assert_eq!(Package::decode("!").unwrap_err().message, error.message);
    }

    #[rstest::rstest]
    #[case("../evil")]
    #[case("lib/../../evil")]
    #[case("/etc/evil")]
    #[case("..\\evil")]
    fn an_entry_that_leaves_the_package_is_refused(#[case] name: &str) {
        let error = Package::read(zip(&[(name, b"x", 0o644)])).unwrap_err();
        assert_eq!(error.message, NOT_A_ZIP);
    }

    #[test]
    fn an_unpacked_size_above_the_limit_is_refused() {
        let package = zip(&[("a", &[0; 50], 0o644), ("b", &[0; 50], 0o644)]);
        let error = Package::read_within(package.clone(), 100).unwrap_err();
        assert_eq!(error.message, "Unzipped size must be smaller than 100 bytes");
        let package = Package::read_within(package, 101).unwrap();
        // What comes out counts, whatever the headers say.
        let root = TempDir::new().unwrap();
        assert!(package.unpack_into(root.path(), 99).is_err());
        assert!(package.unpack_into(root.path(), 100).is_ok());
    }

    #[test]
    fn a_package_whose_names_make_too_many_directories_is_refused() {
        let deep = |first: usize| format!("{first}/{}f", "d/".repeat(1_000));
        let names: Vec<String> = (0..100).map(deep).collect();
        let entries: Vec<(&str, &[u8], u32)> =
            names.iter().map(|name| (name.as_str(), &b"x"[..], 0o644)).collect();
        assert_eq!(Package::read(zip(&entries)).unwrap_err().message, NOT_A_ZIP);
        assert!(Package::read(zip(entries.get(..90).unwrap())).is_ok());
    }

    /// A device, a pipe and what runs as its owner are plain files of a package.
    #[test]
    fn the_kind_and_the_privileges_that_an_entry_claims_are_not_given() {
        for mode in [0o020_666, 0o010_666, 0o104_755, 0o060_666] {
            let package = Package::read(zip(&[("f", b"x", 0o644)])).unwrap();
            let mut bytes = package.bytes.to_vec();
            // The external attributes of the only entry of the central directory.
            let at = bytes.windows(4).position(|it| it == b"PK\x01\x02").unwrap() + 40;
            bytes.splice(at..at + 2, u16::try_from(mode).unwrap().to_le_bytes());
            let package = Package::read(bytes.into()).unwrap();
            let root = TempDir::new().unwrap();
            package.unpack_into(root.path(), 100).unwrap();
            let data = fs::symlink_metadata(root.path().join("f")).unwrap();
            let own = std::os::unix::fs::PermissionsExt::mode(&data.permissions());
            assert!(data.is_file(), "{mode:o}");
            assert_eq!(own & 0o7000, 0, "{mode:o}");
        }
    }

    /// As archivers have it, and Lambda: what comes last stays.
    #[test]
    fn of_a_name_that_stands_twice_the_last_is_kept() {
        let mut bytes = zip(&[("name-1", b"one", 0o444), ("name-2", b"two", 0o444)]).to_vec();
        let second = |bytes: &[u8]| bytes.windows(6).position(|it| it == b"name-2");
        while let Some(at) = second(&bytes) {
            bytes.splice(at..at + 6, *b"name-1");
        }
        let package = Package::read(bytes.into()).unwrap();
        let root = TempDir::new().unwrap();
        package.unpack_into(root.path(), 100).unwrap();
        assert_eq!(fs::read(root.path().join("name-1")).unwrap(), b"two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("out", "/tmp", SimpleFileOptions::default()).unwrap();
        writer.start_file("out/evil-ringfence", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"x").unwrap();
        let package = Package::read(writer.finish().unwrap().into_inner().into()).unwrap();
        let parent = TempDir::new().unwrap();
        let code = package.code();
        assert!(package.unpack(&code, parent.path()).is_err());
        assert!(!Path::new("/tmp/evil-ringfence").exists());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "nothing stays behind");
    }
}

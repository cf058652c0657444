//! Who a confined program is.

use std::os::unix::fs::lchown;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

use rustix::process::{getegid, geteuid};

/// A user, with the group of the same number where it is not ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    pub(crate) id: u32,
    pub(crate) group: u32,
    other: bool,
}

/// Above what distributions and container engines give out, and as many as
/// nobody needs: https://systemd.io/UIDS-GIDS/.
const FIRST: u32 = 1_879_048_192;
const COUNT: u32 = 200_000_000;

/// Where the numbers above are not mapped, as in rootless containers: below
/// `nobody`.
const FIRST_SMALL: u32 = 63_000;
const COUNT_SMALL: u32 = 2_000;

impl User {
    /// One that nobody is yet.
    pub(crate) fn unused() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        // Other runs beside this one count from elsewhere.
        let number = std::process::id().wrapping_mul(1009).wrapping_add(next);
        let (first, count) =
            if mapped(FIRST + COUNT) { (FIRST, COUNT) } else { (FIRST_SMALL, COUNT_SMALL) };
        let id = first + number % count;
        Self { id, group: id, other: true }
    }

    pub(crate) fn ourselves() -> Self {
        Self { id: geteuid().as_raw(), group: getegid().as_raw(), other: false }
    }

    pub(crate) fn of(id: u32) -> Self {
        Self { id, group: id, other: geteuid().as_raw() != id }
    }

    /// Its number.
    pub fn id(self) -> u32 {
        self.id
    }

    /// Gives it a directory with all that is in it. No link is followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn own(self, path: &Path) -> io::Result<()> {
        if !self.other {
            return Ok(());
        }
        lchown(path, Some(self.id), Some(self.group))?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.own(&entry?.path())?;
            }
        }
        Ok(())
    }
}

/// Whether our user namespace has a number.
fn mapped(id: u32) -> bool {
    let Ok(text) = fs::read_to_string("/proc/self/uid_map") else { return false };
    text.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) => {
                (first..first + count).contains(&u64::from(id))
            }
            _ => false,
        }
    })
}

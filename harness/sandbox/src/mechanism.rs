//! What the walls are made of, and which of them work here.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::confinement::Confinement;
use crate::launch::Output;
use crate::user::User;

/// What keeps a program apart. The order is that of their strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Mechanism {
    /// Namespaces of mounts, processes, network, IPC and names: nothing else is
    /// there. Without another user, also a namespace of users.
    Namespaces {
        /// Whether it runs as a user of its own, which only root can arrange.
        other_user: bool,
    },
    /// Landlock: everything is there, and may not be used.
    Landlock {
        /// Whether it runs as a user of its own.
        other_user: bool,
    },
    /// Nothing: the program can do what we can. What it started still ends
    /// with it.
    Nothing,
}

impl Mechanism {
    /// Whether anything is kept apart at all.
    pub fn isolates(self) -> bool {
        self != Self::Nothing
    }

    /// Whether a program sees a root directory of its own, in which things may
    /// stand at other places than outside.
    pub fn has_own_root(self) -> bool {
        matches!(self, Self::Namespaces { .. })
    }

    /// Whether the program is another user than we are.
    pub fn other_user(self) -> bool {
        matches!(self, Self::Namespaces { other_user: true } | Self::Landlock { other_user: true })
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Namespaces { .. } => "namespaces",
            Self::Landlock { .. } => "landlock",
            Self::Nothing => "nothing",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespaces { other_user: true } => "namespaces and a user of its own",
            Self::Namespaces { other_user: false } => "namespaces",
            Self::Landlock { other_user: true } => "Landlock and a user of its own",
            Self::Landlock { other_user: false } => "Landlock",
            Self::Nothing => "nothing",
        })
    }
}

/// Where programs are confined: a launcher and the mechanism that it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub(crate) python: PathBuf,
    pub(crate) mechanism: Mechanism,
    /// Whom the launcher itself is started as; ourselves where nobody is named.
    pub(crate) launcher_user: Option<u32>,
}

impl Sandbox {
    /// A sandbox with the strongest mechanism that works here, which is tried
    /// once in a process. `python` is any Python from 3.10 on.
    pub async fn detect(python: &Path) -> Self {
        static FOUND: OnceCell<Mechanism> = OnceCell::const_new();
        let mechanism = *FOUND.get_or_init(|| strongest(python)).await;
        Self::with(python, mechanism)
    }

    /// A sandbox with a mechanism of the caller's choice. Where it does not
    /// work, no program starts.
    pub fn with(python: &Path, mechanism: Mechanism) -> Self {
        Self { python: python.to_owned(), mechanism, launcher_user: None }
    }

    /// Starts everything as another user from the beginning, as if that user
    /// had called: for tests, by root, of what a plain user can do.
    #[must_use]
    pub fn as_user(mut self, id: u32) -> Self {
        self.launcher_user = Some(id);
        self
    }

    /// What keeps its programs apart.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// A user for programs that belong together: one that nobody else is, where
    /// the mechanism has such, else the one that we are.
    pub fn user(&self) -> User {
        match (self.mechanism.other_user(), self.launcher_user) {
            (true, _) => User::unused(),
            (false, Some(id)) => User::of(id),
            (false, None) => User::ourselves(),
        }
    }
}

async fn strongest(python: &Path) -> Mechanism {
    let mut candidates = vec![
        Mechanism::Namespaces { other_user: false },
        Mechanism::Landlock { other_user: false },
    ];
    if rustix::process::geteuid().is_root() {
        candidates.insert(0, Mechanism::Namespaces { other_user: true });
        candidates.insert(2, Mechanism::Landlock { other_user: true });
    }
    for mechanism in candidates {
        if works(&Sandbox::with(python, mechanism)).await {
            return mechanism;
        }
    }
    Mechanism::Nothing
}

/// Whether a program really starts and ends in a sandbox.
async fn works(sandbox: &Sandbox) -> bool {
    let confinement = Confinement {
        openings: vec![SocketAddr::from(([127, 0, 0, 1], 9)).into()],
        ..Confinement::of("/bin/true", sandbox.user())
    };
    match sandbox.start(&confinement, Output::null()).await {
        Ok(mut confined) => confined.wait().await.is_ok_and(|status| status.success()),
        Err(_) => false,
    }
}

//! Where a state is kept: what a root module's backend says, and what a
//! `terraform_remote_state` asks for, as far as either is plain.

use std::path::{Component, Path, PathBuf};

use crate::hcl::{Block, Module, Value};

/// What stands for a part of a text that only Terraform knows.
const UNKNOWN: char = '\0';

/// The members that say where a backend keeps a state; the last one tells the
/// states of one place apart
/// (<https://developer.hashicorp.com/terraform/language/backend>).
const MEMBERS: [(&str, &[&str]); 11] = [
    ("azurerm", &["storage_account_name", "container_name", "key"]),
    ("consul", &["address", "path"]),
    ("cos", &["bucket", "prefix"]),
    ("gcs", &["bucket", "prefix"]),
    ("http", &["address"]),
    ("kubernetes", &["namespace", "secret_suffix"]),
    ("local", &["path"]),
    ("oss", &["bucket", "prefix", "key"]),
    ("pg", &["conn_str", "schema_name"]),
    ("remote", &["organization", "workspace"]),
    ("s3", &["bucket", "key"]),
];

/// Where a state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    backend: String,
    /// In the order of [`MEMBERS`]; none where nothing is said.
    members: Vec<Option<String>>,
}

impl Kept {
    /// Of what has no state that a `terraform_remote_state` could read.
    pub(super) fn nowhere() -> Self {
        Self { backend: String::new(), members: Vec::new() }
    }
}

/// How two places meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meeting {
    /// They may be the same, as far as they are plain.
    Possible,
    /// They are the same.
    Same,
}

impl Kept {
    /// Where a root module keeps its state: what its `backend` or `cloud` block
    /// says, or a file beside it.
    pub(super) fn of_root(
        root: &Path,
        module: &Module,
        workspace: Option<&str>,
        text: &impl Fn(&Value) -> String,
    ) -> Self {
        let inner = module.of("terraform").flat_map(|(_, block)| &block.blocks);
        let kept = inner.filter(|block| ["backend", "cloud"].contains(&&*block.kind)).last();
        let Some(block) = kept else { return Self::beside(root, None, workspace) };
        let plain = |name: &str| block.attribute(name).map(|it| text(&it.value));
        match (block.kind.as_str(), block.label(0)) {
            ("backend", "local") => Self::beside(root, plain("path"), workspace),
            ("cloud", _) | ("backend", "remote") => Self {
                backend: "remote".to_owned(),
                members: vec![plain("organization"), workspace_of(block, workspace, text)],
            },
            (_, backend) => Self {
                backend: backend.to_owned(),
                members: members(backend).iter().map(|name| plain(name)).collect(),
            },
        }
    }

    /// What a data source asks for, in a module that is run in `root`.
    pub(super) fn asked(root: &Path, block: &Block, text: &impl Fn(&Value) -> String) -> Self {
        let backend = block.text("backend").unwrap_or_default();
        let config = block.attribute("config").map(|attribute| &attribute.value);
        let member = |name: &str| config.and_then(|it| it.get(name)).map(text);
        let members = match backend {
            "local" => vec![member("path").map(|path| in_root(root, &path))],
            "remote" => {
                let workspaces = config.and_then(|it| it.get("workspaces"));
                let name = workspaces.and_then(|it| it.get("name")).map(text);
                vec![member("organization"), name]
            }
            other => members(other).iter().map(|name| member(name)).collect(),
        };
        Self { backend: backend.to_owned(), members }
    }

    fn beside(root: &Path, path: Option<String>, workspace: Option<&str>) -> Self {
        let path = match (path, workspace) {
            (_, Some(name)) => format!("terraform.tfstate.d/{name}/terraform.tfstate"),
            (path, None) => path.unwrap_or_else(|| "terraform.tfstate".to_owned()),
        };
        Self { backend: "local".to_owned(), members: vec![Some(in_root(root, &path))] }
    }

    /// What tells it from other states, as far as it is plain.
    pub(super) fn key(&self) -> Option<&str> {
        let key = self.members.last()?.as_deref()?;
        (!key.contains(UNKNOWN)).then_some(key)
    }

    /// Whether what is asked for is what is kept here.
    pub(super) fn meets(&self, asked: &Self) -> Option<Meeting> {
        if self.backend != asked.backend {
            return None;
        }
        let (Some(Some(kept)), Some(Some(wanted))) = (self.members.last(), asked.members.last())
        else {
            return None;
        };
        let says = |text: &str| text.chars().any(|c| c.is_alphanumeric());
        if !says(kept) || !says(wanted) {
            return None;
        }
        let pairs = self.members.iter().zip(&asked.members);
        let mut meeting = Meeting::Same;
        for (one, other) in pairs {
            let (Some(one), Some(other)) = (one, other) else { continue };
            let (left, right): (Vec<char>, Vec<char>) =
                (one.chars().collect(), other.chars().collect());
            if !unify(&left, &right) {
                return None;
            }
            if one != other || one.contains(UNKNOWN) {
                meeting = Meeting::Possible;
            }
        }
        Some(meeting)
    }
}

fn members(backend: &str) -> &'static [&'static str] {
    MEMBERS.iter().find(|(name, _)| *name == backend).map_or(&[], |(_, members)| members)
}

/// The workspace of HCP Terraform that a root module is kept in.
fn workspace_of(
    block: &Block,
    workspace: Option<&str>,
    text: &impl Fn(&Value) -> String,
) -> Option<String> {
    let of = |name: &str| {
        let own = block.of("workspaces").find_map(|it| it.attribute(name));
        own.map(|attribute| text(&attribute.value))
    };
    let prefixed = || {
        let rest = workspace.map_or_else(|| UNKNOWN.to_string(), str::to_owned);
        of("prefix").map(|prefix| format!("{prefix}{rest}"))
    };
    of("name").or_else(prefixed).or_else(|| workspace.map(str::to_owned))
}

/// A path that is relative to a root module, without dots.
fn in_root(root: &Path, path: &str) -> String {
    let mut plain = PathBuf::new();
    for part in root.join(path).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.to_string_lossy().into_owned()
}

/// A value as text, with [`UNKNOWN`] for what is not plain. `known` says what a
/// name stands for.
pub(super) fn text(value: &Value, known: &impl Fn(&[String]) -> Option<String>) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Names(names) => known(names).unwrap_or_else(|| UNKNOWN.to_string()),
        Value::Template(pieces) => pieces.iter().map(|piece| text(piece, known)).collect(),
        _ => UNKNOWN.to_string(),
    }
}

/// Whether two texts with unknown parts may be the same.
fn unify(left: &[char], right: &[char]) -> bool {
    match (left.split_first(), right.split_first()) {
        (None, None) => true,
        (Some((&UNKNOWN, rest)), _) => {
            unify(rest, right) || right.split_first().is_some_and(|(_, more)| unify(left, more))
        }
        (_, Some((&UNKNOWN, rest))) => {
            unify(left, rest) || left.split_first().is_some_and(|(_, more)| unify(more, right))
        }
        (Some((one, rest)), Some((other, more))) => one == other && unify(rest, more),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a/b", "a/b", true)]
    #[case("a/b", "a/c", false)]
    #[case("\0/b", "prod/b", true)]
    #[case("\0/b", "prod/c", false)]
    #[case("a\0c", "a\0d", false)]
    #[case("a\0", "\0b", true)]
    #[case("", "\0", true)]
    #[case("a", "", false)]
    fn texts_with_unknown_parts_may_be_the_same(
        #[case] one: &str,
        #[case] other: &str,
        #[case] same: bool,
    ) {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(unify(&chars(one), &chars(other)), same);
        assert_eq!(unify(&chars(other), &chars(one)), same);
    }

    fn s3(bucket: Option<&str>, key: Option<&str>) -> Kept {
        let members = vec![bucket.map(str::to_owned), key.map(str::to_owned)];
        Kept { backend: "s3".to_owned(), members }
    }

    #[test]
    fn a_key_alone_makes_two_places_one_and_its_absence_none() {
        let kept = s3(Some("states"), Some("net.tfstate"));
        assert_eq!(kept.meets(&kept), Some(Meeting::Same));
        assert_eq!(kept.meets(&s3(None, Some("net.tfstate"))), Some(Meeting::Same));
        assert_eq!(kept.meets(&s3(Some("\0"), Some("net.tfstate"))), Some(Meeting::Possible));
        assert_eq!(kept.meets(&s3(Some("others"), Some("net.tfstate"))), None);
        assert_eq!(kept.meets(&s3(Some("states"), None)), None);
        assert_eq!(kept.meets(&s3(Some("states"), Some("\0"))), None);
        let elsewhere = Kept { backend: "gcs".to_owned(), ..kept.clone() };
        assert_eq!(kept.meets(&elsewhere), None);
    }
}

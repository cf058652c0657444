//! What is under test, as the bundle keeps it: the configuration, Layer 1, the
//! applications, the organisation's policies, and the policies as they were
//! deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use ringfence_evidence::Input;
use ringfence_evidence::bundle::{DEPLOYED, INPUTS, put};
use ringfence_evidence::is_active;
use ringfence_evidence::manifest::sha256;
use ringfence_evidence::shown;
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::redact::Redactor;
use crate::config::{Config, OrganizationLevel};
use crate::stack::Stack;
use crate::terraform::Access;
use crate::{copying, plain};

/// What is no source: other tools' state and copies.
const SKIPPED: [&str; 6] =
    [".terraform", ".git", "target", "node_modules", ".aws-sam", "__pycache__"];

/// A file that is larger is no source that a person reads; its hash is kept,
/// and that it was left out is said.
const LARGEST: u64 = 1 << 20;

/// Of one that is larger still not even that.
const LARGEST_HASHED: u64 = 256 << 20;

/// So much is read of a directory's files. What a person reads of an application is far
/// less; links within it can make it more than there is room for.
const MOST: Most = Most { files: 20_000, bytes: 1 << 30 };

/// The longest name of a file that is written as it is; file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// Where files begin whose names cannot be written as they are.
const ALIKE: &str = "alike/1/";

/// The longest path that is written as it is; Linux takes 4,095 bytes, the bundle's own
/// place among them.
const LONGEST_PATH: usize = 2_000;

/// The inputs of a run, on their way into a bundle.
#[derive(Debug)]
pub struct Inputs<'a> {
    bundle: &'a Path,
    redactor: &'a Redactor,
    /// What was kept.
    pub kept: Vec<Input>,
    /// What had to be changed or left out, for the record.
    pub said: Vec<String>,
    /// The paths of what was kept.
    taken: BTreeSet<String>,
}

impl<'a> Inputs<'a> {
    /// Keeps the files of a configuration.
    ///
    /// # Errors
    /// When one cannot be read or kept.
    pub fn of(config: &Config, bundle: &'a Path, redactor: &'a Redactor) -> anyhow::Result<Self> {
        let mut inputs =
            Self { bundle, redactor, kept: Vec::new(), said: Vec::new(), taken: BTreeSet::new() };
        let base = config.file.parent().unwrap_or(Path::new("")).to_owned();
        inputs.file(&config.file, &base, Some("configuration"))?;
        for layer1 in &config.layer1 {
            match &layer1.template {
                None => inputs.tree(&layer1.directory, &base, Some("terraform"))?,
                Some(template) => inputs.file(&template.file, &base, Some("template"))?,
            }
        }
        for app in &config.apps {
            inputs.tree(&app.directory, &base, None)?;
        }
        if let Some(controls) = &config.evidence.controls {
            inputs.controls(controls)?;
        }
        let policies = |level: &OrganizationLevel| {
            let service_control = level.policies.iter().flatten();
            service_control.chain(&level.resource_control).cloned().collect::<Vec<_>>()
        };
        let endpoints = config.vpc_endpoints.iter().map(|endpoint| endpoint.policy.clone());
        for path in config.organization.iter().flat_map(policies).chain(endpoints) {
            inputs.file(&path, &base, Some("policy"))?;
        }
        inputs.sort();
        Ok(inputs)
    }

    /// Keeps the policies of each account and of its roles, as they are deployed.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub async fn deployed(&mut self, stack: &Stack) -> anyhow::Result<()> {
        for account in stack.judged() {
            let below = match account.is_one_of_several() {
                true => format!("{DEPLOYED}/{}", account.id()),
                false => DEPLOYED.to_owned(),
            };
            let of = Of { stack, root: stack.root_of(account.id())? };
            self.of_account(&of, &below).await?;
        }
        self.sort();
        Ok(())
    }

    async fn of_account(&mut self, stack: &Of<'_>, below: &str) -> anyhow::Result<()> {
        let roles = all(stack, "ListRoles", json!({}), "Roles").await?;
        for role in &roles {
            let name = text(role, "RoleName")?;
            let own = json!({"RoleName": name});
            let found = ask(stack, "GetRole", own.clone()).await?;
            let trust = found.pointer("/Role/AssumeRolePolicyDocument").unwrap_or(&Value::Null);
            self.document(&format!("{below}/role/{name}/trust.json"), "trust", trust)?;
            for policy in all(stack, "ListRolePolicies", own.clone(), "PolicyNames").await? {
                let policy = policy.as_str().unwrap_or_default().to_owned();
                let input = json!({"RoleName": name, "PolicyName": policy});
                let found = ask(stack, "GetRolePolicy", input).await?;
                let path = format!("{below}/role/{name}/inline/{policy}.json");
                self.document(
                    &path,
                    "policy",
                    found.get("PolicyDocument").unwrap_or(&Value::Null),
                )?;
            }
            let attached = all(stack, "ListAttachedRolePolicies", own, "AttachedPolicies").await?;
            let attached: Vec<&str> =
                attached.iter().filter_map(|policy| policy.get("PolicyArn")?.as_str()).collect();
            let boundary = found.pointer("/Role/PermissionsBoundary/PermissionsBoundaryArn");
            let links = json!({"attached": attached, "boundary": boundary});
            self.document(&format!("{below}/role/{name}/attached.json"), "policy", &links)?;
        }
        for policy in all(stack, "ListPolicies", json!({"Scope": "Local"}), "Policies").await? {
            let (arn, version) = (text(&policy, "Arn")?, text(&policy, "DefaultVersionId")?);
            let input = json!({"PolicyArn": arn, "VersionId": version});
            let found = ask(stack, "GetPolicyVersion", input).await?;
            let document = found.pointer("/PolicyVersion/Document").unwrap_or(&Value::Null);
            let name = arn.rsplit_once(":policy/").map_or(arn.as_str(), |(_, name)| name);
            self.document(&format!("{below}/policy/{name}.json"), "policy", document)?;
        }
        Ok(())
    }

    /// The user's own frameworks: a bundle is rendered again with them.
    fn controls(&mut self, directory: &Path) -> anyhow::Result<()> {
        let read = || format!("cannot read `{}`", directory.display());
        for entry in std::fs::read_dir(directory).with_context(read)? {
            let path = entry.with_context(read)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                self.keep(&format!("controls/{name}"), "controls", &text)?;
            }
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.kept.sort_by(|one, other| one.path.cmp(&other.path));
        self.kept.dedup_by(|one, other| one.path == other.path);
    }

    fn tree(&mut self, directory: &Path, base: &Path, kind: Option<&str>) -> anyhow::Result<()> {
        self.walk(directory, &Tree { root: directory, base, kind }, MOST)
    }

    /// What a directory holds: each directory once, by its own path where it has one in
    /// the tree, however many links lead to it. Links into each other would be more paths
    /// than anybody can read.
    fn walk(&mut self, directory: &Path, tree: &Tree<'_>, most: Most) -> anyhow::Result<()> {
        let mut walk = Walk { most, ..Walk::default() };
        self.below(directory, tree, &mut walk)?;
        while let Some(link) = walk.links.pop_first() {
            self.below(&link, tree, &mut walk)?;
        }
        if walk.left_out > 0 {
            self.said.push(format!(
                "{} more files of {} are not in inputs/, which takes {} files and {} bytes of a \
                 directory",
                walk.left_out,
                place(directory, tree.base),
                most.files,
                most.bytes
            ));
        }
        Ok(())
    }

    fn below(&mut self, directory: &Path, tree: &Tree<'_>, walk: &mut Walk) -> anyhow::Result<()> {
        let read = || format!("cannot read `{}`", directory.display());
        let real = directory.canonicalize().with_context(read)?;
        if let Some(first) = walk.entered.get(&real) {
            let (own, first) = (place(directory, tree.base), place(first, tree.base));
            self.said.push(format!("{own} is the directory {first}, and is in inputs/ as that"));
            return Ok(());
        }
        walk.entered.insert(real, directory.to_owned());
        let mut paths = BTreeSet::new();
        for entry in std::fs::read_dir(directory).with_context(read)? {
            paths.insert(entry.with_context(read)?.path());
        }
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if SKIPPED.contains(&name.as_str())
                || name.contains(".tfstate")
                || name.ends_with(".pyc")
                || copying::is_run(&path)
            {
                continue;
            }
            if !tree.has(&path) {
                let own = place(&path, tree.base);
                self.said.push(format!("{own} is a link that leads out, and is not in inputs/"));
                continue;
            }
            if path.is_dir() {
                match path.is_symlink() {
                    true => drop(walk.links.insert(path)),
                    false => self.below(&path, tree, walk)?,
                }
            } else if path.is_file() {
                let size = std::fs::metadata(&path).with_context(read)?.len();
                if !walk.takes(size) {
                    continue;
                }
                let is_prose = name.ends_with(".md");
                let kind = tree.kind.map(|kind| if is_prose { "documentation" } else { kind });
                self.file(&path, tree.base, kind)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, base: &Path, kind: Option<&str>) -> anyhow::Result<()> {
        let read = || format!("cannot read `{}`", path.display());
        let mut own = place(path, base);
        if !is_plain(path.strip_prefix(base).unwrap_or(path)) {
            own.insert_str(0, ALIKE);
        }
        let size = std::fs::metadata(path).with_context(read)?.len();
        if size > LARGEST_HASHED {
            self.said.push(format!("{own} ({size} bytes) is not in inputs/, nor is its hash kept"));
            return Ok(());
        }
        let bytes = plain::bytes(path, LARGEST_HASHED).with_context(read)?;
        let kind = kind.unwrap_or_else(|| kind_of(&own));
        if size > LARGEST {
            let hash = sha256(&bytes);
            self.said.push(format!("{own} ({size} bytes, SHA-256 {hash}) is not in inputs/"));
            return Ok(());
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.keep(&own, kind, &text),
            Err(error) => self.put(&own, kind, error.as_bytes()),
        }
    }

    /// A policy document: AWS gives it as an object, or percent-encoded.
    fn document(&mut self, path: &str, kind: &str, document: &Value) -> anyhow::Result<()> {
        let read: Option<Value> = document.as_str().and_then(|text| {
            let text = percent_decoded(text);
            serde_json::from_str(&text).ok()
        });
        let text = shown::lines(read.as_ref().unwrap_or(document))?;
        self.keep(path, kind, &String::from_utf8_lossy(&text))
    }

    fn keep(&mut self, path: &str, kind: &str, text: &str) -> anyhow::Result<()> {
        let cut = self.redactor.source(text);
        if cut.removed > 0 {
            let times = if cut.removed == 1 { "one secret" } else { "secrets" };
            self.said.push(format!(
                "inputs/{path}: {times} removed in {} places; its hash is that of what is left",
                cut.removed
            ));
        }
        self.put(path, kind, cut.text.as_bytes())
    }

    fn put(&mut self, path: &str, kind: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.own(&inside(path));
        put(&self.bundle.join(INPUTS).join(&path), bytes)?;
        let kind = kind.to_owned();
        self.kept.push(Input { path, kind, sha256: sha256(bytes) });
        Ok(())
    }

    /// A path that nothing else has, neither as a file nor as a directory: several names
    /// that a team chose can be written alike (`a_b`, and `a`, a control character and
    /// `b`), and none takes the place of another.
    fn own(&mut self, path: &str) -> String {
        let (path, first) = match path.strip_prefix(ALIKE) {
            Some(path) => (path, 1_u64),
            None => (path, 2),
        };
        let numbered = |number: u64| format!("alike/{number}/{path}");
        let plain = (first == 2).then(|| path.to_owned());
        let mut all = plain.into_iter().chain((first..).map(numbered));
        let own = all.find(|own| self.is_free(own)).unwrap_or_default();
        self.taken.insert(own.clone());
        own
    }

    fn is_free(&self, path: &str) -> bool {
        let below = format!("{path}/");
        let next = self.taken.range(below.clone()..).next();
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        !self.taken.contains(path)
            && !next.is_some_and(|next| next.starts_with(&below))
            && !above.any(|directory| self.taken.contains(directory))
    }
}

/// How much is read of a directory's files.
#[derive(Debug, Clone, Copy, Default)]
struct Most {
    files: usize,
    bytes: u64,
}

/// The way through a directory.
#[derive(Debug, Default)]
struct Walk {
    /// Directories by their real paths, and as what each was entered.
    entered: BTreeMap<PathBuf, PathBuf>,
    /// Links to directories, which wait until those that are no links are entered.
    links: BTreeSet<PathBuf>,
    /// What may still be read.
    most: Most,
    /// Files that may not.
    left_out: usize,
}

impl Walk {
    /// Whether a file may be read; it is counted.
    fn takes(&mut self, size: u64) -> bool {
        let left = self.most.files.checked_sub(1).zip(self.most.bytes.checked_sub(size));
        match left {
            Some((files, bytes)) => self.most = Most { files, bytes },
            None => self.left_out += 1,
        }
        left.is_some()
    }
}

/// A directory whose files are kept.
struct Tree<'t> {
    root: &'t Path,
    base: &'t Path,
    /// That of its files; none of an application's, which tell it themselves.
    kind: Option<&'t str>,
}

impl Tree<'_> {
    /// Whether a path is of the tree. The platform's links may lead anywhere; an
    /// application's repository is no way to what others have.
    fn has(&self, path: &Path) -> bool {
        self.kind.is_some() || plain::is_within(path, self.root).unwrap_or_default()
    }
}

/// A path below `inputs/` that stays there: parts of it are names that a team chose
/// (`/../x/` is a path of IAM's as good as any).
fn inside(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty()).map(|part| match part {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        part if part.len() > LONGEST_NAME => {
            let end = part.floor_char_boundary(LONGEST_NAME - 17);
            let hash = sha256(part.as_bytes());
            let (start, hash) = (part.get(..end), hash.get(..16));
            format!("{}-{}", start.unwrap_or_default(), hash.unwrap_or_default())
        }
        part => part.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if path.len() <= LONGEST_PATH {
        return path;
    }
    let hash = sha256(path.as_bytes());
    let name = path.rsplit('/').next().unwrap_or_default();
    format!("long/{}/{name}", hash.get(..16).unwrap_or_default())
}

/// What acts on who looks at a name, and what the manifest's stock tools escape.
fn is_rewritten(character: char) -> bool {
    is_active(character) || character == '\\'
}

/// Whether a path can be written as it is.
fn is_plain(path: &Path) -> bool {
    path.to_str().is_some_and(|path| !path.contains(is_rewritten))
}

/// A file's place below `inputs/`: that relative to the configuration, without
/// a way out.
fn place(path: &Path, base: &Path) -> String {
    let relative = path.strip_prefix(base).unwrap_or(path);
    let parts: Vec<String> = relative
        .components()
        .map(|part| match part {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                name.replace(is_rewritten, "_")
            }
            Component::ParentDir => "up".to_owned(),
            Component::RootDir | Component::Prefix(_) | Component::CurDir => String::new(),
        })
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("/")
}

fn kind_of(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.contains(".github/workflows/") {
        "workflow"
    } else if name.ends_with(".tf") {
        "terraform"
    } else if name.starts_with("template.") {
        "template"
    } else if name.ends_with(".md") {
        "documentation"
    } else {
        "code"
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let pair = rest.clone().take(2).map(char::from).collect::<String>();
        match (byte, u8::from_str_radix(&pair, 16)) {
            (b'%', Ok(decoded)) if pair.len() == 2 => {
                bytes.push(decoded);
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// An account that is asked as its root.
struct Of<'s> {
    stack: &'s Stack,
    root: Access,
}

async fn ask(of: &Of<'_>, operation: &str, input: Value) -> anyhow::Result<Value> {
    let answer = of.stack.client().call(&of.root, Service::Iam, operation, input).await;
    answer.result.with_context(|| format!("cannot read the deployed policies: {operation}"))
}

/// All pages of a list.
async fn all(
    of: &Of<'_>,
    operation: &str,
    mut input: Value,
    member: &str,
) -> anyhow::Result<Vec<Value>> {
    let mut items = Vec::new();
    loop {
        let mut page = ask(of, operation, input.clone()).await?;
        if let Some(Value::Array(own)) = page.get_mut(member).map(Value::take) {
            items.extend(own);
        }
        let marker = page
            .get("Marker")
            .filter(|_| page.get("IsTruncated").is_some_and(|more| more == true))
            .cloned();
        match (marker, input.as_object_mut()) {
            (Some(marker), Some(members)) => members.insert("Marker".to_owned(), marker),
            _ => return Ok(items),
        };
    }
}

fn text(value: &Value, member: &str) -> anyhow::Result<String> {
    let text = value.get(member).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("IAM's answer has no {member}"))
}

/// What stands in `inputs/`, by kind: for the progress.
pub fn counted(inputs: &[Input]) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for input in inputs {
        *kinds.entry(&input.kind).or_default() += 1;
    }
    let said: Vec<String> = kinds.into_iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    said.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_relative_to_the_configuration_and_never_leads_out() {
        let base = Path::new("repo");
        assert_eq!(place(Path::new("repo/terraform/main.tf"), base), "terraform/main.tf");
        assert_eq!(place(Path::new("repo/../other/a\nb"), base), "up/other/a_b");
        assert_eq!(place(Path::new("/etc/policy.json"), base), "etc/policy.json");
    }

    #[test]
    fn files_are_kept_by_kind_and_hash_and_without_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("repo");
        for (path, text) in [
            (
                "ringfence.toml",
                "[layer1]\ndirectory = 'terraform'\n[layer1.variables]\ndb_password = 'canary-1'\n[[apps]]\nname = 'a'\ndirectory = 'a'\nrepository = 'o/r'\n",
            ),
            ("terraform/main.tf", "x\n"),
            ("terraform/.terraform/provider", "no source\n"),
            ("terraform/terraform.tfstate", "canary-1\n"),
            ("a/template.yaml", "Resources: {}\n"),
            ("a/.github/workflows/deploy.yml", "on: push\n"),
            ("a/src/app.py", "print('canary-1')\n"),
        ] {
            put(&root.join(path), text.as_bytes()).unwrap();
        }
        let config = Config::load(&root.join("ringfence.toml")).unwrap();
        let redactor = Redactor::new(&config, []).unwrap();
        let bundle = directory.path().join("bundle");
        let inputs = Inputs::of(&config, &bundle, &redactor).unwrap();
        let kept: Vec<(&str, &str)> =
            inputs.kept.iter().map(|input| (input.path.as_str(), input.kind.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("a/.github/workflows/deploy.yml", "workflow"),
                ("a/src/app.py", "code"),
                ("a/template.yaml", "template"),
                ("ringfence.toml", "configuration"),
                ("terraform/main.tf", "terraform"),
            ]
        );
        for input in &inputs.kept {
            let bytes = std::fs::read(bundle.join(INPUTS).join(&input.path)).unwrap();
            assert_eq!(sha256(&bytes), input.sha256);
            assert!(!String::from_utf8(bytes).unwrap().contains("canary-1"), "{}", input.path);
        }
        assert_eq!(inputs.said.len(), 2, "{:?}", inputs.said);
        assert!(inputs.said[0].starts_with("inputs/ringfence.toml: one secret removed"));
    }

    /// Names that differ in what cannot be written, and paths that are too long.
    #[test]
    fn no_file_takes_the_place_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("repo");
        let app = "[[apps]]\nname = 'a'\ndirectory = 'a'\nrepository = 'o/r'\n";
        put(&root.join("ringfence.toml"), app.as_bytes()).unwrap();
        let long = ["d".repeat(150).as_str(); 15].join("/");
        let names = [
            "t_1.yaml",
            "t\u{1}1.yaml",
            "t\u{80}1.yaml",
            "t\u{202e}1.yaml",
            "t\\1.yaml",
            // A directory where a file is, and a file where a directory is.
            "t\u{200b}1.yaml/f",
            "x_/f",
            "x\u{1}",
            "alike/2/a/t_1.yaml",
        ];
        for name in names {
            put(&root.join("a").join(name), name.as_bytes()).unwrap();
        }
        put(&root.join("a").join(&long).join("f"), b"long").unwrap();
        let config = Config::load(&root.join("ringfence.toml")).unwrap();
        let redactor = Redactor::new(&config, []).unwrap();
        let bundle = directory.path().join("bundle");
        let inputs = Inputs::of(&config, &bundle, &redactor).unwrap();
        let mut texts = BTreeSet::new();
        for input in &inputs.kept {
            let bytes = std::fs::read(bundle.join(INPUTS).join(&input.path)).unwrap();
            assert_eq!(sha256(&bytes), input.sha256, "{}", input.path);
            assert!(!input.path.contains(is_active) && input.path.len() < 300, "{}", input.path);
            texts.insert(String::from_utf8(bytes).unwrap());
        }
        let all = names.into_iter().chain([app, "long"]).map(str::to_owned);
        assert_eq!(texts, all.collect());
        // What can be written stands where it is.
        for name in ["t_1.yaml", "x_/f", "alike/2/a/t_1.yaml"] {
            let kept = std::fs::read_to_string(bundle.join(INPUTS).join("a").join(name));
            assert_eq!(kept.ok().as_deref(), Some(name));
        }
    }

    #[test]
    fn a_repository_shows_nothing_that_its_links_lead_to_outside() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("repo");
        let configuration = "[[apps]]\nname = 'a'\ndirectory = 'a'\nrepository = 'o/r'\n";
        for (path, text) in [
            ("repo/ringfence.toml", configuration),
            ("repo/a/src/app.py", "print()\n"),
            ("key", "canary-2\n"),
            ("private/other", "canary-2\n"),
        ] {
            put(&directory.path().join(path), text.as_bytes()).unwrap();
        }
        let link = |target: &str, name: &str| symlink(target, root.join("a").join(name)).unwrap();
        link("../../key", "key");
        link("../../private", "private");
        link("src/app.py", "same.py");
        link(".", "again");
        link("/dev/zero", "run.json");
        link("nowhere", "dangling");
        let config = Config::load(&root.join("ringfence.toml")).unwrap();
        let redactor = Redactor::new(&config, []).unwrap();
        let bundle = directory.path().join("bundle");
        let inputs = Inputs::of(&config, &bundle, &redactor).unwrap();
        let kept: Vec<&str> = inputs.kept.iter().map(|input| input.path.as_str()).collect();
        assert_eq!(kept, ["a/same.py", "a/src/app.py", "ringfence.toml"]);
        let out = |name: &str| format!("a/{name} is a link that leads out, and is not in inputs/");
        assert_eq!(
            inputs.said,
            [
                out("dangling"),
                out("key"),
                out("private"),
                out("run.json"),
                "a/again is the directory a, and is in inputs/ as that".to_owned(),
            ]
        );
    }

    /// With each link followed 30 such levels are 2^30 paths.
    #[test]
    fn a_directory_is_entered_once_however_many_links_lead_to_it() {
        use std::os::unix::fs::symlink;
        const LEVELS: usize = 30;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("a");
        let level = |level: usize| root.join(format!("d{level:02}"));
        for own in 0..LEVELS {
            put(&level(own).join("file.py"), b"print()\n").unwrap();
            for link in ["x", "y"] {
                let next = format!("../d{:02}", (own + 1) % LEVELS);
                symlink(next, level(own).join(link)).unwrap();
            }
        }
        // A directory of no path of its own: that one is skipped.
        put(&root.join(".git/hooks/run.py"), b"print()\n").unwrap();
        symlink(".git/hooks", root.join("hooks")).unwrap();
        symlink(".git/hooks", root.join("same")).unwrap();
        put(
            &directory.path().join("ringfence.toml"),
            b"[[apps]]\nname = 'a'\ndirectory = 'a'\nrepository = 'o/r'\n",
        )
        .unwrap();
        let config = Config::load(&directory.path().join("ringfence.toml")).unwrap();
        let redactor = Redactor::new(&config, []).unwrap();
        let bundle = directory.path().join("bundle");
        let kept_of = |most: Most| {
            let (kept, said) = (Vec::new(), Vec::new());
            let taken = BTreeSet::new();
            let mut inputs = Inputs { bundle: &bundle, redactor: &redactor, kept, said, taken };
            let tree = Tree { root: &root, base: directory.path(), kind: None };
            inputs.walk(&root, &tree, most).unwrap();
            let kept: Vec<String> = inputs.kept.into_iter().map(|input| input.path).collect();
            (kept, inputs.said)
        };
        let mut all: Vec<String> = (0..LEVELS).map(|own| format!("a/d{own:02}/file.py")).collect();
        all.push("a/hooks/run.py".to_owned());
        let mut links: Vec<String> = Vec::new();
        for own in 0..LEVELS {
            let next = (own + 1) % LEVELS;
            links.extend(["x", "y"].map(|link| {
                format!(
                    "a/d{own:02}/{link} is the directory a/d{next:02}, and is in inputs/ as that"
                )
            }));
        }
        links.push("a/same is the directory a/hooks, and is in inputs/ as that".to_owned());
        assert_eq!(kept_of(MOST), (all.clone(), links.clone()));
        // Files of 8 bytes each.
        let most = |files, bytes| Most { files, bytes };
        assert_eq!(kept_of(most(31, 248)), (all.clone(), links.clone()));
        for (few, kept) in [(most(30, 248), 30), (most(31, 247), 30), (most(31, 16), 2)] {
            let said = format!(
                "{} more files of a are not in inputs/, which takes {} files and {} bytes of a \
                 directory",
                31 - kept,
                few.files,
                few.bytes
            );
            let said = [links.clone(), vec![said]].concat();
            assert_eq!(kept_of(few), (all[..kept].to_vec(), said), "{few:?}");
        }
    }

    #[test]
    fn a_name_that_a_team_chose_stays_below_its_directory() {
        assert_eq!(
            inside("policies/policy/../../x/p.json"),
            "policies/policy/%2E%2E/%2E%2E/x/p.json"
        );
        assert_eq!(inside("policies/role/./trust.json"), "policies/role/%2E/trust.json");
        assert_eq!(inside("/a//b...json"), "a/b...json");
        let (long, other) = ("p".repeat(400), format!("{}q", "p".repeat(399)));
        let (long, other) = (inside(&long), inside(&other));
        assert_eq!((long.len(), other.len()), (LONGEST_NAME, LONGEST_NAME));
        assert_ne!(long, other);
    }

    #[test]
    fn a_document_is_read_though_it_is_percent_encoded() {
        assert_eq!(percent_decoded("%7B%22a%22%3A%201%7D"), "{\"a\": 1}");
        assert_eq!(percent_decoded("100%"), "100%");
    }
}

//! What a root module's own files say plainly.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::doctor::Found;
use crate::hcl::{Block, File, Module, Value};
use crate::terraform;

/// A root module and the values of its variables.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Its directory.
    pub(super) directory: PathBuf,
    module: Module,
    /// The files with values that are used, those that win last.
    pub(super) values: Vec<File>,
    /// Files with values of which one would have to be chosen.
    pub(super) choices: Vec<PathBuf>,
}

/// An output that gives something of a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'m> {
    /// The output's name.
    pub(super) output: &'m str,
    /// The resource.
    pub(super) resource: &'m Block,
    file: &'m File,
    line: usize,
}

impl Given<'_> {
    /// Where the output stands.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", file_name(&self.file.path), self.line)
    }
}

/// What there is in a module and in those that it calls, each once. A module from
/// elsewhere has something.
fn weight(directory: &Path, module: &Module, seen: &mut BTreeSet<PathBuf>) -> usize {
    if !seen.insert(directory.canonicalize().unwrap_or_else(|_| directory.to_owned())) {
        return 0;
    }
    let blocks = module.of("resource").map(|(_, block)| block.label(0));
    let own: usize = blocks
        .map(|kind| match kind {
            "aws_iam_openid_connect_provider" | "aws_apigatewayv2_api" => 10,
            "aws_iam_role" | "aws_iam_policy" => 3,
            kind => usize::from(kind.starts_with("aws_")),
        })
        .sum();
    let calls = module.of("module").map(|(_, call)| call.text("source").unwrap_or_default());
    let called = calls.map(|source| {
        let inner = directory.join(source);
        match source.starts_with("./") || source.starts_with("../") {
            true => Module::read(&inner).map_or(0, |module| weight(&inner, &module, seen)),
            false => 1,
        }
    });
    own + called.sum::<usize>()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Facts {
    pub(super) fn read(directory: &Path, found: &Found) -> io::Result<Self> {
        let module = Module::read(directory)?;
        let (mut values, mut choices) = (Vec::new(), Vec::new());
        for path in &found.values {
            let own = path.parent() == Some(directory);
            // What lies in another module is its own.
            let other = path.parent().is_some_and(|it| found.modules.iter().any(|one| one == it));
            if other && !own {
                continue;
            }
            let name = file_name(path);
            let read = name == "terraform.tfvars" || name.contains(".auto.tfvars");
            match own && read {
                true => values.push(path.clone()),
                false => choices.push(path.clone()),
            }
        }
        // The only file with values is meant; of several one is chosen.
        if let ([one], true) = (choices.as_slice(), values.is_empty()) {
            values.push(one.clone());
            choices.clear();
        }
        let read = |path: &PathBuf| Ok::<_, io::Error>(File::read(path)?.ok());
        let values = values.iter().map(read).collect::<io::Result<Vec<_>>>()?;
        let values = values.into_iter().flatten().collect();
        Ok(Self { directory: directory.to_owned(), module, values, choices })
    }

    /// What its data sources find only where it exists before.
    pub(super) fn outside(&self) -> Vec<terraform::Outside> {
        terraform::outside(&self.module)
    }

    /// How much of what a run attacks there is, in the modules that it calls too.
    pub(super) fn weight(&self) -> usize {
        let mut seen = BTreeSet::new();
        weight(&self.directory, &self.module, &mut seen)
    }

    /// Whether something says that it is applied, and not called: where its state is, a
    /// provider's configuration, values of its variables, the states that it reads, or the
    /// modules that it calls
    /// (<https://developer.hashicorp.com/terraform/language/modules/develop/providers>: a
    /// module that is called has no configurations of providers).
    pub(super) fn is_applied(&self) -> bool {
        let is_there = |kind: &str| self.module.of(kind).next().is_some();
        let mut settings = self.module.of("terraform").map(|(_, block)| block);
        let has_state = settings.any(|block| {
            block.of("backend").next().is_some() || block.of("cloud").next().is_some()
        });
        let mut data = self.module.of("data").map(|(_, block)| block);
        let reads_states = data.any(|block| block.label(0) == "terraform_remote_state");
        let has_lock = self.directory.join(".terraform.lock.hcl").is_file();
        has_state
            || reads_states
            || has_lock
            || is_there("provider")
            || is_there("module")
            || self.has_values()
    }

    /// Whether values of its variables lie beside it.
    fn has_values(&self) -> bool {
        self.values.iter().any(|file| file.path.parent() == Some(self.directory.as_path()))
    }

    /// The resources of a type.
    pub(super) fn resources<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Block> {
        self.module.of("resource").map(|(_, it)| it).filter(move |it| it.label(0) == kind)
    }

    /// The data sources of a type.
    pub(super) fn data<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Block> {
        self.module.of("data").map(|(_, it)| it).filter(move |it| it.label(0) == kind)
    }

    /// Where a resource stands.
    pub(super) fn place(&self, block: &Block) -> String {
        let file = self.module.blocks().find(|(_, it)| std::ptr::eq(*it, block));
        let name = file.map(|(file, _)| file_name(&file.path)).unwrap_or_default();
        format!("{name}:{}", block.at.line)
    }

    /// The source of a block.
    pub(super) fn source(&self, block: &Block) -> &str {
        let file = self.module.blocks().find(|(_, it)| std::ptr::eq(*it, block));
        let source = file.and_then(|(file, _)| file.text.get(block.span.clone()?));
        source.unwrap_or_default()
    }

    /// Whether a resource is there whatever the values are: not `count = var.x ? 1 : 0`. One
    /// for each of several (`count = length(local.zones)`) is there as those are.
    pub(super) fn is_certain(&self, resource: &Block) -> bool {
        let Some(count) = resource.attribute("count") else { return true };
        let file = self.module.blocks().find(|(_, it)| std::ptr::eq(*it, resource));
        let written = file.and_then(|(file, _)| file.text.get(count.span.clone()?));
        let value = written.and_then(|it| it.split_once('=')).map(|(_, value)| value.trim());
        value.is_some_and(|it| {
            it.starts_with("length(") || it.parse::<u32>().is_ok_and(|count| count > 0)
        })
    }

    /// A block that a reference names: a resource, or a `data` block.
    pub(super) fn referred(&self, names: &[String]) -> Option<&Block> {
        let data = names.first().is_some_and(|first| first == "data");
        let names = if data { names.get(1..)? } else { names };
        let (kind, name) = (names.first()?, names.get(1)?);
        let of = if data { "data" } else { "resource" };
        let blocks = self.module.of(of).map(|(_, block)| block);
        { blocks }.find(|block| block.label(0) == kind && block.label(1) == name)
    }

    /// All that a block refers to.
    pub(super) fn references(&self, block: &Block) -> Vec<&Block> {
        let Some((file, _)) = self.module.blocks().find(|(_, it)| std::ptr::eq(*it, block)) else {
            return Vec::new();
        };
        let lines = self.source(block).lines().count();
        let lines = block.at.line..block.at.line + lines;
        let references = file.references.iter().filter(|it| lines.contains(&it.at.line));
        references.filter_map(|reference| self.referred(&reference.names)).collect()
    }

    /// The outputs that give something of the resources of a type.
    pub(super) fn outputs<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = Given<'m>> {
        self.module.of("output").flat_map(move |(file, block)| {
            let resources = self.references(block).into_iter();
            let resources =
                resources.filter(move |it| it.kind == "resource" && it.label(0) == kind);
            resources.map(move |resource| Given {
                output: block.label(0),
                resource,
                file,
                line: block.at.line,
            })
        })
    }

    /// The output whose value ends with an attribute of a type's resources.
    pub(super) fn output_of<'m>(
        &'m self,
        kind: &'m str,
        attributes: &'m [&'m str],
    ) -> Vec<Given<'m>> {
        let outputs = self.outputs(kind);
        outputs
            .filter(|given| {
                let block = self.module.of("output").find(|(_, it)| it.label(0) == given.output);
                let value = block.and_then(|(_, it)| it.attribute("value"));
                let last = match value.map(|it| &it.value) {
                    Some(Value::Names(names)) => names.last().cloned(),
                    _ => None,
                };
                last.is_some_and(|last| attributes.contains(&&*last))
            })
            .collect()
    }

    /// The output that is the account's id.
    pub(super) fn account_output(&self) -> Option<&str> {
        let outputs = self.module.of("output").map(|(_, block)| block);
        let is_account = |block: &&Block| {
            let value = block.attribute("value").map(|it| self.known(&it.value));
            let Some(Value::Names(names)) = value else { return false };
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            matches!(names.as_slice(), ["data", "aws_caller_identity", .., "account_id"])
        };
        { outputs }.find(is_account).map(|block| block.label(0))
    }

    /// The region of the provider, and where it stands.
    pub(super) fn region(&self) -> Option<(String, String)> {
        let providers = self.module.of("provider").map(|(_, block)| block);
        { providers }.filter(|it| it.label(0) == "aws" && it.text("alias").is_none()).find_map(
            |it| {
                let value = self.known(&it.attribute("region")?.value);
                Some((value.text()?.to_owned(), self.place(it)))
            },
        )
    }

    /// The account that its provider acts in, and where that stands: the only one that it
    /// allows, or that of the role that it assumes.
    pub(super) fn account(&self) -> Option<(String, String)> {
        let providers = self.module.of("provider").map(|(_, block)| block);
        let own = { providers }.filter(|it| it.label(0) == "aws" && it.text("alias").is_none());
        own.filter_map(|provider| Some((account_of(self, provider)?, self.place(provider)))).next()
    }

    /// The outputs of other root modules that a block refers to, by itself or by its
    /// `for_each`.
    pub(super) fn outputs_of_others(&self, block: &Block) -> Vec<String> {
        const STATE: &str = "data.terraform_remote_state.";
        let plain = |text: &str| {
            let name = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
            name.into_iter().next().unwrap_or_default().to_owned()
        };
        let read = self.source(block).split(STATE).skip(1);
        let mut named: Vec<String> =
            read.filter_map(|rest| Some(plain(rest.split_once(".outputs.")?.1))).collect();
        let each = block.attribute("for_each").map(|it| self.known(&it.value));
        if let Some(Value::Names(names)) = each
            && let [data, state, _, outputs, output, ..] = names.as_slice()
            && (data.as_str(), state.as_str(), outputs.as_str())
                == ("data", "terraform_remote_state", "outputs")
        {
            named.push(output.clone());
        }
        named
    }

    /// The repositories of an owner that subjects of GitHub's tokens name plainly:
    /// `repo:OWNER/NAME:…`, and where they stand.
    pub(super) fn repositories(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let files = self.values.iter().chain(&self.module.files);
        for file in files {
            for (number, line) in file.text.lines().enumerate() {
                for rest in line.split("repo:").skip(1) {
                    let name = rest.split([':', '"', '@']).next().unwrap_or_default();
                    let is_plain = name.split('/').count() == 2 && !name.contains(['$', '*', '?']);
                    if is_plain {
                        let place = format!("{}:{}", file_name(&file.path), number + 1);
                        found.push((name.to_owned(), place));
                    }
                }
            }
        }
        found
    }

    /// The names of the outputs.
    pub(super) fn output_names(&self) -> Vec<&str> {
        self.module.of("output").map(|(_, block)| block.label(0)).collect()
    }

    /// A value with variables and locals replaced, as far as they are plain.
    pub(super) fn known(&self, value: &Value) -> Value {
        match value {
            Value::Names(names) => {
                let found = match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["var", name] => self.variable(name).cloned(),
                    ["local", name] => self.local(name).map(|value| self.known(value)),
                    _ => None,
                };
                found.unwrap_or_else(|| value.clone())
            }
            Value::List(items) => Value::List(items.iter().map(|item| self.known(item)).collect()),
            Value::Template(pieces) => {
                let pieces: Vec<Value> = pieces.iter().map(|piece| self.known(piece)).collect();
                let joined: Option<String> = pieces.iter().map(Value::text).collect();
                joined.map_or(Value::Template(pieces), Value::Text)
            }
            other => other.clone(),
        }
    }

    fn local(&self, name: &str) -> Option<&Value> {
        let blocks = self.module.of("locals").map(|(_, block)| block);
        { blocks }.find_map(|block| Some(&block.attribute(name)?.value))
    }

    /// A variable's value: of the files, else its default.
    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        let values = self.values.iter().rev();
        let given = { values }.find_map(|file| self::value_in(file, name));
        given.or_else(|| {
            let (_, block) = self.module.of("variable").find(|(_, it)| it.label(0) == name)?;
            Some(&block.attribute("default")?.value)
        })
    }

    /// The variables that have no value anywhere.
    pub(super) fn without_value(&self) -> Vec<&str> {
        let names = self.module.of("variable").map(|(_, block)| block.label(0));
        names.filter(|name| self.variable(name).is_none()).collect()
    }

    /// The keys of a `for_each`, each with its value.
    pub(super) fn each(&self, block: &Block) -> Vec<(String, Value)> {
        let Some(attribute) = block.attribute("for_each") else { return Vec::new() };
        self.items(&attribute.value)
    }

    fn items(&self, value: &Value) -> Vec<(String, Value)> {
        match self.known(value) {
            Value::Object(members) => members,
            Value::For { over, needs } => {
                let items = self.items(&Value::Names(over)).into_iter();
                items
                    .filter(|(_, item)| needs.iter().all(|need| item.get(need).is_some()))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Everything that is plain text in the files and in the values.
    pub(super) fn objects(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let values = self.values.iter().flat_map(|file| &file.attributes);
        for attribute in values {
            objects_in(&attribute.name, &attribute.value, &mut found);
        }
        for (_, block) in self.module.of("variable").chain(self.module.of("locals")) {
            for attribute in &block.attributes {
                objects_in(&attribute.name, &attribute.value, &mut found);
            }
        }
        found
    }
}

fn account_of(facts: &Facts, provider: &Block) -> Option<String> {
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|one| one.is_ascii_digit());
    let allowed = provider.attribute("allowed_account_ids").map(|it| facts.known(&it.value));
    let allowed = match &allowed {
        Some(Value::List(items)) if items.len() == 1 => items.first().and_then(Value::text),
        _ => None,
    };
    let assumed = provider.of("assume_role").next().and_then(|it| it.attribute("role_arn"));
    let assumed = assumed.map(|it| facts.known(&it.value));
    let role = assumed.as_ref().and_then(Value::text);
    let of_role = role.and_then(|arn| arn.split(':').nth(4));
    let id = allowed.or(of_role).filter(|id| is_id(id))?;
    Some(id.to_owned())
}

fn value_in<'f>(file: &'f File, name: &str) -> Option<&'f Value> {
    file.attributes.iter().find(|it| it.name == name).map(|it| &it.value)
}

/// The objects inside a value, by their keys.
fn objects_in(key: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    if let Value::Object(members) = value {
        found.push((key.to_owned(), value.clone()));
        for (key, member) in members {
            objects_in(key, member, found);
        }
    }
}

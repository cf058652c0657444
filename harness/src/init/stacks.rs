//! A Layer 1 that is written in CloudFormation: the template with most of what a run
//! attacks, what it guards with, who issues tokens, who may deploy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ringfence_text::{Node, cloudformation};
use serde_json::Value;

use super::apps::App;
use super::platform::kind_of;
use super::text::{Text, list, quoted};
use super::{providers, roots};
use crate::config::is_stack_name;
use crate::doctor::Found;

/// A template of the platform's.
pub(super) struct Template {
    file: PathBuf,
    /// What its stack is called.
    stack: String,
    /// The field that says so, where the name of its file does not.
    called_by: Option<&'static str>,
    root: Node,
    /// The defaults of its parameters.
    defaults: BTreeMap<String, String>,
    /// Its resources, their functions resolved as far as they are plain: type and
    /// properties by name.
    resources: BTreeMap<String, (String, Value)>,
}

/// The templates that no application deploys, those with most of what a run attacks
/// first.
pub(super) fn find(found: &Found, apps: &[App]) -> Vec<Template> {
    let is_own = |path: &Path| apps.iter().any(|app| path.starts_with(app.directory()));
    let all = found.templates.iter().filter(|(path, _)| !is_own(path));
    let read = all.filter_map(|(path, text)| Template::read(path, text));
    let mut all: Vec<Template> = read.filter(|template| template.weight() > 0).collect();
    all.sort_by_key(|template| std::cmp::Reverse(template.weight()));
    let (mut names, mut stacks) = (BTreeSet::new(), BTreeSet::new());
    all.iter_mut().for_each(|template| template.call(&mut names, &mut stacks));
    all
}

/// A text as a stack's name may be, but for its length and what is left of it.
fn plain(text: &str) -> String {
    let plain = text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    plain.trim_end_matches('-').to_owned()
}

/// The templates that make the estate, each after what it imports: the first one and
/// those that are bound to it by what they export and import. The others come behind.
pub(super) fn ordered(templates: Vec<Template>) -> (Vec<Template>, Vec<Template>) {
    let exports: Vec<BTreeSet<String>> = templates.iter().map(Template::exports).collect();
    let edges: Vec<(usize, usize)> = templates
        .iter()
        .enumerate()
        .flat_map(|(reader, template)| {
            let imports = template.imports();
            let others = exports
                .iter()
                .enumerate()
                .filter(move |(other, own)| *other != reader && !own.is_disjoint(&imports));
            others.map(move |(other, _)| (reader, other)).collect::<Vec<_>>()
        })
        .collect();
    let order = roots::ordered(&roots::bound(&edges, templates.len()), &edges);
    let mut all: Vec<Option<Template>> = templates.into_iter().map(Some).collect();
    let applied = order.into_iter().filter_map(|at| all.get_mut(at)?.take()).collect();
    (applied, all.into_iter().flatten().collect())
}

/// What is imported within a value, where its name is plain.
fn imported(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match (key.as_str(), member.as_str()) {
                    ("Fn::ImportValue", Some(name)) => drop(found.insert(name.to_owned())),
                    _ => imported(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| imported(item, found)),
        _ => {}
    }
}

impl Template {
    /// Calls its stack as CloudFormation takes it, and as no other is called: by the name of its
    /// file where that can be.
    fn call(&mut self, names: &mut BTreeSet<String>, stacks: &mut BTreeSet<String>) {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_first = names.insert(stem.clone());
        if is_first && is_stack_name(&stem) && stacks.insert(stem.clone()) {
            self.stack = stem;
            return;
        }
        let short = stem.split('.').next().unwrap_or_default();
        let above = self.file.parent().and_then(Path::file_name).unwrap_or_default();
        let within = format!("{}-{short}", above.to_string_lossy());
        let own = [plain(short), plain(&stem), plain(&within)];
        let numbered = (2..).map(|number| format!("stack-{number}"));
        let is_free =
            |name: &String| is_stack_name(name) && !stacks.contains(name) && !names.contains(name);
        let stack = own.into_iter().chain(numbered).find(is_free).unwrap_or_default();
        stacks.insert(stack.clone());
        // Two templates whose files have one name are told apart by `name`, by which the stack is
        // called too.
        self.called_by = Some(if is_first { "stack" } else { "name" });
        if !is_first {
            names.insert(stack.clone());
        }
        self.stack = stack;
    }

    /// The names of what its stack exports, called as a run calls it.
    fn exports(&self) -> BTreeSet<String> {
        let stack = &self.stack;
        let outputs = self.root.get("Outputs").map(Node::members).unwrap_or_default();
        let name = |output: &ringfence_text::Member| {
            let name = output.value.get("Export")?.get("Name")?.clone().into_json();
            let name = resolved(name, &self.defaults);
            Some(name.as_str()?.replace("${AWS::StackName}", stack))
        };
        outputs.iter().filter_map(name).collect()
    }

    /// The names of what it imports.
    fn imports(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.resources.values().for_each(|(_, properties)| imported(properties, &mut found));
        found
    }

    fn read(file: &Path, text: &str) -> Option<Self> {
        let root = cloudformation::read(text).ok()?.root;
        let members =
            |section: &str| root.get(section).map(|it| it.members().to_vec()).unwrap_or_default();
        let default = |member: &ringfence_text::Member| {
            let value = member.value.get("Default")?.text()?;
            Some((member.key.to_string(), value.to_owned()))
        };
        let defaults = members("Parameters").iter().filter_map(default).collect();
        let resources = members("Resources").into_iter().filter_map(|member| {
            let kind = member.value.get("Type")?.text()?.to_owned();
            let properties = member.value.get("Properties").cloned().map(Node::into_json);
            let properties = resolved(properties.unwrap_or_default(), &defaults);
            Some((member.key.to_string(), (kind, properties)))
        });
        let resources = resources.collect();
        let (file, stack) = (file.to_owned(), String::new());
        Some(Self { file, stack, called_by: None, root, defaults, resources })
    }

    fn of<'t>(&'t self, kind: &'t str) -> impl Iterator<Item = (&'t str, &'t Value)> {
        let all = self.resources.iter().filter(move |(_, (own, _))| own == kind);
        all.map(|(name, (_, properties))| (name.as_str(), properties))
    }

    /// How much of what a run attacks there is.
    fn weight(&self) -> usize {
        let kinds = self.resources.values().map(|(kind, _)| kind.as_str());
        let weights = kinds.map(|kind| match kind {
            "AWS::IAM::OIDCProvider" | "AWS::ApiGatewayV2::Api" => 10,
            "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => 3,
            _ => 0,
        });
        weights.sum()
    }

    /// `FILE:LINE` of a resource or a parameter.
    fn place(&self, section: &str, name: &str) -> String {
        let file = self.file.file_name().unwrap_or_default().to_string_lossy();
        let members = self.root.get(section).map(Node::members).unwrap_or_default();
        let line = members.iter().find(|member| member.key == name).map_or(1, |it| it.at.line);
        format!("{file}:{line}")
    }

    /// The role that a web identity may assume.
    fn deployers(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.of("AWS::IAM::Role").filter(|(_, role)| is_deployer(role))
    }

    /// The region of the account's defaults is not a template's to say.
    pub(super) fn layer1(&self, text: &mut Text) {
        text.table("[[layer1]]");
        text.field("kind", &quoted("cloudformation"), "");
        let file = text.path(&self.file);
        text.field("template", &quoted(&file), "");
        if let Some(field) = self.called_by {
            let why = match field {
                "name" => "another template's file has the same name",
                _ => "the file's name cannot be a stack's, or another stack has it",
            };
            text.field(field, &quoted(&self.stack), why);
        }
        text.comment(
            "role = { output = \"ROLE\", repository = \"ORG/REPO\" }: its pipeline's role, if not root's",
        );
        let parameters = self.root.get("Parameters").map(Node::members).unwrap_or_default();
        for parameter in parameters {
            if !self.defaults.contains_key(&*parameter.key) {
                text.open(&format!(
                    "variables.{} = …: the parameter has no default ({})",
                    parameter.key,
                    self.place("Parameters", &parameter.key)
                ));
            }
        }
    }

    /// A template that stands beside the one that is drafted.
    pub(super) fn other(&self, text: &mut Text) {
        let file = text.path(&self.file);
        let called = self.called_by.map(|field| format!(", {field} = {}", quoted(&self.stack)));
        text.open(&format!(
            "another template, made before or after: [[layer1]] kind = \"cloudformation\", template = {}{}",
            quoted(&file),
            called.unwrap_or_default()
        ));
    }

    /// `[platform]`: a field for the only thing that it may be.
    pub(super) fn guards(&self, text: &mut Text) {
        text.table("[platform]");
        let buckets: Vec<&str> = match self.deployers().next() {
            Some(_) => self.of("AWS::S3::Bucket").map(|(name, _)| name).collect(),
            None => Vec::new(),
        };
        let fields = [
            ("execution_boundary_output", self.boundaries(false), "boundary of execution roles"),
            ("deployer_boundary_output", self.boundaries(true), "boundary of deployers"),
            ("artifacts_bucket_output", buckets, "bucket that teams upload to"),
        ];
        for (field, found, what) in fields {
            match found.as_slice() {
                [] => text.comment(&format!("{field}: no {what} was found")),
                [name] => text.field(field, &quoted(name), &self.place("Resources", name)),
                several => {
                    for name in several {
                        let place = self.place("Resources", name);
                        text.open(&format!("{field} = {}: the {what}? ({place})", quoted(name)));
                    }
                }
            }
        }
        let names: Vec<String> = self
            .of("AWS::SSM::Parameter")
            .filter_map(|(_, it)| Some(it.get("Name")?.as_str()?.to_owned()))
            .filter(|name| name.starts_with('/'))
            .collect();
        if !names.is_empty() {
            let said = "what the names of all AWS::SSM::Parameter begin with";
            text.field("parameters", &quoted(&super::platform::prefix(&names)), said);
            text.field("published", &list(&names), "");
        }
        text.blank();
    }

    /// The boundaries that deployers carry; of others those that carry none of these:
    /// a policy that no identity has is a ceiling.
    fn boundaries(&self, of_deployers: bool) -> Vec<&str> {
        let carried = |deployers: bool| -> BTreeSet<&str> {
            let roles =
                self.of("AWS::IAM::Role").filter(|(_, role)| is_deployer(role) == deployers);
            let boundary = |(_, role): (&str, &'_ Value)| {
                let named = role.pointer("/PermissionsBoundary/Ref")?.as_str()?.to_owned();
                self.resources.get_key_value(&named).map(|(name, _)| name.as_str())
            };
            roles.filter_map(boundary).collect()
        };
        let own = carried(of_deployers);
        if !own.is_empty() || of_deployers {
            return own.into_iter().collect();
        }
        let deployers = carried(true);
        let attached = |policy: &Value| {
            ["Roles", "Users", "Groups"].iter().any(|property| policy.get(*property).is_some())
        };
        let named = |name: &str| {
            let text = format!("{{\"Ref\":\"{name}\"}}");
            let mut arns = self.resources.values();
            arns.any(|(_, it)| {
                it.get("ManagedPolicyArns").is_some_and(|it| it.to_string().contains(&text))
            })
        };
        let free = self.of("AWS::IAM::ManagedPolicy").filter(|(name, policy)| {
            !attached(policy) && !deployers.contains(name) && !named(name)
        });
        free.map(|(name, _)| name).collect()
    }

    /// `[[issuers]]`.
    pub(super) fn issuers(&self, text: &mut Text, found: &Found, told: &mut BTreeSet<String>) {
        for (name, authorizer) in self.of("AWS::ApiGatewayV2::Authorizer") {
            let place = self.place("Resources", name);
            let url = authorizer.pointer("/JwtConfiguration/Issuer").and_then(Value::as_str);
            let audience =
                authorizer.pointer("/JwtConfiguration/Audience/0").and_then(Value::as_str);
            match (url, audience) {
                // An issuer stands in the file once.
                (Some(url), Some(_)) if told.contains(url) => {}
                (Some(url), Some(audience)) if url.starts_with("https://") => {
                    told.insert(url.to_owned());
                    text.table("[[issuers]]");
                    text.field("kind", &quoted(kind_of(url)), "by its URL");
                    text.field("url", &quoted(url), &place);
                    text.field("audience", &quoted(audience), &place);
                    let scopes = super::platform::scopes_of_templates(found);
                    let scopes: Vec<String> = scopes.into_iter().collect();
                    text.field("scopes", &list(&scopes), "of the routes");
                }
                _ => text.open(&format!(
                    "[[issuers]] of {name} ({place}): its issuer or audience is not plain"
                )),
            }
            text.blank();
        }
        for (name, provider) in self.of("AWS::IAM::OIDCProvider") {
            let place = self.place("Resources", name);
            let Some(url) = url(provider) else {
                text.open(&format!("[[issuers]] of {name} ({place}): its url is not plain"));
                text.blank();
                continue;
            };
            if told.insert(url.clone()) {
                let audience = provider.pointer("/ClientIdList/0").and_then(Value::as_str);
                providers::one(text, &url, audience, &place);
            }
        }
    }

    /// Whose tokens, other than GitHub's, take a role.
    fn other_issuer(&self, trust: &str) -> Option<providers::Other> {
        let mut providers = self.of("AWS::IAM::OIDCProvider");
        providers.find_map(|(name, provider)| {
            let url = url(provider).filter(|url| !providers::is_github(url))?;
            let host = url.trim_start_matches("https://");
            let by_name = [format!("{{\"Ref\":\"{name}\"}}"), format!("\"{name}\"")];
            let by_host = [format!("oidc-provider/{host}"), format!("\"{host}:")];
            let named = by_name.iter().chain(&by_host).any(|it| trust.contains(it));
            named.then(|| providers::Other { url, subjects: providers::subjects_in(trust) })
        })
    }

    /// `ORG/NAME` of the repository of this name that a role's trust has.
    pub(super) fn repository(&self, name: &str) -> Option<(String, String)> {
        self.deployers().find_map(|(role, properties)| {
            let trust = properties.get("AssumeRolePolicyDocument")?.to_string();
            let named = trust.split("\"repo:").skip(1).find_map(|rest| {
                let full = rest.split([':', '"']).next()?;
                full.strip_suffix(name)?.ends_with('/').then(|| full.to_owned())
            });
            Some((named?, format!("the trust of {role}")))
        })
    }

    /// The output, or the resource, that a variable of a workflow means.
    pub(super) fn output(&self, variable: &str) -> Option<String> {
        let plain = |name: &str| {
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
        };
        let outputs = self.root.get("Outputs").map(Node::members).unwrap_or_default();
        let named = outputs.iter().find(|output| plain(&output.key) == plain(variable));
        named.map(|output| output.key.to_string()).or_else(|| {
            let mut buckets = self.of("AWS::S3::Bucket").map(|(name, _)| name.to_owned());
            let first = buckets.next()?;
            let only = plain(variable).contains("bucket") && buckets.next().is_none();
            only.then_some(first)
        })
    }

    /// `[[deployers]]`.
    pub(super) fn write_deployers(&self, text: &mut Text, apps: &[App]) {
        for (name, role) in self.deployers() {
            let place = self.place("Resources", name);
            let output = format!("{name}.Arn");
            let trust = role.get("AssumeRolePolicyDocument").unwrap_or(&Value::Null).to_string();
            if let Some(other) = self.other_issuer(&trust) {
                providers::open_deployer(text, name, &output, &other);
                continue;
            }
            let of = |app: &&App| {
                app.repository_name().is_some_and(|own| trust.contains(&format!("repo:{own}:")))
            };
            let Some(app) = apps.iter().find(of) else {
                let names: Vec<&str> = apps.iter().map(App::name).collect();
                text.open(&format!(
                    "[[deployers]] name = {}, role_output = {}: which app assumes it: {} ({place})",
                    quoted(name),
                    quoted(&output),
                    if names.is_empty() {
                        "no repository is known".to_owned()
                    } else {
                        names.join(", ")
                    }
                ));
                text.blank();
                continue;
            };
            let granted = self.granted(name, role);
            let job = match () {
                () if granted.contains("\"cloudformation:") => "stack",
                () if granted.contains("\"lambda:UpdateFunctionConfiguration") => "configuration",
                () => "code",
            };
            let prefix = granted.split(":role/").skip(1).find_map(|rest| {
                let prefix = rest.split('"').next()?.strip_suffix('*')?;
                (!prefix.is_empty() && !prefix.contains("${")).then(|| prefix.to_owned())
            });
            if job == "stack" && prefix.is_none() {
                text.open(&format!(
                    "[[deployers]] name = {}, role_output = {}, app = {}, job = \"stack\": its `role_prefix` is not plain",
                    quoted(name),
                    quoted(&output),
                    quoted(app.name())
                ));
                text.blank();
                continue;
            }
            if !text.deployer(&quoted(name), "role_output", &quoted(&output), &place) {
                continue;
            }
            text.field("role_output", &quoted(&output), "");
            text.field("app", &quoted(app.name()), "by its trust");
            text.field("job", &quoted(job), "by what its policies allow");
            if let (true, Some(prefix)) = (job == "stack", prefix) {
                text.field("role_prefix", &quoted(&prefix), "the roles that its policies name");
            }
            let environment = trust.split(":environment:").nth(1);
            if let Some(environment) = environment.and_then(|rest| rest.split('"').next()) {
                text.field("environment", &quoted(environment), "of its trust");
            }
            text.blank();
        }
    }

    /// The statements that allow a role something.
    fn granted(&self, name: &str, role: &Value) -> String {
        let reference = format!("{{\"Ref\":\"{name}\"}}");
        let attached = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"];
        let beside = self.resources.values().filter(|(kind, it)| {
            let owners = ["Roles", "RoleName"].iter().filter_map(|property| it.get(*property));
            attached.contains(&kind.as_str())
                && owners.into_iter().any(|owner| owner.to_string().contains(&reference))
        });
        let inline = role.get("Policies").and_then(Value::as_array).into_iter().flatten();
        let documents = beside.map(|(_, it)| it).chain(inline);
        let statements = documents.filter_map(|it| it.pointer("/PolicyDocument/Statement"));
        let each =
            statements.flat_map(|it| it.as_array().map_or(std::slice::from_ref(it), Vec::as_slice));
        // Denials grant nothing.
        each.filter(|it| it.get("Effect").and_then(Value::as_str) == Some("Allow"))
            .map(Value::to_string)
            .collect()
    }
}

/// A provider's `iss`, where it is plain.
fn url(provider: &Value) -> Option<String> {
    Some(providers::with_scheme(provider.get("Url")?.as_str()?))
}

fn is_deployer(role: &Value) -> bool {
    let trust = role.get("AssumeRolePolicyDocument").map(Value::to_string);
    trust.is_some_and(|trust| trust.contains("AssumeRoleWithWebIdentity"))
}

/// A value with the defaults of the parameters that it names.
fn resolved(value: Value, defaults: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(members) => {
            let only = (members.len() == 1).then(|| members.iter().next()).flatten();
            match only {
                Some((key, Value::String(name))) if key == "Ref" && defaults.contains_key(name) => {
                    defaults.get(name).cloned().into()
                }
                Some((key, Value::String(text))) if key == "Fn::Sub" => {
                    let filled = defaults.iter().fold(text.clone(), |text, (name, value)| {
                        text.replace(&format!("${{{name}}}"), value)
                    });
                    filled.into()
                }
                _ => Value::Object(
                    members.into_iter().map(|(key, it)| (key, resolved(it, defaults))).collect(),
                ),
            }
        }
        Value::Array(items) => items.into_iter().map(|it| resolved(it, defaults)).collect(),
        scalar => scalar,
    }
}

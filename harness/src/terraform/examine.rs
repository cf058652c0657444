//! What of a root module will not run here as it is: told before anything
//! starts, and the same to `doctor` as to a run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::lacking;
use super::locked::{self, Locked};
use super::mirror::{self, Mirror};
use super::outside::{self, Outside};
use super::overrides;
use super::reach::Reach;
use super::version::{Version, meets};
use crate::config::Place;
use crate::hcl::{Block, Broken, File, Module};
use crate::remark::{Outcome, Remark};
use crate::tools::TerraformBinary;

/// Providers that do their work on this machine and run as they are.
const LOCAL: [&str; 13] = [
    "builtin/terraform",
    "cloudposse/context",
    "cloudposse/utils",
    "hashicorp/archive",
    "hashicorp/cloudinit",
    "hashicorp/external",
    "hashicorp/http",
    "hashicorp/local",
    "hashicorp/null",
    "hashicorp/random",
    "hashicorp/template",
    "hashicorp/time",
    "hashicorp/tls",
];

/// The provider that the guard answers.
pub(super) const AWS: &str = "hashicorp/aws";

/// Where providers and modules come from whose source names no host.
const REGISTRY: &str = "registry.terraform.io";

/// What is known of a root module before anything runs.
#[derive(Debug, Default)]
pub struct Examined {
    /// The files that it and the modules in it consist of.
    pub files: Vec<PathBuf>,
    /// What will not run as it is.
    pub remarks: Vec<Remark>,
    /// What must be fetched.
    pub needs: Vec<Need>,
    /// Files that are not Terraform's language, by their places.
    pub broken: Vec<Remark>,
}

/// Something that Terraform fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// From where.
    pub host: String,
    /// Where it is asked for.
    pub place: Place,
    /// `provider.random`, `module.vpc`.
    pub construct: String,
    /// `the provider hashicorp/random`.
    pub what: String,
}

impl Need {
    /// What becomes of it where its host cannot be reached.
    pub fn unreachable(&self) -> Remark {
        Remark {
            place: self.place.clone(),
            construct: self.construct.clone(),
            outcome: Outcome::Unsupported,
            because: format!(
                "{} is not on this machine, and {} cannot be reached",
                self.what, self.host
            ),
        }
    }
}

/// What this machine has for Terraform.
#[derive(Debug)]
pub struct Machine {
    binary: Option<TerraformBinary>,
    mirrors: Vec<Mirror>,
}

impl Machine {
    /// With this program, where there is one.
    pub fn with(binary: Option<TerraformBinary>) -> Self {
        let mirrors = binary.as_ref().map(|binary| mirror::find(&binary.platform, None));
        Self { mirrors: mirrors.unwrap_or_default(), binary }
    }

    /// The directories that hold providers.
    pub fn mirrors(&self) -> impl Iterator<Item = String> {
        self.mirrors.iter().map(ToString::to_string)
    }

    /// Those, and a root module's own.
    fn mirrors_of(&self, root: &Path) -> Vec<Mirror> {
        let own = self.binary.iter().flat_map(|binary| mirror::own(&binary.platform, root));
        self.mirrors.iter().cloned().chain(own).collect()
    }
}

/// A provider that a root module needs.
struct Wanted<'m> {
    file: &'m File,
    at: ringfence_text::Place,
    constraints: Vec<String>,
}

/// Looks at a root module and at the modules in it.
///
/// # Errors
/// When a directory or a file cannot be read.
pub fn examine(directory: &Path, machine: &Machine) -> io::Result<Examined> {
    let mut examined = Examined::default();
    let root = directory.canonicalize()?;
    let reach = Reach::of(&root)?;
    let shown = |path: &Path| shown(directory, &root, path);
    let mut modules = Vec::new();
    for path in &reach.modules {
        let mut module = Module::read(path)?;
        for broken in std::mem::take(&mut module.broken) {
            examined.broken.push(not_read(&broken, &shown(&broken.file)));
        }
        for file in &mut module.files {
            file.path = shown(&file.path);
        }
        modules.push((path, module));
    }
    examined.files =
        modules.iter().flat_map(|(_, it)| it.files.iter().map(|it| it.path.clone())).collect();
    examined.files.extend(examined.broken.iter().map(|it| it.place.file.clone()));
    let certain = lacking::certain(&root, &lacking::borrowed(&modules));
    for (path, module) in &modules {
        if certain.contains(path.as_path()) {
            examined.remarks.extend(lacking::refused(module));
        }
        terragrunt(path, &shown(path), &mut examined);
        replaced(module, machine, &mut examined);
        calls(path, module, &mut examined);
        examined.remarks.extend(outside::entries(module).into_iter().map(Outside::remark));
    }
    let mirrors = machine.mirrors_of(&root);
    let modules: Vec<&Module> = modules.iter().map(|(_, module)| module).collect();
    let locked = Locked::of(&root)?;
    let lock_file = shown(&root.join(locked::NAME));
    for (source, wanted) in providers(&modules) {
        provider(&source, &wanted, &mirrors, (&locked, &lock_file), &mut examined);
    }
    Ok(examined)
}

/// A path as its user names it.
pub(super) fn shown(directory: &Path, root: &Path, path: &Path) -> PathBuf {
    if let Ok(rest) = path.strip_prefix(root) {
        return directory.join(rest);
    }
    let above = root.ancestors().position(|above| path.starts_with(above)).unwrap_or_default();
    let top = root.ancestors().nth(above).unwrap_or(root);
    let ups: PathBuf = std::iter::repeat_n("..", above).collect();
    let rest = path.strip_prefix(top).unwrap_or(path);
    // `live/prod/../../modules/r` is `modules/r` for a person.
    let mut plain = directory.to_owned();
    for _ in 0..above {
        let named = plain.file_name().is_some() && !plain.ends_with("..");
        if !(named && plain.pop()) {
            return directory.join(ups).join(rest);
        }
    }
    plain.join(rest)
}

pub(super) fn place(file: &File, at: ringfence_text::Place) -> Place {
    Place { file: file.path.clone(), line: at.line, column: at.column }
}

fn not_read(broken: &Broken, file: &Path) -> Remark {
    let place = Place { file: file.to_owned(), line: broken.at.line, column: broken.at.column };
    Remark {
        place,
        construct: "syntax".to_owned(),
        outcome: Outcome::Unsupported,
        because: format!("not Terraform's language: {}", broken.message),
    }
}

fn terragrunt(directory: &Path, shown: &Path, examined: &mut Examined) {
    if directory.join("terragrunt.hcl").is_file() {
        examined.remarks.push(Remark {
            place: Place { file: shown.join("terragrunt.hcl"), line: 1, column: 1 },
            construct: "terragrunt.hcl".to_owned(),
            outcome: Outcome::Unsupported,
            because: "Terragrunt is not run, and what it adds to the module is not known: name \
                      what `terragrunt render-json` and `terragrunt run -- init` leave in its cache"
                .to_owned(),
        });
    }
}

/// What the copy has other than the files say.
fn replaced(module: &Module, machine: &Machine, examined: &mut Examined) {
    for member in overrides::replaced(module) {
        let because = match member.name {
            "required_version" => {
                let wanted = member.block.text("required_version").unwrap_or_default();
                let Some(binary) = &machine.binary else { continue };
                let ours = Version::parse(&binary.version);
                if ours.and_then(|ours| meets(&ours, wanted)) != Some(false) {
                    continue;
                }
                format!("{binary} stands in for {wanted}")
            }
            "backend" | "cloud" => "a state in the run's own directory stands in for it".to_owned(),
            _ => "the run's own credentials stand in for it".to_owned(),
        };
        examined.remarks.push(Remark {
            place: place(member.file, member.at),
            construct: format!("{}.{}", member.block.address(), member.name),
            outcome: Outcome::StandsIn,
            because,
        });
    }
}

/// The modules that a module calls.
fn calls(directory: &Path, module: &Module, examined: &mut Examined) {
    for (file, block) in module.of("module") {
        let Some(source) = block.attribute("source") else { continue };
        let (at, construct) = (place(file, source.at), block.address());
        let mut unsupported = |because: String| {
            examined.remarks.push(Remark {
                place: at.clone(),
                construct: construct.clone(),
                outcome: Outcome::Unsupported,
                because,
            });
        };
        let Some(text) = source.value.text() else {
            unsupported("the source of a module is a plain text".to_owned());
            continue;
        };
        if text.starts_with("./") || text.starts_with("../") || text.starts_with('/') {
            if !directory.join(text).is_dir() {
                unsupported(format!("there is no directory `{text}`"));
            }
        } else {
            let what = format!("the module {text}");
            examined.needs.push(Need { host: host(text), place: at, construct, what });
        }
    }
}

/// The host that a module comes from
/// (<https://developer.hashicorp.com/terraform/language/modules/sources>).
fn host(source: &str) -> String {
    let source = source.split_once("::").map_or(source, |(_, rest)| rest);
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let first = rest.split(['/', ':', '?']).next().unwrap_or_default();
    if first.contains('.') { first.to_owned() } else { REGISTRY.to_owned() }
}

/// The providers of a root module, by their sources.
fn providers<'m>(modules: &[&'m Module]) -> BTreeMap<String, Wanted<'m>> {
    let mut found: BTreeMap<String, Wanted<'m>> = BTreeMap::new();
    for module in modules {
        let mut sources: BTreeMap<&str, String> = BTreeMap::new();
        let required = module.of("terraform").flat_map(|(file, block)| {
            block.of("required_providers").map(move |block| (file, block))
        });
        for (file, block) in required {
            for attribute in &block.attributes {
                let text = |name| attribute.value.get(name)?.text();
                let version = text("version").or_else(|| attribute.value.text());
                let source = text("source").unwrap_or(&attribute.name);
                let source = named(source);
                let wanted = found.entry(source.clone()).or_insert_with(|| Wanted {
                    file,
                    at: attribute.at,
                    constraints: Vec::new(),
                });
                wanted.constraints.extend(version.map(str::to_owned));
                sources.insert(&attribute.name, source);
            }
        }
        let kinds = ["resource", "data", "provider"];
        let used = module.blocks().filter(|(_, block)| kinds.contains(&&*block.kind));
        for (file, block) in used {
            let Some(name) = provider_of(block) else { continue };
            let source = sources.get(&*name).cloned().unwrap_or_else(|| named(&name));
            let wanted = found.entry(source).or_insert_with(|| Wanted {
                file,
                at: block.at,
                constraints: Vec::new(),
            });
            // Deprecated, and counts all the same: <https://github.com/hashicorp/terraform/pull/26135>.
            let version = block.text("version").filter(|_| block.kind == "provider");
            wanted.constraints.extend(version.map(str::to_owned));
        }
    }
    found
}

/// The local name of the provider that a block needs.
fn provider_of(block: &Block) -> Option<String> {
    if block.kind == "provider" {
        return Some(block.label(0).to_owned());
    }
    let chosen = block.attribute("provider").map(|attribute| &attribute.value);
    if let Some(crate::hcl::Value::Names(names)) = chosen {
        return names.first().cloned();
    }
    let kind = block.label(0);
    Some(kind.split_once('_').map_or(kind, |(provider, _)| provider).to_owned())
}

/// A source with its host and namespace left out where they are usual.
pub(super) fn named(source: &str) -> String {
    let source = source.strip_prefix("registry.terraform.io/").unwrap_or(source);
    let source = source.strip_prefix("registry.opentofu.org/").unwrap_or(source);
    match source {
        "terraform" | "terraform.io/builtin/terraform" => "builtin/terraform".to_owned(),
        name if !name.contains('/') => format!("hashicorp/{}", name.to_lowercase()),
        other => other.to_lowercase(),
    }
}

fn provider(
    source: &str,
    wanted: &Wanted<'_>,
    mirrors: &[Mirror],
    (locked, lock_file): (&Locked, &Path),
    examined: &mut Examined,
) {
    let (file, at) = (wanted.file, wanted.at);
    let name = source.rsplit('/').next().unwrap_or(source);
    let construct = format!("provider.{name}");
    if source != AWS && !LOCAL.contains(&source) {
        examined.remarks.push(Remark {
            place: place(file, at),
            construct,
            outcome: Outcome::Unsupported,
            because: format!(
                "the provider {source} reaches a service that is not AWS, or is not known here: \
                 move what needs it to a root module of its own"
            ),
        });
        return;
    }
    if source == "builtin/terraform" {
        return;
    }
    let constraints = wanted.constraints.join(", ");
    let address = format!("{REGISTRY}/{source}");
    if let Some(pin) = locked.pin(&address) {
        let at = Place { file: lock_file.to_owned(), line: pin.at.line, column: pin.at.column };
        return pinned(source, &pin.version, &constraints, at, mirrors, examined);
    }
    let versions: BTreeSet<String> = mirrors.iter().flat_map(|it| it.versions(&address)).collect();
    let there = versions.iter().filter_map(|version| Version::parse(version));
    // A constraint that is not understood is Terraform's matter.
    let fits = |version: &Version| meets(version, &constraints) != Some(false);
    if !{ there }.any(|version| fits(&version)) {
        let asked = if constraints.is_empty() { String::new() } else { format!(" {constraints}") };
        examined.needs.push(Need {
            host: REGISTRY.to_owned(),
            place: place(file, at),
            construct,
            what: format!("the provider {source}{asked}"),
        });
    }
}

/// A provider that the lock file pins: no other version is taken.
fn pinned(
    source: &str,
    version: &str,
    constraints: &str,
    at: Place,
    mirrors: &[Mirror],
    examined: &mut Examined,
) {
    let construct = format!("provider.{}", source.rsplit('/').next().unwrap_or(source));
    let fits = Version::parse(version).and_then(|version| meets(&version, constraints));
    if fits == Some(false) {
        examined.remarks.push(Remark {
            place: at,
            construct,
            outcome: Outcome::Unsupported,
            because: format!(
                "`{}` pins {source} {version}, and the constraint is {constraints}: `terraform \
                 init -upgrade` makes the file anew",
                locked::NAME
            ),
        });
        return;
    }
    let address = format!("{REGISTRY}/{source}");
    if !mirrors.iter().any(|mirror| mirror.versions(&address).iter().any(|own| own == version)) {
        let what = format!("the provider {source} {version}, which `{}` pins,", locked::NAME);
        examined.needs.push(Need { host: REGISTRY.to_owned(), place: at, construct, what });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(files: &[(&str, &str)], root: &str) -> Vec<String> {
        let top = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = top.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let binary = TerraformBinary {
            path: "/nonexistent/terraform".into(),
            product: crate::tools::Product::Terraform,
            version: "1.11.4".to_owned(),
            platform: "none_none".to_owned(),
        };
        let directory = top.path().join(root);
        let machine = Machine::with(Some(binary));
        let examined = examine(&directory, &machine).unwrap();
        let place = |place: &Place| {
            let file = place.file.strip_prefix(top.path()).unwrap();
            format!("{}:{}:{}", file.display(), place.line, place.column)
        };
        let remarks = examined.remarks.iter().chain(&examined.broken);
        let remarks =
            remarks.map(|it| format!("{} {} {:?}", place(&it.place), it.construct, it.outcome));
        let needs = examined
            .needs
            .iter()
            .map(|it| format!("{} {} from {}", place(&it.place), it.construct, it.host));
        let mut told: Vec<String> = remarks.chain(needs).collect();
        told.sort();
        told
    }

    #[test]
    fn what_a_root_module_says_of_its_surroundings_is_told_with_its_place() {
        let main = r#"terraform {
  required_version = ">= 1.12"
  backend "s3" {}
  required_providers {
    aws    = { source = "hashicorp/aws", version = "~> 5.0" }
    dns    = { source = "okta/okta" }
  }
}
provider "aws" {
  profile = "x"
}
module "v" {
  source = "terraform-aws-modules/vpc/aws"
}
module "g" {
  source = "git::ssh://git@github.com/a/b.git//c?ref=v1"
}
module "gone" {
  source = "../gone"
}
module "m" {
  source = "../m"
}
resource "random_pet" "p" {}
resource "terraform_data" "d" {}
"#;
        let inner = "resource \"datadog_monitor\" \"m\" {}\n";
        assert_eq!(
            told(&[("root/main.tf", main), ("m/main.tf", inner)], "root"),
            [
                "m/main.tf:1:1 provider.datadog Unsupported",
                "root/main.tf:10:3 provider.aws.profile StandsIn",
                "root/main.tf:13:3 module.v from registry.terraform.io",
                "root/main.tf:16:3 module.g from github.com",
                "root/main.tf:19:3 module.gone Unsupported",
                "root/main.tf:24:1 provider.random from registry.terraform.io",
                "root/main.tf:2:3 terraform.required_version StandsIn",
                "root/main.tf:3:3 terraform.backend StandsIn",
                "root/main.tf:5:5 provider.aws from registry.terraform.io",
                "root/main.tf:6:5 provider.okta Unsupported",
            ]
        );
    }

    #[test]
    fn what_must_exist_outside_is_told_but_not_what_the_module_makes() {
        let main = "data \"aws_iam_role\" \"ci\" {\n  name = \"ci\"\n}\ndata \"aws_iam_role\" \"own\" {\n  name = aws_iam_role.own.name\n}\ndata \"aws_subnets\" \"s\" {\n  filter {\n    name = \"vpc-id\"\n    values = [data.aws_vpc.d.id]\n  }\n}\n";
        let told = told(&[("main.tf", main)], "");
        assert_eq!(
            told,
            [
                "main.tf:1:1 data.aws_iam_role.ci StandsIn",
                "main.tf:1:1 provider.aws from registry.terraform.io"
            ]
        );
    }

    #[test]
    fn what_the_lock_file_pins_is_what_is_needed() {
        let main = "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\", version = \"~> 5.80\" }\n  }\n}\nresource \"random_id\" \"i\" {}\n";
        let lock = |aws: &str| {
            format!(
                "provider \"registry.terraform.io/hashicorp/aws\" {{\n  version     = \"{aws}\"\n  constraints = \"~> 5.0\"\n}}\nprovider \"registry.terraform.io/hashicorp/random\" {{\n  version = \"3.6.0\"\n}}\n"
            )
        };
        let with = |aws: &str| told(&[("main.tf", main), (locked::NAME, &lock(aws))], "");
        // The constraint excludes it.
        assert_eq!(
            with("5.31.0"),
            [
                ".terraform.lock.hcl:2:3 provider.aws Unsupported",
                ".terraform.lock.hcl:6:3 provider.random from registry.terraform.io",
            ]
        );
        // It fits, and is not on this machine.
        assert_eq!(
            with("5.81.0"),
            [
                ".terraform.lock.hcl:2:3 provider.aws from registry.terraform.io",
                ".terraform.lock.hcl:6:3 provider.random from registry.terraform.io",
            ]
        );
        // A lock file that Terraform cannot read is its matter.
        assert_eq!(
            told(&[("main.tf", main), (locked::NAME, "provider {\n")], ""),
            [
                "main.tf:3:5 provider.aws from registry.terraform.io",
                "main.tf:6:1 provider.random from registry.terraform.io",
            ]
        );
    }

    /// A constraint may stand in the provider's own block.
    #[test]
    fn the_version_of_a_providers_configuration_counts() {
        let lock =
            "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.31.0\"\n}\n";
        let with = |version: &str| {
            let main = format!("provider \"aws\" {{\n  version = \"{version}\"\n}}\n");
            told(&[("main.tf", &main), (locked::NAME, lock)], "")
        };
        assert_eq!(with("~> 1.36.0"), [".terraform.lock.hcl:2:3 provider.aws Unsupported"]);
        let fits = [".terraform.lock.hcl:2:3 provider.aws from registry.terraform.io"];
        assert_eq!(with("~> 5.0"), fits);
    }

    #[test]
    fn what_the_services_here_lack_is_told_where_it_is_certain_to_be_made() {
        let integration = |kind: &str, more: &str| {
            format!(
                "resource \"aws_apigatewayv2_integration\" \"a\" {{\n  {more}\n  connection_type = \"{kind}\"\n}}\n"
            )
        };
        let lambda = "resource \"aws_lambda_function\" \"f\" {\n  kms_key_arn = aws_kms_key.k.arn\n  package_type = var.kind\n  dead_letter_config {\n    target_arn = \"arn\"\n  }\n}\n";
        let call = |more: &str| format!("module \"m\" {{\n  source = \"../m\"\n  {more}\n}}\n");
        let with = |root: &str, module: &str| {
            let told = told(&[("root/main.tf", root), ("m/main.tf", module)], "root");
            told.into_iter().filter(|it| it.ends_with("Unsupported")).collect::<Vec<_>>()
        };
        let (private, public) = (integration("VPC_LINK", ""), integration("INTERNET", ""));
        assert_eq!(
            with(&(private.clone() + &call("")), &(private.clone() + lambda)),
            [
                "m/main.tf:3:3 aws_apigatewayv2_integration.a Unsupported",
                "m/main.tf:6:3 aws_lambda_function.f Unsupported",
                "root/main.tf:3:3 aws_apigatewayv2_integration.a Unsupported",
            ]
        );
        assert_eq!(with(&(public.clone() + &call("count = var.n")), &private), [""; 0]);
        assert_eq!(with(&integration("VPC_LINK", "for_each = var.all"), ""), [""; 0]);
    }

    #[test]
    fn a_module_that_asks_for_nothing_has_no_remark() {
        let main = "terraform {\n  required_version = \"~> 1.5\"\n}\nresource \"terraform_data\" \"d\" {}\n";
        assert_eq!(told(&[("main.tf", main)], ""), [""; 0]);
    }

    #[test]
    fn broken_files_are_told_together_and_terragrunt_by_name() {
        let files = [("a.tf", "locals {\n"), ("b.tf", "x y z"), ("terragrunt.hcl", "include {}")];
        let told = told(&files, "");
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[2], "terragrunt.hcl:1:1 terragrunt.hcl Unsupported");
    }
}

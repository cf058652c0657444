//! The first `ringfence.toml` of an estate, drafted from its files. What is
//! found says where; what cannot be decided is a commented line with the
//! choices. Nothing is asked, and nothing is run.
//!
//! - [`accounts`]: the accounts that root modules are applied in;
//! - [`facts`]: values of a root module's variables, locals and resources;
//! - [`platform`]: what Layer 1 guards with; [`endpoints`]: what functions reach;
//! - [`apps`]: repositories with a workflow that deploys; [`workflows`]: which one of several;
//! - [`deployers`]: roles that a web identity may assume; [`providers`]: by whose tokens;
//! - [`roots`]: which root modules, and their order;
//! - [`stacks`]: all of that where Layer 1 is a template of CloudFormation;
//! - [`text`]: the file.

mod accounts;
mod apps;
mod deployers;
mod endpoints;
mod facts;
mod platform;
mod providers;
mod roots;
mod stacks;
mod text;
mod users;
mod workflows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::doctor::{self, Found};
use accounts::Accounts;
use facts::Facts;
use roots::Chosen;
use text::Text;

/// What was drafted.
#[derive(Debug)]
pub struct Draft {
    /// The file's text.
    pub text: String,
    /// What is left to decide, a sentence each.
    pub open: Vec<String>,
}

/// Drafts a configuration of what is below directories; paths in it are those
/// from the directory that it will stand in.
///
/// # Errors
/// When a root module cannot be read.
pub fn draft(directories: &[PathBuf], place: &Path) -> std::io::Result<Draft> {
    let mut found = Found::default();
    let mut left_out = BTreeSet::new();
    for directory in directories {
        let mut below = Found::default();
        doctor::find(directory, &mut below);
        leave_out(directory, &mut below, &mut left_out);
        found.add(below);
    }
    let mut text = Text::new(place);
    text.comment(
        "What is under test, drafted from the files; docs/configuration.md explains each field.",
    );
    text.comment("A comment behind a field says where it was found. Lines that begin with `# ?` are left to decide.");
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|path| text.path(path)).collect();
        text.comment(&format!("Left out, as tests and examples: {}.", names.join(", ")));
    }
    text.blank();
    let Roots { applied, uncalled } = roots(&found)?;
    let Chosen { applied, others } = roots::choose(applied)?;
    let several = applied.len() > 1;
    // What teams and their workflows know is of the root module with most.
    let main = applied.iter().max_by_key(|root| root.facts.weight()).map(|root| &root.facts);
    let accounts = Accounts::of(&applied);
    platform::account(&mut text, main, accounts.as_ref());
    if let Some(accounts) = &accounts {
        accounts.write(&mut text);
    }
    for root in &applied {
        platform::layer1(&mut text, root, several, accounts.as_ref());
        if several {
            text.blank();
        }
    }
    let empty = Facts::default();
    let all: Vec<&Facts> = applied.iter().map(|root| &root.facts).collect();
    // Of one account a repository is what its values say.
    let trusting = if accounts.is_some() { all.as_slice() } else { &[] };
    let mut apps = apps::find(&found, main.unwrap_or(&empty), trusting);
    let templates = match applied.is_empty() {
        true => stacks::find(&found, &apps),
        false => Vec::new(),
    };
    if !templates.is_empty() {
        of_templates(&mut text, templates, &mut apps, &found);
        return Ok(text.done());
    }
    if applied.is_empty() {
        text.open("no root module of Terraform with resources of AWS was found, and no template of a platform: name it as `layer1.directory`, or with kind = \"cloudformation\" as `layer1.template`");
    }
    let mut images = BTreeSet::new();
    for root in &applied {
        for outside in root.facts.outside() {
            let place = format!("{}:{}", text.path(&outside.place.file), outside.place.line);
            if let Some(image) = outside.image {
                if images.insert(image.clone()) {
                    text.blank();
                    text.table("[[existing]]");
                    text.field("type", &text::quoted("aws_ami"), &place);
                    text.field("properties", &image, "by its filters");
                }
                continue;
            }
            text.open(&format!("{}: where the account does not have it ({place})", outside.entry));
        }
    }
    let alone = !several || !others.is_empty();
    for other in others {
        let path = text.path(&other.directory);
        text.open(&format!(
            "another root module, which none of these reads: [[layer1]] directory = {}",
            text::quoted(&path)
        ));
    }
    let alone = alone || !uncalled.is_empty();
    for other in uncalled {
        let path = text.path(&other.directory);
        text.open(&format!(
            "a module that nobody calls, or a root module: [[layer1]] directory = {}",
            text::quoted(&path)
        ));
    }
    if alone {
        text.blank();
    }
    match main {
        Some(_) if several => {
            text.comment("[api] and [platform]: a run takes what there is in all root modules.");
            let required = accounts.as_ref().and_then(|_| platform::required(&applied));
            if endpoints::any(&all) || required.is_some() {
                text.table("[platform]");
                if let Some((name, place)) = required {
                    let said = format!("{place}: what the roles that teams make must carry");
                    text.field("execution_boundary_output", &text::quoted(&name), &said);
                }
                endpoints::write(&mut text, &all);
            }
            text.blank();
        }
        Some(facts) => platform::guards(&mut text, facts),
        None => {}
    }
    let facts = main.unwrap_or(&empty);
    platform::issuers(&mut text, &all, &found, !apps.is_empty());
    apps::write(&mut text, &apps, apps::Outputs::Of(facts));
    // A deployer's app stands in the file.
    let apps: Vec<apps::App> = apps.into_iter().filter(apps::App::is_written).collect();
    for root in &applied {
        let prefix = if several { format!("{}:", root.name) } else { String::new() };
        let before: Vec<(&str, &Facts)> = applied
            .iter()
            .filter(|other| other.name != root.name)
            .map(|other| (other.name.as_str(), &other.facts))
            .collect();
        deployers::write(&mut text, &root.facts, &apps, &prefix, trusting);
        users::write(&mut text, &root.facts, &apps, &prefix);
        if accounts.is_none() {
            continue;
        }
        deployers::write_assumed(&mut text, &root.facts, &apps, &prefix, &before);
    }
    users::unknown(&mut text, &all, &apps);
    Ok(text.done())
}

/// The account of a draft.
const ACCOUNT: &str = "123456789012";

/// The rest of a file whose Layer 1 is templates.
fn of_templates(
    text: &mut Text,
    templates: Vec<stacks::Template>,
    apps: &mut [apps::App],
    found: &Found,
) {
    let (applied, others) = stacks::ordered(templates);
    for template in &applied {
        template.layer1(text);
        if applied.len() > 1 {
            text.blank();
        }
    }
    others.iter().for_each(|other| other.other(text));
    text.blank();
    match applied.as_slice() {
        [own] => own.guards(text),
        _ => {
            text.comment("[platform]: a run takes what there is in all templates.");
            text.blank();
        }
    }
    let mut told = BTreeSet::new();
    applied.iter().for_each(|template| template.issuers(text, found, &mut told));
    providers::of_workflows(text, &told, !apps.is_empty());
    for template in &applied {
        apps.iter_mut().for_each(|app| app.known_by(template));
    }
    apps::write(text, apps, apps::Outputs::Templates(&applied));
    applied.iter().for_each(|template| template.write_deployers(text, apps));
}

/// Directories with what is no estate, where they are come upon.
const OTHERS: [&str; 7] =
    ["test", "tests", "testdata", "fixtures", "example", "examples", "samples"];

/// Leaves out what is below a directory of tests or examples, and keeps which
/// directories those are.
fn leave_out(top: &Path, found: &mut Found, left_out: &mut BTreeSet<PathBuf>) {
    let mut keep = |path: &Path| {
        let below = path.strip_prefix(top).unwrap_or(path);
        let other = below.ancestors().filter(|it| {
            it.file_name().is_some_and(|name| OTHERS.contains(&&*name.to_string_lossy()))
        });
        let other = other.last().map(|other| top.join(other));
        let kept = other.is_none();
        left_out.extend(other);
        kept
    };
    found.workflows.retain(|path| keep(path));
    found.templates.retain(|path, _| keep(path));
    found.modules.retain(|path| keep(path));
    found.values.retain(|path| keep(path));
}

/// What no module calls.
struct Roots {
    applied: Vec<Facts>,
    /// Of which nothing says that it is applied, beside others of which something does.
    uncalled: Vec<Facts>,
}

/// The root modules with resources of AWS, those with most of what a run
/// attacks first.
fn roots(found: &Found) -> std::io::Result<Roots> {
    let mut roots = Vec::new();
    for directory in doctor::roots(&found.modules) {
        let facts = Facts::read(&directory, found)?;
        if facts.weight() > 0 {
            roots.push(facts);
        }
    }
    roots.sort_by_key(|facts| std::cmp::Reverse(facts.weight()));
    let (applied, uncalled): (Vec<Facts>, Vec<Facts>) =
        roots.into_iter().partition(Facts::is_applied);
    Ok(match applied.is_empty() {
        true => Roots { applied: uncalled, uncalled: applied },
        false => Roots { applied, uncalled },
    })
}

#[cfg(test)]
mod tests;

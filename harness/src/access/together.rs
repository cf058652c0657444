//! Plans and states that count together, as one estate.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value as Json;

use super::complete::{Apart, Setting, Source};
use super::estate::Estate;
use super::given_stacks::Given;
use super::managed_twice::made_twice;
use super::overwritten::Overwritten;
use super::plan::{Contents, Plan};
use crate::lint::known::Node;
use crate::lint::terraform::{self, Resource};

/// A plan or a state.
pub(super) struct File {
    /// What it is called where others have resources with the same addresses: as the root
    /// module, else by its path.
    pub(super) name: String,
    /// What `terraform show -json` prints.
    pub(super) root: Node,
    /// The configuration that it is of.
    pub(super) source: Option<Source>,
    /// Where it was planned, as far as that is known without it.
    pub(super) setting: Setting,
}

/// Why files make no estate, and which one does not fit.
pub(super) struct Unfit {
    pub(super) file: usize,
    pub(super) message: String,
}

/// Reads plans and states, together: an identity of one has what others attach to it.
///
/// # Errors
/// A policy that AWS would not store, by its resource, and what two files make.
pub(super) fn read(files: Vec<File>) -> Result<Estate, Unfit> {
    let several = several(&files);
    let files = files.into_iter().map(|File { name, mut root, source, setting }| {
        let apart = Apart { name, several: several.clone() };
        Contents::of(&mut root, source.as_ref(), &setting, apart)
    });
    let files: Vec<Contents> = files.collect();
    if let Some(unfit) = made_twice(&files) {
        return Err(unfit);
    }
    let mut estate = Estate::default();
    let mut made = BTreeMap::new();
    let mut overwritten = Overwritten::new();
    if let Some(own) = files.first() {
        let (estate, made, none) = (&mut estate, &mut made, &Overwritten::new());
        let plan = Plan { files: &files, file: 0, own, estate, made, overwritten: none };
        overwritten = plan.overwritten();
    }
    let overwritten = &overwritten;
    for (file, own) in files.iter().enumerate() {
        let (estate, made) = (&mut estate, &mut made);
        let mut plan = Plan { files: &files, file, own, estate, made, overwritten };
        for resource in own.resources.iter().filter(|resource| !resource.is_data) {
            plan.add(resource).map_err(|message| Unfit { file, message })?;
        }
    }
    for (file, own) in files.iter().enumerate() {
        let (estate, made) = (&mut estate, &mut made);
        let mut plan = Plan { files: &files, file, own, estate, made, overwritten };
        plan.exclude();
        plan.take_away();
        plan.destroy();
        plan.make_anew();
    }
    estate.deny_no_more();
    estate.note_elsewhere(&made);
    for (file, own) in files.iter().enumerate() {
        let (estate, made) = (&mut estate, &mut made);
        Plan { files: &files, file, own, estate, made, overwritten }.join_groups();
    }
    estate.note_elsewhere(&made);
    let stacks = files.iter().enumerate().flat_map(|(file, own)| {
        let given = |one| Given::of(one, own.apart.called(&one.address), own.setting());
        own.resources.iter().filter_map(given).map(move |stack| (file, stack))
    });
    let stacks: Vec<(usize, Given)> = stacks.collect();
    estate.settled = files.iter().map(|own| own.setting().clone()).collect();
    for Contents { resources, outputs, apart, .. } in files {
        estate.resources.extend(
            resources
                .into_iter()
                .map(|one| Resource { address: apart.called(&one.address), ..one }),
        );
        for (name, value) in &outputs {
            let known = estate.outputs.entry(name.clone()).or_insert_with(|| value.clone());
            // Of two with one name and different values nobody knows which is meant.
            if known != value {
                *known = Json::Null;
            }
        }
        estate.roots.insert(apart.name, outputs);
    }
    estate.bind();
    for (file, stack) in stacks {
        stack.add(&mut estate).map_err(|message| Unfit { file, message })?;
    }
    Ok(estate)
}

/// The addresses that several files have.
fn several(files: &[File]) -> Rc<BTreeSet<String>> {
    let (mut all, mut several) = (BTreeSet::new(), BTreeSet::new());
    for file in files.iter().filter(|_| files.len() > 1) {
        let resources = terraform::resources(&file.root).into_iter();
        let own = resources.filter(|one| !one.is_data).map(|one| one.address);
        let own: BTreeSet<String> = own.collect();
        several.extend(own.intersection(&all).cloned());
        all.extend(own);
    }
    Rc::new(several)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lint::read::{self, Read};

    /// A plan of a new network, with its output.
    fn plan(name: &str) -> File {
        file(name, "aws_vpc", &json!({"cidr_block": "10.0.0.0/16"}), &json!({"id": true}))
    }

    /// A plan of one resource.
    fn file(name: &str, kind: &str, after: &Json, unknown: &Json) -> File {
        let made = json!({"address": format!("{kind}.main"), "mode": "managed", "type": kind,
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}});
        let root = json!({"format_version": "1.2", "resource_changes": [made],
            "planned_values": {"outputs": {"name": {"sensitive": false, "value": name}}}});
        let Ok(Read::Other(root)) = read::read(&root.to_string()) else { panic!("no plan") };
        File { name: name.to_owned(), root, source: None, setting: Setting::default() }
    }

    fn ids(estate: &Estate) -> Vec<(&str, &str)> {
        let id = |one: &'_ Resource| one.values.get("id").and_then(Node::text).map(str::to_owned);
        let all = estate.resources.iter();
        assert!(all.clone().all(|one| id(one).is_some()));
        all.map(|one| (one.address.as_str(), one.values.get("id").unwrap().text().unwrap()))
            .collect()
    }

    /// A plan alone need not say whose account it is for.
    #[test]
    fn where_it_was_planned_completes_what_a_plan_leaves_open() {
        let arn = |setting: Setting| {
            let role = json!({"name": "r", "path": "/"});
            let file = file("a", "aws_iam_role", &role, &json!({"arn": true}));
            let estate = read(vec![File { setting, ..file }]);
            let estate = estate.unwrap_or_else(|unfit| panic!("{}", unfit.message));
            let arn = estate.resources[0].values.get("arn").unwrap();
            (arn.text().map(str::to_owned), estate.entries["role/r"].principal.is_some())
        };
        assert_eq!(arn(Setting::default()), (None, false));
        let known = |text: &str| Some(text.to_owned());
        let setting = Setting::new(known("aws"), known("123456789012"), known("eu-west-1"));
        assert_eq!(arn(setting), (known("arn:aws:iam::123456789012:role/r"), true));
    }

    /// A plan without a role says where its templates are all the same.
    #[test]
    fn where_a_plan_is_its_templates_are() {
        let account = |setting: Setting| {
            let file = file("a", "aws_sqs_queue", &json!({"name": "q"}), &json!({"arn": true}));
            let estate = read(vec![File { setting, ..file }]);
            let estate = estate.unwrap_or_else(|unfit| panic!("{}", unfit.message));
            estate.place_of_templates().map(|place| place.account)
        };
        let known = |text: &str| Some(text.to_owned());
        let setting = Setting::new(known("aws"), known("123456789012"), known("eu-west-1"));
        assert_eq!(account(setting), known("123456789012"));
        assert_eq!(account(Setting::default()), None);
    }

    /// What AWS chooses for one is not what it chooses for the other.
    #[test]
    fn what_two_files_call_alike_is_two_things() {
        let one = read(vec![plan("a")]).unwrap_or_else(|unfit| panic!("{}", unfit.message));
        assert_eq!(ids(&one), [("aws_vpc.main", "vpc-known-after-apply.aws_5f_vpc.main")]);
        let two =
            read(vec![plan("a"), plan("b")]).unwrap_or_else(|unfit| panic!("{}", unfit.message));
        assert_eq!(
            ids(&two),
            [
                ("a/aws_vpc.main", "vpc-known-after-apply.a_2f_aws_5f_vpc.main"),
                ("b/aws_vpc.main", "vpc-known-after-apply.b_2f_aws_5f_vpc.main"),
            ]
        );
        // An output that differs is known of each alone.
        assert_eq!(two.outputs["name"], Json::Null);
        assert_eq!(two.roots["b"]["name"], "b");
    }

    /// Which of two documents a managed policy has, nobody knows.
    #[test]
    fn a_managed_policy_that_two_files_make_otherwise_is_refused() {
        const ARN: &str = "arn:aws:iam::123456789012:policy/p";
        let one = |name: &str, action: &str| {
            let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
            let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
            let values = json!({"name": "p", "arn": ARN, "policy": policy});
            file(name, "aws_iam_policy", &values, &json!({}))
        };
        let read = |other: &str| read(vec![one("a", "sqs:*"), one("b", other)]);
        let unfit = read("s3:*").unwrap_err();
        let message = "`b/aws_iam_policy.main` makes `arn:aws:iam::123456789012:policy/p`, and \
                       `a/aws_iam_policy.main` makes it otherwise";
        assert_eq!((unfit.file, unfit.message.as_str()), (1, message));
        assert!(read("sqs:*").is_ok());
    }
}

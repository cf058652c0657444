//! By what one identity gains another: the table of means, with the known paths. Its rows are
//! those of `file`.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use ringfence_models::actions;

pub use self::file::known;
use self::file::{Act, FILE, Service};
pub(super) use self::file::{Gives, Held, Protected, Taken, ThingType, Trust};
use super::handed;
use super::saml::Provider;
use crate::attacks::escalations::{Category, Path};

/// A service that must be able to run as a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct By {
    /// Who the role lets in.
    pub(super) name: String,
    /// Whether it comes with a token.
    pub(super) federated: bool,
    /// Whether an instance profile must hold the role: "An instance profile can contain only
    /// one IAM role", and instances take nothing else
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>).
    pub(super) in_profile: bool,
    pub(super) follows: Follows,
}

/// How far it is followed what a service does that runs as a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Follows {
    /// Whoever can hand it the role acts as it.
    All,
    /// What runs as the role already, but for this.
    ButFor(Option<String>),
    /// Not at all: what is done with a role that it was handed.
    Nothing,
    /// Not at all: for which assertions of a SAML provider it gives sessions.
    Assertions,
}

/// A request that changes a protected document.
#[derive(Debug)]
pub(super) struct Change {
    /// The place in [`Table::asks`].
    pub(super) ask: usize,
    pub(super) takes: Option<Taken>,
}

/// What is asked of an identity: whether it may do something to each of some things.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    pub(super) action: String,
    /// The name of what is acted upon.
    pub(super) on: String,
    pub(super) trust: Trust,
    /// A condition key with its value; what is allowed with another value alone is open.
    pub(super) when: Option<(String, String)>,
    /// Whether no other value of it counts.
    pub(super) strict: bool,
    /// Other actions: of all of these one is enough.
    pub(super) or: Vec<String>,
}

impl Ask {
    fn of(action: &str, on: &str) -> Self {
        let (action, on) = (action.to_owned(), on.to_owned());
        Self { action, on, trust: Trust::None, when: None, strict: false, or: Vec::new() }
    }

    /// The same about one action alone.
    pub(super) fn about(&self, action: &str) -> Self {
        Self { action: action.to_owned(), or: Vec::new(), ..self.clone() }
    }
}

/// A way to gain something.
#[derive(Debug)]
pub(super) struct Means {
    /// `iam-005`, or the actions that it takes.
    pub(super) name: String,
    pub(super) gives: Gives,
    /// The name of whom or what is gained.
    pub(super) on: String,
    /// Places in [`Table::asks`]: all of these.
    pub(super) needs: Vec<usize>,
    /// The service that must be able to run as the role.
    pub(super) service: Option<By>,
    /// What runs as the role already, by the name of these things.
    pub(super) held: Option<String>,
    /// Why nobody knows whether it gives anything.
    pub(super) unsure: Option<&'static str>,
}

/// All means.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) asks: Vec<Ask>,
    pub(super) means: Vec<Means>,
    /// Of each protected document, what changes it.
    pub(super) protected: Vec<(&'static Protected, Vec<Change>)>,
    /// What runs as roles, by name.
    pub(super) held: Vec<(String, &'static [Held])>,
    /// Any resources of a type, by name.
    pub(super) types: BTreeMap<String, Any>,
}

/// Any resource of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Any {
    /// The type, as the reference names it; none is what the form says alone.
    pub(super) kind: Option<String>,
    /// The form of an ARN of it.
    pub(super) form: String,
}

pub(super) const ANYTHING: &str = "anything";

/// Whether it is not told apart what is acted upon, or of its type alone.
pub(super) fn is_any(on: &str) -> bool {
    on.starts_with(ANYTHING)
}

impl Table {
    /// All means in a partition where roles let in these services, take assertions of these
    /// providers, and tokens of the clusters of these.
    pub(super) fn new(
        services: &BTreeSet<String>,
        providers: &[Provider],
        clusters: &BTreeSet<String>,
        partition: &str,
    ) -> Self {
        let mut table = Self::default();
        for act in &FILE.acts {
            table.act(act, partition);
        }
        for path in known() {
            table.path(path);
        }
        for service in services {
            table.handed(service);
        }
        for provider in providers {
            table.asserted(provider);
        }
        for cluster in clusters {
            table.in_pods(cluster);
        }
        for protected in &FILE.protected {
            let actions = protected.actions.iter().map(|action| (action, None));
            let taken = protected.taken.iter().map(|(action, takes)| (action, Some(*takes)));
            let changes = actions.chain(taken).map(|(action, takes)| Change {
                ask: table.ask(Ask::of(action, &protected.on)),
                takes,
            });
            let changes = changes.collect();
            table.protected.push((protected, changes));
        }
        table
    }

    pub(super) fn things() -> &'static [ThingType] {
        &FILE.things
    }

    fn ask(&mut self, ask: Ask) -> usize {
        let known = self.asks.iter().position(|one| *one == ask);
        known.unwrap_or_else(|| {
            self.asks.push(ask);
            self.asks.len() - 1
        })
    }

    fn act(&mut self, act: &'static Act, partition: &str) {
        let when = act.when.as_ref();
        let when = when.map(|(key, value)| (key.clone(), value.replace("{partition}", partition)));
        let first = Ask { trust: act.trust, when, ..Ask::of(&act.action, &act.on) };
        let mut needs = vec![self.ask(first)];
        if let Some(then) = &act.then {
            let trust = if then == "sts:AssumeRole" { Trust::Caller } else { Trust::None };
            needs.push(self.ask(Ask { trust, ..Ask::of(then, &act.on) }));
        }
        needs.extend(act.with.iter().map(|action| self.ask(Ask::of(action, &act.on))));
        let name = act.action.clone();
        let (gives, on) = (act.gives, act.on.clone());
        let (service, held, unsure) = (None, None, act.unsure.as_deref());
        self.means.push(Means { name, gives, on, needs, service, held, unsure });
    }

    /// A path by a service that runs as a role. What the others need, acts say.
    fn path(&mut self, path: &Path) {
        if !matches!(path.category, Category::NewPassrole | Category::ExistingPassrole) {
            return;
        }
        let of = FILE.services.iter().filter(|row| path.id.starts_with(&row.of));
        let longest = of.clone().map(|row| row.of.len()).max();
        let passes = path.required.iter().any(|action| action == "iam:PassRole");
        for row in of.filter(|row| Some(row.of.len()) == longest) {
            // What runs already, it was handed to.
            if passes || row.passed_to.is_none() {
                self.path_by(path, row, passes);
            }
        }
    }

    fn path_by(&mut self, path: &Path, row: &'static Service, passes: bool) {
        let held = format!("what runs as it by {}", row.of.trim_end_matches('-'));
        let mut needs = Vec::new();
        for action in &path.required {
            if action == "iam:PassRole" {
                let service = row.passed_to.as_ref().unwrap_or(&row.name);
                let when = Some(("iam:PassedToService".to_owned(), service.clone()));
                needs.push(self.ask(Ask { when, strict: true, ..Ask::of(action, "role") }));
                continue;
            }
            if passes || FILE.anywhere.contains(action) {
                needs.extend(self.anywhere(action));
                continue;
            }
            needs.push(self.ask(Ask::of(action, &held)));
            let types = self.types(action, false);
            needs.extend(types.iter().map(|on| self.ask(Ask::of(action, on))));
        }
        if !passes && !self.held.iter().any(|(name, _)| *name == held) {
            self.held.push((held.clone(), &row.held));
        }
        let follows = match passes {
            true => Follows::All,
            false => Follows::ButFor(row.unfollowed.clone()),
        };
        let (name, federated) = (row.name.clone(), row.federated);
        let in_profile = passes && row.profile;
        let by = By { name, federated, in_profile, follows };
        if in_profile {
            // Who may make one needs none.
            let mut needs = needs.clone();
            for action in ["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"] {
                let types = self.types(action, true);
                needs.extend(types.iter().map(|on| self.ask(Ask::of(action, on))));
            }
            let by = By { in_profile: false, ..by.clone() };
            self.by_service(&path.id, needs, by, None);
        }
        self.by_service(&path.id, needs, by, (!passes).then_some(held));
        if let Some(last) = self.means.last_mut() {
            last.unsure = FILE.unsure.get(&path.id).map(String::as_str);
        }
    }

    /// Whether an action is allowed on one of each of the types that it needs, and where it
    /// needs none, on anything.
    fn anywhere(&mut self, action: &str) -> Vec<usize> {
        let types = self.types(action, true);
        match types.is_empty() {
            true => vec![self.ask(Ask::of(action, ANYTHING))],
            false => types.iter().map(|on| self.ask(Ask::of(action, on))).collect(),
        }
    }

    fn by_service(&mut self, name: &str, needs: Vec<usize>, by: By, held: Option<String>) {
        let (name, on) = (name.to_owned(), "role".to_owned());
        let (gives, service, unsure) = (Gives::Session, Some(by), None);
        self.means.push(Means { name, gives, on, needs, service, held, unsure });
    }

    /// A role that a service lets in can be handed to it by other calls than a path has, and by
    /// those of a path without the rest of it: somebody else, or another call, may do that.
    fn handed(&mut self, service: &str) {
        let rows: Vec<&Service> = FILE.services.iter().filter(|row| row.name == service).collect();
        let own = handed::passed_to(service);
        let (of_paths, others): (Vec<&str>, Vec<&str>) =
            handed::to(service).into_iter().partition(|one| rows.iter().any(|row| row.has(one)));
        // To whom the role is passed, and which call hands it over.
        let mut ways: Vec<(String, Vec<usize>)> = Vec::new();
        for row in &rows {
            for action in of_paths.iter().filter(|one| row.has(one)) {
                let passed_to = row.passed_to.clone().unwrap_or_else(|| own.clone());
                let way = (passed_to, self.anywhere(action));
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        if let Some((first, or)) = others.split_first() {
            let or = or.iter().map(|one| (*one).to_owned()).collect();
            ways.push((own, vec![self.ask(Ask { or, ..Ask::of(first, ANYTHING) })]));
        }
        for (passed_to, mut needs) in ways {
            let when = Some(("iam:PassedToService".to_owned(), passed_to));
            needs.push(self.ask(Ask { when, strict: true, ..Ask::of("iam:PassRole", "role") }));
            let (name, follows) = (service.to_owned(), Follows::Nothing);
            let by = By { name, federated: false, in_profile: false, follows };
            self.by_service(&format!("iam:PassRole to {service}"), needs, by, None);
        }
    }

    /// Whoever writes the metadata of a SAML provider has the keys of the assertions that roles
    /// take from it, and exchanges them without any permission. A provider of a name is made
    /// where there is none, or where that one is deleted.
    fn asserted(&mut self, provider: &Provider) {
        let on = format!("{ANYTHING}: {}", provider.arn);
        self.types.insert(on.clone(), Any { kind: None, form: provider.arn.clone() });
        let made: &[&str] = match provider.is_there {
            true => &["iam:DeleteSAMLProvider", "iam:CreateSAMLProvider"],
            false => &["iam:CreateSAMLProvider"],
        };
        let updated: &[&str] = &["iam:UpdateSAMLProvider"];
        for actions in [updated, made] {
            let needs = actions.iter().map(|action| self.ask(Ask::of(action, &on))).collect();
            let (name, follows) = (provider.arn.clone(), Follows::Assertions);
            let by = By { name, federated: true, in_profile: false, follows };
            self.by_service(&actions.join(" + "), needs, by, None);
        }
    }

    /// What runs in a cluster has tokens of its provider. Whoever may run something there needs
    /// no permission to pass a role: a job names its role itself
    /// (<https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/iam-execution-role.html>),
    /// and who enters a cluster starts pods
    /// (<https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>).
    fn in_pods(&mut self, provider: &str) {
        for action in
            ["emr-containers:StartJobRun", "eks:CreateAccessEntry", "eks:AssociateAccessPolicy"]
        {
            let needs = self.anywhere(action);
            let what = "which pods of its cluster do is not followed".to_owned();
            let (name, follows) = (provider.to_owned(), Follows::ButFor(Some(what)));
            let by = By { name, federated: true, in_profile: false, follows };
            self.by_service(action, needs, by, None);
        }
    }

    /// The types of resources of each of which an action needs one, as the reference
    /// has them
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>:
    /// those of `RunInstances` with an asterisk). Where that is one, it counts where nothing
    /// else says what is acted upon; of several some stand for each other, and the table says
    /// which are needed.
    fn types(&mut self, action: &str, alone: bool) -> Vec<String> {
        let (prefix, name) = action.split_once(':').unwrap_or_default();
        let known = actions::of(prefix);
        let whole = FILE.whole.iter().find(|whole| whole.action == action);
        let types: Vec<&str> = match (whole, known.and_then(|of| of.action(name))) {
            (Some(whole), _) => whole.types.iter().map(String::as_str).collect(),
            (None, Some(action)) if alone => {
                let required = action.resources.iter().filter(|one| one.required);
                let all: Vec<&str> = required.map(|one| one.name).collect();
                if all.len() == 1 { all } else { Vec::new() }
            }
            (None, _) => Vec::new(),
        };
        let mut names = Vec::new();
        for kind in types {
            let name = format!("{ANYTHING}: {kind} of {prefix}");
            let arn = known.and_then(|prefix| prefix.resource_type(kind)?.arn.first());
            let form = any(arn.copied().unwrap_or_default());
            let kind = Some(kind.to_owned());
            self.types.insert(name.clone(), Any { kind, form });
            names.push(name);
        }
        names
    }
}

/// The form of an ARN, with the account and the partition to be filled in, of any
/// region and name.
fn any(arn: &str) -> String {
    let mut out = String::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(match name {
            "Partition" => "{partition}",
            "Account" => "{account}",
            _ => "*",
        });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each known path is in the table: by itself, or act by act. The published ones are
    /// counted, so that none vanishes.
    #[test]
    fn every_known_path_has_its_means() {
        let table = Table::new(&BTreeSet::new(), &[], &BTreeSet::new(), "aws");
        for path in known() {
            let by_service = table.means.iter().any(|means| means.name == path.id);
            let acts = path.required.iter().filter(|action| *action != "iam:DeleteAccessKey");
            let by_acts =
                acts.clone().all(|action| FILE.acts.iter().any(|act| act.action == *action));
            assert!(by_service || by_acts, "{}", path.id);
        }
        assert_eq!(FILE.acts.len(), 32);
        let ids: BTreeSet<&str> = known().map(|path| path.id.as_str()).collect();
        assert_eq!((ids.len(), known().count()), (110, 110));
        let paths: BTreeSet<&str> = FILE.paths.iter().map(|path| path.id.as_str()).collect();
        assert!(!FILE.unsure.is_empty());
        assert!(FILE.unsure.keys().all(|id| paths.contains(id.as_str())));
    }

    /// What a request is asked with names the partition.
    #[test]
    fn no_placeholder_is_left_in_what_is_asked() {
        let table = Table::new(&BTreeSet::new(), &[], &BTreeSet::new(), "aws-cn");
        let values = table.asks.iter().filter_map(|ask| Some(ask.when.as_ref()?.1.as_str()));
        let values: BTreeSet<&str> = values.filter(|value| value.contains("iam::aws")).collect();
        assert_eq!(values, BTreeSet::from(["arn:aws-cn:iam::aws:policy/AdministratorAccess"]));
        assert!(!table.asks.iter().any(|ask| format!("{ask:?}").contains("{partition}")));
    }

    /// Each type of resource that an action needs is one of the reference.
    #[test]
    fn every_type_that_is_needed_is_known() {
        let table = Table::new(&BTreeSet::new(), &[], &BTreeSet::new(), "aws");
        assert_eq!(table.types.len(), 51);
        let images =
            Any { kind: Some("image".into()), form: "arn:{partition}:ec2:*::image/*".into() };
        assert_eq!(table.types.get("anything: image of ec2"), Some(&images));
        assert!(table.types.values().all(|any| !any.form.is_empty()));
    }
}

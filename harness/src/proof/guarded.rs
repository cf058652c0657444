//! Whom the guard rails are about, and what they guard.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::Kind;
use serde_json::Value;

use crate::access::estate::{Entry, Estate};
use crate::config::{App, Config, Job};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// A name that the configuration gives and the files do not have, or the other way.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A deployer that nobody is.
    #[error("deployer `{deployer}`: `{output}` names no {word} of the files")]
    Nobody {
        /// Its name.
        deployer: String,
        /// Role or user.
        word: &'static str,
        /// What the configuration says.
        output: String,
    },
    /// There is nobody at all.
    #[error(
        "the configuration names no deployer and no `[[guard_rail]]`: no guard rail is about anybody; \
         `ringfence prove --paths` needs neither"
    )]
    NoDeployers,
    /// The account is not known.
    #[error(
        "the files do not say which account they are of: no plan and no state of them makes a \
         role or a user whose ARN is known, and those that templates make may be of several"
    )]
    NoSetting,
}

/// What the rails are about.
#[derive(Debug)]
pub struct Guarded<'e> {
    pub(super) estate: &'e Estate,
    pub(super) config: &'e Config,
    /// Roles that a workflow's token becomes, and that assume those of deployers of other
    /// accounts.
    pub(super) entrances: Vec<Team<'e>>,
    pub(super) partition: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) teams: Vec<Team<'e>>,
    /// Roles that Lambda may assume, or of which nobody knows that, by entry.
    pub(super) code: Vec<String>,
    /// The boundaries of roles that are no deployers'.
    pub(super) execution_boundaries: BTreeSet<String>,
    /// Those of the deployers.
    pub(super) deployer_boundaries: BTreeSet<String>,
    /// Those of all identities, whatever the configuration calls a boundary.
    pub(super) further_boundaries: BTreeSet<String>,
    /// Whether each identity's boundary is known.
    pub(super) are_boundaries_known: bool,
    /// The entries that are a resource's policy or may be one, by name.
    pub(super) resources: Vec<(&'e str, &'e Entry)>,
}

/// The ways between accounts by which deployers come to their roles.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// By which role each deployer comes to its own, by the deployer's name.
    pub through: BTreeMap<String, String>,
    /// The roles of this account that deployers come by.
    pub entrances: Vec<Entrance>,
}

/// A role that a workflow's token becomes, on the way to a deployer's.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// The deployer's name.
    pub name: String,
    /// The role's ARN.
    pub role_arn: String,
    /// The application whose workflow's token it is.
    pub app: App,
    /// The subjects of its tokens.
    pub subjects: Vec<String>,
}

/// A deployer.
#[derive(Debug)]
pub struct Team<'e> {
    /// The deployer's name.
    pub(super) name: String,
    /// Its entry of the estate.
    pub(super) entry: String,
    /// The ARN of its role or user.
    pub(super) arn: String,
    /// Whom its trust policy names, where no token becomes it.
    pub(super) through: Option<String>,
    pub(super) job: Job,
    pub(super) app: &'e App,
    /// The subjects of its tokens, where this account's configuration does not tell.
    pub(super) subjects: Option<Vec<String>>,
    pub(super) role_prefix: Option<String>,
}

impl<'e> Guarded<'e> {
    /// Reads both.
    ///
    /// # Errors
    /// Where they do not fit together.
    pub fn of(estate: &'e Estate, config: &'e Config) -> Result<Self, Unfit> {
        static NONE: Ways = Ways { through: BTreeMap::new(), entrances: Vec::new() };
        Self::within(estate, config, &NONE)
    }

    /// The same of one of several accounts.
    ///
    /// # Errors
    /// As there.
    pub fn within(estate: &'e Estate, config: &'e Config, ways: &'e Ways) -> Result<Self, Unfit> {
        if ways.entrances.is_empty() {
            Self::fits(config)?;
        }
        let mut guarded = Self {
            estate,
            config,
            entrances: Vec::new(),
            partition: "aws".to_owned(),
            account: config.account.id.as_str().to_owned(),
            region: config.account.region.as_str().to_owned(),
            teams: Vec::new(),
            code: Vec::new(),
            execution_boundaries: BTreeSet::new(),
            deployer_boundaries: BTreeSet::new(),
            further_boundaries: BTreeSet::new(),
            are_boundaries_known: true,
            resources: estate.entries.iter().filter(is_resources).map(name_of).collect(),
        };
        guarded.settle()?;
        guarded.teams = guarded.find_teams(ways)?;
        guarded.entrances = guarded.find_entrances(ways)?;
        guarded.find_boundaries();
        Ok(guarded)
    }

    /// Where the files are of another account than the configuration they count: by the ARNs of
    /// roles, or else of users, or by where templates are deployed that make some.
    fn settle(&mut self) -> Result<(), Unfit> {
        let mut arns = self.texts("aws_iam_role", "arn");
        if arns.is_empty() {
            arns = self.texts("aws_iam_user", "arn");
        }
        let is_here = |arn: &&String| arn.split(':').nth(4) == Some(self.account.as_str());
        let place = match arns.iter().find(is_here).or_else(|| arns.first()) {
            Some(arn) => {
                let mut parts = arn.split(':').skip(1).map(str::to_owned);
                parts.next().zip(parts.nth(2))
            }
            None if self.estate.of_templates.is_empty() => return Ok(()),
            None => {
                let place = self.estate.place_of_templates();
                place.map(|place| (place.partition, place.account))
            }
        };
        (self.partition, self.account) = place.ok_or(Unfit::NoSetting)?;
        Ok(())
    }

    fn find_entrances(&self, ways: &'e Ways) -> Result<Vec<Team<'e>>, Unfit> {
        let mut entrances = Vec::new();
        for entrance in &ways.entrances {
            let name = entrance.role_arn.rsplit('/').next().unwrap_or_default();
            let entry = format!("role/{name}");
            if !self.estate.entries.contains_key(&entry) {
                let (deployer, output) = (entrance.name.clone(), entrance.role_arn.clone());
                return Err(Unfit::Nobody { deployer, word: "role", output });
            }
            entrances.push(Team {
                name: entrance.name.clone(),
                entry,
                arn: entrance.role_arn.clone(),
                through: None,
                job: Job::Code,
                app: &entrance.app,
                subjects: Some(entrance.subjects.clone()),
                role_prefix: None,
            });
        }
        Ok(entrances)
    }

    fn find_teams(&self, ways: &Ways) -> Result<Vec<Team<'e>>, Unfit> {
        let mut teams = Vec::new();
        for deployer in &self.config.deployers {
            let nobody = || Unfit::Nobody {
                deployer: deployer.name.get_ref().clone(),
                word: deployer.identity.word(),
                output: deployer.identity.named().to_owned(),
            };
            let word = deployer.identity.word();
            let found = self.arn_of(deployer.identity.named()).ok_or_else(nobody)?;
            let name = found.rsplit('/').next().unwrap_or_default();
            let entry = format!("{word}/{name}");
            let arn = match found.starts_with("arn:") {
                true if !found.contains(&format!(":{word}/")) => return Err(nobody()),
                true => found.clone(),
                // A user by its name: what has a path, its own ARN tells.
                false => self.arn_of_user(name).unwrap_or_else(|| self.iam(&entry)),
            };
            if !self.estate.entries.contains_key(&entry) {
                return Err(nobody());
            }
            let app = self.config.app(deployer.app.get_ref()).ok_or_else(nobody)?;
            teams.push(Team {
                name: deployer.name.get_ref().clone(),
                entry,
                arn,
                through: ways.through.get(deployer.name.get_ref()).cloned(),
                job: deployer.job,
                app,
                subjects: None,
                role_prefix: deployer.role_prefix.clone(),
            });
        }
        Ok(teams)
    }

    /// Whether guard rails can be about anybody, which the configuration alone says.
    ///
    /// # Errors
    /// [`Unfit::NoDeployers`].
    pub fn fits(config: &Config) -> Result<(), Unfit> {
        match config.deployers.is_empty() && config.guard_rail.is_empty() {
            true => Err(Unfit::NoDeployers),
            false => Ok(()),
        }
    }

    fn arn_of_user(&self, name: &str) -> Option<String> {
        let mut users = self.of_kind("aws_iam_user");
        let user = users.find(|user| text(user, "name") == Some(name))?;
        text(user, "arn").map(str::to_owned)
    }

    /// The ARN that the configuration names: itself, a resource's, or an output's.
    pub(super) fn arn_of(&self, named: &str) -> Option<String> {
        if named.starts_with("arn:") {
            return Some(named.to_owned());
        }
        let resources = self.estate.resources.iter();
        let of = |address: &str| resources.clone().find(|one| one.address == address);
        // What several root modules call alike stands behind the name of each.
        let apart = named.split_once(':').map(|(root, rest)| format!("{root}/{rest}"));
        let of = apart.and_then(|it| of(&it)).or_else(|| of(of_root(named)));
        if let Some(arn) = of.and_then(|role| text(role, "arn")) {
            return Some(arn.to_owned());
        }
        self.output(named).map(str::to_owned)
    }

    /// An output, or a member of one after a dot.
    pub(super) fn output(&self, named: &str) -> Option<&str> {
        output_of(self.estate, named)
    }

    fn find_boundaries(&mut self) {
        let platform = self.config.platform.as_ref();
        let named = |field: fn(&crate::config::Platform) -> Option<&String>| {
            let name = field(platform?)?;
            self.arn_of(name)
        };
        let execution = named(|it| it.execution_boundary_output.as_ref());
        let deployer = named(|it| it.deployer_boundary_output.as_ref());
        let is_team = |role: &Resource| {
            self.teams.iter().any(|team| text(role, "arn") == Some(team.arn.as_str()))
        };
        let mut of_teams = BTreeSet::new();
        let mut of_others = BTreeSet::new();
        let mut code = Vec::new();
        let mut are_known = true;
        for role in self.of_kind("aws_iam_role") {
            let written = role.values.get("permissions_boundary");
            are_known &= written.is_none_or(|node| node.open() == 0);
            let boundary = text(role, "permissions_boundary").filter(|arn| !arn.is_empty());
            let set = if is_team(role) { &mut of_teams } else { &mut of_others };
            set.extend(boundary.map(str::to_owned));
            // Of one that is not known nobody knows whom it lets in: what it says of a deployer
            // its own guard rail asks.
            let trust = role.values.get("assume_role_policy").filter(|node| node.is_something());
            let is_codes = match trust.map(|node| (node, node.text())) {
                Some((_, Some(text))) => text.contains("lambda.amazonaws.com"),
                Some((node, None)) => node.open() > 0 && !is_team(role),
                None => false,
            };
            if is_codes {
                let name = text(role, "name").map(|name| format!("role/{name}"));
                code.push(name.unwrap_or_else(|| role.address.clone()));
            }
        }
        let of_templates = self.estate.of_templates.iter().filter(|name| name.starts_with("role/"));
        code.extend(of_templates.filter(|name| may_run_code(self.estate, name)).cloned());
        let mut further: BTreeSet<String> = of_teams.union(&of_others).cloned().collect();
        for user in self.of_kind("aws_iam_user") {
            let written = user.values.get("permissions_boundary");
            are_known &= written.is_none_or(|node| node.open() == 0);
            let boundary = text(user, "permissions_boundary").filter(|arn| !arn.is_empty());
            further.extend(boundary.map(str::to_owned));
            if is_team(user) {
                of_teams.extend(boundary.map(str::to_owned));
            }
        }
        self.execution_boundaries = execution.map_or(of_others, |arn| BTreeSet::from([arn]));
        self.deployer_boundaries = deployer.map_or(of_teams, |arn| BTreeSet::from([arn]));
        self.code = code;
        let of_templates = self.estate.of_templates.iter();
        for entry in of_templates.filter_map(|name| self.estate.entries.get(name)) {
            let boundary = entry.policies.boundary.as_deref().unwrap_or_default();
            are_known &= !boundary.is_empty() || entry.unknown.is_empty();
            let names = boundary.iter().map(|document| document.name());
            are_known &= names.clone().all(|name| name.starts_with("arn:"));
            further.extend(names.filter(|name| name.starts_with("arn:")).map(str::to_owned));
        }
        self.further_boundaries = further;
        self.are_boundaries_known = are_known;
    }

    /// All boundaries.
    pub(super) fn boundaries(&self) -> Vec<String> {
        let sets =
            [&self.execution_boundaries, &self.deployer_boundaries, &self.further_boundaries];
        let all: BTreeSet<&String> = sets.into_iter().flatten().collect();
        all.into_iter().cloned().collect()
    }

    /// The resources of a type.
    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'e Resource> + 'a {
        self.estate.resources.iter().filter(move |one| one.kind == kind && !one.is_data)
    }

    /// A text of each resource of a type, where it is known.
    pub(super) fn texts(&self, kind: &str, attribute: &str) -> BTreeSet<String> {
        self.of_kind(kind).filter_map(|one| text(one, attribute)).map(str::to_owned).collect()
    }

    /// An ARN of the account and the region.
    pub(super) fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.partition, self.region, self.account)
    }

    /// An ARN of IAM.
    pub(super) fn iam(&self, rest: &str) -> String {
        format!("arn:{}:iam::{}:{rest}", self.partition, self.account)
    }

    /// An app's functions, stacks, …: its name, and what begins with it and a hyphen.
    pub(super) fn own(
        &self,
        service: &str,
        before: &str,
        team: &Team<'_>,
        ends: &[&str],
    ) -> Vec<String> {
        let app = team.app.name.get_ref();
        let all = ends.iter().map(|end| self.arn(service, &format!("{before}{app}{end}")));
        all.collect()
    }
}

/// Whether Lambda may assume a role of a stack, or nobody knows who may.
fn may_run_code(estate: &Estate, name: &str) -> bool {
    let trust = estate.entries.get(&format!("trust of {name}"));
    let policy = trust.and_then(|trust| trust.policies.resource.as_ref());
    policy.is_none_or(|policy| policy.text().contains("lambda.amazonaws.com"))
}

/// Whether an entry is a resource's policy, or nobody knows.
fn is_resources((name, entry): &(&String, &Entry)) -> bool {
    let of_identities = ["role/", "user/", "group/", "trust of "];
    let policy = entry.policies.resource.as_ref();
    let is_of_identities = of_identities.iter().any(|kind| name.starts_with(kind));
    // Whose the policies of an identity are, may not be known; what only limits lets
    // nobody in.
    let is_unknown = !entry.unknown.is_empty() && name.contains("aws_iam_");
    policy.is_some_and(|policy| policy.kind() == Kind::Resource)
        || (!is_of_identities && (is_unknown || !entry.unread.is_empty()))
}

fn name_of<'e>((name, entry): (&'e String, &'e Entry)) -> (&'e str, &'e Entry) {
    (name, entry)
}

/// An output of some files, or a member of one after a dot.
pub(super) fn output_of<'e>(estate: &'e Estate, named: &str) -> Option<&'e str> {
    let (outputs, named) = outputs_of(estate, named);
    let whole = outputs.get(named).and_then(|value| value.as_str());
    whole.or_else(|| {
        let (name, member) = named.split_once('.')?;
        outputs.get(name)?.get(member)?.as_str()
    })
}

/// The outputs among which a name is, and the name there: those of the root module that
/// stands before it, where that is one of the files, else of all.
pub(super) fn outputs_of<'e, 'n>(
    estate: &'e Estate,
    named: &'n str,
) -> (&'e BTreeMap<String, Value>, &'n str) {
    let root = named.split_once(':').and_then(|(root, _)| estate.roots.get(root));
    (root.unwrap_or(&estate.outputs), of_root(named))
}

/// A name without that of its root module, `identity:` before it.
pub(super) fn of_root(named: &str) -> &str {
    named.split_once(':').map_or(named, |(_, rest)| rest)
}

/// A text of a resource.
pub(super) fn text<'r>(resource: &'r Resource, attribute: &str) -> Option<&'r str> {
    resource.values.get(attribute).and_then(Node::text)
}

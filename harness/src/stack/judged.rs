//! The accounts of a stack, each as what judges it sees it: with its own part of the
//! configuration, and of what Layer 1 made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Stack;
use crate::config::{Config, DeployerIdentity, Platform};
use crate::terraform::Outputs;

/// An account that is judged.
#[derive(Debug, Clone)]
pub struct Judged {
    config: Config,
    outputs: Outputs,
    /// Its root modules, as names and `stack.printed()` call them.
    roots: BTreeSet<String>,
    stands: Stands,
}

/// What other accounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// None.
    Alone,
    /// Some, and it is `[account]`.
    First,
    /// Some, and it is one of `[[accounts]]`.
    Beside,
}

impl Judged {
    /// Its id.
    pub fn id(&self) -> &str {
        self.config.account.id.as_str()
    }

    /// The configuration as far as it is about the account: its root modules, the
    /// deployers whose roles are there with their applications, and what of
    /// `platform` and `api` names something of it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The outputs of its root modules, with the resources that were made.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Whether a root module is applied in it.
    pub fn has_root(&self, name: &str) -> bool {
        self.roots.contains(name)
    }

    /// Whether a state that the stack prints is of it: that of a root module, or of what
    /// exists before them.
    pub fn has_state(&self, name: &str) -> bool {
        self.has_root(name) || (self.is_first() && name == super::pipelines::EXISTING)
    }

    /// Whether it is `[account]`.
    pub fn is_first(&self) -> bool {
        self.stands != Stands::Beside
    }

    /// Whether there are others.
    pub fn is_one_of_several(&self) -> bool {
        self.stands != Stands::Alone
    }

    /// What stands before the ids of what is found in it, `ACCOUNT:`; nothing where it is
    /// the only account.
    pub fn scope(&self) -> String {
        match self.stands {
            Stands::Alone => String::new(),
            Stands::First | Stands::Beside => format!("{}:", self.id()),
        }
    }

    /// An id or a name with the account before it, where there are others.
    pub fn scoped(&self, id: &str) -> String {
        format!("{}{id}", self.scope())
    }

    /// An id without the account before it; none where it is another account's.
    pub fn own<'i>(&self, id: &'i str) -> Option<&'i str> {
        id.strip_prefix(&self.scope())
    }

    /// A name as the ids of documents have it in the guard's recording.
    pub fn in_documents<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self.stands {
            Stands::Alone | Stands::First => name.into(),
            Stands::Beside => self.scoped(name).into(),
        }
    }

    /// An id of the recording's as reports have it: with the account before it, and not
    /// within.
    pub fn shown(&self, document: &str) -> String {
        match self.stands {
            Stands::Alone => document.to_owned(),
            Stands::First => self.scoped(document),
            // `role/ACCOUNT:NAME/…`.
            Stands::Beside => match document.split_once('/') {
                Some((kind, rest)) => {
                    let name = rest.strip_prefix(&self.scope()).unwrap_or(rest);
                    self.scoped(&format!("{kind}/{name}"))
                }
                None => self.scoped(document),
            },
        }
    }

    /// The account of a deployer's user: that of its ARN; by its name alone, the one that has
    /// the deployer.
    pub(super) fn of_user<'a>(all: &'a [Self], deployer: &str, user: &'a str) -> Option<&'a str> {
        let own = || all.iter().find(|it| it.config.deployer(deployer).is_some()).map(Self::id);
        user.split(':').nth(4).or_else(own)
    }

    fn of(stack: &Stack, id: &str, stands: Stands) -> Self {
        let full = stack.config();
        let (Stands::First | Stands::Beside) = stands else {
            return Self {
                config: full.clone(),
                outputs: stack.outputs().clone(),
                roots: full.layer1.iter().map(|layer1| layer1.name()).collect(),
                stands,
            };
        };
        let own = full.layer1.iter().filter(|layer1| full.account_of(layer1) == id);
        let roots: BTreeSet<String> = own.map(|layer1| layer1.name()).collect();
        let outputs = stack.outputs().of_some(|root| roots.contains(root));
        let mut config = full.in_account(id);
        let part = Part {
            id,
            is_first: stands == Stands::First,
            all: stack.outputs(),
            own: &outputs,
            accounts: full.account_ids().collect(),
        };
        part.keep(&mut config, full);
        Self { config, outputs, roots, stands }
    }
}

/// What tells what is an account's.
struct Part<'p> {
    id: &'p str,
    is_first: bool,
    all: &'p Outputs,
    own: &'p Outputs,
    accounts: BTreeSet<&'p str>,
}

impl Part<'_> {
    /// Leaves what is about the account.
    fn keep(&self, config: &mut Config, full: &Config) {
        config.deployers.retain(|deployer| self.has(&deployer.identity));
        let deploys = |config: &Config, app: &str| {
            config.deployers.iter().any(|deployer| deployer.app.get_ref() == app)
        };
        let own = config.deployers.clone();
        config.apps.retain(|app| {
            let name = app.name.get_ref();
            own.iter().any(|deployer| deployer.app.get_ref() == name)
                // What nobody deploys as anybody here is of the first.
                || (self.is_first && !deploys(full, name))
        });
        if let Some(api) = &mut config.api {
            self.names(&mut api.id_output);
            self.names(&mut api.authorizer_output);
        }
        if let Some(platform) = &mut config.platform {
            self.platform(platform);
        }
    }

    fn platform(&self, platform: &mut Platform) {
        for name in [
            &mut platform.execution_boundary_output,
            &mut platform.deployer_boundary_output,
            &mut platform.artifacts_bucket_output,
            &mut platform.subnets_output,
            &mut platform.security_group_output,
        ] {
            self.names(name);
        }
        // A promise is kept where parameters are published; what nobody publishes is told
        // of the first.
        let kept = |is_it: &dyn Fn(&str) -> bool| {
            let publishes = |outputs: &Outputs| {
                let mut all = outputs.resources("aws_ssm_parameter");
                all.any(|it| it.text("name").is_some_and(is_it))
            };
            publishes(self.own) || (self.is_first && !publishes(self.all))
        };
        // A prefix, and names.
        platform.parameters =
            platform.parameters.take().filter(|prefix| kept(&|own| own.starts_with(prefix)));
        platform.published.retain(|name| kept(&|own| own == name));
    }

    /// Whether a role or user is the account's. One that Layer 1 has not, and one of an
    /// account that nobody named, is told of the first account as missing. A user that is
    /// named by its name alone is of the account whose root modules say so.
    fn has(&self, identity: &DeployerIdentity) -> bool {
        let named = identity.named();
        let arn = self.all.arn_of(identity.field(), named).ok();
        if arn.as_deref().is_some_and(|it| identity.is_user() && !it.starts_with("arn:")) {
            return self.own.arn_of(identity.field(), named).is_ok();
        }
        let account = arn.as_deref().and_then(|arn| arn.split(':').nth(4));
        match account.filter(|account| self.accounts.contains(account)) {
            Some(account) => account == self.id,
            None => self.is_first,
        }
    }

    /// Leaves what names something of the account. What Layer 1 has not is told where it
    /// is looked for.
    fn names(&self, field: &mut Option<String>) {
        let Some(named) = field else { return };
        let is_of_another = |text: &str| {
            let account = text.split(':').nth(4).filter(|it| !it.is_empty());
            text.starts_with("arn:") && account.is_some_and(|account| account != self.id)
        };
        let found = |outputs: &Outputs| {
            let texts = || outputs.texts_of("", named).ok();
            outputs.text_of("", named).ok().map(|one| vec![one]).or_else(texts)
        };
        let is_missing = found(self.all).is_none();
        let is_own = found(self.own).is_some_and(|all| !all.iter().any(|it| is_of_another(it)));
        if !(is_own || is_missing && self.is_first) {
            *field = None;
        }
    }
}

impl Stack {
    /// The accounts that are judged, from `[account]`.
    pub fn judged(&self) -> Vec<Judged> {
        let config = self.config();
        if config.accounts.is_empty() {
            return vec![Judged::of(self, config.account.id.as_str(), Stands::Alone)];
        }
        let first = Judged::of(self, config.account.id.as_str(), Stands::First);
        let others = config.accounts.iter();
        let others = others.map(|it| Judged::of(self, it.id.get_ref().as_str(), Stands::Beside));
        std::iter::once(first).chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::terraform::Instance;

    fn judged(stands: Stands) -> Judged {
        let text = "[account]\nid = \"222222222222\"\n";
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        Judged { config, outputs: Outputs::default(), roots: BTreeSet::new(), stands }
    }

    #[test]
    fn ids_name_the_account_where_there_are_others() {
        let (alone, first) = (judged(Stands::Alone), judged(Stands::First));
        assert_eq!((alone.scoped("a/b").as_str(), alone.own("a/b")), ("a/b", Some("a/b")));
        assert_eq!(first.scoped("a/b"), "222222222222:a/b");
        assert_eq!(first.own("222222222222:a/b"), Some("a/b"));
        assert_eq!(first.own("333333333333:a/b"), None);
    }

    /// A name alone tells no account.
    #[test]
    fn a_user_is_of_the_account_that_has_its_deployer() {
        let account = |id: &str, more: &str, stands| {
            let text = format!("[account]\nid = \"{id}\"\n{more}");
            let config = Config::parse(&text, Path::new("ringfence.toml")).unwrap();
            Judged { config, outputs: Outputs::default(), roots: BTreeSet::new(), stands }
        };
        let deployer = "[[issuers]]\nkind = \"github\"\n\
            url = \"https://token.actions.githubusercontent.com\"\n\
            [[apps]]\nname = \"a\"\ndirectory = \"a\"\nrepository = \"o/a\"\n\
            [[deployers]]\nname = \"d\"\napp = \"a\"\njob = \"code\"\nuser_output = \"two:user\"\n";
        let all = [
            account("111111111111", "", Stands::First),
            account("222222222222", deployer, Stands::Beside),
        ];
        let of = |user| Judged::of_user(&all, "d", user);
        assert_eq!(of("ci"), Some("222222222222"));
        assert_eq!(of("arn:aws:iam::111111111111:user/ci"), Some("111111111111"));
        assert_eq!(Judged::of_user(&all, "none", "ci"), None);
    }

    /// The guard's recording has names of the first account as they are.
    #[test]
    fn a_document_is_shown_with_its_account_once() {
        for (stands, id) in
            [(Stands::First, "role/app/trust"), (Stands::Beside, "role/222222222222:app/trust")]
        {
            let account = judged(stands);
            assert_eq!(format!("role/{}/trust", account.in_documents("app")), id);
            assert_eq!(account.shown(id), "222222222222:role/app/trust");
            let policy = "policy/arn:aws:iam::222222222222:policy/p";
            assert_eq!(account.shown(policy), format!("222222222222:{policy}"));
        }
        assert_eq!(judged(Stands::Alone).shown("role/app/trust"), "role/app/trust");
    }

    /// What a field names is one account's; what nothing is called is told of the first.
    #[test]
    fn a_field_is_left_where_it_names_something_of_the_account() {
        let roots = |role: &str| {
            let values = [("role".to_owned(), role.into()), ("user".to_owned(), "ci".into())];
            Outputs::new(values.into())
        };
        let one = ("one".to_owned(), roots("arn:aws:iam::111111111111:role/r"));
        let two = ("two".to_owned(), roots("arn:aws:iam::222222222222:role/r"));
        let all = Outputs::of_roots(vec![one, two]);
        for (id, is_first, name) in [("111111111111", true, "one"), ("222222222222", false, "two")]
        {
            let own = all.of_some(|root| root == name);
            let accounts = BTreeSet::from(["111111111111", "222222222222"]);
            let part = Part { id, is_first, all: &all, own: &own, accounts };
            let left = |named: &str| {
                let mut field = Some(named.to_owned());
                part.names(&mut field);
                field.is_some()
            };
            assert_eq!([left("one:role"), left("two:role")], [is_first, !is_first]);
            assert_eq!(left("nothing"), is_first);
            let has = ["one:role", "two:role"]
                .map(|named| part.has(&DeployerIdentity::Role(named.to_owned())));
            assert_eq!(has, [is_first, !is_first]);
            // Of an account that nobody named.
            let unknown = "arn:aws:iam::333333333333:role/r".to_owned();
            assert_eq!(part.has(&DeployerIdentity::Role(unknown)), is_first);
            // The output is a name alone.
            let named = DeployerIdentity::User("two:user".to_owned());
            assert_eq!(part.has(&named), !is_first);
        }
    }

    /// A promise is of the account that publishes the parameter; of the first where nobody
    /// does.
    #[test]
    fn a_promise_is_left_where_it_is_kept() {
        let parameter = json!({"resources": [{"mode": "managed", "type": "aws_ssm_parameter",
            "name": "x", "instances": [{"attributes": {"name": "/net/vpc"}}]}]});
        let other = Outputs::default().with_resources(Instance::of(&parameter));
        let roots = vec![("one".to_owned(), Outputs::default()), ("two".to_owned(), other)];
        let all = Outputs::of_roots(roots);
        let text = "[account]\nid = \"111111111111\"\n[platform]\nparameters = \"/net/\"\n\
                    published = [\"/net/vpc\", \"/net/v\", \"/none\"]\n";
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        for (id, is_first, root) in [("111111111111", true, "one"), ("222222222222", false, "two")]
        {
            let own = all.of_some(|name| name == root);
            let part = Part { id, is_first, all: &all, own: &own, accounts: BTreeSet::new() };
            let mut platform = config.platform.clone().unwrap();
            part.platform(&mut platform);
            let (prefix, published): (_, &[&str]) = match is_first {
                true => (None, &["/net/v", "/none"]),
                false => (Some("/net/"), &["/net/vpc"]),
            };
            assert_eq!(
                (platform.parameters.as_deref(), &*platform.published),
                (prefix, &*published.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
            );
        }
    }
}

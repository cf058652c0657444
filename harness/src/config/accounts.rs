//! The accounts of an estate, and what of the organization is above each.

use std::collections::BTreeSet;
use std::path::Path;

use super::check::{Fault, distinct};
use super::{Config, ConfigError, Layer1, Organization, OrganizationLevel, Place};

impl Config {
    /// Reads a configuration for what is built for estates of one account.
    ///
    /// # Errors
    /// As [`Config::load`]; also where it has `[[accounts]]`.
    pub fn load_of_one(path: &Path, what: &str) -> Result<Self, ConfigError> {
        let config = Self::load(path)?;
        match config.accounts.first() {
            None => Ok(config),
            Some(account) => Err(ConfigError::Invalid {
                place: Place { file: path.to_owned(), line: account.line, column: 1 },
                message: format!(
                    "{what} is not built for estates of several accounts; `ringfence verify` judges \
                     them, each account and what goes from one to another"
                ),
            }),
        }
    }

    /// The id of an account, by its id or its name.
    pub fn account_id<'c>(&'c self, named: &str) -> Option<&'c str> {
        let own = Some(self.account.id.as_str()).filter(|id| *id == named);
        own.or_else(|| {
            let mut others = self.accounts.iter();
            let found = others
                .find(|it| it.name.get_ref() == named || it.id.get_ref().as_str() == named)?;
            Some(found.id.get_ref().as_str())
        })
    }

    /// The ids of all accounts, from the one under test.
    pub fn account_ids(&self) -> impl Iterator<Item = &str> {
        let others = self.accounts.iter().map(|it| it.id.get_ref().as_str());
        std::iter::once(self.account.id.as_str()).chain(others)
    }

    /// The account that a root module is applied in.
    pub fn account_of(&self, layer1: &Layer1) -> &str {
        let named = layer1.account.as_ref().and_then(|it| self.account_id(it.get_ref()));
        named.unwrap_or(self.account.id.as_str())
    }

    /// The configuration as far as an account tells: the account, its place in its
    /// organization, and its root modules.
    pub(crate) fn in_account(&self, id: &str) -> Self {
        let mut config = self.clone();
        let other = self.accounts.iter().find(|it| it.id.get_ref().as_str() == id);
        if let Some(other) = other {
            config.account.id = other.id.get_ref().clone();
            config.account.organization.clone_from(&other.organization);
            config.existing.clear();
        }
        config.layer1.retain(|layer1| self.account_of(layer1) == id);
        config.guard_rail.retain(|rail| {
            let named = rail.account.as_ref().and_then(|it| self.account_id(it.get_ref()));
            named.unwrap_or(self.account.id.as_str()) == id
        });
        config.accounts.clear();
        config
    }

    /// The levels of the organization above the account under test.
    pub fn levels(&self) -> impl Iterator<Item = &OrganizationLevel> + Clone {
        self.levels_above(self.account.id.as_str(), self.account.organization.as_ref())
    }

    /// The levels of the organization above an account.
    pub(crate) fn levels_above<'c>(
        &'c self,
        id: &'c str,
        organization: Option<&'c Organization>,
    ) -> impl Iterator<Item = &'c OrganizationLevel> + Clone {
        self.organization.iter().filter(move |level| {
            level.at.as_ref().is_none_or(|at| stands_below(id, organization, at.get_ref()))
        })
    }

    /// Names and ids that meet, and places in an organization where nobody is.
    pub(super) fn check_accounts(&self) -> Result<(), Fault> {
        distinct("account", self.accounts.iter().map(|it| &it.name))?;
        let mut ids = BTreeSet::from([self.account.id.as_str()]);
        for account in &self.accounts {
            let id = account.id.get_ref().as_str();
            if !ids.insert(id) {
                return Err(Fault::at(&account.id, format!("the account {id} is given twice")));
            }
            if let Some(organization) = &account.organization {
                organization
                    .membership()
                    .map_err(|error| Fault::at(&organization.path, error.to_string()))?;
            }
        }
        if let (Some(account), false) = (self.accounts.first(), self.vpc_endpoints.is_empty()) {
            let message = "the policies of VPC endpoints are not decided where there are several \
                           accounts: their callers are named without an account";
            return Err(Fault::at(&account.name, message.to_owned()));
        }
        for at in self.organization.iter().filter_map(|level| level.at.as_ref()) {
            let own = (self.account.id.as_str(), self.account.organization.as_ref());
            let others = self.accounts.iter();
            let others = others.map(|it| (it.id.get_ref().as_str(), it.organization.as_ref()));
            let mut all = std::iter::once(own).chain(others);
            if !all.any(|(id, organization)| stands_below(id, organization, at.get_ref())) {
                let message = format!(
                    "no account here is below `{}`: the `path` of each says which roots and \
                     organizational units are above it",
                    at.get_ref()
                );
                return Err(Fault::at(at, message));
            }
        }
        if self.accounts.is_empty() {
            let through = self.deployers.iter().find_map(|it| it.through_output.as_ref());
            if let Some(through) = through {
                let message = "`through_output` is not built for estates of one account: it names \
                               a role by which a deployer comes to its own in another one, of \
                               [[accounts]]";
                return Err(Fault::at(through, message.to_owned()));
            }
        }
        let of_roots = self.layer1.iter().filter_map(|layer1| layer1.account.as_ref());
        let of_rails = self.guard_rail.iter().filter_map(|rail| rail.account.as_ref());
        for named in of_roots.chain(of_rails) {
            if self.account_id(named.get_ref()).is_none() {
                let message =
                    format!("no account is called `{}`: name it in [[accounts]]", named.get_ref());
                return Err(Fault::at(named, message));
            }
        }
        Ok(())
    }
}

/// Whether what is attached to a root, an organizational unit or an account is above an
/// account.
fn stands_below(id: &str, organization: Option<&Organization>, at: &str) -> bool {
    let mut above = organization.map_or("", |it| it.path.get_ref()).split('/').skip(1);
    at == id || !at.is_empty() && above.any(|unit| unit == at)
}

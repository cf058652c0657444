//! The organization that the account is in: what its policies limit, and the
//! condition keys that tell of it.
//!
//! - <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>
//! - <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Context, Document, Kind, resource_control_supports};
use ringfence_services::credentials::{Identity, Session};
use ringfence_wire::Service;

use crate::accounts;
use crate::guard::GuardError;
use crate::recording::{Attached, ResourceControl};

/// Where the account stands in its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    path: String,
    management_account_id: String,
}

/// A text that is no place in an organization, or an account id that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMembership {
    /// The path.
    #[error(
        "`{0}` is not the path of an account in its organization, such as \
         `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`"
    )]
    Path(String),
    /// The account.
    #[error("the management account `{0}` is not an account id (12 digits)")]
    ManagementAccount(String),
}

impl Membership {
    /// An account by its path, as `aws:PrincipalOrgPaths` has it, in an
    /// organization with this management account.
    ///
    /// # Errors
    /// [`NoMembership`].
    pub fn new(
        path: impl Into<String>,
        management_account_id: impl Into<String>,
    ) -> Result<Self, NoMembership> {
        let (path, management_account_id) = (path.into(), management_account_id.into());
        if !is_path(&path) {
            return Err(NoMembership::Path(path));
        }
        let digits = management_account_id.bytes().all(|digit| digit.is_ascii_digit());
        if management_account_id.len() != 12 || !digits {
            return Err(NoMembership::ManagementAccount(management_account_id));
        }
        Ok(Self { path, management_account_id })
    }

    fn id(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// The forms of the ids, by the length of what follows their beginning
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>,
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Root.html>,
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html>).
fn is_path(path: &str) -> bool {
    let word = |text: &str, least: usize| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        (least..=32).contains(&text.len()) && text.bytes().all(plain)
    };
    let unit = |part: &str| {
        let ids = part.strip_prefix("ou-").and_then(|ids| ids.split_once('-'));
        ids.is_some_and(|(root, own)| word(root, 4) && word(own, 8))
    };
    let mut parts = path.strip_suffix('/').unwrap_or_default().split('/');
    let mut begins = |start: &str, least| {
        let id = parts.next().and_then(|part| part.strip_prefix(start));
        id.is_some_and(|id| word(id, least))
    };
    begins("o-", 10) && begins("r-", 4) && parts.all(unit)
}

/// An account, as its organization sees it.
#[derive(Debug)]
pub(crate) struct Organization {
    account_id: String,
    /// None where nobody says whether the account is in an organization.
    membership: Option<Membership>,
    /// By level; they bind the account's own callers.
    pub(crate) service_control: Vec<Vec<Attached>>,
    /// They bind whoever uses the account's resources.
    pub(crate) resource_control: ResourceControl,
}

impl Organization {
    /// Reads the policies. Neither kind binds the management account.
    ///
    /// # Errors
    /// When a policy is none.
    pub(crate) fn read(
        account_id: &str,
        membership: Option<Membership>,
        service_control: &[Vec<(String, String)>],
        resource_control: &[Vec<(String, String)>],
    ) -> Result<Self, GuardError> {
        let account_id = account_id.to_owned();
        let mut service_control = levels("scp", Kind::ServiceControl, service_control)?;
        let mut resource_levels = levels("rcp", Kind::ResourceControl, resource_control)?;
        if membership.as_ref().is_some_and(|it| it.management_account_id == account_id) {
            service_control.clear();
            resource_levels.clear();
        }
        let resource_control = ResourceControl {
            account_id: account_id.clone(),
            levels: resource_levels,
            spared: Vec::new(),
        };
        Ok(Self { account_id, membership, service_control, resource_control })
    }

    /// Whether its policies could limit the root user's call of a service whose
    /// permissions are not known.
    pub(crate) fn may_limit_root(&self, service: Service) -> bool {
        !self.service_control.is_empty() || self.may_limit_unsigned(service)
    }

    /// Whether its policies could limit a call that clients do not sign, which
    /// needs no permission that they could be asked about.
    pub(crate) fn may_limit_unsigned(&self, service: Service) -> bool {
        !self.resource_control.levels.is_empty()
            && service.iam_prefix().is_none_or(resource_control_supports)
    }

    fn describe_caller(&self, context: &mut Context, caller: &Session) {
        let Some(membership) = &self.membership else { return };
        match &caller.identity {
            Identity::Root { .. }
            | Identity::User { .. }
            | Identity::Role(_)
            | Identity::FederatedUser(_) => {
                context.set("aws:PrincipalOrgID", membership.id());
                context.set_list("aws:PrincipalOrgPaths", [&membership.path]);
                let management = &membership.management_account_id;
                context.set("aws:PrincipalOrgMasterAccountId", management);
            }
            Identity::Service { .. } => {
                context.set("aws:SourceOrgID", membership.id());
                context.set_list("aws:SourceOrgPaths", [&membership.path]);
            }
            Identity::WebIdentity(_) | Identity::Anonymous => {}
        }
    }

    fn describe_resource(&self, context: &mut Context) {
        if let Some(membership) = &self.membership {
            context.set("aws:ResourceOrgID", membership.id());
            context.set_list("aws:ResourceOrgPaths", [&membership.path]);
        }
    }
}

/// The organizations of the accounts that are guarded, each as its account is in it.
#[derive(Debug, Default)]
pub(crate) struct Organizations(BTreeMap<String, Organization>);

impl Organizations {
    /// Adds an account's.
    pub(crate) fn add(&mut self, organization: Organization) {
        self.0.insert(organization.account_id.clone(), organization);
    }

    /// An account's, where it is guarded.
    pub(crate) fn of(&self, account: &str) -> Option<&Organization> {
        self.0.get(account)
    }

    /// The service control policies that bind the callers of an account, by level.
    pub(crate) fn service_control(&self, account: &str) -> &[Vec<Attached>] {
        self.of(account).map_or(&[], |it| &it.service_control)
    }

    /// The resource control policies of an account.
    pub(crate) fn resource_control(&self, account: &str) -> ResourceControl {
        self.of(account).map(|it| it.resource_control.clone()).unwrap_or_default()
    }

    /// The keys about the caller's organization, which are unknown where nobody
    /// says in which it is. A web identity's token is no account's credentials:
    /// its call has none of them.
    pub(crate) fn describe_caller(&self, context: &mut Context, caller: &Session) {
        if matches!(caller.identity, Identity::WebIdentity(_)) {
            if self.0.values().any(|it| it.membership.is_some()) {
                for key in ["ID", "MasterAccountId", "Paths"] {
                    context.unset(&format!("aws:PrincipalOrg{key}"));
                }
            }
        } else if let Some(account) = accounts::of_session(caller)
            && let Some(own) = self.of(&account)
        {
            own.describe_caller(context, caller);
        }
    }

    /// The keys about the organization of a resource in an account; that of one that
    /// is not guarded is unknown.
    pub(crate) fn describe_resource(&self, context: &mut Context, account: &str) {
        if let Some(own) = self.of(account) {
            own.describe_resource(context);
        }
    }
}

/// Policies by level, in the places `SLOT/LEVEL/N`.
fn levels(
    slot: &str,
    kind: Kind,
    levels: &[Vec<(String, String)>],
) -> Result<Vec<Vec<Attached>>, GuardError> {
    let document = |slot: String, (name, text): &(String, String)| {
        Document::parse_managed(name, text, kind)
            .map(|document| Attached::own(slot, Arc::new(document)))
            .map_err(|cause| match kind {
                Kind::ResourceControl => GuardError::ResourceControl { name: name.clone(), cause },
                _ => GuardError::ServiceControl { name: name.clone(), cause },
            })
    };
    let level = |(level, policies): (usize, &Vec<(String, String)>)| {
        let numbered = policies.iter().enumerate();
        numbered
            .map(|(number, policy)| document(format!("{slot}/{level}/{number}"), policy))
            .collect()
    };
    levels.iter().enumerate().map(level).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::root("o-a1b2c3d4e5/r-ab12/", true)]
    #[case::unit("o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/ou-ab12-22222222/", true)]
    #[case::no_slash_at_the_end("o-a1b2c3d4e5/r-ab12", false)]
    #[case::an_organization_alone("o-a1b2c3d4e5/", false)]
    #[case::a_short_id("o-a/r-ab12/", false)]
    #[case::a_pattern("o-a1b2c3d4e5/r-ab12/*/", false)]
    #[case::an_account("o-a1b2c3d4e5/r-ab12/123456789012/", false)]
    fn a_path_is_what_the_condition_key_holds(#[case] path: &str, #[case] is: bool) {
        let membership = Membership::new(path, "123456789012");
        let wrong = NoMembership::Path(path.into());
        assert_eq!(membership.map(|it| it.path), is.then(|| path.to_owned()).ok_or(wrong));
    }

    #[test]
    fn the_management_account_has_an_account_id() {
        let wrong = Membership::new("o-a1b2c3d4e5/r-ab12/", "1").unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the management account `1` is not an account id (12 digits)"
        );
    }
}

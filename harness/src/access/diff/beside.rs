//! What an entry has besides what the files say of it.

use ringfence_policy::Policies;
use ringfence_prove::Witness;

use super::Sided;
use crate::access::control::with_full_access;
use crate::access::estate::everything;

/// What both sides have besides what is known, and is the same on both.
pub(super) enum Beside {
    /// A managed policy whose document is elsewhere.
    Outside(String),
    /// What an identity has that is made elsewhere.
    Elsewhere(String),
    /// What stands beside a group's policies, a permission set's or a policy alone.
    Part(String),
    /// AWS's own control policy, which an account may have or not.
    FullAccess,
}

impl Beside {
    pub(super) fn of(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Option<Self> {
        let (one, other) = (inner.entry, outer.entry);
        if let Some(arn) = one.outside.first() {
            return Some(Self::Outside(arn.clone()));
        }
        if one.is_elsewhere || other.is_elsewhere {
            return Some(Self::Elsewhere(name.to_owned()));
        }
        let policies = || [&inner.over, &outer.over].into_iter();
        if policies().any(|it| !it.service_control.is_empty())
            && (one.only_limits() || other.only_limits())
        {
            return Some(Self::FullAccess);
        }
        let is_whole = name.starts_with("role/") || name.starts_with("user/");
        let has_own = policies().any(|it| !it.identity.is_empty());
        let is_limit = one.only_limits() || other.only_limits();
        (has_own && !is_whole && !is_limit).then(|| Self::Part(name.to_owned()))
    }

    /// Policies with the most that it may be.
    pub(super) fn with(&self, policies: &Policies) -> Policies {
        if matches!(self, Self::FullAccess) {
            return with_full_access(policies);
        }
        let mut policies = policies.clone();
        policies.identity.extend(everything());
        policies
    }

    /// Why it may allow already what one side alone allows of what is known.
    pub(super) fn may_allow_already(&self, witness: &Witness) -> Option<String> {
        let Witness { action, resource, .. } = witness;
        match self {
            Self::Outside(arn) => Some(format!(
                "the document of `{arn}`, which both sides have, is not in the files: it may allow `{action}` on `{resource}` already"
            )),
            Self::Elsewhere(name) => Some(format!(
                "what else `{name}` has is not in the files: it may allow `{action}` on `{resource}` already"
            )),
            Self::Part(_) | Self::FullAccess => None,
        }
    }

    /// Why it may allow what one side alone denies.
    pub(super) fn may_allow(&self, witness: &Witness) -> String {
        let what = match self {
            Self::Outside(arn) => {
                format!("the document of `{arn}`, which both sides have and is not in the files")
            }
            Self::Elsewhere(name) => format!("what else `{name}` has, which is not in the files"),
            Self::Part(name) => match name.starts_with("group/") {
                true => format!("what else the users of `{name}` have"),
                false => format!("what else there is where `{name}` counts"),
            },
            Self::FullAccess => "`FullAWSAccess`, where it is attached besides".to_owned(),
        };
        let Witness { action, resource, .. } = witness;
        format!("one side alone keeps back `{action}` on `{resource}`, and {what}, may allow it")
    }
}

//! One permission that a call requires.

use ringfence_policy::Context;

use super::state::{Tags, Told};

/// One permission that a call requires.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The IAM action: `iam:CreateRole`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// The resource as AWS's message prints it, where that is not the ARN:
    /// `role NAME` for IAM's existing entities.
    pub printed_resource: Option<String>,
    /// The condition keys of this action and resource. The global keys
    /// (`aws:PrincipalArn`, …) are the pipeline's.
    pub context: Context,
    /// The policy on the resource's side, where there is one.
    pub resource_policy: ResourcePolicy,
    /// Whether AWS manages the resource, a key of KMS: resource control policies
    /// do not bind its use.
    pub managed_by_aws: bool,
    /// What is refused where this is denied.
    pub extent: Extent,
    /// Whether the call needs it.
    pub needed: Needed,
}

/// Whether a call needs a permission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Needed {
    /// It does.
    #[default]
    Surely,
    /// Nothing here tells, for this reason: where the permission is denied, the call
    /// is undecided.
    Perhaps(&'static str),
}

/// What is refused where a permission is denied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// The call.
    #[default]
    Call,
    /// One item of those that the call lists, by its place from 0; the others
    /// are decided by themselves.
    Item(usize),
}

/// Where the policy on the resource's side comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ResourcePolicy {
    /// The resource can have none, or has none.
    #[default]
    None,
    /// An ordinary resource policy: its name for the journal, and its JSON.
    Resource {
        /// By which decisions cite it.
        name: String,
        /// The document.
        document: String,
    },
    /// It may have one that cannot be read: what hangs on it is undecided.
    Unknown {
        /// The resource's ARN.
        name: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// A role's trust policy.
    Trust {
        /// The role's ARN, by which decisions cite it.
        name: String,
        /// The document.
        document: String,
    },
}

impl Requirement {
    /// An action on a resource, without condition keys.
    pub(crate) fn on(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            printed_resource: None,
            context: Context::new(),
            resource_policy: ResourcePolicy::None,
            managed_by_aws: false,
            extent: Extent::Call,
            needed: Needed::Surely,
        }
    }

    /// For one item of those that the call lists.
    pub(super) fn of_item(mut self, index: usize) -> Self {
        self.extent = Extent::Item(index);
        self
    }

    /// With a single-valued key.
    pub(super) fn key(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }

    /// With a single-valued key, if there is a value.
    pub(super) fn key_if(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// With a multi-valued key, if there are values.
    pub(super) fn keys<V: Into<String>>(
        mut self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            self.context.set_list(key, values);
        }
        self
    }

    /// As the messages of AWS print the resource.
    pub(super) fn printed(mut self, text: impl Into<String>) -> Self {
        self.printed_resource = Some(text.into());
        self
    }

    /// With the resource's own policy, if it has one.
    pub(super) fn guarded_by(mut self, name: &str, document: Option<String>) -> Self {
        if let Some(document) = document {
            self.resource_policy = ResourcePolicy::Resource { name: name.to_owned(), document };
        }
        self
    }

    /// With the policy that the state tells of a resource.
    pub(super) fn guard_by(&mut self, arn: &str, policy: Told<String>) {
        let name = arn.to_owned();
        self.resource_policy = match policy {
            Told::Is(document) => ResourcePolicy::Resource { name, document },
            Told::Nothing => ResourcePolicy::None,
            Told::Unknown(reason) => ResourcePolicy::Unknown { name, reason },
        };
    }

    /// The keys of the tags that the state tells of a resource.
    pub(super) fn add_told_tags(&mut self, own: &[&str], tags: &Told<Tags>) {
        match tags {
            Told::Is(tags) => self.add_resource_tags(own, tags),
            Told::Nothing => {}
            Told::Unknown(_) => {
                for prefix in ["aws:ResourceTag"].iter().chain(own) {
                    self.context.set_unknown(&format!("{prefix}/*"));
                }
            }
        }
    }

    /// `aws:RequestTag/KEY` and `aws:TagKeys`.
    pub(super) fn add_request_tags(&mut self, tags: &Tags) {
        if tags.is_empty() {
            return;
        }
        for (key, value) in tags {
            self.context.set(&format!("aws:RequestTag/{key}"), value);
        }
        self.context.set_list("aws:TagKeys", tags.iter().map(|(key, _)| key));
    }

    /// `aws:ResourceTag/KEY`, and the same under the service's own prefix.
    pub(super) fn add_resource_tags(&mut self, own: &[&str], tags: &Tags) {
        for (key, value) in tags {
            self.context.set(&format!("aws:ResourceTag/{key}"), value);
            for prefix in own {
                self.context.set(&format!("{prefix}/{key}"), value);
            }
        }
    }
}

//! What AWS's services offer: actions, the resource types that each acts upon,
//! and the condition keys that each carries. The data is `ringfence-models`;
//! here is what the policy language makes of it.

pub use ringfence_models::actions::{
    Access, Action, ActionResource, KeyOf, Prefix as Service, ResourceType, action, all_prefixes,
    beside_the_reference, count, global_keys, has_one_value, is_global_key, is_prefix,
    of as service, prefixes,
};

use crate::arn::Arn;
use crate::pattern::{Case, Glob};

/// The ARNs of a resource type, as patterns of the policy language.
pub trait Arns {
    /// Whether the ARN is one of this type.
    fn matches(&self, arn: &str) -> bool;

    /// The ARNs with `*` for each variable.
    fn patterns(&self) -> impl Iterator<Item = String>;
}

impl Arns for ResourceType {
    fn matches(&self, arn: &str) -> bool {
        let Some(arn) = Arn::parse(arn) else { return false };
        self.patterns().any(|pattern| {
            Arn::parse(&pattern).is_some_and(|pattern| {
                let fits = |pattern: &str, part: &str, case| Glob::new(pattern).matches(part, case);
                fits(pattern.partition, arn.partition, Case::Fold)
                    && fits(pattern.service, arn.service, Case::Fold)
                    && fits(pattern.region, arn.region, Case::Fold)
                    && fits(pattern.account, arn.account, Case::Fold)
                    && fits(pattern.resource, arn.resource, Case::Sensitive)
            })
        })
    }

    fn patterns(&self) -> impl Iterator<Item = String> {
        self.arn.iter().map(|arn| {
            let mut out = String::new();
            let mut rest = *arn;
            while let Some((before, after)) = rest.split_once("${") {
                out.push_str(before);
                out.push('*');
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
            out.push_str(rest);
            out
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_types_know_their_arns() {
        let role = service("iam").unwrap().resource_type("role").unwrap();
        assert!(role.matches("arn:aws:iam::123456789012:role/app/a"));
        assert!(!role.matches("arn:aws:iam::123456789012:user/a"));
    }
}

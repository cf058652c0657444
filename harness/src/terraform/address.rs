//! What a field of the configuration names: an output, a resource that
//! Terraform made, or an ARN.

use super::Instance;

/// The attribute by which others name a resource, by type; that of all other
/// types is `id`.
const NAMED_BY: [(&str, &str); 4] = [
    ("aws_iam_policy", "arn"),
    ("aws_iam_role", "arn"),
    ("aws_lambda_function", "arn"),
    ("aws_s3_bucket", "bucket"),
];

/// A resource's address: `aws_iam_role.deployer["orders"]`, also behind
/// `module.x.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'t> {
    kind: &'t str,
    name: &'t str,
    key: Option<&'t str>,
}

impl<'t> Address<'t> {
    /// Reads an address; none where a text is something else.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (text, key) = match text.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
            Some((text, key)) => (text, Some(key.trim_matches('"'))),
            None => (text, None),
        };
        let mut parts = text.rsplit('.');
        let (name, kind) = (parts.next()?, parts.next()?);
        let modules: Vec<&str> = parts.collect();
        let in_module = modules.chunks(2).all(|pair| matches!(pair, [_, "module"]));
        (kind.starts_with("aws_") && in_module).then_some(Self { kind, name, key })
    }

    /// The resource's type.
    pub(super) fn kind(&self) -> &'t str {
        self.kind
    }

    /// Whether a resource has it; without a key all of them do.
    pub(super) fn is_of(&self, instance: &Instance) -> bool {
        instance.kind == self.kind
            && instance.name == self.name
            && (self.key.is_none() || instance.key.as_deref() == self.key)
    }
}

/// What names a resource elsewhere.
pub(super) fn id(instance: &Instance) -> Option<&str> {
    let known = NAMED_BY.iter().find(|(kind, _)| *kind == instance.kind);
    instance.text(known.map_or("id", |(_, attribute)| attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_outputs_are_none() {
        let address = |kind, name, key| Some(Address { kind, name, key });
        assert_eq!(Address::parse("aws_iam_policy.b"), address("aws_iam_policy", "b", None));
        assert_eq!(
            Address::parse("module.m.aws_iam_role.r[\"a\"]"),
            address("aws_iam_role", "r", Some("a"))
        );
        assert_eq!(Address::parse("aws_subnet.s[0]"), address("aws_subnet", "s", Some("0")));
        assert_eq!(Address::parse("role_arns.orders"), None);
        assert_eq!(Address::parse("outputs.x.aws_iam_role.r"), None);
        assert_eq!(Address::parse("boundary"), None);
    }
}

//! What a call is about whose permissions AWS checks on `*`: its input says so, and the
//! journal keeps the names that it gives.

use ringfence_guard::journal::{Change, Check, Entry};

use super::held::Held;

/// Actions without a resource, and what their operations name.
struct Named {
    actions: &'static [&'static str],
    /// The member that names what they change, and what it is without that member.
    member: &'static str,
    default: Option<&'static str>,
    /// Terraform's types with the attribute that has the name.
    types: &'static [(&'static str, &'static str)],
}

/// By <https://docs.aws.amazon.com/service-authorization/latest/reference/>.
const NAMED: [Named; 3] = [
    Named {
        actions: &["logs:PutResourcePolicy", "logs:DeleteResourcePolicy"],
        member: "policyName",
        default: None,
        types: &[("aws_cloudwatch_log_resource_policy", "policy_name")],
    },
    // "If you omit this, the default event bus is used"
    // (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html>).
    Named {
        actions: &["events:PutPermission", "events:RemovePermission"],
        member: "EventBusName",
        default: Some("default"),
        types: &[
            ("aws_cloudwatch_event_bus", "name"),
            ("aws_cloudwatch_event_bus_policy", "event_bus_name"),
            ("aws_cloudwatch_event_permission", "event_bus_name"),
        ],
    },
    Named {
        actions: &["ses:PutIdentityPolicy", "ses:DeleteIdentityPolicy"],
        member: "Identity",
        default: None,
        types: &[
            ("aws_ses_identity_policy", "identity"),
            ("aws_ses_domain_identity", "domain"),
            ("aws_ses_email_identity", "email"),
        ],
    },
];

/// Types that are one statement of a policy: the member that names it, and the
/// attribute. A call that does not give the member is about the whole policy.
const STATEMENTS: [(&str, &str, &str); 1] =
    [("aws_cloudwatch_event_permission", "StatementId", "statement_id")];

/// Whether a permission on `*` was for a call that names a resource.
pub(super) fn names(entry: &Entry, check: &Check, held: &Held<'_>) -> bool {
    if check.resource != "*" {
        return false;
    }
    let Some(change) = &entry.change else { return false };
    let by_arn = || {
        let mut named = change.names.values().flatten();
        named.any(|name| held.arns.iter().any(|arn| arn == name))
    };
    by_arn() || names_by_member(change, &check.action, held)
}

fn names_by_member(change: &Change, action: &str, held: &Held<'_>) -> bool {
    let instance = held.instance;
    let row = NAMED.iter().find(|row| row.actions.contains(&action));
    let Some(Named { member, default, types, .. }) = row else { return false };
    let Some((_, attribute)) = types.iter().find(|(kind, _)| *kind == instance.kind) else {
        return false;
    };
    // Attributes that Terraform's provider leaves out have the default, too.
    let Some(own) = instance.text(attribute).or(*default) else { return false };
    // A journal that does not say where may mean it.
    let called_in = change.region.as_deref().unwrap_or(held.region);
    let own = Regional::of(own, held.region);
    let is_it = |name: &str| Regional::of(name, called_in) == own;
    let given = change.names.get(*member);
    let is_named = match given {
        Some(names) => names.iter().any(|name| is_it(name)),
        None => default.is_some_and(is_it),
    };
    let statement = STATEMENTS.iter().find(|(kind, ..)| *kind == instance.kind);
    let is_of_statement = statement.is_none_or(|(_, member, attribute)| {
        let given = change.names.get(*member);
        given.is_none_or(|ids| ids.iter().any(|id| instance.text(attribute) == Some(id)))
    });
    is_named && is_of_statement
}

/// A name, and the region that it is of: that of its ARN, or of who says it.
#[derive(Debug, PartialEq, Eq)]
struct Regional<'a> {
    region: &'a str,
    name: &'a str,
}

impl<'a> Regional<'a> {
    fn of(text: &'a str, said_in: &'a str) -> Self {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            // `event-bus/orders`, `identity/example.org`.
            ["arn", _, _, region, _, resource] => {
                let name = resource.split_once('/').map_or(*resource, |(_, name)| name);
                Self { region, name }
            }
            _ => Self { region: said_in, name: text },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::tests::{PLACE, entry};
    use super::*;
    use crate::terraform::Instance;

    fn is_named(kind: &str, attributes: &Value, action: &str, names: &Value) -> bool {
        is_named_in(Some("us-east-1"), kind, attributes, action, names)
    }

    fn is_named_in(
        region: Option<&str>,
        kind: &str,
        attributes: &Value,
        action: &str,
        names: &Value,
    ) -> bool {
        let state = json!({"resources": [{"mode": "managed", "type": kind, "name": "x",
            "instances": [{"attributes": attributes}]}]});
        let instances = Instance::of(&state);
        let mut change = json!({"members": [], "names": names});
        if let Some(region) = region {
            change["region"] = region.into();
        }
        let entry = entry(action, "*", &json!({"change": change}));
        super::names(&entry, &entry.checks[0], &Held::of(&instances[0], PLACE))
    }

    #[rstest]
    #[case::of_logs(
        "aws_cloudwatch_log_resource_policy", json!({"policy_name": "p"}),
        "logs:PutResourcePolicy", json!({"policyName": ["p"]}), json!({"policyName": ["q"]})
    )]
    #[case::of_a_bus(
        "aws_cloudwatch_event_bus", json!({"name": "orders"}),
        "events:PutPermission", json!({"EventBusName": ["orders"]}), json!({})
    )]
    #[case::of_a_bus_by_its_arn(
        "aws_cloudwatch_event_bus_policy", json!({"event_bus_name": "orders"}),
        "events:RemovePermission",
        json!({"EventBusName": ["arn:aws:events:us-east-1:123456789012:event-bus/orders"]}),
        json!({"EventBusName": ["arn:aws:events:us-east-1:123456789012:event-bus/other"]})
    )]
    #[case::of_the_default_bus(
        "aws_cloudwatch_event_bus_policy", json!({}),
        "events:PutPermission", json!({}), json!({"EventBusName": ["orders"]})
    )]
    #[case::of_a_statement(
        "aws_cloudwatch_event_permission", json!({"event_bus_name": "default", "statement_id": "s"}),
        "events:RemovePermission", json!({"StatementId": ["s"]}), json!({"StatementId": ["t"]})
    )]
    #[case::of_a_group_by_its_arn(
        "aws_cloudwatch_log_group",
        json!({"arn": "arn:aws:logs:us-east-1:123456789012:log-group:/g:*"}),
        "logs:PutResourcePolicy",
        json!({"resourceArn": ["arn:aws:logs:us-east-1:123456789012:log-group:/g"]}),
        json!({"resourceArn": ["arn:aws:logs:us-east-1:123456789012:log-group:/h"]})
    )]
    fn a_call_on_all_is_about_what_its_input_names(
        #[case] kind: &str,
        #[case] attributes: Value,
        #[case] action: &str,
        #[case] own: Value,
        #[case] anothers: Value,
    ) {
        assert!(is_named(kind, &attributes, action, &own));
        assert!(!is_named(kind, &attributes, action, &anothers));
    }

    const BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/orders";

    /// Layer 1's state is of us-east-1 ([`PLACE`]).
    #[rstest]
    #[case::a_policy(
        "aws_cloudwatch_log_resource_policy", json!({"policy_name": "p"}),
        "logs:PutResourcePolicy", json!({"policyName": ["p"]}), "us-east-1", "eu-west-1"
    )]
    #[case::a_policy_elsewhere_by_its_attribute(
        "aws_cloudwatch_log_resource_policy", json!({"policy_name": "p", "region": "eu-west-1"}),
        "logs:PutResourcePolicy", json!({"policyName": ["p"]}), "eu-west-1", "us-east-1"
    )]
    #[case::a_bus_elsewhere_by_its_arn(
        "aws_cloudwatch_event_bus", json!({"name": "orders", "arn": BUS}),
        "events:PutPermission", json!({"EventBusName": ["orders"]}), "eu-west-1", "us-east-1"
    )]
    #[case::the_default_bus(
        "aws_cloudwatch_event_bus_policy", json!({}),
        "events:PutPermission", json!({}), "us-east-1", "eu-west-1"
    )]
    #[case::an_identity(
        "aws_ses_identity_policy", json!({"identity": "example.org"}),
        "ses:PutIdentityPolicy", json!({"Identity": ["example.org"]}), "us-east-1", "eu-west-1"
    )]
    fn a_name_is_of_the_region_of_its_call(
        #[case] kind: &str,
        #[case] attributes: Value,
        #[case] action: &str,
        #[case] names: Value,
        #[case] own: &str,
        #[case] other: &str,
    ) {
        let is_named = |region| is_named_in(region, kind, &attributes, action, &names);
        assert!(is_named(Some(own)));
        assert!(!is_named(Some(other)));
        // A journal that does not say where.
        assert!(is_named(None));
    }

    #[rstest]
    #[case::own("us-east-1", true)]
    #[case::elsewhere("eu-west-1", false)]
    fn an_arn_is_of_its_own_region(#[case] region: &str, #[case] is_it: bool) {
        let attributes = json!({"event_bus_name": "orders"});
        let names = json!({"EventBusName":
            [format!("arn:aws:events:{region}:123456789012:event-bus/orders")]});
        let kind = "aws_cloudwatch_event_bus_policy";
        assert_eq!(is_named(kind, &attributes, "events:PutPermission", &names), is_it);
    }
}

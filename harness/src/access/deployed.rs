//! Roles, users and functions as they are deployed: those that no plan and no state of
//! Terraform has, since stacks made them, and identities as IAM has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies};
use ringfence_text::Place;
use serde_json::{Value, json};

use super::complete::tree;
use super::denies::Denies;
use super::estate::{Entry, Estate};
use super::plan::principal;
use super::templates;
pub(crate) use super::templates::Place as Where;
use crate::attacks::RolePolicies;
use crate::lint::known::{Member, Node, Value as Tree};
use crate::lint::read::template;
use crate::lint::terraform::Resource;

/// Adds a role with its policies as IAM has them, as one that a template made.
///
/// # Errors
/// When a deployed policy is none.
pub fn role(estate: &mut Estate, arn: &str, found: &RolePolicies) -> Result<(), DocumentError> {
    let name = put(estate, arn, found)?;
    estate.of_templates.push(name);
    Ok(())
}

/// Takes a role or a user as IAM has it in place of what is known of it, and the name of its
/// entry; a role with its trust policy.
///
/// # Errors
/// When a deployed policy is none.
pub(crate) fn identity(
    estate: &mut Estate,
    arn: &str,
    found: &RolePolicies,
) -> Result<String, DocumentError> {
    let name = put(estate, arn, found)?;
    if let Some(role) = name.strip_prefix("role/") {
        trust(estate, role, &found.trust);
    }
    Ok(name)
}

/// Takes a role's trust policy as IAM has it in place of what is known of it.
pub(crate) fn trust(estate: &mut Estate, role: &str, text: &str) {
    let name = format!("trust of role/{role}");
    let mut entry = Entry::default();
    match Document::parse(&*name, text, Kind::Trust) {
        Ok(document) => entry.policies.resource = Some(Arc::new(document)),
        Err(error) => {
            entry.unknown.insert(format!("the {name} cannot be read: {error}"));
        }
    }
    estate.entries.insert(name, entry);
}

/// An entry with the policies of a role or a user, and its name.
fn put(estate: &mut Estate, arn: &str, found: &RolePolicies) -> Result<String, DocumentError> {
    let kind = if arn.contains(":user/") { "user" } else { "role" };
    let name = format!("{kind}/{}", arn.rsplit('/').next().unwrap_or_default());
    let mut policies = Policies::default();
    for (policy, text) in found.inline.iter().chain(&found.attached) {
        policies.identity.push(Arc::new(Document::parse(policy, text, Kind::Identity)?));
    }
    if let Some((policy, text)) = &found.boundary {
        policies.boundary = Some(vec![Arc::new(Document::parse(policy, text, Kind::Boundary)?)]);
    }
    let principal = principal(kind, arn);
    let unique_id = estate.entries.remove(&name).and_then(|known| known.unique_id);
    let entry = Entry { principal, unique_id, policies, ..Entry::default() };
    estate.entries.insert(name.clone(), entry);
    Ok(name)
}

/// A stack as CloudFormation has it.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// The text of its template, expanded.
    pub(crate) template: String,
    /// What its parameters are.
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Adds what the policies of a stack's resources let in. Its identities are as IAM has them.
///
/// # Errors
/// Why its template cannot be read.
pub(crate) fn stack(estate: &mut Estate, stack: &Stack, place: &Where) -> Result<(), String> {
    let name = &stack.name;
    for (of, mut entry) in entries(estate, stack, place)? {
        let policy = entry.policies.resource.as_ref();
        let lets_in = policy.is_some_and(|policy| policy.kind() == Kind::Resource);
        if lets_in || !entry.unread.is_empty() {
            for unread in &mut entry.unread {
                unread.why = format!("stack `{name}`: {}", unread.why);
            }
            estate.entries.insert(format!("{of} of stack {name}"), entry);
        }
    }
    Ok(())
}

/// Adds what the policies of a stack's resources deny, and nothing else. Of one whose template
/// cannot be read, that may be anything.
pub(crate) fn denies(
    estate: &mut Estate,
    stack: &str,
    read: Result<&Stack, String>,
    place: &Where,
) {
    let read = read.and_then(|stack| entries(estate, stack, place));
    let own = read.unwrap_or_else(|_| {
        let denies = Denies::anything(&format!("stack {stack}"));
        BTreeMap::from([("what is made".to_owned(), Entry { denies, ..Entry::default() })])
    });
    let own = own.into_iter().filter(|(_, entry)| entry.denies.are_some());
    for (of, Entry { denies, .. }) in own {
        let entry = Entry { denies, ..Entry::default() };
        estate.entries.insert(format!("{of} of stack {stack}"), entry);
    }
}

/// What a stack's template makes.
fn entries(
    estate: &mut Estate,
    stack: &Stack,
    place: &Where,
) -> Result<BTreeMap<String, Entry>, String> {
    let mut root = template(&stack.template).map_err(|error| error.to_string())?;
    let parameters = stack.parameters.iter();
    let parameters = parameters
        .map(|(name, value)| (name.clone(), Some(value.clone()).filter(|value| value != MASKED)));
    set(&mut root, &parameters.collect());
    // The template reads what Terraform publishes, and its names are no others' here.
    let mut own = Estate { resources: std::mem::take(&mut estate.resources), ..Estate::default() };
    let added = templates::add(&root, place, &mut own);
    estate.resources = std::mem::take(&mut own.resources);
    added?;
    Ok(own.entries)
}

/// What stands in place of a value that is kept secret
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html#parameters-section-structure-properties>).
pub(super) const MASKED: &str = "****";

/// Gives a template's parameters values in place of their defaults; `None` is one that is not
/// known.
pub(super) fn set(root: &mut Node, values: &BTreeMap<String, Option<String>>) {
    let Tree::Map(members) = &mut root.value else { return };
    let parameters = members.iter_mut().find(|member| member.key == "Parameters");
    let Some(Tree::Map(parameters)) = parameters.map(|it| &mut it.value.value) else { return };
    for Member { at, key, value: parameter } in parameters {
        let (Some(value), Tree::Map(own)) = (values.get(key), &mut parameter.value) else {
            continue;
        };
        own.retain(|member| member.key != "Default");
        if let Some(value) = value {
            let value = Node::new(*at, Tree::Text(value.clone()));
            own.push(Member { at: *at, key: "Default".to_owned(), value });
        }
    }
}

/// Adds a function where it runs, as Lambda has it (`ListFunctions`), unless Terraform
/// made it.
pub fn function(estate: &mut Estate, name: &str, found: &Value) {
    const KIND: &str = "aws_lambda_function";
    let mut known = estate.resources.iter().filter(|one| one.kind == KIND && !one.is_data);
    let is = |one: &Resource| one.values.get("function_name").and_then(Node::text) == Some(name);
    if known.any(is) {
        return;
    }
    let list = |member: &str| {
        let listed = found.pointer(&format!("/VpcConfig/{member}")).and_then(Value::as_array);
        json!(listed.cloned().unwrap_or_default())
    };
    let network = json!({"subnet_ids": list("SubnetIds"),
        "security_group_ids": list("SecurityGroupIds")});
    let values = json!({"function_name": name, "vpc_config": [network]});
    estate.resources.push(Resource {
        address: format!("function {name}"),
        kind: KIND.to_owned(),
        is_data: false,
        values: tree(Place::START, &values),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "arn:aws:iam::123456789012:role/app";

    /// What a stack lets in is of its parameters' values, and what nobody knows is told.
    #[test]
    fn a_stack_lets_in_what_the_policies_of_its_resources_say() {
        let template = json!({
            "Parameters": {"Who": {"Type": "String", "Default": "nobody"},
                           "Secret": {"Type": "String", "Default": "app"}},
            "Resources": {
                "Inbox": {"Type": "AWS::SQS::QueuePolicy", "Properties": {
                    "Queues": ["https://sqs.us-east-1.amazonaws.com/123456789012/inbox"],
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Action": "sqs:SendMessage",
                        "Resource": "arn:aws:sqs:us-east-1:123456789012:inbox",
                        "Principal": {"AWS": {"Fn::Sub":
                            "arn:aws:iam::123456789012:role/${Who}"}}}]}}},
                "Outbox": {"Type": "AWS::SQS::QueuePolicy", "Properties": {
                    "Queues": ["https://sqs.us-east-1.amazonaws.com/123456789012/outbox"],
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Action": "sqs:SendMessage",
                        "Resource": "arn:aws:sqs:us-east-1:123456789012:outbox",
                        "Principal": {"AWS": {"Fn::Sub":
                            "arn:aws:iam::123456789012:role/${Secret}"}}}]}}},
            },
        });
        let mut estate = Estate::default();
        let found = RolePolicies { trust: "{}".to_owned(), ..RolePolicies::default() };
        let name = identity(&mut estate, APP, &found).unwrap();
        let parameters = [("Who", "app"), ("Secret", "****")];
        let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let shop = Stack {
            name: "shop".to_owned(),
            template: template.to_string(),
            parameters: parameters.into(),
        };
        let place = Where {
            partition: "aws".to_owned(),
            account: "123456789012".to_owned(),
            region: Some("us-east-1".to_owned()),
        };
        stack(&mut estate, &shop, &place).unwrap();
        let found = crate::access::what::of_entry(&estate, &name, &Default::default()).unwrap();
        let [can] = &found.can[..] else { panic!("{found:?}") };
        assert_eq!(can.action, "sqs:SendMessage");
        assert_eq!(can.request.resource, "arn:aws:sqs:us-east-1:123456789012:inbox");
        assert_eq!(can.with.as_deref(), Some("Resources.Inbox of stack shop"));
        let outbox = "stack `shop`: Resources.Outbox: its policy is not known: it hangs on \
                      `Fn::Sub` of `arn:aws:iam::123456789012:role/${Secret}` (line 1)";
        assert!(found.undecided.contains(&outbox.to_owned()), "{found:?}");
        assert!(stack(&mut estate, &Stack { template: "{".to_owned(), ..shop }, &place).is_err());
    }

    #[test]
    fn a_function_of_a_stack_is_where_lambda_says_and_one_of_terraforms_is_there_once() {
        let mut estate = Estate::default();
        let found = json!({"FunctionName": "f", "VpcConfig":
            {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}});
        function(&mut estate, "f", &found);
        function(&mut estate, "f", &found);
        assert_eq!(estate.resources.len(), 1);
        let one = &estate.resources[0];
        assert_eq!(one.address, "function f");
        let network = &one.values.get("vpc_config").unwrap().items()[0];
        let texts = |name: &str| {
            let items = network.get(name).unwrap().items();
            items.iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(texts("subnet_ids"), ["subnet-1"]);
        assert_eq!(texts("security_group_ids"), ["sg-1"]);
        function(&mut estate, "g", &json!({"FunctionName": "g"}));
        let outside = estate.resources[1].values.get("vpc_config").unwrap().items()[0].clone();
        assert!(outside.get("subnet_ids").unwrap().items().is_empty());
    }
}

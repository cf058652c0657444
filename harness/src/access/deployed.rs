//! Roles and functions of the deployed state that no plan and no state of Terraform has:
//! those that stacks made.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Principal};
use ringfence_text::Place;
use serde_json::{Value, json};

use super::complete::tree;
use super::estate::Estate;
use crate::attacks::RolePolicies;
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// Adds a role with its policies as IAM has them, as one that a template made.
///
/// # Errors
/// When a deployed policy is none.
pub fn role(estate: &mut Estate, arn: &str, found: &RolePolicies) -> Result<(), DocumentError> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let account = arn.split(':').nth(4).unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let entry = estate.entry(&format!("role/{name}"));
    entry.principal = Some(Principal::RoleSession {
        role_arn: arn.to_owned(),
        session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/session"),
    });
    for (policy, text) in found.inline.iter().chain(&found.attached) {
        let document = Document::parse(policy, text, Kind::Identity)?;
        entry.policies.identity.push(Arc::new(document));
    }
    entry.policies.boundary = match &found.boundary {
        Some((policy, text)) => {
            Some(vec![Arc::new(Document::parse(policy, text, Kind::Boundary)?)])
        }
        None => None,
    };
    estate.of_templates.push(format!("role/{name}"));
    Ok(())
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

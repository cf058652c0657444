//! What no field of the configuration names, and the deployed state shows: the
//! boundaries that roles carry, the network of functions, the parameters.

use std::collections::BTreeSet;

use serde_json::Value;

use super::routed::is_public;
use crate::terraform::{Instance, OutputError, Outputs};

/// What a field names.
///
/// # Errors
/// When what is named is not there.
pub(super) fn named(
    outputs: &Outputs,
    field: &str,
    name: Option<&str>,
) -> Result<Option<String>, OutputError> {
    name.map(|name| outputs.text_of(field, name)).transpose()
}

/// Whether a web identity may assume a role, or it is one of these.
fn is_deployer(role: &Instance, named: &BTreeSet<&str>) -> bool {
    let trust = role.text("assume_role_policy").unwrap_or_default();
    is_named(role, named) || trust.contains("AssumeRoleWithWebIdentity")
}

fn is_named(one: &Instance, named: &BTreeSet<&str>) -> bool {
    one.text("arn").is_some_and(|arn| named.contains(arn))
}

/// The boundaries of deployers, of whom the configuration names these roles and users, or
/// of all other roles.
pub(super) fn boundaries(
    outputs: &Outputs,
    of_deployers: bool,
    named: &BTreeSet<&str>,
) -> Vec<String> {
    let roles = outputs.resources("aws_iam_role");
    let roles = roles.filter(|it| is_deployer(it, named) == of_deployers);
    let users = outputs.resources("aws_iam_user");
    let users = users.filter(|it| of_deployers && is_named(it, named));
    let carried = roles.chain(users).filter_map(|it| it.text("permissions_boundary"));
    let carried: BTreeSet<String> =
        carried.filter(|arn| !arn.is_empty()).map(str::to_owned).collect();
    carried.into_iter().collect()
}

/// The members of functions' networks: `subnet_ids` or `security_group_ids`.
fn of_functions(outputs: &Outputs, member: &str) -> BTreeSet<String> {
    let functions = outputs.resources("aws_lambda_function");
    let networks = functions.filter_map(|function| function.attributes.pointer("/vpc_config/0"));
    let listed = networks.filter_map(|network| network.get(member)?.as_array());
    listed.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether Layer 1 makes functions of which none is in a network: then a network
/// that it makes besides is not for functions.
fn functions_stay_outside(outputs: &Outputs) -> bool {
    outputs.resources("aws_lambda_function").next().is_some()
        && of_functions(outputs, "subnet_ids").is_empty()
}

/// The subnets that functions run in: those of functions that Layer 1 makes, else
/// all of which no route leads to an internet gateway.
///
/// # Errors
/// When what is named is not there.
pub(super) fn subnets(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
) -> Result<Vec<String>, OutputError> {
    if let Some(name) = named {
        return outputs.texts_of(field, name);
    }
    if functions_stay_outside(outputs) {
        return Ok(Vec::new());
    }
    let mut found: Vec<String> = of_functions(outputs, "subnet_ids").into_iter().collect();
    if found.is_empty() {
        let private = |subnet: &&Instance| !is_public(outputs, subnet);
        let subnets = outputs.resources("aws_subnet").filter(private);
        found.extend(subnets.filter_map(|subnet| subnet.text("id")).map(str::to_owned));
    }
    Ok(found)
}

/// The security groups of functions: those of functions that Layer 1 makes, else
/// all.
///
/// # Errors
/// When what is named is not there.
pub(super) fn security_groups(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
) -> Result<Vec<String>, OutputError> {
    if let Some(name) = named {
        return Ok(vec![outputs.text_of(field, name)?]);
    }
    if functions_stay_outside(outputs) {
        return Ok(Vec::new());
    }
    let of_functions = of_functions(outputs, "security_group_ids");
    Ok(match of_functions.is_empty() {
        true => outputs.ids("aws_security_group"),
        false => of_functions.into_iter().collect(),
    })
}

/// What the names of the published parameters begin with, up to a slash; none
/// where nothing is published.
pub(super) fn parameters(outputs: &Outputs, named: Option<&str>) -> Option<String> {
    if let Some(prefix) = named {
        return Some(prefix.to_owned());
    }
    // A path begins with a slash; what does not is under none.
    let names = outputs.resources("aws_ssm_parameter").filter_map(|it| it.text("name"));
    let names: Vec<&str> = names.filter(|name| name.starts_with('/')).collect();
    let first = names.first()?;
    let ends = first.match_indices('/').map(|(at, _)| at + 1);
    let mut prefixes = ends.filter_map(|end| first.get(..end)).rev();
    let common = prefixes.find(|prefix| names.iter().all(|name| name.starts_with(prefix)));
    Some(common.unwrap_or(first).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(resources: &[(&str, &str, Value)]) -> Outputs {
        let made = resources.iter().map(|(kind, name, attributes)| Instance {
            root: None,
            kind: (*kind).to_owned(),
            module: None,
            name: (*name).to_owned(),
            key: None,
            attributes: attributes.clone(),
        });
        Outputs::default().with_resources(made.collect())
    }

    fn roles() -> Outputs {
        let trust = |action: &str| json!({"Statement": [{"Action": action}]}).to_string();
        let role = |action, boundary: &str| json!({"assume_role_policy": trust(action), "permissions_boundary": boundary});
        state(&[
            ("aws_iam_role", "d", role("sts:AssumeRoleWithWebIdentity", "arn:d")),
            ("aws_iam_role", "e", role("sts:AssumeRole", "arn:e")),
            ("aws_iam_role", "f", role("sts:AssumeRole", "")),
        ])
    }

    #[test]
    fn boundaries_are_those_that_roles_carry() {
        let nobody = BTreeSet::new();
        assert_eq!(boundaries(&roles(), true, &nobody), ["arn:d"]);
        assert_eq!(boundaries(&roles(), false, &nobody), ["arn:e"]);
        assert!(boundaries(&Outputs::default(), true, &nobody).is_empty());
    }

    #[test]
    fn the_boundary_of_a_role_that_the_configuration_names_is_a_deployers() {
        let role = json!({"arn": "arn:g", "assume_role_policy": "{}",
            "permissions_boundary": "arn:b"});
        let roles = state(&[("aws_iam_role", "g", role)]);
        let named = BTreeSet::from(["arn:g"]);
        assert_eq!(boundaries(&roles, true, &named), ["arn:b"]);
        assert!(boundaries(&roles, false, &named).is_empty());
    }

    #[test]
    fn what_is_named_must_be_there_and_nothing_need_be_named() {
        let one_of = |state: &Outputs, name| named(state, "f", name).map_err(|it| it.to_string());
        let single = state(&[("aws_s3_bucket", "a", json!({"bucket": "x"}))]);
        assert_eq!(one_of(&single, None), Ok(None));
        assert_eq!(one_of(&single, Some("aws_s3_bucket.a")), Ok(Some("x".to_owned())));
        assert_eq!(one_of(&single, Some("arn:aws:s3:::y")), Ok(Some("arn:aws:s3:::y".to_owned())));
        assert_eq!(
            one_of(&single, Some("aws_s3_bucket.b")).unwrap_err(),
            "`f`: Layer 1 has no resource aws_s3_bucket.b; of this type it has: aws_s3_bucket.a"
        );
    }

    #[test]
    fn networks_are_those_of_functions_else_the_private_subnets() {
        let subnets_of = |state: &Outputs| subnets(state, "f", None).unwrap();
        let network =
            json!({"vpc_config": [{"subnet_ids": ["s-2"], "security_group_ids": ["g-2"]}]});
        // Routes decide, and not the addresses that it gives.
        let subnet = |id: &str, gives_addresses: bool| json!({"id": id, "vpc_id": "v", "map_public_ip_on_launch": gives_addresses});
        let out = json!([{"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}]);
        let mut resources = vec![
            ("aws_vpc", "v", json!({"id": "v", "main_route_table_id": "rtb-0"})),
            ("aws_subnet", "a", subnet("s-0", false)),
            ("aws_subnet", "b", subnet("s-1", true)),
            ("aws_route_table", "p", json!({"id": "rtb-1", "route": out})),
            (
                "aws_route_table_association",
                "p",
                json!({"subnet_id": "s-0", "route_table_id": "rtb-1"}),
            ),
            ("aws_security_group", "g", json!({"id": "g-1"})),
        ];
        let bare = state(&resources);
        assert_eq!(subnets_of(&bare), ["s-1"]);
        assert_eq!(security_groups(&bare, "f", None).unwrap(), ["g-1"]);
        resources.push(("aws_lambda_function", "f", network));
        let used = state(&resources);
        assert_eq!(subnets_of(&used), ["s-2"]);
        assert_eq!(security_groups(&used, "f", None).unwrap(), ["g-2"]);
        resources.pop();
        resources.push(("aws_lambda_function", "f", json!({"vpc_config": []})));
        let outside = state(&resources);
        assert!(subnets_of(&outside).is_empty());
        assert!(security_groups(&outside, "f", None).unwrap().is_empty());
    }

    #[test]
    fn parameters_have_what_their_names_begin_with() {
        let named = |name: &str| json!({"name": name});
        let two = state(&[
            ("aws_ssm_parameter", "a", named("/shop/net/vpc")),
            ("aws_ssm_parameter", "b", named("/shop/sg")),
        ]);
        assert_eq!(parameters(&two, None).unwrap(), "/shop/");
        assert_eq!(parameters(&two, Some("/x/")).unwrap(), "/x/");
        assert_eq!(parameters(&Outputs::default(), None), None);
    }
}

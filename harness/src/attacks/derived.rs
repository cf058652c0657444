//! What no field of the configuration names, and the deployed state shows: the
//! only API, the boundary that all deployers carry, the network of functions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::terraform::{Instance, OutputError, Outputs};

/// What a field names, else the output that is usually called so, else the only
/// resource of a type.
///
/// # Errors
/// When what is named is not there, or nothing or several could be meant.
pub(super) fn one(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
    usual: &str,
    kind: &str,
) -> Result<String, OutputError> {
    match named {
        Some(name) => outputs.text_of(field, name),
        None if outputs.get(usual).is_some() => outputs.text_of(field, usual),
        None => outputs.only(field, kind, outputs.ids(kind)),
    }
}

/// Whether a web identity may assume a role.
fn is_deployer(role: &Instance) -> bool {
    let trust = role.text("assume_role_policy").unwrap_or_default();
    trust.contains("AssumeRoleWithWebIdentity")
}

/// The boundary of deployers, or of all other roles, where a field names none.
///
/// # Errors
/// When what is named is not there, or nothing or several could be meant.
pub(super) fn boundary(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
    of_deployers: bool,
) -> Result<String, OutputError> {
    if let Some(name) = named {
        return outputs.text_of(field, name);
    }
    let roles = outputs.resources("aws_iam_role").filter(|it| is_deployer(it) == of_deployers);
    let carried = roles.filter_map(|role| role.text("permissions_boundary"));
    let carried: BTreeSet<String> =
        carried.filter(|arn| !arn.is_empty()).map(str::to_owned).collect();
    outputs.only(field, "aws_iam_role with permissions_boundary", carried.into_iter().collect())
}

/// The members of functions' networks, where a field names none: `subnet_ids`
/// or `security_group_ids`.
fn of_functions(outputs: &Outputs, member: &str) -> BTreeSet<String> {
    let functions = outputs.resources("aws_lambda_function");
    let networks = functions.filter_map(|function| function.attributes.pointer("/vpc_config/0"));
    let listed = networks.filter_map(|network| network.get(member)?.as_array());
    listed.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The subnets that functions run in: those of functions that Layer 1 makes, else
/// all that give no public address.
///
/// # Errors
/// When what is named is not there, or there are none.
pub(super) fn subnets(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
) -> Result<Vec<String>, OutputError> {
    if let Some(name) = named {
        return outputs.texts_of(field, name);
    }
    let mut found: Vec<String> = of_functions(outputs, "subnet_ids").into_iter().collect();
    if found.is_empty() {
        let private = |subnet: &&Instance| {
            subnet.attributes.get("map_public_ip_on_launch") != Some(&Value::Bool(true))
        };
        let subnets = outputs.resources("aws_subnet").filter(private);
        found.extend(subnets.filter_map(|subnet| subnet.text("id")).map(str::to_owned));
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(outputs.nothing(field, "aws_subnet")),
    }
}

/// The security group of functions.
///
/// # Errors
/// When what is named is not there, or nothing or several could be meant.
pub(super) fn security_group(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
) -> Result<String, OutputError> {
    const KIND: &str = "aws_security_group";
    if let Some(name) = named {
        return outputs.text_of(field, name);
    }
    let of_functions = of_functions(outputs, "security_group_ids");
    let found = match of_functions.is_empty() {
        true => outputs.ids(KIND),
        false => of_functions.into_iter().collect(),
    };
    outputs.only(field, KIND, found)
}

/// What the names of the published parameters begin with, up to a slash.
///
/// # Errors
/// When there are none.
pub(super) fn parameters(
    outputs: &Outputs,
    field: &str,
    named: Option<&str>,
) -> Result<String, OutputError> {
    const KIND: &str = "aws_ssm_parameter";
    if let Some(prefix) = named {
        return Ok(prefix.to_owned());
    }
    let names: Vec<&str> = outputs.resources(KIND).filter_map(|it| it.text("name")).collect();
    let first = names.first().ok_or_else(|| outputs.nothing(field, KIND))?;
    let ends = first.match_indices('/').map(|(at, _)| at + 1);
    let mut prefixes = ends.filter_map(|end| first.get(..end)).rev();
    let common = prefixes.find(|prefix| names.iter().all(|name| name.starts_with(prefix)));
    Ok(common.unwrap_or(first).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(resources: &[(&str, &str, Value)]) -> Outputs {
        let made = resources.iter().map(|(kind, name, attributes)| Instance {
            kind: (*kind).to_owned(),
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
        assert_eq!(boundary(&roles(), "f", None, true).unwrap(), "arn:d");
        assert_eq!(boundary(&roles(), "f", None, false).unwrap(), "arn:e");
        let error = boundary(&Outputs::default(), "platform.x", None, true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`platform.x`: Layer 1 has no aws_iam_role with permissions_boundary: name an output, a resource's address or an ARN"
        );
    }

    #[test]
    fn the_only_one_is_meant_and_several_are_told() {
        let one_of = |state: &Outputs, named| one(state, "f", named, "bucket", "aws_s3_bucket");
        let single = state(&[("aws_s3_bucket", "a", json!({"bucket": "x"}))]);
        assert_eq!(one_of(&single, None).unwrap(), "x");
        assert_eq!(one_of(&single, Some("aws_s3_bucket.a")).unwrap(), "x");
        assert_eq!(one_of(&single, Some("arn:aws:s3:::y")).unwrap(), "arn:aws:s3:::y");
        assert_eq!(
            one_of(&single, Some("aws_s3_bucket.b")).unwrap_err().to_string(),
            "`f`: Layer 1 has no resource aws_s3_bucket.b; of this type it has: aws_s3_bucket.a"
        );
        let two = state(&[
            ("aws_s3_bucket", "a", json!({"bucket": "x"})),
            ("aws_s3_bucket", "b", json!({"bucket": "y"})),
        ]);
        assert_eq!(
            one_of(&two, None).unwrap_err().to_string(),
            "`f`: Layer 1 has several aws_s3_bucket (x, y): name one"
        );
        assert_eq!(one_of(&two, Some("aws_s3_bucket.b")).unwrap(), "y");
    }

    #[test]
    fn networks_are_those_of_functions_else_the_private_subnets() {
        let subnets_of = |state: &Outputs| subnets(state, "f", None).unwrap();
        let network =
            json!({"vpc_config": [{"subnet_ids": ["s-2"], "security_group_ids": ["g-2"]}]});
        let subnet = |id: &str, public: bool| json!({"id": id, "map_public_ip_on_launch": public});
        let mut resources = vec![
            ("aws_subnet", "a", subnet("s-0", true)),
            ("aws_subnet", "b", subnet("s-1", false)),
            ("aws_security_group", "g", json!({"id": "g-1"})),
        ];
        let bare = state(&resources);
        assert_eq!(subnets_of(&bare), ["s-1"]);
        assert_eq!(security_group(&bare, "f", None).unwrap(), "g-1");
        resources.push(("aws_lambda_function", "f", network));
        let used = state(&resources);
        assert_eq!(subnets_of(&used), ["s-2"]);
        assert_eq!(security_group(&used, "f", None).unwrap(), "g-2");
    }

    #[test]
    fn parameters_have_what_their_names_begin_with() {
        let named = |name: &str| json!({"name": name});
        let two = state(&[
            ("aws_ssm_parameter", "a", named("/shop/net/vpc")),
            ("aws_ssm_parameter", "b", named("/shop/sg")),
        ]);
        assert_eq!(parameters(&two, "f", None).unwrap(), "/shop/");
        assert_eq!(parameters(&two, "f", Some("/x/")).unwrap(), "/x/");
    }
}

//! Who a deployer is.

use ringfence_wire::Service;
use serde_json::{Value, json};

use super::{Actor, FactsError, ask, member};
use crate::config::{Deployer, DeployerIdentity};
use crate::terraform::{OutputError, Outputs};

/// The ARN of a deployer's role or user. A user may be named by its name alone, as outputs
/// and CloudFormation's `Ref` give it.
pub(super) async fn arn_of(
    deployer: &Deployer,
    outputs: &Outputs,
    platform: &Actor,
) -> Result<String, FactsError> {
    const READ: &str = "GetUser";
    let found = named(&deployer.identity, deployer.name.get_ref(), outputs)?;
    if found.starts_with("arn:") || !deployer.identity.is_user() {
        return Ok(found);
    }
    let user = ask(platform, Service::Iam, READ, json!({"UserName": found})).await?;
    member(user.get("User").unwrap_or(&Value::Null), READ, "Arn")
}

/// What the configuration names: a role's or a user's, and no other ARN.
fn named(
    identity: &DeployerIdentity,
    deployer: &str,
    outputs: &Outputs,
) -> Result<String, OutputError> {
    let field = format!("deployers.{deployer}.{}", identity.field());
    let found = match identity {
        DeployerIdentity::Role(named) => outputs.text_of(&field, named)?,
        DeployerIdentity::User(named) => outputs.arn_of(&field, named)?,
    };
    let word = identity.word();
    if found.starts_with("arn:") && !found.contains(&format!(":{word}/")) {
        let named = identity.named();
        let found = format!("`{named}` as `{found}`, which is no {word}");
        return Err(OutputError::Resource { field, found });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::terraform::Instance;

    fn outputs() -> Outputs {
        let one = |kind: &str, id: &str, arn: &str| {
            json!({"mode": "managed", "type": kind, "name": "ci",
                "instances": [{"attributes": {"id": id, "arn": arn}}]})
        };
        let (user, role) = ("arn:aws:iam::1:user/x/ci", "arn:aws:iam::1:role/ci");
        let made = json!({"resources": [
            one("aws_iam_user", "ci", user), one("aws_iam_role", "ci", role),
        ]});
        let values = [("name".to_owned(), "ci".into()), ("arn".to_owned(), user.into())];
        Outputs::new(values.into()).with_resources(Instance::of(&made))
    }

    #[rstest]
    #[case::by_address("aws_iam_user.ci", Ok("arn:aws:iam::1:user/x/ci"))]
    #[case::by_arn("arn", Ok("arn:aws:iam::1:user/x/ci"))]
    #[case::by_name("name", Ok("ci"))]
    #[case::a_role(
        "aws_iam_role.ci",
        Err(
            "`deployers.d.user_output`: Layer 1 has `aws_iam_role.ci` as \
             `arn:aws:iam::1:role/ci`, which is no user"
        )
    )]
    fn a_user_is_named_by_address_arn_or_name(
        #[case] named_by: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let user = DeployerIdentity::User(named_by.to_owned());
        let found = named(&user, "d", &outputs()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn a_user_is_no_role() {
        let named = |it: &str| named(&DeployerIdentity::Role(it.to_owned()), "d", &outputs());
        assert_eq!(named("aws_iam_role.ci").unwrap(), "arn:aws:iam::1:role/ci");
        let error = named("arn").unwrap_err().to_string();
        assert_eq!(
            error,
            "`deployers.d.role_output`: Layer 1 has `arn` as `arn:aws:iam::1:user/x/ci`, which is \
             no role"
        );
    }
}

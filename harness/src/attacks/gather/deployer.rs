//! Who a deployer is.

use ringfence_wire::Service;
use serde_json::{Value, json};

use super::{Actor, FactsError, ask, member};
use crate::config::{Deployer, DeployerIdentity};
use crate::terraform::{OutputError, Outputs};

/// The ARN of a deployer's role or user. A user may be named by its name alone, as outputs
/// and CloudFormation's `Ref` give it; by either it must be one of the account.
pub(super) async fn arn_of(
    deployer: &Deployer,
    outputs: &Outputs,
    platform: &Actor,
) -> Result<String, FactsError> {
    const READ: &str = "GetUser";
    let found = named(&deployer.identity, deployer.name.get_ref(), outputs)?;
    if !deployer.identity.is_user() {
        return Ok(found);
    }
    // Names of users are unique in an account, whatever their paths:
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
    let name = found.rsplit('/').next().unwrap_or_default();
    let user = ask(platform, Service::Iam, READ, json!({"UserName": name})).await?;
    let arn = member(user.get("User").unwrap_or(&Value::Null), READ, "Arn")?;
    Ok(of_account(deployer, found, arn)?)
}

/// The user of the account, where it is the one that was found.
fn of_account(deployer: &Deployer, found: String, arn: String) -> Result<String, OutputError> {
    if !found.starts_with("arn:") || found == arn {
        return Ok(arn);
    }
    let (name, identity) = (deployer.name.get_ref(), &deployer.identity);
    let field = format!("deployers.{name}.{}", identity.field());
    let named = identity.named();
    let found = format!(
        "`{named}` as `{found}`, which is no user of the account: its user of that name is `{arn}`"
    );
    Err(OutputError::Resource { field, found })
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

    use std::path::Path;

    use super::*;
    use crate::config::Config;
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

    /// That the account has a user of the same name does not make it the same user.
    #[rstest]
    #[case::its_name("ci", true)]
    #[case::itself("arn:aws:iam::111111111111:user/ci", true)]
    #[case::of_another_account("arn:aws:iam::999999999999:user/ci", false)]
    #[case::of_another_path("arn:aws:iam::111111111111:user/x/ci", false)]
    fn a_user_is_of_the_account(#[case] found: &str, #[case] is_it: bool) {
        let text = "[account]\nid = \"111111111111\"\n[[issuers]]\nkind = \"github\"\n\
             url = \"https://token.actions.githubusercontent.com\"\n\
             [[apps]]\nname = \"a\"\ndirectory = \"a\"\nrepository = \"o/a\"\n\
             [[deployers]]\nname = \"d\"\napp = \"a\"\njob = \"code\"\nuser_output = \"u\"\n";
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        let own = "arn:aws:iam::111111111111:user/ci";
        let user = of_account(&config.deployers[0], found.to_owned(), own.to_owned());
        let expected = match is_it {
            true => Ok(own.to_owned()),
            false => Err(format!(
                "`deployers.d.user_output`: Layer 1 has `u` as `{found}`, which is no user of the \
                 account: its user of that name is `{own}`"
            )),
        };
        assert_eq!(user.map_err(|error| error.to_string()), expected);
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

//! The ARNs and names in a simulation: of whom, of which account, of what.

use ringfence_models::Partition;
use ringfence_policy::Principal;
use ringfence_wire::ServiceError;

use super::error::invalid;

/// An entity of IAM that has policies of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entity<'a> {
    pub(super) arn: &'a str,
    pub(super) account: &'a str,
    /// `user`, `group` or `role`.
    pub(super) kind: &'a str,
    /// Without its path.
    pub(super) name: &'a str,
}

impl<'a> Entity<'a> {
    /// Reads `arn:PARTITION:iam::ACCOUNT:KIND/PATH/NAME`.
    pub(super) fn parse(arn: &'a str) -> Option<Self> {
        let [_, service, region, account, resource] = parts(arn)?;
        let (kind, path) = resource.split_once('/')?;
        let name = path.rsplit('/').next()?;
        let known = matches!(kind, "user" | "group" | "role");
        let plain = !name.is_empty() && !arn.contains(['*', '?', ' ']);
        (service == "iam" && region.is_empty() && is_account_id(account) && known && plain)
            .then_some(Self { arn, account, kind, name })
    }

    /// Who calls, where nobody else is named. A group calls nothing itself: it
    /// stands for a member whom no policy names.
    pub(super) fn principal(&self) -> Principal {
        match self.kind {
            "role" => {
                let [partition, ..] = parts(self.arn).unwrap_or_default();
                let (account, name) = (self.account, self.name);
                Principal::RoleSession {
                    role_arn: self.arn.to_owned(),
                    // Without a session's name: no policy can name it.
                    session_arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/"),
                }
            }
            _ => Principal::User { arn: self.arn.to_owned() },
        }
    }
}

/// Partition, service, region, account and resource.
fn parts(arn: &str) -> Option<[&str; 5]> {
    let mut parts = arn.splitn(6, ':');
    if !parts.next()?.eq_ignore_ascii_case("arn") {
        return None;
    }
    Some([parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?])
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// The account that a resource's ARN names, where it names one.
pub(super) fn account(arn: &str) -> Option<&str> {
    parts(arn).map(|[_, _, _, account, _]| account).filter(|account| is_account_id(account))
}

/// "You can specify the ARN of an IAM user, group, or role. You cannot specify
/// the ARN of an assumed role, federated user, or a service principal"
/// (`CallerArn` in the API reference).
pub(super) fn caller(arn: &str, partition: Partition) -> Result<Entity<'_>, ServiceError> {
    Entity::parse(arn).ok_or_else(|| {
        invalid(format!(
            "Invalid caller - Caller must be an IAM user, group or role in this context: \
             CallerArn is `{arn}`, write arn:{partition}:iam::ACCOUNT:user/NAME"
        ))
    })
}

/// "An ARN representing the account ID that specifies the owner of any
/// simulated resource that does not identify its owner in the resource ARN":
/// `arn:aws:iam::111122223333:root`. The reference of `SimulatePrincipalPolicy`
/// calls it an account ID, so that is taken too.
pub(super) fn owner(text: &str, partition: Partition) -> Result<&str, ServiceError> {
    let account = match parts(text) {
        Some([_, "iam", "", account, "root"]) => account,
        _ => text,
    };
    if is_account_id(account) {
        return Ok(account);
    }
    Err(invalid(format!(
        "Invalid ResourceOwner `{text}`: write the ARN of an account, such as \
         arn:{partition}:iam::111122223333:root"
    )))
}

/// "Each operation must include the service identifier, such as
/// `iam:CreateUser`. This operation does not support using wildcards (*) in an
/// action name." Whether there is such a service is not asked.
pub(super) fn action(name: &str) -> Result<(), ServiceError> {
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let formed = name.split_once(':').is_some_and(|(service, name)| word(service) && word(name));
    if formed && (3..=128).contains(&name.len()) {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid ActionNames entry `{name}`: write service:Action, such as iam:CreateUser, \
         without wildcards"
    )))
}

/// An ARN of any service, or `*`.
pub(super) fn resource(arn: &str) -> Result<(), ServiceError> {
    if (arn == "*" || parts(arn).is_some()) && arn.len() <= 2048 {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid ResourceArns entry `{arn}`: write an ARN with its six parts, or * where the \
         action takes no resource"
    )))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:iam::111122223333:user/alice", "user", "alice")]
    #[case("arn:aws:iam::111122223333:group/a/b/team", "group", "team")]
    #[case("arn:aws-cn:iam::111122223333:role/app", "role", "app")]
    fn an_entity_is_read_with_its_name(#[case] arn: &str, #[case] kind: &str, #[case] name: &str) {
        let account = "111122223333";
        assert_eq!(Entity::parse(arn), Some(Entity { arn, account, kind, name }));
    }

    #[rstest]
    #[case::an_assumed_role("arn:aws:sts::111122223333:assumed-role/app/s")]
    #[case::a_federated_user("arn:aws:sts::111122223333:federated-user/alice")]
    #[case::a_service("lambda.amazonaws.com")]
    #[case::the_root("arn:aws:iam::111122223333:root")]
    #[case::no_account("arn:aws:iam:::user/alice")]
    #[case::no_name("arn:aws:iam::111122223333:user/")]
    #[case::a_wildcard("arn:aws:iam::111122223333:user/a*")]
    fn a_caller_is_a_user_a_group_or_a_role(#[case] arn: &str) {
        let error = caller(arn, Partition::default()).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
        assert_eq!(
            error.message,
            format!(
                "Invalid caller - Caller must be an IAM user, group or role in this context: \
                 CallerArn is `{arn}`, write arn:aws:iam::ACCOUNT:user/NAME"
            )
        );
        for entity in ["user/path/alice", "role/app", "group/team"] {
            assert!(
                caller(&format!("arn:aws:iam::111122223333:{entity}"), Partition::default())
                    .is_ok()
            );
        }
    }

    #[rstest]
    #[case("arn:aws:iam::111122223333:root", true)]
    #[case("111122223333", true)]
    #[case("arn:aws:iam::111122223333:user/alice", false)]
    #[case("arn:aws:iam::1111:root", false)]
    #[case("", false)]
    fn an_owner_is_an_account(#[case] text: &str, #[case] valid: bool) {
        match owner(text, Partition::default()) {
            Ok(account) => assert_eq!((account, valid), ("111122223333", true)),
            Err(error) => {
                assert!(!valid, "{error}");
                assert!(error.message.starts_with("Invalid ResourceOwner `"), "{error}");
            }
        }
    }

    #[rstest]
    #[case("s3:GetObject", true)]
    #[case("someservice:DoIt", true)]
    #[case("s3:Get*", false)]
    #[case("*", false)]
    #[case("GetObject", false)]
    #[case("s3:", false)]
    #[case("s3:a:b", false)]
    #[case("s3:Get Object", false)]
    fn an_action_has_its_service_and_no_wildcard(#[case] name: &str, #[case] valid: bool) {
        assert_eq!(action(name).is_ok(), valid);
        assert!(action(&format!("s3:{}", "a".repeat(125))).is_ok());
        assert!(action(&format!("s3:{}", "a".repeat(126))).is_err());
    }

    #[rstest]
    #[case("*", true)]
    #[case("arn:aws:s3:::b/*", true)]
    #[case("arn:aws:none:of:this:exists:at:all", true)]
    #[case("b/k", false)]
    #[case("arn:aws:s3", false)]
    #[case("", false)]
    fn a_resource_is_an_arn_or_everything(#[case] arn: &str, #[case] valid: bool) {
        assert_eq!(resource(arn).is_ok(), valid);
    }
}

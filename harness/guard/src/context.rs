//! The global condition keys: what AWS puts into the context of every request.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::net::IpAddr;

use ringfence_policy::Context;
use ringfence_services::credentials::{ClaimValues, Identity, Session};
use ringfence_wire::{Call, Service};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::requirements::state::Tags;
use crate::signing::Arrival;

/// The circumstances of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    /// Where it comes from.
    pub(crate) source_ip: IpAddr,
    /// Its `User-Agent`.
    pub(crate) user_agent: Option<&'a str>,
    /// Its `Referer`.
    pub(crate) referer: Option<&'a str>,
    /// How it arrived; a question did not.
    pub(crate) arrival: Option<Arrival<'a>>,
    /// When it arrived.
    pub(crate) now: OffsetDateTime,
}

/// The global keys of a request. `tags` are the principal's own; the session's
/// come over them.
pub(crate) fn global(
    region: &str,
    caller: &Session,
    tags: &Tags,
    circumstances: &Circumstances<'_>,
) -> Context {
    let mut context = Context::new();
    context.set("aws:RequestedRegion", region);
    context.set("aws:CurrentTime", rfc3339(circumstances.now));
    context.set("aws:EpochTime", circumstances.now.unix_timestamp().to_string());
    // Clients believe that they talk to AWS's endpoint, which is https only;
    // the loopback between them and the guard stands in for that TLS.
    context.set("aws:SecureTransport", "true");
    if let Some(user_agent) = circumstances.user_agent {
        context.set("aws:UserAgent", user_agent);
    }
    if let Some(referer) = circumstances.referer {
        context.set("aws:Referer", referer);
    }
    called_via(&mut context, caller);
    if caller.called_via.is_empty() && !matches!(caller.identity, Identity::Service { .. }) {
        // A service that acts for a caller shows an address of its own.
        context.set("aws:SourceIp", circumstances.source_ip.to_string());
    }
    principal(&mut context, caller, tags);
    unknown(&mut context, caller);
    context
}

/// Global keys that some requests have, and of which nothing is known here.
/// [`ABSENT`] has those that no request has here.
fn unknown(context: &mut Context, caller: &Session) {
    // Whether the account is in an organization, and in which, is not configured.
    if caller.identity.account_id().is_some() {
        for key in ["ID", "MasterAccountId", "Paths"] {
            context.set_unknown(&format!("aws:PrincipalOrg{key}"));
        }
    }
    context.set_unknown("aws:ResourceOrgID").set_unknown("aws:ResourceOrgPaths");
    // Each is there "for all requests, including anonymous requests", and no page says what it
    // holds where neither somebody of an account nor nobody asks
    // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltype>).
    if matches!(caller.identity, Identity::Service { .. } | Identity::WebIdentity(_)) {
        for key in ["aws:PrincipalAccount", "aws:PrincipalType", "aws:userid"] {
            context.set_unknown(key);
        }
    }
    match &caller.identity {
        Identity::Service { source_account: Some(_), .. } => {
            context.set_unknown("aws:SourceOrgID").set_unknown("aws:SourceOrgPaths");
        }
        // The function whose code calls; its session does not tell which.
        Identity::Role(session)
            if session.assumed_by.as_deref() == Some("lambda.amazonaws.com") =>
        {
            context.set_unknown("lambda:SourceFunctionArn");
        }
        _ => {}
    }
}

/// Global keys that no request has here, and why.
#[cfg(test)]
pub(crate) const ABSENT: &[(&str, &str)] = &[
    ("aws:AssumedRoot", "nobody takes a session by AssumeRoot, which is not served"),
    // https://docs.aws.amazon.com/agent-toolkit/latest/userguide/security_iam_id-based-policy-examples.html
    ("aws:CalledViaAWSMCP", "nobody calls through AWS's MCP servers"),
    ("aws:ChatbotSourceArn", "nobody calls from a chat"),
    ("aws:Ec2InstanceSourcePrivateIPv4", "no instance hands out credentials"),
    ("aws:Ec2InstanceSourceVpc", "no instance hands out credentials"),
    // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSMcpServiceActionsFullAccess.html
    ("aws:IsMcpServiceAction", "the actions of MCP servers are not served"),
    ("aws:MultiFactorAuthAge", "nobody signs in with MFA; aws:MultiFactorAuthPresent is set"),
    ("aws:SignInSessionArn", "nobody signs in at the console"),
    // https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    ("aws:SourceOwner", "only services that publish to SNS give it, which is not served"),
    ("aws:SourceVpc", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:SourceVpcArn", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:SourceVpce", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:ViaAWSMCPService", "nobody calls through AWS's MCP servers"),
    ("aws:VpceAccount", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:VpceOrgID", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:VpceOrgPaths", "unknown where a VPC endpoint is stated, and no other request has it"),
    ("aws:VpcSourceIp", "unknown where a VPC endpoint is stated, and no other request has it"),
    // "verify whether a call to your resource came from a specific build project":
    // https://docs.aws.amazon.com/codebuild/latest/userguide/permissions-conditionkeys-variables.html
    ("codebuild:BuildArn", "no build of CodeBuild runs"),
    ("codebuild:ProjectArn", "no build of CodeBuild runs"),
    ("ec2:RoleDelivery", "no instance hands out credentials"),
    ("ec2:SourceInstanceArn", "no instance hands out credentials"),
    // "to each role session that AWS Glue makes available to the job":
    // https://docs.aws.amazon.com/glue/latest/dg/security_iam_id-based-policy-examples.html
    ("glue:CredentialIssuingService", "no job of Glue runs"),
    ("glue:RoleAssumedBy", "no job of Glue runs"),
    ("identitystore:UserId", "no session comes from IAM Identity Center"),
    ("ssm:SourceInstanceArn", "no instance hands out credentials"),
];

fn called_via(context: &mut Context, caller: &Session) {
    let via = &caller.called_via;
    context.set("aws:ViaAWSService", (!via.is_empty()).to_string());
    if let (Some(first), Some(last)) = (via.first(), via.last()) {
        context.set_list("aws:CalledVia", via.iter().cloned());
        context.set("aws:CalledViaFirst", first);
        context.set("aws:CalledViaLast", last);
    }
}

fn principal(context: &mut Context, caller: &Session, tags: &Tags) {
    let identity = &caller.identity;
    if let Some(account) = identity.account_id() {
        context.set("aws:PrincipalAccount", account);
    }
    // "for all signed API requests that use AWS credentials" (
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice>);
    // a token of a web identity comes without.
    if !matches!(identity, Identity::Anonymous | Identity::WebIdentity(_)) {
        let is_service = matches!(identity, Identity::Service { .. });
        context.set("aws:PrincipalIsAWSService", is_service.to_string());
    }
    for (key, value) in tags {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    match identity {
        Identity::Root { .. } => {
            context.set("aws:PrincipalType", "Account");
            context.set("aws:PrincipalArn", identity.arn());
            context.set("aws:userid", identity.user_id());
        }
        Identity::User { name, .. } => {
            context.set("aws:PrincipalType", "User");
            context.set("aws:PrincipalArn", identity.arn());
            context.set("aws:userid", identity.user_id());
            context.set("aws:username", name);
        }
        Identity::Role(session) => {
            context.set("aws:PrincipalType", "AssumedRole");
            // The role's ARN, with its path, not the session's.
            context.set("aws:PrincipalArn", &session.role_arn);
            context.set("aws:userid", identity.user_id());
            for (key, value) in &session.tags {
                context.set(&format!("aws:PrincipalTag/{key}"), value);
            }
            if let Some(source_identity) = &session.source_identity {
                context.set("aws:SourceIdentity", source_identity);
            }
            if let Some(provider) = &session.federated_provider {
                context.set("aws:FederatedProvider", provider);
            }
            claims(context, &session.web_keys);
        }
        // No aws:username, which is the user's, nor aws:FederatedProvider: no
        // provider vouched for the name.
        // - <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
        // - <https://repost.aws/knowledge-center/iam-policy-variables-federated>
        Identity::FederatedUser(session) => {
            context.set("aws:PrincipalType", "FederatedUser");
            // The session's, not the user's.
            context.set("aws:PrincipalArn", identity.arn());
            context.set("aws:userid", identity.user_id());
            // "the session tag passed in the request takes precedence over the
            // user tag"
            // (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>)
            for (key, value) in &session.tags {
                context.set(&format!("aws:PrincipalTag/{key}"), value);
            }
        }
        Identity::Service { principal, source_arn, source_account } => {
            context.set("aws:PrincipalServiceName", principal);
            context.set_list("aws:PrincipalServiceNamesList", [principal]);
            if let Some(arn) = source_arn {
                context.set("aws:SourceArn", arn);
            }
            if let Some(account) = source_account {
                context.set("aws:SourceAccount", account);
            }
        }
        Identity::WebIdentity(web) => {
            context.set("aws:FederatedProvider", &web.provider_arn);
            claims(context, &web.keys);
        }
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalaccount>,
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>
        Identity::Anonymous => {
            context.set("aws:PrincipalType", "Anonymous");
            context.set("aws:PrincipalAccount", "anonymous");
            context.set("aws:userid", "anonymous");
        }
    }
    let issued_at = caller.token_issued_at();
    if let Some(issued_at) = issued_at {
        context.set("aws:TokenIssueTime", rfc3339(issued_at));
    }
    // Present for temporary credentials only, "not present for federated identities" (
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent>),
    // and none here came with MFA. Services act for users with such credentials too ("the
    // service re-uses the user's credentials … AWS uses temporary credentials", same page).
    let for_user = caller.expiration.is_some() && matches!(identity, Identity::User { .. });
    let is_federated = match identity {
        Identity::FederatedUser(_) => true,
        // A role that such a session takes is assumed with temporary credentials.
        Identity::Role(session) => !session.web_keys.is_empty(),
        _ => false,
    };
    if (issued_at.is_some() || for_user) && !is_federated {
        context.set("aws:MultiFactorAuthPresent", "false");
    }
}

/// The keys of a web identity's claims.
fn claims(context: &mut Context, keys: &[(String, ClaimValues)]) {
    for (key, values) in keys {
        match values {
            ClaimValues::One(value) => context.set(key, value),
            ClaimValues::Many(values) => context.set_list(key, values.iter().cloned()),
        };
    }
}

/// The region that a call asks for: IAM is global and lives in us-east-1.
pub(crate) fn requested_region(call: &Call) -> &str {
    if call.service() == Service::Iam { "us-east-1" } else { &call.region }
}

pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ringfence_policy::request::Values;
    use ringfence_services::Keyring;
    use ringfence_services::credentials::{FederatedUser, LongTerm, RoleSession};

    use super::*;

    fn role() -> Identity {
        Identity::Role(Box::new(RoleSession {
            role_arn: "arn:aws:iam::123456789012:role/team/app".into(),
            role_name: "app".into(),
            role_id: "AROAEXAMPLE".into(),
            session_name: "s".into(),
            session_policies: None,
            tags: vec![("team".into(), "session".into())],
            transitive_tag_keys: Vec::new(),
            source_identity: Some("alice".into()),
            web_keys: Vec::new(),
            federated_provider: None,
            assumed_by: None,
            issued_at: OffsetDateTime::UNIX_EPOCH,
        }))
    }

    fn keys(caller: &Session) -> Context {
        let circumstances = Circumstances {
            source_ip: IpAddr::from([127, 0, 0, 1]),
            referer: None,
            arrival: None,
            user_agent: Some("Boto3/1"),
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let tags = vec![("team".into(), "role".into()), ("cost".into(), "7".into())];
        global("eu-west-1", caller, &tags, &circumstances)
    }

    fn one(context: &Context, key: &str) -> Option<String> {
        match context.get(key)? {
            Values::One(value) => Some(value.clone()),
            Values::Many(values) => Some(values.join(",")),
        }
    }

    #[test]
    fn a_role_session_shows_the_roles_arn_and_its_own_tags_over_the_roles() {
        let expiration = Some(OffsetDateTime::UNIX_EPOCH);
        let context = keys(&Session { expiration, ..Session::direct(role()) });
        let expected = [
            ("aws:PrincipalArn", "arn:aws:iam::123456789012:role/team/app"),
            ("aws:PrincipalType", "AssumedRole"),
            ("aws:PrincipalAccount", "123456789012"),
            ("aws:PrincipalTag/team", "session"),
            ("aws:PrincipalTag/cost", "7"),
            ("aws:userid", "AROAEXAMPLE:s"),
            ("aws:SourceIdentity", "alice"),
            ("aws:TokenIssueTime", "1970-01-01T00:00:00Z"),
            ("aws:MultiFactorAuthPresent", "false"),
            ("aws:SourceIp", "127.0.0.1"),
            ("aws:ViaAWSService", "false"),
            ("aws:SecureTransport", "true"),
            ("aws:RequestedRegion", "eu-west-1"),
            ("aws:PrincipalIsAWSService", "false"),
        ];
        for (key, value) in expected {
            assert_eq!(one(&context, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(one(&context, "aws:username"), None);
        assert_eq!(one(&context, "aws:CalledVia"), None);
    }

    /// A role's policy may ask who came: `PROVIDER:sub` and `:aud` stand in each later
    /// request of the session, and in none of another's.
    #[test]
    fn a_web_identitys_session_shows_its_subject_and_audience() {
        let (subject, audience) = ("accounts.example.com:sub", "accounts.example.com:aud");
        let Identity::Role(mut session) = role() else { panic!() };
        session.federated_provider = Some("arn:p".to_owned());
        let chained = keys(&Session::direct(Identity::Role(session.clone())));
        assert_eq!(one(&chained, "aws:MultiFactorAuthPresent").as_deref(), Some("false"));
        session.web_keys = vec![
            (subject.to_owned(), ClaimValues::One("team-a".to_owned())),
            (audience.to_owned(), ClaimValues::One("app".to_owned())),
        ];
        let context = keys(&Session::direct(Identity::Role(session)));
        assert_eq!(one(&context, subject).as_deref(), Some("team-a"));
        assert_eq!(one(&context, audience).as_deref(), Some("app"));
        assert_eq!(one(&context, "aws:FederatedProvider").as_deref(), Some("arn:p"));
        assert_eq!(one(&context, "aws:MultiFactorAuthPresent"), None);
        let context = keys(&Session::direct(role()));
        assert_eq!(one(&context, subject), None);
        assert_eq!(one(&context, "aws:MultiFactorAuthPresent").as_deref(), Some("false"));
    }

    fn alice() -> LongTerm {
        LongTerm::User {
            arn: "arn:aws:iam::123456789012:user/alice".into(),
            name: "alice".into(),
            user_id: "AIDAEXAMPLE".into(),
        }
    }

    #[test]
    fn a_federated_user_shows_its_own_arn_and_its_tags_over_the_users() {
        let context = keys(&Session::direct(Identity::FederatedUser(Box::new(FederatedUser {
            name: "bob".into(),
            federator: alice(),
            session_policies: None,
            tags: vec![("Team".into(), "session".into())],
            issued_at: OffsetDateTime::UNIX_EPOCH,
        }))));
        let expected = [
            ("aws:PrincipalArn", "arn:aws:sts::123456789012:federated-user/bob"),
            ("aws:PrincipalType", "FederatedUser"),
            ("aws:PrincipalAccount", "123456789012"),
            ("aws:PrincipalTag/team", "session"),
            ("aws:PrincipalTag/cost", "7"),
            ("aws:userid", "123456789012:bob"),
            ("aws:TokenIssueTime", "1970-01-01T00:00:00Z"),
            ("aws:PrincipalIsAWSService", "false"),
        ];
        for (key, value) in expected {
            assert_eq!(one(&context, key).as_deref(), Some(value), "{key}");
        }
        let absent = ["aws:username", "aws:FederatedProvider", "aws:SourceIdentity"];
        for absent in absent.into_iter().chain(["aws:MultiFactorAuthPresent"]) {
            assert_eq!(one(&context, absent), None, "{absent}");
        }
    }

    /// Long-term credentials have neither key; a service acts for a user with
    /// temporary ones.
    #[test]
    fn a_session_token_shows_when_it_was_issued() {
        let keyring = Keyring::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        let long_term = Session::direct(alice().into());
        let find = |key: &str| keyring.find(key).unwrap().session;
        let token = keyring.session_token(alice(), now, now).unwrap();
        let token = find(&token.access_key_id);
        let forward = keyring.forward(&long_term, "cloudformation.amazonaws.com", now).unwrap();
        let issued = Some("1970-01-01T00:00:00Z");
        for (caller, issued, mfa) in [
            (&long_term, None, None),
            (&token, issued, Some("false")),
            (&find(&forward.access_key_id), None, Some("false")),
        ] {
            let context = keys(caller);
            assert_eq!(one(&context, "aws:TokenIssueTime").as_deref(), issued);
            assert_eq!(one(&context, "aws:MultiFactorAuthPresent").as_deref(), mfa);
            assert_eq!(one(&context, "aws:username").as_deref(), Some("alice"));
            assert_eq!(one(&context, "aws:PrincipalType").as_deref(), Some("User"));
        }
    }

    #[test]
    fn a_forwarded_call_names_its_services_and_hides_the_address() {
        let called_via = vec!["cloudformation.amazonaws.com".into(), "lambda.amazonaws.com".into()];
        let context = keys(&Session { called_via, ..Session::direct(role()) });
        assert_eq!(one(&context, "aws:ViaAWSService").as_deref(), Some("true"));
        assert_eq!(
            one(&context, "aws:CalledVia").as_deref(),
            Some("cloudformation.amazonaws.com,lambda.amazonaws.com")
        );
        assert_eq!(
            one(&context, "aws:CalledViaFirst").as_deref(),
            Some("cloudformation.amazonaws.com")
        );
        assert_eq!(one(&context, "aws:CalledViaLast").as_deref(), Some("lambda.amazonaws.com"));
        assert_eq!(one(&context, "aws:SourceIp"), None);
    }

    #[test]
    fn a_service_shows_on_whose_behalf_it_calls() {
        let context = keys(&Session::direct(Identity::Service {
            principal: "apigateway.amazonaws.com".into(),
            source_arn: Some("arn:aws:execute-api:eu-west-1:123456789012:a/*".into()),
            source_account: Some("123456789012".into()),
        }));
        assert_eq!(one(&context, "aws:PrincipalIsAWSService").as_deref(), Some("true"));
        assert_eq!(
            one(&context, "aws:PrincipalServiceName").as_deref(),
            Some("apigateway.amazonaws.com")
        );
        assert_eq!(one(&context, "aws:SourceAccount").as_deref(), Some("123456789012"));
        assert_eq!(one(&context, "aws:SourceIp"), None);
        assert_eq!(one(&context, "aws:PrincipalArn"), None);
        for unknown in ["aws:PrincipalAccount", "aws:PrincipalType", "aws:userid"] {
            assert!(context.is_unknown(unknown), "{unknown}");
        }
    }

    /// What is not signed is of nobody, and says so.
    #[test]
    fn nobody_is_anonymous_and_says_nothing_of_services() {
        let context = keys(&Session::direct(Identity::Anonymous));
        for (key, value) in [
            ("aws:PrincipalAccount", Some("anonymous")),
            ("aws:PrincipalType", Some("Anonymous")),
            ("aws:userid", Some("anonymous")),
            ("aws:PrincipalArn", None),
            ("aws:PrincipalIsAWSService", None),
            ("aws:PrincipalServiceName", None),
            ("aws:username", None),
        ] {
            assert_eq!(one(&context, key).as_deref(), value, "{key}");
        }
    }

    /// Of every caller, each global key is set, absent for a reason, or unknown.
    #[test]
    fn every_global_key_is_set_absent_for_a_reason_or_unknown() {
        let service = |source_account| Identity::Service {
            principal: "apigateway.amazonaws.com".into(),
            source_arn: Some("arn:aws:execute-api:eu-west-1:123456789012:a/*".into()),
            source_account,
        };
        let Identity::Role(mut function) = role() else { panic!("a role") };
        function.assumed_by = Some("lambda.amazonaws.com".into());
        function.federated_provider = Some("arn:aws:iam::123456789012:oidc-provider/p".into());
        let via = Session {
            called_via: vec!["cloudformation.amazonaws.com".into()],
            ..Session::direct(Identity::Role(function))
        };
        let others = [role(), alice().into(), service(Some("1".into()))];
        let callers = std::iter::once(via).chain(others.map(Session::direct));
        let contexts: Vec<Context> = callers.map(|caller| keys(&caller)).collect();
        for key in ringfence_policy::catalog::global_keys() {
            let name = key.replace("${TagKey}", "team");
            // Set where the resource is known.
            if ["aws:ResourceAccount", "aws:Referer"].contains(&key) {
                continue;
            }
            let told = contexts.iter().any(|c| c.get(&name).is_some() || c.is_unknown(&name));
            let absent = ABSENT.iter().any(|(absent, _)| *absent == key);
            assert!(told != absent, "{key}: set or unknown {told}, absent {absent}");
        }
    }

    #[test]
    fn whether_an_account_is_in_an_organization_is_unknown() {
        let unknown = |identity: Identity| {
            keys(&Session::direct(identity)).unknown().collect::<Vec<String>>()
        };
        let resource = ["aws:resourceorgid", "aws:resourceorgpaths"];
        let own =
            ["aws:principalorgid", "aws:principalorgmasteraccountid", "aws:principalorgpaths"];
        assert_eq!(unknown(alice().into()), [&own[..], &resource].concat());
        assert_eq!(unknown(Identity::Anonymous), resource);
    }
}

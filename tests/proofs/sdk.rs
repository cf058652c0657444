//! AWS's own SDK for Rust, unchanged but for its endpoint, reads the guard's
//! answers as AWS's.

use aws_credential_types::Credentials;
use aws_sdk_apigatewayv2::error::ProvideErrorMetadata as _;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use ringfence::attacks::Suite;

use crate::stack::{with_empty_fixture, with_fixture};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn iam_refuses_the_unbounded_role_and_creates_the_bounded_one() {
    with_fixture(async |stack| {
        let iam = aws_sdk_iam::Client::new(&stack.deployer("high-perm").await.unwrap());
        let name = "app-service-a-sdk";
        let create = || iam.create_role().role_name(name).assume_role_policy_document(TRUST);
        let error = create().send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("AccessDenied"));
        let message = error.message().unwrap();
        assert!(
            message.contains(
                "is not authorized to perform: iam:CreateRole on resource: \
                 arn:aws:iam::123456789012:role/app-service-a-sdk \
                 with an explicit deny in a permissions boundary"
            ),
            "{message}"
        );
        let boundary = stack.output("lambda_permission_boundary_arn").unwrap();
        let created = create().permissions_boundary(&boundary).send().await.unwrap();
        let role = created.role().unwrap();
        assert_eq!(role.role_name(), name);
        let read = iam.get_role().role_name(name).send().await.unwrap();
        let attached = read.role().unwrap().permissions_boundary().unwrap();
        assert_eq!(attached.permissions_boundary_arn(), Some(boundary.as_str()));
        iam.delete_role().role_name(name).send().await.unwrap();
        let gone = iam.get_role().role_name(name).send().await.unwrap_err().into_service_error();
        assert_eq!(gone.code(), Some("NoSuchEntity"));
    });
}

/// What the platform asks before it lets somebody deploy, and what then happens.
#[test]
fn the_policy_simulator_foretells_what_a_deployer_may_create() {
    with_fixture(async |stack| {
        let root = aws_sdk_iam::Client::new(&stack.root());
        let source = stack.output("high_perm_deployer_role_arns.service-a").unwrap();
        let boundary = stack.output("lambda_permission_boundary_arn").unwrap();
        let name = "app-service-a-simulated";
        let arn = format!("arn:aws:iam::123456789012:role/{name}");
        let iam = aws_sdk_iam::Client::new(&stack.deployer("high-perm").await.unwrap());
        for bounded in [true, false] {
            let entry = ContextEntry::builder()
                .context_key_name("iam:PermissionsBoundary")
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(&boundary)
                .build();
            let answer = root
                .simulate_principal_policy()
                .policy_source_arn(&source)
                .action_names("iam:CreateRole")
                .resource_arns(&arn)
                .set_context_entries(bounded.then(|| vec![entry]))
                .send()
                .await
                .unwrap();
            let [result] = answer.evaluation_results() else { panic!("{answer:?}") };
            assert_eq!(result.eval_action_name(), "iam:CreateRole");
            assert_eq!(result.eval_resource_name(), Some(arn.as_str()));
            let limits = result.permissions_boundary_decision_detail().unwrap();
            assert_eq!(limits.allowed_by_permissions_boundary(), bounded);
            let create = iam.create_role().role_name(name).assume_role_policy_document(TRUST);
            let created =
                create.set_permissions_boundary(bounded.then(|| boundary.clone())).send().await;
            assert_eq!(created.is_ok(), bounded, "{created:?}");
            let decision = result.eval_decision();
            if bounded {
                assert_eq!(*decision, PolicyEvaluationDecisionType::Allowed);
                let matched = &result.matched_statements()[0];
                assert!(matched.start_position().unwrap().column() > 0, "{matched:?}");
                iam.delete_role().role_name(name).send().await.unwrap();
            } else {
                assert_eq!(*decision, PolicyEvaluationDecisionType::ExplicitDeny);
                let specific = &result.resource_specific_results()[0];
                let missing = specific.missing_context_values();
                assert!(missing.iter().any(|key| key == "iam:PermissionsBoundary"), "{missing:?}");
            }
        }
    });
}

#[test]
fn lambda_shows_the_code_deployer_its_function_and_refuses_its_configuration() {
    with_fixture(async |stack| {
        let lambda = aws_sdk_lambda::Client::new(&stack.deployer("low-perm").await.unwrap());
        let found = lambda.get_function().function_name("service-b").send().await.unwrap();
        let configuration = found.configuration().unwrap();
        assert_eq!(configuration.handler(), Some("app.handler"));
        assert_eq!(
            configuration.vpc_config().unwrap().subnet_ids().len(),
            2,
            "in both private subnets"
        );
        let error = lambda
            .update_function_configuration()
            .function_name("service-b")
            .memory_size(256)
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        assert_eq!(error.code(), Some("AccessDeniedException"));
        let foreign = lambda
            .get_function()
            .function_name("service-a")
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        assert_eq!(foreign.code(), Some("AccessDeniedException"));
    });
}

#[test]
fn api_gateway_shows_the_routes_and_refuses_an_open_one() {
    with_fixture(async |stack| {
        let gateway =
            aws_sdk_apigatewayv2::Client::new(&stack.deployer("high-perm").await.unwrap());
        let api = stack.api("platform-api").await.unwrap();
        let api = api.id();
        let suite = Suite::of(stack.harness()).await.unwrap();
        let routes = gateway.get_routes().api_id(api).send().await.unwrap();
        assert_eq!(routes.items().len(), suite.facts().routes.len());
        let error = gateway
            .create_route()
            .api_id(api)
            .route_key("GET /sdk")
            .authorization_type(aws_sdk_apigatewayv2::types::AuthorizationType::None)
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        assert_eq!(error.code(), Some("AccessDeniedException"));
        let created = gateway
            .create_route()
            .api_id(api)
            .route_key("GET /sdk")
            .authorization_type(aws_sdk_apigatewayv2::types::AuthorizationType::Jwt)
            .authorizer_id(&suite.facts().authorizer_id)
            .send()
            .await
            .unwrap();
        let id = created.route_id().unwrap();
        gateway.delete_route().api_id(api).route_id(id).send().await.unwrap();
    });
}

const FEDERATOR: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken","lambda:ListFunctions","iam:ListRoles"],"Resource":"*"}]}"#;
const SESSION: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:*","iam:*"],"Resource":"*"}]}"#;

#[test]
fn sts_federates_a_user_who_has_what_its_federator_and_its_session_policy_both_allow() {
    with_empty_fixture(async |stack| {
        let iam = aws_sdk_iam::Client::new(&stack.root());
        iam.create_user().user_name("proxy").send().await.unwrap();
        let put = iam.put_user_policy().user_name("proxy").policy_name("own");
        put.policy_document(FEDERATOR).send().await.unwrap();
        let made = iam.create_access_key().user_name("proxy").send().await.unwrap();
        let made = made.access_key().unwrap();
        let (id, secret) = (made.access_key_id(), made.secret_access_key());
        let proxy = || stack.holder(Credentials::new(id, secret, None, None, "proofs"));
        let sts = aws_sdk_sts::Client::new(&proxy());
        let answer = sts.get_federation_token().name("bob").policy(SESSION).send().await.unwrap();
        let user = answer.federated_user().unwrap();
        let arn = "arn:aws:sts::123456789012:federated-user/bob";
        assert_eq!((user.arn(), user.federated_user_id()), (arn, "123456789012:bob"));
        assert_eq!(answer.packed_policy_size(), Some(2));
        let given = answer.credentials().unwrap();
        let (id, secret) = (given.access_key_id(), given.secret_access_key());
        let token = Some(given.session_token().to_owned());
        let bob = stack.holder(Credentials::new(id, secret, token, None, "proofs"));

        let sts_as_bob = aws_sdk_sts::Client::new(&bob);
        let who = sts_as_bob.get_caller_identity().send().await.unwrap();
        assert_eq!((who.arn(), who.user_id()), (Some(arn), Some("123456789012:bob")));
        let error = sts_as_bob.get_session_token().send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("AccessDenied"));
        assert_eq!(error.message(), Some("Cannot call GetSessionToken with session credentials"));
        sts.get_session_token().send().await.unwrap();

        let lambda = aws_sdk_lambda::Client::new(&bob);
        lambda.list_functions().send().await.unwrap();
        let error = lambda.get_account_settings().send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("AccessDeniedException"));
        let message = error.message().unwrap();
        assert!(message.starts_with(&format!("User: {arn} is not authorized")), "{message}");

        let iam_as_bob = aws_sdk_iam::Client::new(&bob);
        let error = iam_as_bob.list_roles().send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("InvalidClientTokenId"));
        aws_sdk_iam::Client::new(&proxy()).list_roles().send().await.unwrap();
    });
}

/// AWS takes these, the upstream does not: an inline policy without a version
/// and with a number for a value, a trust policy of the former version.
#[test]
fn iam_keeps_documents_of_the_former_version() {
    const OLD_TRUST: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    const INLINE: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10}}}}"#;
    with_empty_fixture(async |stack| {
        let iam = aws_sdk_iam::Client::new(&stack.root());
        let create = iam.create_role().role_name("old").assume_role_policy_document(OLD_TRUST);
        create.send().await.unwrap();
        let put = iam.put_role_policy().role_name("old").policy_name("inline");
        put.policy_document(INLINE).send().await.unwrap();
        let text = |shown: &str| {
            percent_encoding::percent_decode_str(shown).decode_utf8().unwrap().into_owned()
        };
        let role = iam.get_role().role_name("old").send().await.unwrap();
        let trust = role.role().unwrap().assume_role_policy_document().unwrap();
        assert_eq!(text(trust), OLD_TRUST);
        let inline = iam.get_role_policy().role_name("old").policy_name("inline");
        assert_eq!(text(inline.send().await.unwrap().policy_document()), INLINE);
        let managed = iam.create_policy().policy_name("old").policy_document(INLINE);
        let error = managed.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("MalformedPolicyDocument"));
    });
}

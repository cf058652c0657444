//! What templates mean: their functions, what SAM makes of them, and whom `CloudFormation`
//! names.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{document, iam, of, rail, verdict_of};
use crate::stacks::{ARTIFACTS, DATA, DOCUMENT, NAMED, RULE, bucket, role, why, with, with_all};

/// A rail of everybody but one role.
fn rule(action: &str, resource: &str) -> String {
    RULE.replace("s3:PutObject", action).replace("arn:aws:s3:::data/*", resource)
}

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

/// Lambda may.
fn trust() -> String {
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})])
}

/// The verdict of a rail of everybody but one role, and who breaks it, or why that is not
/// known.
fn told(template: &str, more: &[Value], rule: &str) -> (String, String) {
    of_all(&[template], more, rule)
}

fn of_all(templates: &[&str], more: &[Value], rule: &str) -> (String, String) {
    let told = with_all(templates, more, rule);
    let verdict = verdict_of(&told, NAMED).to_owned();
    let who = rail(&told, NAMED)["violations"][0]["identity"].as_str().map(str::to_owned);
    (verdict, who.unwrap_or_else(|| why(&told, NAMED)))
}

#[rstest]
#[case::a_list_of_a_parameter("!Ref Roles", "violated")]
#[case::what_is_put_together("[!Join ['', !Split ['|', 'deploy|er']]]", "violated")]
#[case::one_of_a_list("[!Select [1, !Ref Roles]]", "violated")]
#[case::another_of_the_list("[!Select [0, !Ref Roles]]", "proved")]
#[case::a_list_of_others("!Ref Others", "proved")]
#[case::a_dynamic_reference("['{{resolve:ssm:/role}}']", "undecided")]
#[case::of_which_a_part_is_dynamic("[!Sub '{{resolve:ssm:/role}}-x']", "undecided")]
#[case::a_list_within_a_list("[!Ref Roles]", "undecided")]
fn a_policy_is_whose_the_functions_say(#[case] roles: &str, #[case] verdict: &str) {
    let template = format!(
        "Parameters:\n  Roles: {{Type: CommaDelimitedList, Default: 'worker, deployer'}}\n  Others: {{Type: CommaDelimitedList, Default: 'worker,x'}}\nResources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties: {{PolicyName: p, PolicyDocument: {DOCUMENT}, Roles: {roles}}}\n"
    );
    let told = with(&template, &[], "");
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
    if verdict == "undecided" {
        let why = why(&told, ARTIFACTS);
        assert!(why.ends_with("Resources.P: whose policy it is, is not known"), "{why}");
    }
}

#[rstest]
#[case::a_list_with_it("Allow", "Resource: !Ref With", "violated")]
#[case::a_list_without_it("Allow", "Resource: !Ref Without", "proved")]
#[case::a_published_list("Allow", "Resource: !Ref Published", "violated")]
#[case::a_denial_of_all_but_it("Deny", "NotResource: !Ref With", "violated")]
#[case::a_denial_of_all_but_others("Deny", "NotResource: !Ref Without", "proved")]
#[case::a_dynamic_reference("Allow", "Resource: 'arn:aws:s3:::{{resolve:ssm:/b}}/*'", "undecided")]
#[case::a_denial_of_a_dynamic_reference(
    "Deny",
    "NotResource: 'arn:aws:s3:::{{resolve:ssm:/b}}/*'",
    "undecided"
)]
fn a_list_is_each_of_its_items(
    #[case] effect: &str,
    #[case] resources: &str,
    #[case] verdict: &str,
) {
    let allow = match effect {
        "Deny" => "{Effect: Allow, Action: 's3:PutObject', Resource: '*'}, ",
        _ => "",
    };
    let template = format!(
        "Parameters:\n  With: {{Type: CommaDelimitedList, Default: 'arn:aws:s3:::x/*, arn:aws:s3:::data/*'}}\n  Without: {{Type: 'List<String>', Default: 'arn:aws:s3:::x/*,arn:aws:s3:::y/*'}}\n  Published: {{Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /list}}\n{}",
        role(&format!(
            "RoleName: reader, Policies: [{{PolicyName: p, PolicyDocument: {{Statement: [{allow}{{Effect: {effect}, Action: 's3:PutObject', {resources}}}]}}}}], "
        ))
    );
    let list = resource(
        "aws_ssm_parameter",
        "list",
        json!({"name": "/list", "arn": of("ssm", "parameter/list"),
            "value": "arn:aws:s3:::x/*,arn:aws:s3:::data/*"}),
    );
    assert_eq!(verdict_of(&with(&template, &[list], DATA), "nobody writes data"), verdict);
}

/// A stack is in the configuration's account and region, whatever stands first in the files.
#[test]
fn a_stack_is_where_the_configuration_says() {
    let secret = of("dynamodb", "table/secret");
    let template = |resource: &str| {
        role(&format!(
            "RoleName: reader, Policies: [{{PolicyName: p, PolicyDocument: {{Statement: [{{Effect: Allow, Action: 'dynamodb:PutItem', Resource: {resource}}}]}}}}], "
        ))
    };
    let away = [
        resource(
            "aws_iam_role",
            "audit",
            json!({"name": "audit", "arn": "arn:aws:iam::999999999999:role/audit"}),
        ),
        resource(
            "aws_lambda_function",
            "away",
            json!({"function_name": "away", "arn": "arn:aws:lambda:us-east-1:123456789012:function:away"}),
        ),
        resource(
            "aws_lambda_function",
            "near",
            json!({"function_name": "near", "arn": of("lambda", "function:near")}),
        ),
    ];
    let rule = rule("dynamodb:PutItem", &secret);
    let own = "!Sub 'arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/secret'";
    assert_eq!(told(&template(own), &away, &rule).0, "violated");
    let other = own.replace("secret", "other");
    assert_eq!(told(&template(&other), &away, &rule).0, "proved");
}

/// What SAM makes of a function or a state machine besides what stands there.
#[rstest]
#[case::a_schedule("lambda:InvokeFunction", "Function", SCHEDULE, "violated", "FERole")]
#[case::a_schedule_of_its_own_role(
    "lambda:InvokeFunction",
    "Function",
    "Events: {E: {Type: ScheduleV2, Properties: {ScheduleExpression: 'rate(1 minute)', RoleArn: x}}}",
    "proved",
    ""
)]
#[case::a_schedule_that_invokes_another(
    "lambda:DeleteFunction",
    "Function",
    SCHEDULE,
    "proved",
    ""
)]
#[case::an_old_schedule(
    "lambda:InvokeFunction",
    "Function",
    "Events: {E: {Type: Schedule, Properties: {Schedule: 'rate(1 minute)'}}}",
    "proved",
    ""
)]
#[case::an_event_of_an_unknown_type(
    "lambda:InvokeFunction",
    "Function",
    "Events: {E: {Type: Comet, Properties: {}}}",
    "undecided",
    "FERole: a policy is not known: it hangs on what SAM makes of it (line 4)"
)]
#[case::a_deployment(
    "lambda:UpdateAlias",
    "Function",
    "DeploymentPreference: {Type: AllAtOnce}",
    "violated",
    "CodeDeployServiceRole"
)]
#[case::a_deployment_as_its_own_role(
    "lambda:UpdateAlias",
    "Function",
    "DeploymentPreference: {Type: AllAtOnce, Role: x}",
    "proved",
    ""
)]
#[case::a_deployment_that_is_off(
    "lambda:UpdateAlias",
    "Function",
    "DeploymentPreference: {Enabled: false}",
    "proved",
    ""
)]
#[case::what_starts_a_machine(
    "states:StartExecution",
    "StateMachine",
    "Events: {E: {Type: Schedule, Properties: {Schedule: 'rate(1 minute)'}}}",
    "undecided",
    "all of the policy `states:StartExecution` (line 4) is not known"
)]
#[case::an_api_that_starts_a_machine(
    "states:StartExecution",
    "StateMachine",
    "Events: {E: {Type: Api, Properties: {Path: /x, Method: get}}}",
    "undecided",
    "all of the policy `states:StartExecution` (line 4) is not known"
)]
#[case::what_starts_it_as_its_own_role(
    "states:StartExecution",
    "StateMachine",
    "Events: {E: {Type: Schedule, Properties: {Schedule: 'rate(1 minute)', RoleArn: x}}}",
    "proved",
    ""
)]
#[case::what_starts_it_and_no_more(
    "lambda:InvokeFunction",
    "StateMachine",
    "Events: {E: {Type: Schedule, Properties: {Schedule: 'rate(1 minute)'}}}",
    "proved",
    ""
)]
fn the_roles_that_sam_makes_beside_what_runs_are_asked_about(
    #[case] action: &str,
    #[case] kind: &str,
    #[case] properties: &str,
    #[case] verdict: &str,
    #[case] end: &str,
) {
    let name = if kind == "Function" { "FunctionName: pay" } else { "Name: pay" };
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  # What runs.\n  F:\n    Type: AWS::Serverless::{kind}\n    Properties: {{{name}, Role: '{}', {properties}}}\n",
        iam("role/worker")
    );
    let (found, more) = told(&template, &[], &rule(action, "*"));
    assert_eq!(found, verdict, "{more}");
    assert!(more.ends_with(end), "{more}");
}

const SCHEDULE: &str =
    "Events: {E: {Type: ScheduleV2, Properties: {ScheduleExpression: 'rate(1 minute)'}}}";

/// A function's role is SAM's where it names none, or where a condition may take it away.
#[rstest]
#[case::none("", "violated")]
#[case::none_under_a_condition("Role: !If [C, x, !Ref 'AWS::NoValue'], ", "violated")]
#[case::none_deeper("Role: !If [C, x, !If [D, !Ref 'AWS::NoValue', y]], ", "violated")]
#[case::one_of_two("Role: !If [C, x, y], ", "proved")]
#[case::one("Role: x, ", "proved")]
fn a_role_that_sam_makes_has_what_its_function_says(#[case] role: &str, #[case] verdict: &str) {
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nConditions: {{C: !Equals [a, b], D: !Equals [a, b]}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{{role}Policies: [AdministratorAccess]}}\n"
    );
    let (found, more) = told(&template, &[], RULE);
    assert_eq!(found, verdict, "{more}");
    if verdict == "violated" {
        assert_eq!(more, "role/known-after-deployment.FRole");
    }
}

/// What SAM makes of `Policies` is what its translator does; the rest is not known.
#[rstest]
#[case::nothing("", "proved", "")]
#[case::one_of_awss("Policies: AmazonSQSReadOnlyAccess", "proved", "")]
#[case::one_of_awss_that_writes("Policies: [AmazonS3FullAccess]", "violated", "")]
#[case::a_statement(
    "Policies: {Statement: {Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::data/*'}}",
    "violated",
    ""
)]
#[case::a_statement_on_another(
    "Policies: [{Statement: [{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::other/*'}]}]",
    "proved",
    ""
)]
#[case::a_statement_on_what_is_not_known(
    "Policies: [{Statement: [{Effect: Allow, Action: 's3:*', Resource: !GetAtt B.Arn}]}]",
    "undecided",
    "role/known-after-deployment.FRole: all of the policy `Policy0` (line 5) is not known"
)]
#[case::a_template("Policies: [{S3CrudPolicy: {BucketName: data}}]", "violated", "")]
#[case::a_template_of_another("Policies: [{S3CrudPolicy: {BucketName: other}}]", "proved", "")]
#[case::a_template_that_reads("Policies: [{S3ReadPolicy: {BucketName: data}}]", "proved", "")]
#[case::a_template_without_its_parameter(
    "Policies: [{S3CrudPolicy: {}}]",
    "undecided",
    "role/known-after-deployment.FRole: a policy is not known: it hangs on what SAM makes of it (line 5)"
)]
#[case::a_template_that_is_none(
    "Policies: [{CometPolicy: {}}]",
    "undecided",
    "role/known-after-deployment.FRole: a policy is not known: it hangs on what SAM makes of it (line 5)"
)]
#[case::one_of_two(
    "Policies: [!If [C, AmazonS3FullAccess, !Ref 'AWS::NoValue']]",
    "undecided",
    "role/known-after-deployment.FRole: a policy is not known: it hangs on what SAM makes of it (line 5)"
)]
#[case::where_failures_go(
    "EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: S3Bucket, Destination: 'arn:aws:s3:::data'}}}",
    "violated",
    ""
)]
#[case::where_failures_go_elsewhere(
    "EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}",
    "proved",
    ""
)]
#[case::a_queue("Events: {E: {Type: SQS, Properties: {Queue: q}}}", "proved", "")]
#[case::an_event_that_is_not_known(
    "Events: {E: {Type: Comet}}",
    "undecided",
    "role/known-after-deployment.FERole: a policy is not known: it hangs on what SAM makes of it (line 3)"
)]
fn of_a_role_that_sam_makes_it_is_known_what_it_may_do(
    #[case] properties: &str,
    #[case] verdict: &str,
    #[case] end: &str,
) {
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{Handler: h, {properties}}}\n"
    );
    let (found, more) = told(&template, &[], RULE);
    assert_eq!(found, verdict, "{more}");
    assert!(verdict == "violated" || more.ends_with(end), "{more}");
}

/// What the parameters decide of a function's policies, and of the function itself.
#[rstest]
#[case::one_that_is_taken(
    "a",
    "Policies: [!If [C, AmazonS3FullAccess, !Ref 'AWS::NoValue']]",
    "",
    "violated"
)]
#[case::one_that_is_not(
    "b",
    "Policies: [!If [C, AmazonS3FullAccess, !Ref 'AWS::NoValue']]",
    "",
    "proved"
)]
#[case::of_two(
    "b",
    "Policies: [!If [C, AmazonSQSReadOnlyAccess, AmazonS3FullAccess]]",
    "",
    "violated"
)]
#[case::a_function_that_is_made(
    "a",
    "Policies: [AmazonS3FullAccess]",
    "Condition: C, ",
    "violated"
)]
#[case::a_function_that_is_not("b", "Policies: [AmazonS3FullAccess]", "Condition: C, ", "proved")]
fn what_parameters_decide_of_a_function_counts(
    #[case] value: &str,
    #[case] policies: &str,
    #[case] condition: &str,
    #[case] verdict: &str,
) {
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {{P: {{Type: String, Default: {value}, AllowedValues: [{value}]}}}}\nConditions: {{C: !Equals [!Ref P, a]}}\nResources:\n  F: {{{condition}Type: AWS::Serverless::Function, Properties: {{Handler: h, {policies}}}}}\n"
    );
    let (found, more) = told(&template, &[], RULE);
    assert_eq!(found, verdict, "{more}");
}

#[rstest]
#[case::a_table_as_nobody("DynamoDb: {D: {TableArn: t}}", "undecided")]
#[case::a_table_as_a_role("DynamoDb: {D: {TableArn: t, ServiceRoleArn: r}}", "proved")]
#[case::a_function("Lambda: {L: {FunctionArn: f}}", "proved")]
#[case::something_else("Comet: {L: {}}", "undecided")]
fn a_graphql_api_reads_as_roles_of_its_own(#[case] source: &str, #[case] verdict: &str) {
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  G:\n    Type: AWS::Serverless::GraphQLApi\n    Properties: {{DataSources: {{{source}}}}}\n"
    );
    let rule = rule("dynamodb:PutItem", &of("dynamodb", "table/secret"));
    assert_eq!(told(&template, &[], &rule).0, verdict);
}

/// What `Globals` says counts for each resource of its type, unless that says otherwise.
#[test]
fn what_is_said_of_all_functions_is_each_ones() {
    let assumed = rule("sts:AssumeRole", "*");
    let told = |globals: &str, own: &str| {
        let template = format!(
            "Transform: AWS::Serverless-2016-10-31\nGlobals: {{Function: {{{globals}}}}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n{own}    Properties: {{Handler: h}}\n"
        );
        let plain = resource(
            "aws_iam_role",
            "plain",
            json!({"name": "plain", "arn": iam("role/plain"), "assume_role_policy": trust()}),
        );
        let told = with(&template, &[plain], &assumed);
        let all = rail(&told, NAMED)["violations"].as_array().cloned().unwrap_or_default();
        let by = "role/plain by trust of role/known-after-deployment.FRole";
        all.iter().any(|one| one["identity"] == json!(by))
    };
    let of = |who: &str| {
        format!(
            "AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Principal: {{AWS: '{}'}}, Action: 'sts:AssumeRole'}}]}}",
            iam(who)
        )
    };
    assert!(!told("", ""));
    assert!(told(&of("role/plain"), ""));
    assert!(!told(&of("role/plain"), "    IgnoreGlobals: '*'\n"));
    assert!(!told(&of("role/plain"), "    IgnoreGlobals: [AssumeRolePolicyDocument]\n"));
    assert!(!told(&of("role/worker"), ""));
}

/// A function counts as the value that it gives: one's own stands in the place of what is said
/// of all.
#[rstest]
#[case::of_one_name("!Ref Strict", "!Ref Lax", "violated")]
#[case::of_another_name("!ImportValue x", "!Ref Lax", "violated")]
#[case::of_another_name_too(
    "!Ref Lax",
    "!Sub 'arn:aws:iam::${AWS::AccountId}:policy/code'",
    "proved"
)]
#[case::of_lists(
    "!Join ['', ['arn:aws:iam::', !Ref 'AWS::AccountId', ':policy/none']]",
    "!Join ['', ['arn:aws:iam::', !Ref 'AWS::AccountId', ':policy/code']]",
    "proved"
)]
#[case::that_is_not_known("!Ref Strict", "!ImportValue x", "undecided")]
fn a_function_of_ones_own_stands_alone(
    #[case] of_all: &str,
    #[case] own: &str,
    #[case] verdict: &str,
) {
    let policy = |name: &str, action: &str| {
        format!(
            "  {name}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties: {{PolicyDocument: {{Statement: [{{Effect: Allow, Action: '{action}', Resource: '*'}}]}}}}\n"
        )
    };
    let (strict, lax) = (policy("Strict", "sqs:*"), policy("Lax", "*"));
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {{Function: {{PermissionsBoundary: {of_all}}}}}\nResources:\n{strict}{lax}  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: h\n      PermissionsBoundary: {own}\n      Policies: [{{Statement: [{{Effect: Allow, Action: 's3:PutObject', Resource: 'arn:aws:s3:::data/*'}}]}}]\n"
    );
    assert_eq!(told(&template, &[], RULE).0, verdict);
}

/// But for the Scheduler's, the roles of a state machine's events carry the machine's boundary.
#[rstest]
#[case::of_the_machine("Schedule, Properties: {Schedule: rate(1 day)}", "proved")]
#[case::of_an_event(
    "ScheduleV2, Properties: {ScheduleExpression: rate(1 day), PermissionsBoundary: !Ref B}",
    "proved"
)]
#[case::none("ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}", "undecided")]
fn the_boundary_of_a_state_machine_is_its_events(#[case] event: &str, #[case] verdict: &str) {
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  B:\n    Type: AWS::IAM::ManagedPolicy\n    Properties: {{PolicyDocument: {{Statement: [{{Effect: Allow, Action: 'sqs:*', Resource: '*'}}]}}}}\n  S:\n    Type: AWS::Serverless::StateMachine\n    Properties:\n      DefinitionUri: s3://b/k\n      PermissionsBoundary: !Ref B\n      Events: {{E: {{Type: {event}}}}}\n"
    );
    let rule = rule("states:StartExecution", "*");
    assert_eq!(told(&template, &[], &rule).0, verdict);
}

#[rstest]
#[case::of_statements("{ResourcePolicy: {CustomStatements: [{Effect: Allow}]}}", "undecided")]
#[case::of_accounts("{ResourcePolicy: {AwsAccountWhitelist: ['111111111111']}}", "undecided")]
#[case::none("{DefaultAuthorizer: AWS_IAM}", "proved")]
fn the_policy_of_an_api_of_sams_is_not_read(#[case] auth: &str, #[case] verdict: &str) {
    let rule = rule("execute-api:Invoke", "*");
    let of_one = format!("Properties: {{StageName: p, Auth: {auth}}}");
    for (globals, properties) in [
        ("", of_one.as_str()),
        (&format!("Globals: {{Api: {{Auth: {auth}}}}}\n"), "Properties: {StageName: p}"),
    ] {
        let template = format!(
            "Transform: AWS::Serverless-2016-10-31\n{globals}Resources:\n  Api:\n    Type: AWS::Serverless::Api\n    {properties}\n"
        );
        let (found, more) = told(&template, &[], &rule);
        assert_eq!(found, verdict, "{more}");
        if verdict == "undecided" {
            let why = "Resources.Api: whom its `Auth.ResourcePolicy` lets in is not read";
            assert!(more.ends_with(why), "{more}");
        }
    }
}

/// A role that `CloudFormation` names is called as its stack, its logical id and more.
#[rstest]
#[case::all("who = [\"role/*\"]", "violated", ROLE)]
#[case::it("who = [\"role/known-after-deployment.Api\"]", "violated", ROLE)]
#[case::what_may_be_it("who = [\"role/shop-*\"]", "undecided", HANGS)]
#[case::its_arn_maybe(
    "who = [\"arn:aws:iam::123456789012:role/shop-Api-1ABCDEFGHIJ\"]",
    "undecided",
    HANGS
)]
#[case::its_logical_id_is_no_name("everyone_but = [\"role/worker\", \"role/Api\"]", "", "")]
#[case::another_of_that_name("everyone_but = [\"role/deployer\"]", "violated", ROLE)]
#[case::all_but_what_may_be_it("everyone_but = [\"role/*-Api-*\"]", "undecided", HANGS)]
#[case::nobody("who = [\"role/Zed\"]", "", "")]
fn a_role_that_a_stack_names_may_be_whoever_its_name_fits(
    #[case] people: &str,
    #[case] verdict: &str,
    #[case] more: &str,
) {
    let policies = format!(
        "Policies: [{{PolicyName: p, PolicyDocument: {}}}], ",
        DOCUMENT.replace("artifacts/other", "data")
    );
    let rule = RULE.replace("everyone_but = [\"role/worker\"]", people);
    if verdict.is_empty() {
        let directory = crate::shop::estate(&crate::shop::state(
            &crate::shop::work(),
            &crate::shop::limit(),
            crate::shop::REPOSITORY,
            &[],
        ));
        let config = directory.path().join("ringfence.toml");
        let written = std::fs::read_to_string(&config).unwrap() + &rule;
        std::fs::write(&config, written).unwrap();
        std::fs::create_dir(directory.path().join("shop")).unwrap();
        std::fs::write(directory.path().join("shop/template.yaml"), role(&policies)).unwrap();
        let flags = ["--state", "state.json", "--templates", "shop"];
        let output = crate::shop::run(directory.path(), &flags);
        let error = crate::shop::text(&output.stderr);
        assert!(error.contains("is nobody of this estate, which has "), "{error}");
        assert!(error.contains(ROLE), "{error}");
        return;
    }
    let (found, told) = told(&role(&policies), &[], &rule);
    assert_eq!(found, verdict, "{told}");
    assert!(told.ends_with(more), "{told}");
}

const ROLE: &str = "role/known-after-deployment.Api";
const HANGS: &str = "depends on what is not known: the name of `role/known-after-deployment.Api`";

#[rstest]
#[case::of_its_form("role/shop-Api-1ABCDEFGHIJ", "undecided")]
#[case::a_session_of_its_form("assumed-role/shop-Api-1ABCDEFGHIJ/a", "undecided")]
#[case::of_another_form("role/shop", "proved")]
#[case::of_somebody_else("role/worker", "proved")]
fn what_names_somebody_whom_a_role_of_a_stack_may_be_is_undecided(
    #[case] named: &str,
    #[case] verdict: &str,
) {
    let arn = match named.starts_with("role/") {
        true => iam(named),
        false => iam(named).replace(":iam:", ":sts:"),
    };
    let open = bucket(&json!({"Effect": "Allow", "Principal": {"AWS": arn},
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}));
    let (found, more) = told(&role(""), &[open], RULE);
    assert_eq!(found, verdict, "{more}");
    let trust = document(&[json!({"Effect": "Allow", "Principal": {"AWS": arn},
        "Action": "sts:AssumeRole"})]);
    let admin = resource(
        "aws_iam_role",
        "admin",
        json!({"name": "admin", "arn": iam("role/admin"), "assume_role_policy": trust}),
    );
    let assumed = rule("sts:AssumeRole", &iam("role/admin"));
    let (of_trust, told) = told(&role(""), &[admin], &assumed);
    assert_eq!(of_trust, verdict, "{told}");
    if verdict == "undecided" {
        let why = format!("whether `role/known-after-deployment.Api` is `{arn}`");
        assert!(more.ends_with(&why) && told.ends_with(&why), "{more}, {told}");
    }
}

/// What denies one of its name may deny it.
#[test]
fn a_denial_of_whom_a_role_of_a_stack_may_be_may_be_its() {
    let told = |denied: &str| {
        let policy = document(&[
            json!({"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::data/*"}),
            json!({"Effect": "Deny", "Principal": {"AWS": [iam("role/deployer"), iam(denied)]},
                "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}),
        ]);
        let open =
            resource("aws_s3_bucket_policy", "data", json!({"bucket": "data", "policy": policy}));
        told(&role(""), &[open], RULE).0
    };
    assert_eq!(told("role/shop-Api-1ABCDEFGHIJ"), "undecided");
    assert_eq!(told("role/shop"), "violated");
}

/// Roles of one logical id, in two templates or beside one of Terraform's of that name, are
/// several.
#[test]
fn a_logical_id_is_nobody_elses_name() {
    let policies = format!(
        "Policies: [{{PolicyName: p, PolicyDocument: {}}}], ",
        DOCUMENT.replace("artifacts/other", "data")
    );
    let (none, writes) = (role(""), role(&policies));
    assert_eq!(of_all(&[&none, &none], &[], RULE).0, "proved");
    let second = "role/known-after-deployment.Api.2";
    assert_eq!(of_all(&[&none, &writes], &[], RULE), ("violated".to_owned(), second.to_owned()));
    let named = resource(
        "aws_iam_role",
        "api",
        json!({"name": "Api", "arn": iam("role/Api"), "assume_role_policy": trust()}),
    );
    let own = ("violated".to_owned(), ROLE.to_owned());
    assert_eq!(told(&writes, std::slice::from_ref(&named), RULE), own);
    assert_eq!(told(&none, &[named], RULE).0, "proved");
    let of_template = role("RoleName: Api, ");
    assert_eq!(of_all(&[&writes, &of_template], &[], RULE), own);
}

/// A group of which somebody may be does not deny for sure.
#[test]
fn a_group_that_a_user_may_be_in_denies_nothing() {
    let deny = document(&[json!({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})]);
    let more = [
        resource("aws_iam_group", "g", json!({"name": "g", "arn": iam("group/g")})),
        resource("aws_iam_group_policy", "g", json!({"name": "d", "group": "g", "policy": deny})),
    ];
    let told = |condition: &str| {
        let document = DOCUMENT.replace("artifacts/other", "data");
        let template = format!(
            "Parameters: {{Unsaid: {{Type: String}}}}\nConditions: {{C: !Equals [!Ref Unsaid, a], Never: !Equals [a, b]}}\nResources:\n  U:\n    Type: AWS::IAM::User\n    Properties: {{UserName: u, Policies: [{{PolicyName: p, PolicyDocument: {document}}}]}}\n  In:\n    Type: AWS::IAM::UserToGroupAddition\n{condition}    Properties: {{GroupName: g, Users: [u]}}\n"
        );
        told(&template, &more, RULE)
    };
    assert_eq!(told("").0, "proved");
    assert_eq!(told("    Condition: Never\n").0, "violated");
    let (verdict, why) = told("    Condition: C\n");
    assert_eq!(verdict, "undecided");
    assert!(why.ends_with("Resources.In: whether it is there is not known"), "{why}");
}

#[rstest]
#[case::of_somebody_else("Acme::IAM::AdminRole", "undecided")]
#[case::of_sam_and_not_known("AWS::Serverless::Comet", "undecided")]
#[case::of_aws("AWS::SNS::Topic", "proved")]
#[case::of_sam("AWS::Serverless::SimpleTable", "proved")]
#[case::a_custom_resource("Custom::Thing", "proved")]
fn a_type_of_which_nobody_knows_what_it_makes_is_told(#[case] kind: &str, #[case] verdict: &str) {
    let (found, more) =
        told(&format!("Resources:\n  P:\n    Type: {kind}\n    Properties: {{A: b}}\n"), &[], RULE);
    assert_eq!(found, verdict, "{more}");
    if verdict == "undecided" {
        let why = format!("Resources.P: what this `{kind}` makes or grants is not read");
        assert!(more.ends_with(&why), "{more}");
    }
}

/// A policy may stand in a template as a text of JSON, too.
#[test]
fn a_policy_as_text_is_read() {
    let text = |resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource});
        document(&[statement])
    };
    let inline = |resource: &str| {
        role(&format!(
            "RoleName: r, Policies: [{{PolicyName: p, PolicyDocument: '{}'}}], ",
            text(resource)
        ))
    };
    assert_eq!(told(&inline("*"), &[], RULE).0, "violated");
    assert_eq!(told(&inline("arn:aws:s3:::x/*"), &[], RULE).0, "proved");
    let managed = |resource: &str| {
        format!(
            "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties: {{RoleName: r, ManagedPolicyArns: [!Ref P], AssumeRolePolicyDocument: '{}'}}\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties: {{PolicyDocument: '{}'}}\n",
            trust(),
            text(resource)
        )
    };
    assert_eq!(told(&managed("*"), &[], RULE).0, "violated");
    assert_eq!(told(&managed("arn:aws:s3:::x/*"), &[], RULE).0, "proved");
}

#[test]
fn who_may_be_a_role_of_a_stack_by_its_arn() {
    let policies = format!(
        "Policies: [{{PolicyName: p, PolicyDocument: {}}}], ",
        DOCUMENT.replace("artifacts/other", "data")
    );
    let arn = iam("role/app/api");
    let rule = RULE.replace("everyone_but = [\"role/worker\"]", &format!("who = [\"{arn}\"]"));
    let told = |policies: &str| {
        told(&role(&format!("RoleName: api, Path: /app/, {policies}")), &[], &rule).0
    };
    assert_eq!(told(&policies), "violated");
    assert_eq!(told(""), "proved");
}

/// `AWS::NoValue` is as nothing.
#[rstest]
#[case("ManagedPolicyArns: !Ref 'AWS::NoValue'", "undecided")]
#[case("ManagedPolicyArns: [!Ref 'AWS::NoValue']", "undecided")]
// A boundary gives nothing, whatever it says.
#[case("PermissionsBoundary: !Ref 'AWS::NoValue'", "proved")]
#[case("Policies: [!Ref 'AWS::NoValue']", "undecided")]
fn what_no_value_stands_for_is_not_there(#[case] property: &str, #[case] not_known: &str) {
    let template = role(&format!("RoleName: r, {property}, "));
    assert_eq!(told(&template, &[], RULE).0, "proved");
    let open = template.replace("!Ref 'AWS::NoValue'", "!ImportValue x");
    assert_eq!(told(&open, &[], RULE).0, not_known);
}

/// The rail of running code is about what Lambda may assume.
#[test]
fn a_role_that_no_function_runs_as_runs_no_code() {
    const CODE: &str = "the boundary caps running code";
    let verdict = |service: &str| {
        let template = role("RoleName: r, ").replace("lambda.amazonaws.com", service);
        verdict_of(&with(&template, &[], ""), CODE).to_owned()
    };
    assert_eq!(verdict("lambda.amazonaws.com"), "violated");
    assert_eq!(verdict("ec2.amazonaws.com"), "proved");
    assert_eq!(verdict("!ImportValue s"), "undecided");
}

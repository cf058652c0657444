//! Roles that are handed to services, in which way each takes them, and groups.

use ringfence::proof::paths::Found;
use rstest::rstest;
use serde_json::{Value, json};

use super::{allow, document, found, gains, iam, regional, resource, trust};

pub(super) fn role(name: &str, trust: &str) -> Value {
    resource(
        "aws_iam_role",
        name,
        json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust}),
    )
}

fn of_role(name: &str, policy: &str) -> Value {
    resource("aws_iam_role_policy", name, json!({"role": name, "policy": policy}))
}

/// An attacker with a policy, and a victim that a service takes.
pub(super) fn to(service: &str, policy: &str, more: &[Value]) -> Found {
    let nobody = trust(&json!({"AWS": iam("role/nobody")}));
    let mut all = vec![
        role("attacker", &nobody),
        of_role("attacker", policy),
        role("victim", &trust(&json!({"Service": service}))),
    ];
    all.extend(more.iter().cloned());
    found(&all)
}

/// What is told of a way to the victim's session: nothing, that there is one, or why nobody
/// knows.
pub(super) fn way(found: &Found) -> Option<String> {
    let source = found.sources.iter().find(|one| one.name == "role/attacker").unwrap();
    let mut all = source.paths.iter().filter(|path| path.gain == "session");
    let way = all.find(|path| path.of == "role/victim")?;
    Some(way.undecided.clone().unwrap_or_default())
}

fn passing(service: &str, actions: &[&str]) -> String {
    document(&[
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": service}}}),
        json!({"Effect": "Allow", "Action": actions, "Resource": "*"}),
    ])
}

#[rstest]
#[case("states.amazonaws.com", "states:CreateStateMachine")]
#[case("states.amazonaws.com", "states:UpdateStateMachine")]
#[case("scheduler.amazonaws.com", "scheduler:CreateSchedule")]
#[case("events.amazonaws.com", "events:PutTargets")]
#[case("pipes.amazonaws.com", "pipes:CreatePipe")]
#[case("ec2.amazonaws.com", "autoscaling:CreateAutoScalingGroup")]
#[case("codepipeline.amazonaws.com", "codepipeline:CreatePipeline")]
#[case("appsync.amazonaws.com", "appsync:CreateDataSource")]
#[case("bedrock.amazonaws.com", "bedrock:CreateAgent")]
#[case("lambda.amazonaws.com", "lambda:CreateFunction")]
#[case("ssm.amazonaws.com", "ssm:StartAutomationExecution")]
#[case("ecs-tasks.amazonaws.com", "ecs:RegisterTaskDefinition")]
#[case("ecs-tasks.amazonaws.com", "ecs:CreateExpressGatewayService")]
#[case("codebuild.amazonaws.com", "codebuild:CreateProject")]
#[case("bedrock-agentcore.amazonaws.com", "bedrock-agentcore:CreateAgentRuntime")]
#[case("servicecatalog.amazonaws.com", "servicecatalog:CreateConstraint")]
#[case("nobody-knows.amazonaws.com", "bedrock:CreateAgent")]
fn what_a_service_does_with_a_role_that_no_path_has_is_undecided(
    #[case] service: &str,
    #[case] action: &str,
) {
    let why = format!(
        "role/victim can be handed to `{service}`: what that does with it is not known here"
    );
    assert_eq!(way(&to(service, &passing(service, &[action]), &[])), Some(why));
    // Whoever may pass it to others, calls nothing that takes a role, or passes it to whom it
    // lets not in, has no way.
    let other = "sns.amazonaws.com";
    assert_eq!(way(&to(service, &passing(other, &[action]), &[])), None);
    assert_eq!(way(&to(service, &passing(service, &["states:List*", "s3:Get*"]), &[])), None);
    assert_eq!(way(&to(other, &passing(service, &[action]), &[])), None);
    assert_eq!(way(&to(service, &allow(&[action]), &[])), None);
}

/// Where it is not known whom a role lets in, it may be any service.
#[test]
fn a_role_whose_trust_is_not_known_may_be_handed_to_any_service() {
    let open = resource("aws_iam_role", "open", json!({"name": "open", "arn": iam("role/open")}));
    let found = to(
        "sns.amazonaws.com",
        &passing("states.amazonaws.com", &["states:CreateStateMachine"]),
        &[open],
    );
    let source = found.sources.iter().find(|one| one.name == "role/attacker").unwrap();
    let session = source.paths.iter().find(|path| path.gain == "session").unwrap();
    assert_eq!(session.of, "role/open");
    assert!(session.undecided.is_some());
}

/// Of roles that a variable tells apart each is asked about, for the services alone that the
/// statement is about.
#[rstest]
#[case("role/${aws:PrincipalTag/team}", "lambda.amazonaws.com", Some(""))]
#[case("role/vic${aws:PrincipalTag/team}", "lambda.amazonaws.com", Some(""))]
#[case("role/${aws:PrincipalTag/team}", "sns.amazonaws.com", None)]
#[case("role/x-${aws:PrincipalTag/team}", "lambda.amazonaws.com", None)]
fn a_role_that_a_variable_names_is_handed_over(
    #[case] on: &str,
    #[case] service: &str,
    #[case] expected: Option<&str>,
) {
    let policy = document(&[
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": iam(on),
            "Condition": {"StringEquals": {"iam:PassedToService": service}}}),
        json!({"Effect": "Allow", "Resource": "*",
            "Action": ["lambda:CreateFunction", "lambda:InvokeFunction"]}),
    ]);
    let found = to("lambda.amazonaws.com", &policy, &[]);
    assert_eq!(way(&found).as_deref(), expected);
}

/// An instance takes a role in a profile alone.
#[test]
fn an_instance_needs_a_profile_that_holds_the_role() {
    let run = ["iam:PassRole", "ec2:RunInstances"];
    let make = [&run[..], &["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"]].concat();
    let half = [&run[..], &["iam:AddRoleToInstanceProfile"]].concat();
    let why = "role/victim: no instance profile of the files has it";
    let service = "ec2.amazonaws.com";
    let profile = |role: &str| {
        resource(
            "aws_iam_instance_profile",
            "p",
            json!({"name": "p", "arn": iam("instance-profile/p"), "role": role}),
        )
    };
    assert_eq!(way(&to(service, &allow(&run), &[])).as_deref(), Some(why));
    assert_eq!(way(&to(service, &allow(&half), &[])).as_deref(), Some(why));
    assert_eq!(way(&to(service, &allow(&run), &[profile("other")])).as_deref(), Some(why));
    assert_eq!(way(&to(service, &allow(&run), &[profile("victim")])).as_deref(), Some(""));
    assert_eq!(way(&to(service, &allow(&make), &[])).as_deref(), Some(""));
}

/// A command goes to an instance by a document, and App Runner makes services.
#[test]
fn an_action_needs_what_the_reference_says() {
    let instance = regional("ec2", "instance/i-1");
    let there = [
        resource("aws_instance", "i", json!({"arn": instance, "iam_instance_profile": "profile"})),
        resource(
            "aws_iam_instance_profile",
            "p",
            json!({"name": "profile", "arn": iam("instance-profile/profile"), "role": "victim"}),
        ),
    ];
    let send = |on: Value| {
        let statement = json!({"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": on});
        way(&to("ec2.amazonaws.com", &document(&[statement]), &there))
    };
    let shell = "arn:aws:ssm:*::document/AWS-RunShellScript";
    assert_eq!(send(json!(instance)), None);
    assert_eq!(send(json!(shell)), None);
    assert_eq!(send(json!([instance, shell])).as_deref(), Some(""));
    let create = |on: &str| {
        let statements = [
            json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": "apprunner:CreateService", "Resource": on}),
        ];
        way(&to("tasks.apprunner.amazonaws.com", &document(&statements), &[]))
    };
    assert_eq!(create(&regional("apprunner", "autoscalingconfiguration/*")), None);
    assert_eq!(create(&regional("apprunner", "service/*")).as_deref(), Some(""));
}

fn group(policy: Option<&str>) -> Vec<Value> {
    let group = json!({"name": "admins", "arn": iam("group/admins")});
    let mut all = vec![resource("aws_iam_group", "admins", group)];
    all.extend(policy.map(|policy| {
        resource("aws_iam_group_policy", "admins", json!({"group": "admins", "policy": policy}))
    }));
    all
}

/// Whoever may add users to a group changes what it gives, its own or others'.
#[test]
fn whoever_adds_any_user_to_a_group_changes_its_members() {
    let gained = |actions: &[&str], on: &str, policy: Option<&str>| {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": on});
        let found = to("sns.amazonaws.com", &document(&[statement]), &group(policy));
        gains(&found, "role/attacker")
    };
    let all = allow(&["s3:*"]);
    let members = ("members", "group/admins".to_owned());
    let new = ("session", "a new user without a boundary".to_owned());
    let add = ["iam:AddUserToGroup"];
    let make = ["iam:AddUserToGroup", "iam:CreateUser", "iam:CreateAccessKey"];
    assert_eq!(gained(&add, "*", Some(&all)), std::slice::from_ref(&members));
    assert_eq!(gained(&add, &iam("group/others"), Some(&all)), []);
    // One that it makes itself, too: of a group that has something.
    assert_eq!(gained(&make, "*", Some(&all)), [members.clone(), new]);
    assert_eq!(gained(&make, "*", None), [members]);
    // There is nobody to be taken out.
    assert_eq!(gained(&["iam:RemoveUserFromGroup"], "*", Some(&all)), []);
}

/// What two identities have in common is asked once, and each by itself where it says who
/// asks, or what else is asked.
#[test]
fn one_policy_of_two_identities_is_each_ones_own() {
    let of = |condition: &Value| {
        let policy = iam("policy/work");
        let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": condition});
        let run = json!({"Effect": "Allow", "Resource": "*",
            "Action": ["lambda:CreateFunction", "lambda:InvokeFunction"]});
        let attach = |role: &str| {
            resource(
                "aws_iam_role_policy_attachment",
                role,
                json!({"role": role, "policy_arn": policy}),
            )
        };
        let nobody = trust(&json!({"AWS": iam("role/nobody")}));
        let text = document(&[pass, run]);
        let found = found(&[
            role("a", &nobody),
            role("b", &nobody),
            role("victim", &trust(&json!({"Service": "lambda.amazonaws.com"}))),
            resource("aws_iam_policy", "work", json!({"arn": policy, "policy": text})),
            attach("a"),
            attach("b"),
        ]);
        ["role/a", "role/b"].map(|source| gains(&found, source).len())
    };
    assert_eq!(of(&json!({"ArnLike": {"aws:PrincipalArn": iam("role/a")}})), [1, 0]);
    assert_eq!(of(&json!({"ArnLike": {"aws:PrincipalArn": iam("role/b")}})), [0, 1]);
    assert_eq!(of(&json!({"StringLike": {"aws:userid": "*"}})), [1, 1]);
    let passed = |service: &str| json!({"StringEquals": {"iam:passedtoservice": service}});
    assert_eq!(of(&passed("lambda.amazonaws.com")), [1, 1]);
    assert_eq!(of(&passed("ec2.amazonaws.com")), [0, 0]);
    assert_eq!(of(&json!({"ArnNotLike": {"aws:PrincipalArn": iam("role/a")}})), [0, 1]);
}

/// "In order for Lambda to properly assume your execution role, the role's trust policy must
/// specify the Lambda service principal"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html>); so of all.
#[rstest]
#[case::its_own("codebuild.amazonaws.com", true)]
#[case::in_china("codebuild.amazonaws.com.cn", true)]
#[case::anothers("ec2.amazonaws.com", false)]
fn what_has_a_role_runs_as_it_where_the_role_lets_it_in(
    #[case] service: &str,
    #[case] is_found: bool,
) {
    let start = json!({"Effect": "Allow", "Action": "codebuild:StartBuild", "Resource": "*"});
    let project = json!({"name": "runs", "arn": regional("codebuild", "project/runs"),
        "service_role": iam("role/victim")});
    let found =
        to(service, &document(&[start]), &[resource("aws_codebuild_project", "runs", project)]);
    assert_eq!(way(&found).as_deref(), is_found.then_some(""));
}

/// What is allowed by a tag is allowed where the resource has it, or somebody may put it there.
#[test]
fn a_tag_that_nobody_can_put_opens_nothing() {
    let of = |tags: Value, wanted: &Value, more: &[Value]| {
        let victim = json!({"name": "victim", "arn": iam("role/victim"), "tags": tags,
            "assume_role_policy": trust(&json!({"AWS": iam("root")}))});
        let assume = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
            "Condition": wanted});
        let mut all = vec![
            role("attacker", &trust(&json!({"AWS": iam("role/nobody")}))),
            of_role("attacker", &document(&[assume])),
            resource("aws_iam_role", "victim", victim),
        ];
        all.extend(more.iter().cloned());
        way(&found(&all))
    };
    let is = |team: &str| json!({"StringEquals": {"aws:ResourceTag/team": team}});
    let none = json!({"Null": {"iam:ResourceTag/team": "true"}});
    let has = json!({"Team": "shop"});
    assert_eq!(of(has.clone(), &is("shop"), &[]).as_deref(), Some(""));
    assert_eq!(of(has.clone(), &is("ledger"), &[]), None);
    assert_eq!(of(json!({}), &is("ledger"), &[]), None);
    assert_eq!(of(json!({}), &none, &[]).as_deref(), Some(""));
    assert_eq!(of(has.clone(), &none, &[]), None);
    let tagger = |on: &str| {
        let tag = json!({"Effect": "Allow", "Action": "iam:TagRole", "Resource": on});
        [
            role("tagger", &trust(&json!({"AWS": iam("role/nobody")}))),
            of_role("tagger", &document(&[tag])),
        ]
    };
    let why = "`sts:AssumeRole` on `role/victim` hangs on its tags, which role/tagger may change";
    assert_eq!(of(has.clone(), &is("ledger"), &tagger("*")).as_deref(), Some(why));
    assert_eq!(of(has, &is("ledger"), &tagger(&iam("role/other"))), None);
}

/// A user that may take roles under a condition, with two roles that take users of the account:
/// which it comes to act as for certain, and what another hangs on.
fn of_user(values: Value, assume: &Value, more: &[Value]) -> (Vec<String>, Option<String>) {
    let mut user = values;
    user["name"] = json!("u");
    user["arn"] = json!(iam("user/u"));
    let own = json!({"name": "p", "user": "u", "policy": document(std::slice::from_ref(assume))});
    let of_account = trust(&json!({"AWS": iam("root")}));
    let mut all = vec![
        resource("aws_iam_user", "u", user),
        resource("aws_iam_user_policy", "p", own),
        role("a", &of_account),
        role("b", &of_account),
    ];
    all.extend(more.iter().cloned());
    let found = found(&all);
    let sessions = gains(&found, "user/u").into_iter().filter(|(gain, _)| *gain == "session");
    let source = found.sources.iter().find(|one| one.name == "user/u").unwrap();
    let mut open = source.paths.iter().filter_map(|path| path.undecided.clone());
    (sessions.map(|(_, of)| of).collect(), open.next())
}

fn assume(on: &str, condition: &Value) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": iam(on),
        "Condition": condition})
}

/// `aws:PrincipalTag` of a user is its own tag: what is allowed by another is allowed where
/// somebody may put it there.
#[test]
fn a_user_has_its_own_tags() {
    let tagged = |tags: Value| json!({"tags": tags, "tags_all": tags});
    let is_b = assume("role/a", &json!({"StringEquals": {"aws:PrincipalTag/team": "b"}}));
    let is_none = assume("role/a", &json!({"Null": {"aws:PrincipalTag/team": "true"}}));
    let a = |open: Option<&str>| (vec!["role/a".to_owned()], open.map(str::to_owned));
    let nothing = (Vec::new(), None);
    assert_eq!(of_user(tagged(json!({"Team": "b"})), &is_b, &[]), a(None));
    assert_eq!(of_user(tagged(json!({"team": "a"})), &is_b, &[]), nothing);
    assert_eq!(of_user(tagged(json!({})), &is_b, &[]), nothing);
    assert_eq!(of_user(tagged(json!({})), &is_none, &[]), a(None));
    assert_eq!(of_user(tagged(json!({"team": "a"})), &is_none, &[]), nothing);
    // What is not known may be as the policy asks.
    assert_eq!(of_user(json!({}), &is_b, &[]), a(None));
    assert_eq!(of_user(json!({"tags": {"other": "a"}}), &is_b, &[]), a(None));
    assert_eq!(of_user(json!({"tags": {"team": "a"}}), &is_b, &[]), nothing);
    let tagger = |action: &str, on: &str| {
        let tag = json!({"Effect": "Allow", "Action": action, "Resource": on});
        [
            role("tagger", &trust(&json!({"AWS": iam("role/nobody")}))),
            of_role("tagger", &document(&[tag])),
        ]
    };
    let team = || tagged(json!({"team": "a"}));
    let why =
        "`sts:AssumeRole` on `role/a` hangs on the tags of `user/u`, which role/tagger may change";
    let open = (Vec::new(), Some(why.to_owned()));
    assert_eq!(of_user(team(), &is_b, &tagger("iam:TagUser", "*")), open);
    assert_eq!(of_user(team(), &is_b, &tagger("iam:TagUser", &iam("user/v"))), nothing);
    assert_eq!(of_user(team(), &is_b, &tagger("iam:TagRole", "*")), nothing);
}

/// What a variable stands for that is a tag of the user, it has the value of the tag.
#[test]
fn a_user_takes_the_role_that_its_tag_names() {
    let any = json!({"StringLike": {"aws:PrincipalTag/team": "*"}});
    let own = assume("role/${aws:PrincipalTag/team}", &any);
    let of = |tags: Value| of_user(json!({"tags": tags, "tags_all": tags}), &own, &[]);
    assert_eq!(of(json!({"team": "b"})), (vec!["role/b".to_owned()], None));
    assert_eq!(of(json!({"team": "a"})), (vec!["role/a".to_owned()], None));
    assert_eq!(of(json!({"team": "c"})), (Vec::new(), None));
    let all = of_user(json!({}), &own, &[]);
    assert_eq!(all, (vec!["role/a".to_owned(), "role/b".to_owned()], None));
}

//! The architecture as the article has it: every known defect is reported, by
//! the probes that are meant to notice it. `docs/findings.md` tells of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// A defect's number in `docs/findings.md`, a probe that reports it, its
/// verdict, and what it must have observed.
type Expected = (u8, &'static str, &'static str, &'static str);

const EXPECTED: [Expected; 70] = [
    (
        1,
        "platform/policy/aws_iam_policy.deployer_policy/unknown-action",
        "failed",
        "`apigatewayv2:CreateRoute` is no action: no service has the prefix `apigatewayv2`",
    ),
    (
        1,
        "high-perm/needs-ServiceAIntegration/cloudformation",
        "failed",
        "/integrations is refused because no identity-based policy allows the apigateway:POST action",
    ),
    (
        1,
        "high-perm/needs-ServiceARoute/cloudformation",
        "failed",
        "/routes is refused because no identity-based policy allows the apigateway:POST action",
    ),
    (
        2,
        "platform/policy/aws_iam_policy.deployer_policy/key-never-carried",
        "failed",
        "requests for `iam:PassRole` never carry `iam:PermissionsBoundary`",
    ),
    (
        2,
        "platform/policy/aws_iam_policy.deployer_policy/key-never-carried",
        "failed",
        "requests for `iam:TagRole` never carry `iam:PermissionsBoundary`",
    ),
    (
        2,
        "high-perm/needs-ServiceAFunction/cloudformation",
        "failed",
        "iam:PassRole on arn:aws:iam::123456789012:role/app-service-a-lambda-role is refused \
         because no identity-based policy allows the iam:PassRole action",
    ),
    (
        2,
        "high-perm/inside/function",
        "not-run",
        "is not authorized to perform: iam:PassRole on resource: \
         arn:aws:iam::123456789012:role/app-inside",
    ),
    (
        3,
        "platform/policy/aws_iam_policy.deployer_policy/route-without-authorizer",
        "failed",
        "a route may be made or changed with `AuthorizationType` NONE",
    ),
    (
        4,
        "platform/policy/aws_iam_policy.deployer_policy/wide-grant",
        "failed",
        "`lambda:*` on `*` reaches every resource of the account",
    ),
    (4, "high-perm/foreign-code/api", "failed", ALLOWED),
    (4, "high-perm/foreign-environment-set/api", "failed", ALLOWED),
    (4, "high-perm/foreign-function-deleted/api", "failed", SPARED),
    (4, "high-perm/lambda-003/api", "failed", ALLOWED),
    (4, "high-perm/bucket-listed/api", "failed", ALLOWED),
    (4, "high-perm/bucket-unblocked/api", "failed", ALLOWED),
    (4, "high-perm/foreign-artifact-read/api", "failed", ALLOWED),
    (
        5,
        "platform/policy/aws_iam_role.github_actions_deployer/trust-without-audience",
        "failed",
        "for any audience of the provider are trusted",
    ),
    (
        5,
        "platform/policy/aws_iam_role.github_actions_deployer/trust-of-any-repository",
        "failed",
        "names no single repository",
    ),
    (
        5,
        "platform/policy/aws_iam_role.github_actions_low_perm_deployer/trust-without-audience",
        "failed",
        "for any audience of the provider are trusted",
    ),
    (
        5,
        "platform/policy/aws_iam_role.github_actions_low_perm_deployer/trust-of-any-repository",
        "failed",
        "names no single repository",
    ),
    (5, "high-perm/other-team/oidc", "failed", ALLOWED),
    (5, "high-perm/other-repository/oidc", "failed", ALLOWED),
    (5, "low-perm/other-team/oidc", "failed", ALLOWED),
    (5, "low-perm/foreign-deployer/oidc", "failed", ALLOWED),
    (
        6,
        "platform/policy/aws_iam_policy.deployer_boundary/undefined-reference",
        "failed",
        "`aws_iam_policy.deployer_boundary` is referred to, and defined by a completion alone",
    ),
    (
        6,
        "platform/policy/aws_security_group.apigw_vpce_sg/undefined-reference",
        "failed",
        "`aws_security_group.apigw_vpce_sg` is referred to, and defined by a completion alone",
    ),
    (
        6,
        "platform/policy/aws_s3_bucket.sam_artifacts/undefined-reference",
        "failed",
        "`aws_s3_bucket.sam_artifacts` is referred to, and defined by a completion alone",
    ),
    (
        6,
        "platform/policy/aws_apigatewayv2_api.main/undefined-reference",
        "failed",
        "`aws_apigatewayv2_api.main` is referred to, and defined by a completion alone",
    ),
    (
        6,
        "platform/policy/aws_iam_openid_connect_provider.github/undefined-reference",
        "failed",
        "defined by a completion alone",
    ),
    (
        6,
        "service-a/policy/template/parameter-not-published",
        "failed",
        "the template reads `/platform/apigw/authorizer-id`, which Layer 1 does not publish",
    ),
    (
        6,
        "platform/policy/platform/apigw/execution-arn/parameter-not-published",
        "failed",
        "`/platform/apigw/execution-arn` is promised, and Layer 1 does not publish it",
    ),
    (
        7,
        "service-a/deployment/workflow",
        "failed",
        "is not authorized to perform: ssm:GetParameters on resource: \
         arn:aws:ssm:us-east-1:123456789012:parameter/platform/apigw/api-id",
    ),
    (
        7,
        "high-perm/needs-parameters/cloudformation",
        "failed",
        "ssm:GetParameters on \
         arn:aws:ssm:us-east-1:123456789012:parameter/platform/apigw/api-id is refused",
    ),
    (
        7,
        "high-perm/needs-ServiceAFunction/cloudformation",
        "failed",
        "ec2:DescribeSubnets on * is refused because no identity-based policy allows the \
         ec2:DescribeSubnets action",
    ),
    (8, "low-perm/network-left/api", "failed", ALLOWED),
    (8, "low-perm/environment-set/api", "failed", ALLOWED),
    (8, "low-perm/handler-set/api", "failed", ALLOWED),
    (8, "low-perm/runtime-set/api", "failed", ALLOWED),
    (8, "low-perm/memory-set/api", "failed", ALLOWED),
    (8, "low-perm/timeout-set/api", "failed", ALLOWED),
    (
        9,
        "platform/policy/aws_security_group.lambda_sg/function-ingress",
        "failed",
        "direct invocation passes them by",
    ),
    (9, "high-perm/foreign-function-invoked/api", "failed", ALLOWED),
    (
        10,
        "platform/policy/aws_iam_policy.lambda_permission_boundary/network-permissions-incomplete",
        "failed",
        "it lacks `ec2:DescribeSubnets`, `ec2:AssignPrivateIpAddresses`, \
         `ec2:UnassignPrivateIpAddresses`",
    ),
    (
        11,
        "platform/policy/aws_iam_policy.deployer_policy/pass-role-to-any-service",
        "failed",
        "`iam:PassRole` passes the role to any service",
    ),
    (
        12,
        "platform/policy/aws_iam_role.service_b_lambda_role/deprecated-argument",
        "failed",
        "`managed_policy_arns` is deprecated",
    ),
    (
        12,
        "platform/policy/provider.archive/undeclared-provider",
        "failed",
        "`archive_file.placeholder` needs the provider `archive`",
    ),
    (
        13,
        "low-perm/subject-with-ids/oidc",
        "failed",
        "403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
    ),
    (14, "high-perm/foreign-stack/api", "failed", ALLOWED),
    (14, "high-perm/foreign-stack-deleted/api", "failed", SPARED),
    (14, "high-perm/look-alike-stack/api", "failed", ALLOWED),
    (14, "high-perm/foreign-artifact-written/api", "failed", ALLOWED),
    (14, "low-perm/foreign-artifact-written/api", "failed", ALLOWED),
    (14, "low-perm/foreign-artifact-read/api", "failed", ALLOWED),
    (14, "low-perm/foreign-artifact-deleted/api", "failed", SPARED),
    (14, "low-perm/prefix-outwitted/api", "failed", ALLOWED),
    (
        15,
        "platform/policy/aws_apigatewayv2_api.main/api-without-stage",
        "failed",
        "the API has no stage",
    ),
    (15, "client/valid/GET /service-b/{proxy+}", "failed", "404 {\"message\":\"Not Found\"}"),
    (16, "high-perm/foreign-function-urled/api", "failed", ALLOWED),
    (16, "high-perm/foreign-function-opened/api", "failed", ALLOWED),
    (16, "high-perm/foreign-function-opened/cloudformation", "failed", ALLOWED),
    (17, "high-perm/foreign-role-policy-written/api", "failed", ALLOWED),
    (17, "high-perm/foreign-role-policy-attached/api", "failed", ALLOWED),
    (17, "high-perm/foreign-role-policy-detached/api", "failed", ALLOWED),
    (18, "high-perm/bucket-policy-removed/api", "failed", SPARED),
    (18, "high-perm/bucket-versions-stopped/api", "failed", ALLOWED),
    (18, "high-perm/bucket-created/api", "failed", ALLOWED),
    (
        19,
        "platform/policy/module.vpc/unpinned-module",
        "failed",
        "the module `terraform-aws-modules/vpc/aws` comes in whatever version fits `~> 5.0`",
    ),
    (
        19,
        "platform/policy/provider.aws/undeclared-provider",
        "failed",
        "needs the provider `aws`, which no `required_providers` names",
    ),
    (20, "high-perm/network-left/api", "failed", LET_THROUGH),
    (20, "high-perm/network-removed/api", "failed", LET_THROUGH),
];

/// The same once both teams can deploy: a defect's number, an attack that then
/// succeeds, and what it must have observed.
const DEPLOYABLE: [(u8, &str, &str); 12] = [
    (3, "high-perm/open-route/api", ALLOWED),
    (3, "high-perm/open-default-route/api", ALLOWED),
    (3, "high-perm/route-opened/api", ALLOWED),
    (11, "high-perm/stack-as-new-role/api", LET_THROUGH),
    (16, "high-perm/function-url/api", ALLOWED),
    (17, "high-perm/foreign-role-passed/api", ALLOWED),
    (20, "high-perm/network-left/api", ALLOWED),
    (20, "high-perm/environment-without-network/api", ALLOWED),
    (21, "high-perm/foreign-route-changed/api", ALLOWED),
    (21, "high-perm/foreign-integration-hijacked/api", ALLOWED),
    (22, "high-perm/artifact-read/function", "allowed"),
    (22, "high-perm/artifact-written/function", "allowed"),
];

/// What holds as soon as it can be deployed.
const DEPLOYABLE_HELD: [&str; 5] = [
    "client/valid/GET /service-a/{proxy+}",
    "client/valid/GET /service-b/{proxy+}",
    "high-perm/needs-parameters/cloudformation",
    "high-perm/needs-ServiceAFunction/cloudformation",
    "high-perm/role-without-boundary/api",
];

const ALLOWED: &str = "it was allowed";
const LET_THROUGH: &str = "no policy refused it";
const SPARED: &str = "it would be allowed; it was not made";

/// What the completions may define: what the article refers to and does not
/// define itself, and nothing else.
const UNDEFINED: [&str; 10] = [
    "aws_apigatewayv2_api.main",
    "aws_iam_openid_connect_provider.github",
    "aws_iam_policy.deployer_boundary",
    "aws_s3_bucket.sam_artifacts",
    "aws_security_group.apigw_vpce_sg",
    "data.aws_caller_identity.current",
    "var.aws_region",
    "var.github_org",
    "var.okta_audience",
    "var.okta_issuer",
];

/// Guard rails of the article that do hold: what it says of roles.
const HELD: [&str; 5] = [
    "high-perm/role-without-boundary/api",
    "high-perm/role-without-boundary/cloudformation",
    "high-perm/role-with-another-boundary/api",
    "high-perm/role-outside-its-namespace/api",
    "high-perm/needs-ServiceARole/cloudformation",
];

/// The guard rails that a call got past for real.
const SENT: [&str; 7] = [
    "a team's artifacts are its own",
    "a team's functions are its own",
    "functions are reached through the API alone",
    "functions stay in the platform's network",
    "only its own workflow becomes a deployer",
    "the boundary caps a deployer",
    "the boundary caps running code",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// Runs the command line on a configuration of the fixture; which upstream is
/// `RINGFENCE_BACKEND`'s to say. One run at a time: each is a whole stack.
fn ringfence(command: &str, config: &str, arguments: &[&str]) -> Output {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args([command, "--config"])
        .arg(Path::new("tests/fixtures/as-published").join(config))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn text<'a>(probe: &'a Value, member: &str) -> &'a str {
    probe[member].as_str().unwrap()
}

#[test]
fn the_architecture_as_published_fails_by_each_of_its_defects() {
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("bundle");
    let output = ringfence("verify", "ringfence.toml", &["--run-dir", bundle.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let record: Value =
        serde_json::from_slice(&std::fs::read(bundle.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["status"]["state"], "complete");
    let probes: BTreeMap<&str, &Value> = record["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|probe| (text(probe, "id"), probe))
        .collect();

    let held = HELD.map(|id| (0, id, "held", ""));
    let wrong: Vec<String> = EXPECTED
        .into_iter()
        .chain(held)
        .filter_map(|(defect, id, verdict, observed)| {
            let Some(probe) = probes.get(id) else {
                return Some(format!("{defect}: there is no probe `{id}`"));
            };
            let is = (text(probe, "verdict"), text(probe, "observed"));
            let right = is.0 == verdict && is.1.contains(observed);
            (!right).then(|| format!("{defect}: `{id}` is {}: {}", is.0, is.1))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // What gets past a guard rail by the proof got past it for real, by a call.
    let told = |proof: &Value, words: &str| {
        proof["told"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(words))
    };
    let proofs = record["proofs"].as_array().unwrap().iter();
    let violated: Vec<&Value> = proofs.filter(|proof| proof["verdict"] == "violated").collect();
    let rail =
        |name: &str| violated.iter().copied().find(|proof| text(proof, "guard_rail") == name);
    for name in SENT {
        let proof = rail(name).unwrap_or_else(|| panic!("`{name}` is not violated"));
        assert!(told(proof, "the guard allowed it by statement "), "{proof:#}");
    }
    for proof in violated.iter().filter(|proof| !SENT.contains(&text(proof, "guard_rail"))) {
        // A call that nothing takes back is put to the guard as a question.
        let is_decided = told(proof, "the guard allowed it by statement ")
            || told(proof, "the guard would allow it by statement ");
        let is_none = told(proof, "requests for `iam:PassRole` never carry");
        assert!(is_decided || is_none, "{proof:#}");
    }

    let undefined: Vec<&str> = probes
        .keys()
        .filter_map(|id| id.strip_prefix("platform/policy/")?.strip_suffix("/undefined-reference"))
        .collect();
    assert_eq!(undefined, UNDEFINED);
}

#[test]
fn repaired_until_both_teams_deploy_it_lets_the_other_attacks_through() {
    let mut arguments = vec!["--json", "--only"];
    arguments.extend(DEPLOYABLE.map(|(_, id, _)| id));
    arguments.extend(DEPLOYABLE_HELD);
    let output = ringfence("attack", "ringfence-deployable.toml", &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let probes: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let is = |id: &str| {
        let probe = probes.iter().find(|probe| probe["id"] == id);
        probe.map_or(("not there", ""), |probe| (text(probe, "verdict"), text(probe, "observed")))
    };
    let attacks = DEPLOYABLE.map(|(_, id, observed)| (id, "failed", observed));
    let wrong: Vec<String> = attacks
        .into_iter()
        .chain(DEPLOYABLE_HELD.map(|id| (id, "held", "")))
        .filter(|(id, verdict, observed)| is(id).0 != *verdict || !is(id).1.contains(observed))
        .map(|(id, ..)| format!("`{id}` is {}: {}", is(id).0, is(id).1))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page names the probes of each finding, no more and no fewer.
#[test]
fn the_findings_page_names_the_probes_of_each_defect() {
    let page = std::fs::read_to_string(root().join("docs/findings.md")).unwrap();
    let named = |start: &str| {
        let mut named: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        let mut number = 0;
        for line in page.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                number = title.split('.').next().unwrap().parse().unwrap_or(0);
            } else if let Some(probes) = line.strip_prefix(start) {
                let ids = probes.split('`').skip(1).step_by(2).map(str::to_owned);
                named.entry(number).or_default().extend(ids);
            }
        }
        named
    };
    let expected = |all: &[(u8, &str)]| {
        let mut expected: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for (defect, id) in all {
            let ids = expected.entry(*defect).or_default();
            if !ids.iter().any(|known| known == id) {
                ids.push((*id).to_owned());
            }
        }
        expected
    };
    assert_eq!(named("- Shown by "), expected(&EXPECTED.map(|(defect, id, ..)| (defect, id))));
    let deployable = DEPLOYABLE.map(|(defect, id, _)| (defect, id));
    assert_eq!(named("- Once it deploys, shown by "), expected(&deployable));
}

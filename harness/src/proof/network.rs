//! The rails about functions, APIs, networks, stacks, parameters, logs and artifacts.

use std::collections::BTreeSet;

use serde_json::json;

use super::claims::Rail;
use super::guarded::{Guarded, Team};
use super::reach;
use super::statements::{Forbidden, On};
use crate::config::Job;
use crate::guard_rail::GuardRail;

/// What changes an API, by verb and otherwise
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html>).
const CHANGES_APIS: [&str; 10] = [
    "apigateway:AddCertificateToDomain",
    "apigateway:CreateAccessAssociation",
    "apigateway:DELETE",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "apigateway:RejectAccessAssociation",
    "apigateway:RemoveCertificateFromDomain",
    "apigateway:SetWebACL",
    "apigateway:Update*",
];

const CHANGES_FUNCTIONS: [&str; 10] = [
    "lambda:Add*",
    "lambda:Create*",
    "lambda:Delete*",
    "lambda:GetFunction",
    "lambda:Invoke*",
    "lambda:Publish*",
    "lambda:Put*",
    "lambda:Remove*",
    "lambda:TagResource",
    "lambda:Update*",
];

/// What changes a network, by the beginnings of EC2's names.
const CHANGES_NETWORKS: [&str; 24] = [
    "ec2:Accept*",
    "ec2:Allocate*",
    "ec2:Assign*",
    "ec2:Associate*",
    "ec2:Attach*",
    "ec2:Authorize*",
    "ec2:Copy*",
    "ec2:Create*",
    "ec2:Delete*",
    "ec2:Detach*",
    "ec2:Disable*",
    "ec2:Disassociate*",
    "ec2:Enable*",
    "ec2:Import*",
    "ec2:Modify*",
    "ec2:Release*",
    "ec2:Replace*",
    "ec2:Reset*",
    "ec2:Revoke*",
    "ec2:Run*",
    "ec2:Start*",
    "ec2:Stop*",
    "ec2:Terminate*",
    "ec2:Update*",
];

const CHANGES_STACKS: [&str; 13] = [
    "cloudformation:Cancel*",
    "cloudformation:Continue*",
    "cloudformation:Create*",
    "cloudformation:Delete*",
    "cloudformation:Execute*",
    "cloudformation:Import*",
    "cloudformation:Record*",
    "cloudformation:Rollback*",
    "cloudformation:Set*",
    "cloudformation:Signal*",
    "cloudformation:Stop*",
    "cloudformation:TagResource",
    "cloudformation:Update*",
];

const CHANGES_PARAMETERS: [&str; 6] = [
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:DeleteParameters",
    "ssm:LabelParameterVersion",
    "ssm:PutParameter",
    "ssm:UnlabelParameterVersion",
];

const LOGS: [&str; 12] = [
    "logs:Associate*",
    "logs:Create*",
    "logs:Delete*",
    "logs:Disassociate*",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:Put*",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:TagResource",
    "logs:UntagResource",
    "logs:Update*",
];

const FUNCTIONS: GuardRail = GuardRail::Functions;

/// The rails of a team.
pub(super) fn rails(guarded: &Guarded<'_>, private: &Private, team: &Team<'_>) -> Vec<Rail> {
    let functions = guarded.own("lambda", "function:", team, &["", ":*", "-*"]);
    let mut all = vec![
        (FUNCTIONS, vec![Forbidden::new(&CHANGES_FUNCTIONS, On::AllBut(functions))]),
        (GuardRail::Doors, doors()),
        (GuardRail::Network, vec![Forbidden::new(&CHANGES_NETWORKS, On::Anything)]),
        (GuardRail::Stacks, stacks(guarded, team)),
        (GuardRail::Published, vec![Forbidden::new(&CHANGES_PARAMETERS, On::Anything)]),
        (GuardRail::Logs, logs(guarded, team)),
    ];
    all.extend(api(guarded, team));
    all.extend(inside(guarded, private));
    let buckets = artifacts(guarded);
    if !buckets.is_empty() {
        all.push((GuardRail::Artifacts, own_artifacts(team, buckets)));
    }
    all
}

/// A function's own URL passes by the API, and so does whoever a permission names.
fn doors() -> Vec<Forbidden> {
    let urls = ["lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"];
    let others = json!({"StringNotEquals": {"lambda:Principal": "apigateway.amazonaws.com"}});
    vec![
        Forbidden::new(&urls, On::Anything),
        Forbidden::new(&["lambda:AddPermission"], On::Anything).when(others),
    ]
}

fn stacks(guarded: &Guarded<'_>, team: &Team<'_>) -> Vec<Forbidden> {
    let on = match team.job {
        Job::Stack => {
            let mut own = guarded.own("cloudformation", "stack/", team, &["/*", "-*/*"]);
            // A transform is what a change set may use.
            own.push(format!("arn:{}:cloudformation:*:aws:transform/*", guarded.partition));
            On::AllBut(own)
        }
        Job::Code | Job::Configuration => On::Anything,
    };
    vec![Forbidden::new(&CHANGES_STACKS, on)]
}

fn logs(guarded: &Guarded<'_>, team: &Team<'_>) -> Vec<Forbidden> {
    let own = guarded.own("logs", "log-group:/aws/lambda/", team, &["", ":*", "-*"]);
    vec![Forbidden::new(&LOGS, On::AllBut(own))]
}

/// The parts of each API that teams may make their own, the routes, and what the
/// platform wired.
fn api(guarded: &Guarded<'_>, team: &Team<'_>) -> Vec<Rail> {
    let apis = guarded.texts("aws_apigatewayv2_api", "id");
    if apis.is_empty() {
        return Vec::new();
    }
    let at = |path: &str| -> Vec<String> {
        let (partition, region) = (&guarded.partition, &guarded.region);
        let arn = |id| format!("arn:{partition}:apigateway:{region}::/apis/{id}{path}");
        apis.iter().map(arn).collect()
    };
    let parts = ["/integrations", "/integrations/*", "/routes", "/routes/*"].map(at).concat();
    let routes = ["/routes", "/routes/*"].map(at).concat();
    let front = match team.job {
        Job::Stack => On::AllBut(parts),
        Job::Code | Job::Configuration => On::Anything,
    };
    let mut all = vec![
        (
            GuardRail::Front,
            vec![Forbidden::new(&CHANGES_APIS, front)],
        ),
        // The complement of `ForAnyValue:StringEquals`: true also where the key is absent.
        (
            GuardRail::Routes,
            vec![
                Forbidden::new(&["apigateway:PATCH", "apigateway:POST", "apigateway:PUT"], On::These(routes)).when(
                    json!({"ForAllValues:StringNotEquals":
                        {"apigateway:Request/RouteAuthorizationType": ["JWT", "AWS_IAM", "CUSTOM"]}}),
                ),
            ],
        ),
    ];
    let wired =
        [("aws_apigatewayv2_route", "routes"), ("aws_apigatewayv2_integration", "integrations")];
    let wired: Vec<String> = wired
        .into_iter()
        .flat_map(|(kind, path)| guarded.texts(kind, "id").into_iter().map(move |id| (path, id)))
        .flat_map(|(path, id)| at(&format!("/{path}/{id}")))
        .collect();
    if !wired.is_empty() {
        let changes = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:PUT"];
        all.push((GuardRail::RoutesLead, vec![Forbidden::new(&changes, On::These(wired))]));
    }
    all
}

/// The subnets that functions may run in.
#[derive(Debug, Default)]
pub(super) struct Private {
    subnets: Vec<String>,
    networks: BTreeSet<String>,
    /// Whether some function runs in a network: then it must be in one of them.
    are_needed: bool,
    /// Why others may be such subnets, too.
    pub(super) unknown: Option<String>,
}

/// Those of which no route leads to the internet past NAT.
pub(super) fn private(guarded: &Guarded<'_>) -> Private {
    let are_needed = reach::is_about(guarded);
    let mut private = Private { are_needed, ..Private::default() };
    for subnet in reach::subnets(guarded.estate) {
        match subnet.is_public {
            Ok(true) => {}
            Ok(false) => {
                private.subnets.push(subnet.id.to_owned());
                private.networks.extend(subnet.network.map(str::to_owned));
            }
            Err(reason) => private.unknown = private.unknown.or(Some(reason)),
        }
    }
    private
}

/// Calls that say where a function runs must say: in the platform's network.
fn inside(guarded: &Guarded<'_>, private: &Private) -> Option<Rail> {
    let calls = ["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"];
    let calls = Forbidden::new(&calls, On::Anything);
    let groups = guarded.texts("aws_security_group", "id");
    let Private { subnets, networks, are_needed, unknown } = private;
    if groups.is_empty() || (subnets.is_empty() && unknown.is_none() && !are_needed) {
        return None;
    }
    if subnets.is_empty() || networks.is_empty() {
        return Some((GuardRail::NetworkKept, vec![calls]));
    }
    let network = json!({
        "StringEquals": {"lambda:VpcIds": networks},
        "ForAllValues:StringEquals":
            {"lambda:SubnetIds": subnets, "lambda:SecurityGroupIds": groups},
    });
    Some((GuardRail::NetworkKept, vec![calls.unless(network)]))
}

/// The artifacts buckets, and all that is in them.
pub(super) fn artifacts(guarded: &Guarded<'_>) -> Vec<String> {
    let named = guarded.config.platform.as_ref().and_then(|it| it.artifacts_bucket_output.as_ref());
    let named = named.and_then(|name| guarded.output(name)).map(str::to_owned);
    let only = || {
        let all = guarded.texts("aws_s3_bucket", "bucket");
        if all.len() == 1 { all.into_iter().next() } else { None }
    };
    let bucket = named.or_else(only);
    let arn = |bucket: String| format!("arn:{}:s3:::{bucket}", guarded.partition);
    bucket.map(arn).into_iter().flat_map(|arn| [format!("{arn}/*"), arn]).collect()
}

/// All of the buckets but the team's own prefix.
fn own_artifacts(team: &Team<'_>, buckets: Vec<String>) -> Vec<Forbidden> {
    let app = team.app.name.get_ref();
    let inside = buckets.iter().filter_map(|arn| arn.strip_suffix("/*"));
    let own: Vec<String> = inside.map(|arn| format!("{arn}/{app}/*")).collect();
    let on = match team.job {
        Job::Stack => On::Within(buckets, own),
        Job::Code | Job::Configuration => On::These(buckets),
    };
    vec![Forbidden::new(&["s3:*"], on)]
}

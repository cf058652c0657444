//! CloudWatch Logs.
//!
//! A log group is authorized as `log-group:NAME:log-stream:`, as AWS's messages
//! print it (`logs:PutRetentionPolicy on resource: arn:…:log-group:NAME:log-stream:`),
//! so that policies must name `log-group:NAME:*`. Only the tagging calls use
//! the ARN without it (model documentation of `LogGroup$arn` and
//! `LogGroup$logGroupArn`).

use super::RequirementsError;
use super::generic;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope};

/// Operations whose resource only the service knows, or which pass a role in a
/// member of its own.
const UNMAPPED: &[&str] = &[
    "CreateImportTask",
    "CreateScheduledQuery",
    "DeleteDeliverySource",
    "GetLogObject",
    "GetLogRecord",
    "GetQueryResults",
    "PutAccountPolicy",
    "PutIntegration",
    "UpdateScheduledQuery",
];

/// Resource types, the members that name them, and the calls where another
/// member does.
const MEMBERS: &[(&str, &[&str])] = &[
    ("anomaly-detector", &["anomalyDetectorArn"]),
    ("delivery", &["id"]),
    ("delivery-destination", &["name", "deliveryDestinationName"]),
    ("delivery-source", &["name"]),
    ("destination", &["destinationName"]),
    ("lookup-table", &["lookupTableArn", "lookupTableName"]),
    ("scheduled-query", &["identifier"]),
];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    if UNMAPPED.contains(&name) {
        return Err(scope.unmapped());
    }
    if let Some(arn) = scope.text("resourceArn")
        && matches!(name, "TagResource" | "UntagResource" | "ListTagsForResource")
    {
        let arn = arn.strip_suffix(":*").unwrap_or(arn);
        let mut requirement = generic::on(scope, name, arn);
        group_tags(scope, &mut requirement).await?;
        return Ok(vec![requirement]);
    }
    // The reference gives DescribeLogGroups no resource any more; AWS's
    // messages of 2026 still print this one, and policies on `log-group:*`
    // allow it. The group of the others is one of their filters: "You can list all of
    // the metric filters"
    // (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html>).
    let of_all = name == "DescribeMetricFilters" && group_names(scope).is_empty();
    if of_all || name == "DescribeLogGroups" {
        return Ok(vec![generic::on(scope, name, scope.arn("log-group::log-stream:"))]);
    }
    let mut requirements = generic::same_name(scope, |kind| match kind {
        "log-group" => Ok(groups(scope)),
        "log-stream" => Ok(streams(scope)),
        _ => Ok(named(scope, kind)),
    })?;
    for requirement in &mut requirements {
        if name != "CreateLogGroup" {
            group_tags(scope, requirement).await?;
        }
    }
    requirements.extend(also(scope).await?);
    Ok(requirements)
}

/// What some calls need beyond the action of their name.
async fn also(scope: &Scope<'_>) -> Mapped {
    let mut more = Vec::new();
    // Either logs:TagResource or the older logs:TagLogGroup does (API
    // reference of CreateLogGroup); the newer one is asked for.
    if scope.name() == "CreateLogGroup" && !scope.tags("tags").is_empty() {
        let arn = scope.arn(&format!("log-group:{}", scope.need("logGroupName")?));
        more.push(generic::on(scope, "TagResource", arn));
    }
    if scope.flag("unmask") {
        more.extend(groups(scope).into_iter().map(|arn| generic::on(scope, "Unmask", arn)));
    }
    if matches!(scope.name(), "PutSubscriptionFilter" | "PutDestination")
        && let Some(role) = scope.text("roleArn")
    {
        more.push(pass_role(scope, role, "logs.amazonaws.com").await?);
    }
    Ok(more)
}

/// The names of the log groups that a call names, however it does.
fn group_names<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    const MEMBERS: &[&str] = &[
        "logGroupName",
        "logGroupNames",
        "logGroupIdentifier",
        "logGroupIdentifiers",
        "logGroupArnList",
        "resourceIdentifier",
    ];
    let mut names: Vec<&str> = Vec::new();
    for member in MEMBERS {
        for name in scope.texts(member) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// `ARN:log-group:NAME` of a name or an ARN.
fn group_arn(scope: &Scope<'_>, name: &str) -> String {
    if name.starts_with("arn:") {
        name.strip_suffix(":*").unwrap_or(name).to_owned()
    } else {
        scope.arn(&format!("log-group:{name}"))
    }
}

fn groups(scope: &Scope<'_>) -> Vec<String> {
    group_names(scope)
        .into_iter()
        .map(|name| {
            let arn = group_arn(scope, name);
            // A query-results identifier is no log group.
            if arn.contains(":log-group:") { format!("{arn}:log-stream:") } else { arn }
        })
        .collect()
}

fn streams(scope: &Scope<'_>) -> Vec<String> {
    let Some(stream) = scope.text("logStreamName") else { return Vec::new() };
    group_names(scope)
        .into_iter()
        .map(|name| format!("{}:log-stream:{stream}", group_arn(scope, name)))
        .collect()
}

fn named(scope: &Scope<'_>, kind: &str) -> Vec<String> {
    // The destination of a subscription filter is given by its ARN.
    if kind == "destination"
        && let Some(arn) = scope.text("destinationArn")
    {
        return arn.contains(":destination:").then(|| arn.to_owned()).into_iter().collect();
    }
    let members = MEMBERS.iter().find(|(known, _)| *known == kind);
    members
        .and_then(|(_, members)| scope.any_text(members))
        .map(|name| match name.strip_prefix("arn:") {
            Some(_) => name.to_owned(),
            None => scope.arn(&format!("{kind}:{name}")),
        })
        .into_iter()
        .collect()
}

async fn group_tags(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    if !requirement.resource.contains(":log-group:") {
        return Ok(());
    }
    let arn = match requirement.resource.split_once(":log-stream:") {
        Some((group, _)) => group.to_owned(),
        None => requirement.resource.clone(),
    };
    requirement.add_told_tags(&[], &scope.state.resource_tags(&arn).await?);
    Ok(())
}

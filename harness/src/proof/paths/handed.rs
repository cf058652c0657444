//! By which calls a role is handed to which service: every action of AWS's reference that
//! depends on `iam:PassRole`, and every operation in whose input a role stands that is
//! handed over (`handed.txt`, which a test compares with the models), also in a text of JSON.
//!
//! "To pass a role to an AWS service, a user must have permissions to pass the role to the
//! service": <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ringfence_policy::Principal;
use ringfence_policy::symbolic::{Effect, Named, statements};

use crate::access::estate::{Entry, Estate};

/// An action that hands a role over.
#[derive(Debug)]
struct Row {
    action: &'static str,
    /// To which services, as far as a source says so.
    to: Vec<&'static str>,
    /// Whether it may be another one.
    is_open: bool,
}

impl Row {
    fn prefix(&self) -> &'static str {
        self.action.split_once(':').map_or("", |(prefix, _)| prefix)
    }
}

const TABLE: &str = include_str!("handed.txt");

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = TABLE.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let action = words.next()?;
        let (open, to): (Vec<&str>, Vec<&str>) = words.partition(|word| *word == "?");
        Some(Row { action, to, is_open: !open.is_empty() })
    });
    rows.collect()
});

/// Services to which a prefix's calls hand roles where no source says it call by call, and
/// whose names do not have the prefix.
const ALSO: [(&str, &str); 11] = [
    // What a launch template or an image names is run as instances.
    // https://docs.aws.amazon.com/autoscaling/ec2/userguide/us-iam-role.html
    ("autoscaling", "ec2"),
    // https://docs.aws.amazon.com/drs/latest/userguide/launching-target-servers.html
    ("drs", "ec2"),
    // https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
    ("eks", "ec2"),
    // https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-instanceprofile.html
    ("elasticbeanstalk", "ec2"),
    // https://docs.aws.amazon.com/mgn/latest/ug/launching-target-servers.html
    ("mgn", "ec2"),
    // https://docs.aws.amazon.com/pcs/latest/userguide/security-instance-profiles.html
    ("pcs", "ec2"),
    // https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    ("ec2", "vpc-flow-logs"),
    // https://docs.aws.amazon.com/vm-import/latest/userguide/required-permissions.html
    ("ec2", "vmie"),
    // A service's call names the role of its tasks.
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateExpressGatewayService.html
    ("ecs", "ecs-tasks"),
    // https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html
    ("eks", "eks-fargate-pods"),
    // https://docs.aws.amazon.com/lambda/latest/dg/lambda-edge.html
    ("lambda", "edgelambda"),
];

/// A service's name, in small letters, without its region; the region is a label of its own:
/// `states.eu-west-1.amazonaws.com`.
pub(super) fn passed_to(service: &str) -> String {
    let name = service.to_ascii_lowercase();
    let is_region = |label: &&str| {
        let parts: Vec<&str> = label.split('-').collect();
        let is_number =
            |part: &&str| part.len() == 1 && part.bytes().all(|one| one.is_ascii_digit());
        parts.len() >= 3
            && parts.first().is_some_and(|first| first.len() == 2)
            && parts.last().is_some_and(is_number)
    };
    let labels: Vec<&str> = name.split('.').filter(|label| !is_region(label)).collect();
    labels.join(".")
}

/// The actions by which a role can be handed to a service. Of one that nothing is known of
/// these are all of which it is not known to whom they hand roles.
pub(super) fn to(service: &str) -> Vec<&'static str> {
    let name = passed_to(service);
    let labels: Vec<&str> = name.split('.').collect();
    let is_of = |row: &Row| {
        let prefix = row.prefix();
        let mut also = ALSO.iter().filter(|(of, _)| *of == prefix);
        labels.contains(&prefix) || also.any(|(_, to)| labels.contains(to))
    };
    // In every partition it is called alike but for the domain.
    let is_named = |row: &Row| {
        row.to.iter().any(|to| to.split(".amazonaws.").next() == name.split(".amazonaws.").next())
    };
    let is_known = ROWS.iter().any(|row| is_named(row) || is_of(row));
    let all = ROWS.iter().filter(|row| is_named(row) || (row.is_open && (!is_known || is_of(row))));
    all.map(|row| row.action).collect()
}

/// The trust policies of an estate's roles, where they are there.
fn trusts(estate: &Estate) -> impl Iterator<Item = Option<&Entry>> {
    let roles = estate.entries.range("role/".to_owned()..).map(|(name, _)| name);
    let roles = roles.take_while(|name| name.starts_with("role/"));
    roles.map(move |role| estate.entries.get(&format!("trust of {role}")))
}

/// Whom the Allows of these name, of a kind, and whether one may let in everybody, for it says
/// so or is not known.
pub(super) fn named<'e>(
    estate: &'e Estate,
    anybody: &Principal,
    kind: impl Fn(Named<'e>) -> Option<&'e str>,
) -> (BTreeSet<&'e str>, bool) {
    let mut all = BTreeSet::new();
    let mut is_any = false;
    for trust in trusts(estate) {
        let Some(entry) = trust else {
            is_any = true;
            continue;
        };
        is_any |= !entry.unknown.is_empty();
        let policy = entry.policies.resource.iter().flat_map(|one| statements(one));
        for statement in policy.filter(|one| one.effect() == Effect::Allow) {
            is_any |= statement.names(anybody).is_some();
            all.extend(statement.principals().filter_map(&kind));
        }
    }
    (all, is_any)
}

/// The services that roles of an estate let in. Where a trust policy lets in everybody, or is
/// not known, these are all.
pub(super) fn let_in(estate: &Estate) -> BTreeSet<String> {
    let any = Principal::Service { name: "ringfence".to_owned() };
    let (named, is_any) = named(estate, &any, |named| match named {
        Named::Service(name) => Some(name),
        Named::Account(_) | Named::Arn(_) | Named::Federated(_) => None,
    });
    let mut all: BTreeSet<String> = named.into_iter().map(str::to_owned).collect();
    if is_any {
        for row in ROWS.iter() {
            all.extend(row.to.iter().map(|to| (*to).to_owned()));
            all.extend(row.is_open.then(|| format!("{}.amazonaws.com", row.prefix())));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use ringfence_models::actions::{self, Access};
    use ringfence_models::needs::{Needs, is_like_a_role};
    use ringfence_models::{Operation, Service};
    use rstest::rstest;

    use super::*;

    /// Prefixes whose calls name roles and run nothing as them: IAM's own put a role where
    /// others run it.
    const WITHOUT: [&str; 2] = ["iam", "sts"];

    /// Actions whose role stands in a text of JSON, with the services that take it: a launch
    /// constraint's `RoleArn` or `LocalRoleName`, a stack set constraint's `AdminRole`
    /// (<https://docs.aws.amazon.com/servicecatalog/latest/dg/API_CreateConstraint.html>), a
    /// service action's `AssumeRole`
    /// (<https://docs.aws.amazon.com/servicecatalog/latest/dg/API_CreateServiceAction.html>).
    const IN_TEXTS: [(&str, [&str; 2]); 4] = [
        ("servicecatalog:CreateConstraint", CONSTRAINT),
        ("servicecatalog:UpdateConstraint", CONSTRAINT),
        ("servicecatalog:CreateServiceAction", SERVICE_ACTION),
        ("servicecatalog:UpdateServiceAction", SERVICE_ACTION),
    ];
    const CONSTRAINT: [&str; 2] = ["cloudformation.amazonaws.com", "servicecatalog.amazonaws.com"];
    const SERVICE_ACTION: [&str; 2] = ["servicecatalog.amazonaws.com", "ssm.amazonaws.com"];

    type Found = BTreeMap<String, BTreeSet<&'static str>>;

    fn writes(action: &str) -> bool {
        let known = actions::action(action);
        known.is_some_and(|one| {
            one.access.iter().any(|it| !matches!(it, Access::List | Access::Read))
        })
    }

    fn add(operation: &Operation, found: &mut Found) {
        let own = operation.actions.iter().flatten().next().map(ToString::to_string);
        match operation.needs() {
            Needs::ByRule(needs) => {
                let first = needs.permissions.first().map(|it| it.action.to_string());
                let Some(action) = first.or(own) else { return };
                for pass in &needs.passes {
                    found.entry(action.clone()).or_default().insert(pass.service.unwrap_or("?"));
                }
            }
            Needs::ByHand | Needs::Refused(_) => {
                let Some(action) = own.filter(|action| writes(action)) else { return };
                let takes_away =
                    ["Delete", "Remove"].iter().any(|it| operation.name.starts_with(it));
                if !takes_away && !is_like_a_role(operation).is_empty() {
                    found.entry(action).or_default().insert("?");
                }
            }
        }
    }

    #[test]
    fn what_hands_over_roles_is_what_the_models_say() {
        let mut found = Found::new();
        for prefix in actions::prefixes() {
            let of = actions::of(prefix).into_iter().flat_map(actions::Prefix::actions);
            for action in of.filter(|one| one.dependent.contains(&"iam:PassRole")) {
                found.insert(format!("{prefix}:{}", action.name), BTreeSet::new());
            }
        }
        for operation in Service::all().flat_map(|service| &service.model().operations) {
            add(operation, &mut found);
        }
        for (action, to) in IN_TEXTS {
            found.entry(action.to_owned()).or_default().extend(to);
        }
        let mut text = String::new();
        for (action, to) in found {
            let prefix = action.split_once(':').map_or("", |(prefix, _)| prefix);
            if WITHOUT.contains(&prefix) {
                continue;
            }
            // The launch template or the profile that names a role says to whom it goes.
            let is_partly = ALSO.iter().any(|(of, to)| *of == prefix && *to == "ec2");
            let open = (to.is_empty() || is_partly) && !to.contains("?");
            let all: Vec<&str> = to.into_iter().chain(open.then_some("?")).collect();
            let _ = writeln!(text, "{action} {}", all.join(" "));
        }
        assert!(text == TABLE, "found:\n{text}");
    }

    #[rstest]
    #[case("states.amazonaws.com", "states:CreateStateMachine", true)]
    #[case("states.eu-west-1.amazonaws.com", "states:CreateStateMachine", true)]
    #[case("states.cn-north-1.amazonaws.com.cn", "states:CreateStateMachine", true)]
    #[case("scheduler.amazonaws.com", "states:CreateStateMachine", false)]
    #[case("scheduler.amazonaws.com", "scheduler:CreateSchedule", true)]
    #[case("events.amazonaws.com", "events:PutTargets", true)]
    #[case("pipes.amazonaws.com", "pipes:CreatePipe", true)]
    #[case("ec2.amazonaws.com", "autoscaling:CreateAutoScalingGroup", true)]
    #[case("ec2.amazonaws.com", "states:CreateStateMachine", false)]
    #[case("codepipeline.amazonaws.com", "codepipeline:CreatePipeline", true)]
    #[case("appsync.amazonaws.com", "appsync:CreateDataSource", true)]
    #[case("ecs-tasks.amazonaws.com", "batch:RegisterJobDefinition", true)]
    #[case("ecs-tasks.amazonaws.com", "ecs:CreateExpressGatewayService", true)]
    #[case("servicecatalog.amazonaws.com", "servicecatalog:CreateConstraint", true)]
    #[case("servicecatalog.amazonaws.com", "bedrock:CreateAgent", false)]
    #[case("ssm.amazonaws.com", "servicecatalog:UpdateServiceAction", true)]
    #[case("bedrock.amazonaws.com", "bedrock:CreateAgent", true)]
    #[case("tasks.apprunner.amazonaws.com", "apprunner:CreateService", true)]
    #[case("nobodys.amazonaws.com", "bedrock:CreateAgent", true)]
    #[case("nobodys.amazonaws.com", "states:CreateStateMachine", false)]
    fn a_service_is_handed_roles_by_its_own_calls(
        #[case] service: &str,
        #[case] action: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(to(service).contains(&action), expected, "{:?}", to(service));
    }
}

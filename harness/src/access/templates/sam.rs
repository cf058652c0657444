//! What SAM makes of a template before `CloudFormation` reads it, as far as identities hang
//! on it: what `Globals` says is written to each resource, and the roles that it makes stand among
//! the resources.
//!
//! What it makes is told by its documentation, of each event and property in its own page
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>),
//! and by the translator, which is public (<https://github.com/aws/serverless-application-model>).

use serde_json::{Value as Json, json};

use super::execution;
use super::names::is_no_value;
use crate::access::complete::tree;
use crate::lint::known::{Member, Node, Value};

/// What SAM's types begin with.
const PREFIX: &str = "AWS::Serverless::";

/// The role that `CodeDeploy` shifts traffic as: one of each template.
const CODE_DEPLOY: &str = "CodeDeployServiceRole";

/// Events of functions that make no role.
pub(super) const WITHOUT_ROLE: [&str; 18] = [
    "AlexaSkill",
    "Api",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "DocumentDB",
    "DynamoDB",
    "EventBridgeRule",
    "HttpApi",
    "IoTRule",
    "Kinesis",
    "MQ",
    "MSK",
    "S3",
    "SNS",
    "SQS",
    "Schedule",
    "SelfManagedKafka",
];

/// A template as SAM leaves it.
pub(super) fn expanded(root: &Node, partition: &str) -> Node {
    let Some(resources) = root.get("Resources") else { return root.clone() };
    let globals = root.get("Globals");
    let mut all: Vec<Member> =
        resources.members().iter().map(|one| with_globals(one, globals)).collect();
    let mut made: Vec<Member> = Vec::new();
    for resource in &all {
        let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
        let Some(kind) = kind.strip_prefix(PREFIX) else { continue };
        let of = Of { resource, kind };
        if has_own_role(kind, resource.value.get("Properties")) {
            made.push(execution::role(resource, kind, partition));
        }
        for role in of.roles() {
            if role.key != CODE_DEPLOY || !made.iter().any(|one| one.key == CODE_DEPLOY) {
                made.push(role);
            }
        }
    }
    all.extend(made);
    let members = root.members().iter().map(|member| match member.key.as_str() {
        "Resources" => {
            let value = Node::new(member.value.at, Value::Map(all.clone()));
            Member { value, ..member.clone() }
        }
        _ => member.clone(),
    });
    Node::new(root.at, Value::Map(members.collect()))
}

/// A resource with what is said of all of its type, but for what it ignores
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>).
fn with_globals(resource: &Member, globals: Option<&Node>) -> Member {
    let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
    let of_type = kind.strip_prefix(PREFIX).and_then(|kind| globals?.get(kind));
    let ignored = resource.value.get("IgnoreGlobals");
    let is_ignored = |name: &str| {
        let all = ignored.map(Node::items).unwrap_or_default();
        all.iter().any(|one| one.text() == Some(name))
    };
    let Some(of_type) = of_type.filter(|_| ignored.and_then(Node::text) != Some("*")) else {
        return resource.clone();
    };
    let counts = of_type.members().iter().filter(|one| !is_ignored(&one.key)).cloned().collect();
    let of_type = Node::new(of_type.at, Value::Map(counts));
    let mut members = resource.value.members().to_vec();
    match members.iter_mut().find(|member| member.key == "Properties") {
        Some(own) => own.value = merged(&of_type, &own.value),
        None => {
            members.push(Member { at: resource.at, key: "Properties".to_owned(), value: of_type })
        }
    }
    Member { value: Node::new(resource.value.at, Value::Map(members)), ..resource.clone() }
}

/// What is said of all and of one: maps are merged, lists are put together, of anything else
/// the one's own counts. A function is no map: it stands for the value that it gives
/// (`_token_of` of
/// <https://github.com/aws/serverless-application-model/blob/develop/samtranslator/plugins/globals/globals.py>).
fn merged(of_all: &Node, own: &Node) -> Node {
    let value = match (&of_all.value, &own.value) {
        (Value::Map(all), Value::Map(members)) if !is_function(of_all) && !is_function(own) => {
            let mut out = all.clone();
            for member in members {
                match out.iter_mut().find(|one| one.key == member.key) {
                    Some(one) => one.value = merged(&one.value, &member.value),
                    None => out.push(member.clone()),
                }
            }
            Value::Map(out)
        }
        (Value::List(all), Value::List(items)) => {
            Value::List(all.iter().chain(items).cloned().collect())
        }
        (_, own) => own.clone(),
    };
    Node::new(own.at, value)
}

/// Whether a value is an intrinsic function, as SAM tells one: a map of a single member
/// (`is_intrinsic` of
/// <https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/intrinsics.py>).
fn is_function(node: &Node) -> bool {
    let Value::Map(members) = &node.value else { return false };
    let [member] = members.as_slice() else { return false };
    matches!(member.key.as_str(), "Ref" | "Condition") || member.key.starts_with("Fn::")
}

/// Whether SAM makes a function the role that it runs as: where it names none, or may name
/// none
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>).
fn has_own_role(kind: &str, properties: Option<&Node>) -> bool {
    let role = properties.and_then(|all| all.get("Role")).filter(|role| role.is_something());
    match (kind, role) {
        ("Function" | "StateMachine", None) => true,
        ("Function", Some(role)) => {
            is_no_value(role) || role.get("Fn::If").is_some_and(may_be_none)
        }
        _ => false,
    }
}

/// Whether a branch of a condition is `AWS::NoValue`.
fn may_be_none(branches: &Node) -> bool {
    let is_none = |one: &Node| is_no_value(one) || one.get("Fn::If").is_some_and(may_be_none);
    branches.items().iter().skip(1).any(is_none)
}

/// What a role may do.
enum May {
    /// These actions, each on something that is not known until the stack is made.
    These(Vec<(&'static str, Json)>),
    /// What a policy of AWS's allows, by its path and name.
    Managed(&'static str),
    /// Nobody knows.
    Anything,
}

/// An attribute that no resource has.
const MADE: [&str; 2] = ["AWS::Serverless", "Made"];

/// What is not known before the stack is made.
pub(super) fn unknown() -> Json {
    json!({"Fn::GetAtt": MADE})
}

/// Whether a value is [`unknown`].
pub(super) fn is_unknown(node: &Node) -> bool {
    let parts = node.get("Fn::GetAtt").map(Node::items).unwrap_or_default();
    parts.len() == MADE.len() && parts.iter().zip(MADE).all(|(one, made)| one.text() == Some(made))
}

/// A resource of SAM's.
struct Of<'t> {
    resource: &'t Member,
    /// Its type, after `AWS::Serverless::`.
    kind: &'t str,
}

impl Of<'_> {
    fn property(&self, name: &str) -> Option<&Node> {
        let property = self.resource.value.get("Properties")?.get(name);
        property.filter(|node| node.is_something() && !is_no_value(node))
    }

    /// The roles that it makes besides the one that it runs as.
    fn roles(&self) -> Vec<Member> {
        let without = |property, end: &str, service, may| {
            let is_made = self.property(property).is_none();
            is_made.then(|| self.role(&self.key(end), service, may, None)).into_iter().collect()
        };
        match self.kind {
            "Function" => self.events().into_iter().chain(self.deployment()).collect(),
            "StateMachine" => self.events(),
            "GraphQLApi" => self.sources(),
            "WebFunction" => {
                let may = May::Managed("service-role/AWSLambdaBasicExecutionRole");
                without("ExecutionRoleArn", "Role", Some("lambda"), may)
            }
            "CapacityProvider" => {
                let may = May::Managed("AWSLambdaManagedEC2ResourceOperator");
                without("OperatorRole", "OperatorRole", Some("lambda"), may)
            }
            "MicrovmImage" => without("BuildRoleArn", "BuildRole", None, May::Anything),
            "NetworkConnector" => without("OperatorRole", "OperatorRole", None, May::Anything),
            _ => Vec::new(),
        }
    }

    fn key(&self, end: &str) -> String {
        format!("{}{end}", self.resource.key)
    }

    /// A role of the stack. Whom one lets in that no service is known of, nobody knows.
    fn role(&self, key: &str, service: Option<&str>, may: May, boundary: Option<&Node>) -> Member {
        let mut properties = json!({});
        let mut set = |name: &str, value| {
            if let Some(members) = properties.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if let Some(service) = service {
            let statement = json!({"Effect": "Allow", "Action": ["sts:AssumeRole"],
                "Principal": {"Service": [format!("{service}.amazonaws.com")]}});
            let document = json!({"Version": "2012-10-17", "Statement": [statement]});
            set("AssumeRolePolicyDocument", document);
        }
        match may {
            May::These(all) => {
                let policy = |(action, resource): (&str, Json)| {
                    let statement =
                        json!({"Effect": "Allow", "Action": action, "Resource": resource});
                    json!({"PolicyName": action, "PolicyDocument": {"Statement": [statement]}})
                };
                set("Policies", all.into_iter().map(policy).collect());
            }
            May::Managed(name) => {
                let arn = format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}");
                set("ManagedPolicyArns", json!([{"Fn::Sub": arn}]));
            }
            May::Anything => set("Policies", json!([unknown()])),
        }
        let at = self.resource.at;
        let mut properties = tree(at, &properties);
        if let (Value::Map(members), Some(boundary)) = (&mut properties.value, boundary) {
            let key = "PermissionsBoundary".to_owned();
            members.push(Member { at, key, value: boundary.clone() });
        }
        let kind = Node::new(at, Value::Text("AWS::IAM::Role".to_owned()));
        let members = vec![
            Member { at, key: "Type".to_owned(), value: kind },
            Member { at, key: "Properties".to_owned(), value: properties },
        ];
        Member { at, key: key.to_owned(), value: Node::new(at, Value::Map(members)) }
    }

    /// The roles by which events reach it: a schedule of the Scheduler's invokes as a role,
    /// and whatever starts a state machine does
    /// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html>,
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-statemachine-statemachineschedule.html>).
    fn events(&self) -> Vec<Member> {
        let Some(events) = self.property("Events") else { return Vec::new() };
        let is_function = |member: &Member| member.key == "Ref" || member.key.starts_with("Fn::");
        if !matches!(events.value, Value::Map(_)) || events.members().iter().any(is_function) {
            return vec![self.role(&self.key("EventsRole"), None, May::Anything, None)];
        }
        events.members().iter().filter_map(|event| self.event(event)).collect()
    }

    fn event(&self, event: &Member) -> Option<Member> {
        let properties = event.value.get("Properties");
        let property = |name: &str| {
            let node = properties?.get(name);
            node.filter(|node| node.is_something() && !is_no_value(node))
        };
        let kind = event.value.get("Type").and_then(Node::text).unwrap_or_default();
        let is_machine = self.kind == "StateMachine";
        let service = match (is_machine, kind) {
            (_, "ScheduleV2") if property("RoleArn").is_none() => Some("scheduler"),
            (true, "Schedule") if property("RoleArn").is_none() => Some("events"),
            (_, "ScheduleV2") | (true, "Schedule") => return None,
            (true, "CloudWatchEvent" | "EventBridgeRule") => Some("events"),
            (true, "Api") => Some("apigateway"),
            (false, other) if WITHOUT_ROLE.contains(&other) => return None,
            _ => None,
        };
        let key = self.key(&format!("{}Role", event.key));
        // But for the Scheduler's, the roles of a state machine's events carry the machine's
        // boundary (`PermissionsBoundary` of
        // https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/stepfunctions/events.py
        // and of `model/eventsources/scheduler.py` there).
        let boundary = match (is_machine, kind) {
            (true, "Schedule" | "CloudWatchEvent" | "EventBridgeRule" | "Api") => {
                self.property("PermissionsBoundary")
            }
            _ => property("PermissionsBoundary"),
        };
        let Some(service) = service else {
            return Some(self.role(&key, None, May::Anything, boundary));
        };
        let own = match (is_machine, self.property("AutoPublishAlias")) {
            (true, _) => ("states:StartExecution", unknown()),
            // The alias is invoked, where there is one.
            (false, Some(_)) => ("lambda:InvokeFunction", unknown()),
            (false, None) => {
                ("lambda:InvokeFunction", json!({"Fn::GetAtt": [self.resource.key, "Arn"]}))
            }
        };
        let mut all = vec![own];
        if service == "scheduler" && property("DeadLetterConfig").is_some() {
            all.push(("sqs:SendMessage", unknown()));
        }
        Some(self.role(&key, Some(service), May::These(all), boundary))
    }

    /// The role that shifts its traffic, where it names none of its own
    /// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-deploymentpreference.html>).
    fn deployment(&self) -> Option<Member> {
        let preference = self.property("DeploymentPreference")?;
        let of = |name: &str| {
            preference.get(name).filter(|node| node.is_something() && !is_no_value(node))
        };
        let is_off = of("Enabled").is_some_and(|enabled| match &enabled.value {
            Value::Bool(is_on) => !is_on,
            Value::Text(text) => text.eq_ignore_ascii_case("false"),
            _ => false,
        });
        let may = May::Managed("service-role/AWSCodeDeployRoleForLambda");
        (!is_off && of("Role").is_none())
            .then(|| self.role(CODE_DEPLOY, Some("codedeploy"), may, None))
    }

    /// The roles of a GraphQL API: one that writes its logs, and one of each source of data
    /// that names none
    /// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-graphqlapi.html>).
    fn sources(&self) -> Vec<Member> {
        let role = |end: &str, may| self.role(&self.key(end), Some("appsync"), may, None);
        let mut all = Vec::new();
        let logging = self.property("Logging");
        let has_own = logging.is_some_and(|it| {
            it.get("CloudWatchLogsRoleArn").is_some() || matches!(it.value, Value::Bool(false))
        });
        if !has_own {
            all.push(role(
                "CloudWatchRole",
                May::Managed("service-role/AWSAppSyncPushToCloudWatchLogs"),
            ));
        }
        for kind in self.property("DataSources").map(Node::members).unwrap_or_default() {
            let (end, action) = match kind.key.as_str() {
                "DynamoDb" => ("DynamoDBDataSourceRole", Some("dynamodb:*")),
                "Lambda" => ("LambdaDataSourceRole", Some("lambda:Invoke*")),
                _ => ("DataSourceRole", None),
            };
            let may = || action.map_or(May::Anything, |it| May::These(vec![(it, unknown())]));
            if kind.value.members().is_empty() {
                all.push(role(end, may()));
            }
            let made = kind.value.members().iter().filter(|source| {
                let arn = source.value.get("ServiceRoleArn");
                !arn.is_some_and(|arn| arn.is_something() && !is_no_value(arn))
            });
            all.extend(made.map(|source| role(&format!("{}{end}", source.key), may())));
        }
        all
    }
}

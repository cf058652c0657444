//! The role that SAM makes a function or a state machine to run as, where it names none: what
//! its `Policies` and events say, and what the translator gives it besides
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>,
//! <https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/role_utils/role_constructor.py>).
//! What these hang on and is not known until the stack is made stands in the role as it is
//! written, or as a policy that is not known.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ringfence_models::managed;
use serde_json::{Value as Json, json};

use super::names::is_no_value;
use super::sam::unknown;
use crate::access::complete::tree;
use crate::lint::known::{Member, Node, Place, Value};

/// SAM's policy templates, by their names, as aws-sam-translator has them
/// (<https://github.com/aws/serverless-application-model/blob/develop/samtranslator/policy_templates_data/policy_templates.json>).
static TEMPLATES: LazyLock<BTreeMap<String, Template>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/policy_templates.json")).unwrap_or_default()
});

#[derive(Debug, serde::Deserialize)]
struct Template {
    parameters: Vec<String>,
    statement: Json,
}

/// What a function's network interfaces need.
const INTERFACES: [&str; 6] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
];

/// What a broker is logged in to with, without a secret
/// (`NON_URI_TYPES` of
/// <https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/eventsources/pull.py>).
const WITHOUT_SECRET: [&str; 2] = ["IAM_AUTH", "IAM_OAUTHBEARER_AUTH"];

/// The same with one.
const WITH_SECRET: [&str; 6] = [
    "BASIC_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "OAUTHBEARER_AUTH",
    "SASL_SCRAM_256_AUTH",
    "SASL_SCRAM_512_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
];

/// What is told of a broker besides.
const TOLD: [&str; 7] = [
    "OAUTHBEARER_AUDIENCE",
    "OAUTHBEARER_IDENTITY_POOL",
    "OAUTHBEARER_LOGICAL_CLUSTER",
    "OAUTHBEARER_SCOPE",
    "VIRTUAL_HOST",
    "VPC_SECURITY_GROUP",
    "VPC_SUBNET",
];

/// The role of a function or a state machine, in a partition.
pub(super) fn role(resource: &Member, kind: &str, partition: &str) -> Member {
    let properties = resource.value.get("Properties");
    let at = resource.at;
    let mut role = Role { at, partition, properties, managed: Vec::new(), policies: Vec::new() };
    // A function makes them, or more of them than stand there.
    let is_whole = properties.is_none_or(|all| {
        matches!(all.value, Value::Map(_) | Value::Null)
            && !all.members().iter().any(|one| is_function(&one.key))
    });
    let is_made = !is_whole || resource.value.members().iter().any(|one| is_function(&one.key));
    let service = match kind {
        "StateMachine" => {
            role.of_machine();
            "states"
        }
        _ => {
            role.of_function();
            "lambda"
        }
    };
    if is_made {
        role.open();
    }
    let statement = json!({"Effect": "Allow", "Action": ["sts:AssumeRole"],
        "Principal": {"Service": [format!("{service}.amazonaws.com")]}});
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    let own = role.property("AssumeRolePolicyDocument").filter(|_| service == "lambda").cloned();
    let mut all = vec![("AssumeRolePolicyDocument", own.unwrap_or_else(|| tree(at, &trust)))];
    let copied = [("RolePath", "Path"), ("PermissionsBoundary", "PermissionsBoundary")];
    for (property, name) in copied {
        all.extend(role.property(property).map(|node| (name, node.clone())));
    }
    let Role { managed, policies, .. } = role;
    all.push(("ManagedPolicyArns", Node::new(at, Value::List(managed))));
    all.push(("Policies", Node::new(at, Value::List(policies))));
    let kind = Node::new(at, Value::Text("AWS::IAM::Role".to_owned()));
    let value = map(at, vec![("Type", kind), ("Properties", map(at, all))]);
    Member { at, key: format!("{}Role", resource.key), value }
}

/// A role on its way.
struct Role<'r> {
    at: Place,
    partition: &'r str,
    properties: Option<&'r Node>,
    managed: Vec<Node>,
    policies: Vec<Node>,
}

impl<'r> Role<'r> {
    fn property(&self, name: &str) -> Option<&'r Node> {
        something(self.properties?.get(name))
    }

    fn of_function(&mut self) {
        self.managed(match self.property("DurableConfig") {
            Some(_) => "service-role/AWSLambdaBasicDurableExecutionRolePolicy",
            None => "service-role/AWSLambdaBasicExecutionRole",
        });
        match self.property("Tracing").map(|node| (node, node.text())) {
            None | Some((_, Some("Disabled"))) => {}
            Some((_, Some(_))) => self.managed(self.traced()),
            // It may be disabled, or not.
            Some((_, None)) => {
                let statement = self.statement(&["xray:*"], tree(self.at, &unknown()));
                self.policy(vec![statement]);
            }
        }
        if self.property("VpcConfig").is_some() {
            self.managed("service-role/AWSLambdaVPCAccessExecutionRole");
        }
        if let Some(queue) = self.property("DeadLetterQueue") {
            let actions: &[&str] = match queue.get("Type").and_then(Node::text) {
                Some("SQS") => &["sqs:SendMessage"],
                Some("SNS") => &["sns:Publish"],
                _ => &["sqs:SendMessage", "sns:Publish"],
            };
            let statement = self.statement(actions, self.or_unknown(queue.get("TargetArn")));
            self.policy_of(Some("2012-10-17"), vec![statement]);
        }
        if let Some(config) = self.property("EventInvokeConfig") {
            self.destinations(config, &["OnSuccess", "OnFailure"]);
        }
        self.own_policies();
        let Some(events) = self.property("Events") else { return };
        if !is_plain(events) {
            self.open();
        }
        for event in events.members().iter().filter(|one| !is_function(&one.key)) {
            self.event(&event.value);
        }
    }

    fn of_machine(&mut self) {
        self.own_policies();
        let enabled = self.property("Tracing").and_then(|it| it.get("Enabled"));
        if enabled.is_some_and(|it| it.value == Value::Bool(true)) {
            self.managed(self.traced());
        }
        if self.property("Tracing").is_some_and(|it| !is_plain(it)) {
            self.open();
        }
    }

    /// (<https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/xray_utils.py>)
    fn traced(&self) -> &'static str {
        match self.partition {
            "aws" => "AWSXrayWriteOnlyAccess",
            _ => "AWSXRayDaemonWriteAccess",
        }
    }

    /// Adds one of AWS's own policies.
    fn managed(&mut self, name: &str) {
        let arn = format!("arn:{}:iam::aws:policy/{name}", self.partition);
        self.attached(Node::new(self.at, Value::Text(arn)));
    }

    fn attached(&mut self, arn: Node) {
        if !self.managed.iter().any(|one| one.value == arn.value) {
            self.managed.push(arn);
        }
    }

    /// Adds a policy of which nothing is known.
    fn open(&mut self) {
        self.open_at(self.at);
    }

    fn open_at(&mut self, at: Place) {
        self.policies.push(tree(at, &unknown()));
    }

    fn document(&mut self, document: Node) {
        let name = format!("Policy{}", self.policies.len());
        let name = Node::new(document.at, Value::Text(name));
        let policy = map(document.at, vec![("PolicyName", name), ("PolicyDocument", document)]);
        self.policies.push(policy);
    }

    fn policy(&mut self, statements: Vec<Node>) {
        self.policy_of(None, statements);
    }

    fn policy_of(&mut self, version: Option<&str>, statements: Vec<Node>) {
        let version = version.map(|it| ("Version", Node::new(self.at, Value::Text(it.to_owned()))));
        let statements = ("Statement", Node::new(self.at, Value::List(statements)));
        self.document(map(self.at, version.into_iter().chain([statements]).collect()));
    }

    fn statement(&self, actions: &[&str], resource: Node) -> Node {
        let text = |text: &str| Node::new(self.at, Value::Text(text.to_owned()));
        let actions = actions.iter().map(|one| text(one)).collect();
        let action = Node::new(self.at, Value::List(actions));
        map(self.at, vec![("Effect", text("Allow")), ("Action", action), ("Resource", resource)])
    }

    fn or_unknown(&self, node: Option<&Node>) -> Node {
        something(node).cloned().unwrap_or_else(|| tree(self.at, &unknown()))
    }

    /// What `Policies` says
    /// (<https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/resource_policies.py>).
    fn own_policies(&mut self) {
        let Some(written) = self.property("Policies") else { return };
        for entry in one_or_all(written) {
            let documents = match (&entry.value, entry.members()) {
                (Value::Text(name), _) => {
                    self.named(entry.at, name);
                    continue;
                }
                (_, [only]) if only.key == "Fn::If" => None,
                // What it gives is taken for the name of a managed policy.
                (_, [only]) if is_function(&only.key) => {
                    self.attached(entry.clone());
                    continue;
                }
                (_, members) if members.iter().any(|one| one.key == "Statement") => {
                    Some(entry.clone())
                }
                (_, [only]) => of_template(only),
                _ => None,
            };
            match documents {
                Some(document) => self.document(document),
                None => self.open_at(entry.at),
            }
        }
    }

    /// A managed policy by its ARN, or one of AWS's own by its name, whose path the name does
    /// not say.
    fn named(&mut self, at: Place, name: &str) {
        const PATHS: [&str; 4] = ["", "service-role/", "job-function/", "aws-service-role/"];
        let arns = PATHS.iter().map(|path| format!("arn:aws:iam::aws:policy/{path}{name}"));
        let mut arns = arns.filter(|_| self.partition == "aws");
        let found = arns.find(|arn| managed::find(arn).is_some());
        let arn = found.unwrap_or_else(|| name.to_owned());
        self.attached(Node::new(at, Value::Text(arn)));
    }

    /// Where the results of calls go
    /// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventinvokeconfiguration.html>).
    fn destinations(&mut self, config: &Node, ends: &[&str]) {
        if !is_plain(config) {
            return self.open();
        }
        let Some(all) = something(config.get("DestinationConfig")) else { return };
        if !is_plain(all) {
            return self.open();
        }
        for end in ends {
            let Some(one) = something(all.get(end)) else { continue };
            // Of a queue or a topic that is not named, SAM makes one.
            let arn = self.or_unknown(one.get("Destination"));
            let action = match one.get("Type").and_then(Node::text) {
                Some("SQS") => "sqs:SendMessage",
                Some("SNS") => "sns:publish",
                Some("Lambda") => "lambda:InvokeFunction",
                Some("EventBridge") => "events:PutEvents",
                Some("Kafka") => continue,
                Some("S3" | "S3Bucket") => {
                    let objects = vec![
                        Node::new(self.at, Value::Text("/".to_owned())),
                        Node::new(
                            self.at,
                            Value::List(vec![
                                arn.clone(),
                                Node::new(self.at, Value::Text("*".to_owned())),
                            ]),
                        ),
                    ];
                    let objects =
                        map(self.at, vec![("Fn::Join", Node::new(self.at, Value::List(objects)))]);
                    let all = vec![
                        self.statement(&["s3:PutObject"], objects),
                        self.statement(&["s3:ListBucket"], arn),
                    ];
                    self.policy(all);
                    continue;
                }
                // An event without a type is given nothing.
                None if one.get("Type").is_none() && ends.len() == 1 => continue,
                _ => {
                    self.open();
                    continue;
                }
            };
            let statement = self.statement(&[action], arn);
            self.policy(vec![statement]);
        }
    }

    /// What it needs to be given an event, where Lambda fetches these
    /// (<https://github.com/aws/serverless-application-model/blob/develop/samtranslator/model/eventsources/pull.py>).
    fn event(&mut self, event: &Node) {
        let properties = event.get("Properties");
        let property = |name: &str| something(properties?.get(name));
        let is_whole = is_plain(event) && properties.is_none_or(is_plain);
        let kind = event.get("Type").and_then(Node::text).filter(|_| is_whole);
        let role = match kind {
            Some("Kinesis") => "AWSLambdaKinesisExecutionRole",
            Some("DynamoDB") => "AWSLambdaDynamoDBExecutionRole",
            Some("SQS") => "AWSLambdaSQSQueueExecutionRole",
            Some("MSK") => "AWSLambdaMSKExecutionRole",
            Some("DocumentDB" | "MQ" | "SelfManagedKafka") => "",
            // Its subscription may be a queue of its own.
            Some("SNS") => match property("SqsSubscription").map(|it| &it.value) {
                None | Some(Value::Bool(false)) => return,
                Some(_) => "AWSLambdaSQSQueueExecutionRole",
            },
            Some(kind) if super::sam::WITHOUT_ROLE.contains(&kind) || kind == "ScheduleV2" => {
                return;
            }
            _ => return self.open(),
        };
        if !role.is_empty() {
            self.managed(&format!("service-role/{role}"));
        }
        let kind = kind.unwrap_or_default();
        let mut statements = Vec::new();
        let configured = property("SourceAccessConfigurations");
        let mut has_network = kind == "DocumentDB";
        for one in configured.map(one_or_all).unwrap_or_default() {
            let of = one.get("Type").and_then(Node::text).unwrap_or_default();
            let counts = match kind {
                "MSK" => of == "CLIENT_CERTIFICATE_TLS_AUTH",
                "DocumentDB" | "MQ" => of == "BASIC_AUTH",
                "SelfManagedKafka" => WITH_SECRET.contains(&of),
                _ => false,
            };
            has_network |= kind == "SelfManagedKafka" && of == "VPC_SUBNET";
            let secret = one.get("URI").filter(|uri| uri.is_something());
            if let Some(secret) = secret.filter(|_| counts) {
                statements.push(self.statement(&["secretsmanager:GetSecretValue"], secret.clone()));
            } else if ![WITHOUT_SECRET.as_slice(), &WITH_SECRET, &TOLD].concat().contains(&of) {
                self.open();
            }
        }
        let own = |end: &str| json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:rds:${{AWS::Region}}:${{AWS::AccountId}}:{end}")});
        match kind {
            "MQ" => {
                let broker = self.or_unknown(property("Broker"));
                statements.push(self.statement(&["mq:DescribeBroker"], broker));
            }
            "DocumentDB" => {
                let of = |action: &str, resource: &Json| {
                    self.statement(&[action], tree(self.at, resource))
                };
                let groups = of("rds:DescribeDBClusterParameters", &own("cluster-pg:*"));
                let subnets = of("rds:DescribeDBSubnetGroups", &own("subgrp:*"));
                let cluster = self.or_unknown(property("Cluster"));
                let clusters = self.statement(&["rds:DescribeDBClusters"], cluster);
                statements.extend([groups, subnets, clusters]);
            }
            _ => {}
        }
        if has_network {
            statements.push(self.statement(&INTERFACES, tree(self.at, &json!("*"))));
        }
        if let Some(key) = property("SecretsManagerKmsKeyId").filter(|_| role.is_empty()) {
            let arn = key.text().map(|id| {
                json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:key/{id}")})
            });
            let arn = tree(self.at, &arn.unwrap_or_else(unknown));
            statements.push(self.statement(&["kms:Decrypt"], arn));
        }
        if !statements.is_empty() {
            let version = (kind == "SelfManagedKafka").then_some("2012-10-17");
            self.policy_of(version, statements);
        }
        // What a registry of schemas needs hangs on how it is reached.
        if configured.is_some_and(|it| !matches!(it.value, Value::List(_)))
            || property("SchemaRegistryConfig").is_some()
        {
            self.open();
        }
        if let Some(properties) = properties {
            self.destinations(properties, &["OnFailure"]);
        }
    }
}

/// The document of a policy template with its parameters, where all are given
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html>).
fn of_template(entry: &Member) -> Option<Node> {
    let template = TEMPLATES.get(&entry.key)?;
    let is_given = is_plain(&entry.value)
        && template.parameters.iter().all(|name| entry.value.get(name).is_some());
    let statement = tree(entry.at, &template.statement);
    is_given.then(|| map(entry.at, vec![("Statement", with(&statement, &entry.value))]))
}

/// A value with what is given for each of its parameters.
fn with(node: &Node, given: &Node) -> Node {
    let value = match &node.value {
        Value::Map(members) => {
            if let [only] = members.as_slice()
                && only.key == "Ref"
                && let Some(value) = only.value.text().and_then(|name| given.get(name))
            {
                return value.clone();
            }
            let of = |one: &Member| Member { value: with(&one.value, given), ..one.clone() };
            Value::Map(members.iter().map(of).collect())
        }
        Value::List(items) => Value::List(items.iter().map(|one| with(one, given)).collect()),
        other => other.clone(),
    };
    Node::new(node.at, value)
}

fn map(at: Place, members: Vec<(&str, Node)>) -> Node {
    let of = |(key, value): (&str, Node)| Member { at, key: key.to_owned(), value };
    Node::new(at, Value::Map(members.into_iter().map(of).collect()))
}

fn something(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| node.is_something() && !is_no_value(node))
}

/// The items of a list, or the one value.
fn one_or_all(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

/// Whether it is a map that no function makes.
fn is_plain(node: &Node) -> bool {
    matches!(node.value, Value::Map(_)) && !node.members().iter().any(|one| is_function(&one.key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::complete::known;

    /// A template, and the roles that aws-sam-translator 1.115.0 makes of it.
    const TRANSLATED: &str = include_str!("data/translated.json");

    /// A value as a text, its members by their names and its actions as a list.
    fn canonical(value: &Json) -> String {
        match value {
            Json::Object(members) => {
                let all: BTreeSet<String> = members
                    .iter()
                    .map(|(key, one)| match (key.as_str(), one) {
                        ("Action", Json::String(_)) => format!("{key}:[{}]", canonical(one)),
                        _ => format!("{key}:{}", canonical(one)),
                    })
                    .collect();
                format!("{{{}}}", all.into_iter().collect::<Vec<_>>().join(","))
            }
            Json::Array(items) => {
                format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        }
    }

    /// What a role may do and whom it trusts, in no order.
    fn meant(role: &Json) -> BTreeSet<String> {
        let list = |name: &str| role[name].as_array().cloned().unwrap_or_default();
        let managed = list("ManagedPolicyArns").into_iter().map(|arn| canonical(&arn));
        let inline = list("Policies").into_iter().flat_map(|policy| {
            let document = policy["PolicyDocument"].clone();
            let version = document["Version"].to_string();
            let statements = match document["Statement"].clone() {
                Json::Array(all) => all,
                one => vec![one],
            };
            statements.into_iter().map(move |one| format!("{version} {}", canonical(&one)))
        });
        let rest = ["AssumeRolePolicyDocument", "Path", "PermissionsBoundary"];
        let rest = rest.map(|name| format!("{name} {}", canonical(&role[name])));
        managed.chain(inline).chain(rest).collect()
    }

    #[test]
    fn a_role_is_what_the_translator_makes() {
        let translated: Json = serde_json::from_str(TRANSLATED).unwrap();
        let place = Place { line: 1, column: 1 };
        let template = tree(place, &translated["template"]);
        let expanded = super::super::sam::expanded(&template, "aws");
        let roles = translated["roles"].as_object().unwrap();
        assert_eq!(roles.len(), 19);
        for (name, role) in roles {
            let made = expanded.path(&["Resources", name, "Properties"]);
            let made = made.and_then(known).unwrap_or_else(|| panic!("{name} is not made"));
            assert_eq!(meant(&made), meant(role), "{name}");
        }
    }

    #[test]
    fn each_policy_template_has_its_statements() {
        assert_eq!(TEMPLATES.len(), 81);
        for (name, template) in TEMPLATES.iter() {
            assert!(template.statement.as_array().is_some_and(|all| !all.is_empty()), "{name}");
        }
    }
}

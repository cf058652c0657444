//! Policies in CloudFormation and SAM templates.
//!
//! Functions are resolved as far as the template alone says what they give;
//! parameters, attributes and conditions are not known.

use ringfence_policy::Kind;
use ringfence_policy::lint::UNKNOWN;

use super::known::{Member, Node, Place, Value};
use super::source::{Source, Unchecked};
use super::terraform::organization_type;

/// What a template holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Its policies.
    pub sources: Vec<Source>,
    /// What was not checked.
    pub unchecked: Vec<Unchecked>,
    /// The SSM parameters that it reads, with where it says so.
    pub parameters: Vec<(String, Place)>,
}

/// The sections of a template
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>,
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy.html>).
const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

/// Whether a file is a template: it says so, or has a resource with a type. Macros and loops
/// may make all of it, or of a resource.
pub fn is_template(root: &ringfence_text::Node) -> bool {
    let resources = root.get("Resources").map(ringfence_text::Node::members).unwrap_or_default();
    let is_typed = |one: &ringfence_text::Member| one.value.get("Type").is_some();
    let is_made = |one: &ringfence_text::Member| one.key.starts_with("Fn::");
    let is_section =
        |one: &ringfence_text::Member| SECTIONS.contains(&one.key.as_str()) || is_made(one);
    let says = ["AWSTemplateFormatVersion", "Transform"].iter().any(|it| root.get(it).is_some());
    (says && root.members().iter().all(is_section))
        || resources.iter().any(is_typed)
        || (!resources.is_empty() && resources.iter().all(is_made))
}

/// Finds a template's policies.
pub fn read(root: &Node) -> Found {
    let mut found = Found::default();
    parameters(root, &mut found.parameters);
    let resources = root.get("Resources").map(Node::members).unwrap_or_default();
    let boundaries: Vec<&str> = resources
        .iter()
        .filter_map(|resource| resource.value.path(&["Properties", "PermissionsBoundary"]))
        .filter_map(|boundary| boundary.get("Ref").and_then(Node::text))
        .collect();
    for resource in resources {
        let Some(kind) = resource.value.get("Type").and_then(Node::text) else { continue };
        let Some(properties) = resource.value.get("Properties") else { continue };
        let properties = resolve(properties);
        let is_managed = ["AWS::IAM::ManagedPolicy", "AWS::Organizations::Policy"].contains(&kind);
        let mut reader = Reader {
            name: &resource.key,
            is_managed,
            is_api: kind == "AWS::ApiGateway::RestApi",
            properties: &properties,
            found: &mut found,
        };
        let is_boundary = boundaries.contains(&resource.key.as_str());
        reader.resource(kind, is_boundary);
    }
    found
}

/// The property of each type that holds a resource policy.
const RESOURCE_POLICIES: [(&str, &str); 14] = [
    ("AWS::S3::BucketPolicy", "PolicyDocument"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument"),
    ("AWS::KMS::Key", "KeyPolicy"),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
    ("AWS::ECR::Repository", "RepositoryPolicyText"),
    ("AWS::ApiGateway::RestApi", "Policy"),
    ("AWS::Events::EventBusPolicy", "Statement"),
    ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
    ("AWS::DynamoDB::Table", "ResourcePolicy.PolicyDocument"),
    ("AWS::SSM::ResourcePolicy", "Policy"),
    ("AWS::EFS::FileSystem", "FileSystemPolicy"),
    ("AWS::Backup::BackupVault", "AccessPolicy"),
    ("AWS::OpenSearchService::Domain", "AccessPolicies"),
];

struct Reader<'a> {
    name: &'a str,
    is_managed: bool,
    /// Whether it is an API of API Gateway.
    is_api: bool,
    properties: &'a Node,
    found: &'a mut Found,
}

impl Reader<'_> {
    fn resource(&mut self, kind: &str, is_boundary: bool) {
        match kind {
            "AWS::IAM::Role" => {
                self.document("AssumeRolePolicyDocument", Kind::Trust);
                self.inline();
            }
            "AWS::IAM::User" | "AWS::IAM::Group" => self.inline(),
            "AWS::IAM::ManagedPolicy" if is_boundary => {
                self.document("PolicyDocument", Kind::Boundary);
            }
            "AWS::IAM::ManagedPolicy"
            | "AWS::IAM::Policy"
            | "AWS::IAM::RolePolicy"
            | "AWS::IAM::UserPolicy"
            | "AWS::IAM::GroupPolicy" => self.document("PolicyDocument", Kind::Identity),
            "AWS::SSO::PermissionSet" => self.document("InlinePolicy", Kind::Identity),
            "AWS::Organizations::Policy" => {
                let written = self.properties.get("Type").and_then(Node::text);
                for kind in [Kind::ServiceControl, Kind::ResourceControl] {
                    if written.is_some() && written == organization_type(kind) {
                        self.document("Content", kind);
                    }
                }
            }
            "AWS::EC2::VPCEndpoint" => self.document("PolicyDocument", Kind::VpcEndpoint),
            "AWS::Lambda::Permission" => self.permission(),
            "AWS::Serverless::Function" | "AWS::Serverless::StateMachine" => {
                self.document("AssumeRolePolicyDocument", Kind::Trust);
                self.serverless();
            }
            other => {
                for (_, property) in RESOURCE_POLICIES.iter().filter(|(name, _)| *name == other) {
                    self.document(property, Kind::Resource);
                }
            }
        }
    }

    /// A property that holds a document; a path of properties with dots.
    fn document(&mut self, property: &str, kind: Kind) {
        let keys: Vec<&str> = property.split('.').collect();
        if let Some(node) = self.properties.path(&keys) {
            self.node(property, node, kind);
        }
    }

    fn push(&mut self, source: Source) {
        let source = if self.is_managed { source.as_managed() } else { source };
        let source = if self.is_api { source.as_api() } else { source };
        self.found.sources.push(source);
    }

    fn node(&mut self, property: &str, node: &Node, kind: Kind) {
        let subject = format!("Resources.{}.{property}", self.name);
        match &node.value {
            Value::Text(text) if !text.contains(UNKNOWN) => {
                self.push(Source::text(subject, kind, text.clone(), node.at));
            }
            Value::Text(_) => self.found.unchecked.push(Unchecked {
                at: node.at,
                what: format!("{subject}: the policy is known in part only"),
            }),
            _ => {
                let mut unchecked = Vec::new();
                let source = Source::tree(subject.clone(), kind, node, &mut unchecked);
                source.into_iter().for_each(|source| self.push(source));
                self.found.unchecked.extend(unchecked.into_iter().map(|left| Unchecked {
                    at: left.at,
                    what: format!("{subject}: {}", left.what),
                }));
            }
        }
    }

    fn inline(&mut self) {
        let policies = self.properties.get("Policies").map(Node::items).unwrap_or_default();
        for (number, policy) in policies.iter().enumerate() {
            if let Some(document) = policy.get("PolicyDocument") {
                let name = policy.get("PolicyName").and_then(Node::text);
                let name = name.filter(|name| !name.contains(UNKNOWN)).map(str::to_owned);
                let name = name.unwrap_or_else(|| number.to_string());
                self.node(&format!("Policies.{name}"), document, Kind::Identity);
            }
        }
    }

    /// SAM's `Policies`: managed policies by name, SAM's own templates, and
    /// documents. The templates are AWS's.
    fn serverless(&mut self) {
        let Some(policies) = self.properties.get("Policies") else { return };
        let items = match &policies.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(policies),
        };
        for (number, policy) in items.iter().enumerate() {
            if policy.get("Statement").is_some() {
                self.node(&format!("Policies.{number}"), policy, Kind::Identity);
            } else if matches!(policy.value, Value::Unknown) {
                self.found.unchecked.push(Unchecked {
                    at: policy.at,
                    what: format!("Resources.{}.Policies.{number}: it is not known", self.name),
                });
            }
        }
    }

    /// A permission as the statement that Lambda makes of it.
    fn permission(&mut self) {
        let get = |name: &str| self.properties.get(name).filter(|node| node.is_something());
        let at = self.properties.at;
        let fields = Permission {
            at,
            principal: get("Principal"),
            action: get("Action"),
            function: get("FunctionName"),
            source_arn: get("SourceArn"),
            token: get("EventSourceToken"),
            source_account: get("SourceAccount"),
            organization: get("PrincipalOrgID"),
            url_auth: get("FunctionUrlAuthType"),
        };
        if let Some(document) = fields.document() {
            self.node("Permission", &document, Kind::Resource);
        }
    }
}

/// The fields of a permission on a function, as a template or Terraform has
/// them.
pub(super) struct Permission<'a> {
    pub(super) at: Place,
    pub(super) principal: Option<&'a Node>,
    pub(super) action: Option<&'a Node>,
    pub(super) function: Option<&'a Node>,
    pub(super) source_arn: Option<&'a Node>,
    pub(super) token: Option<&'a Node>,
    pub(super) source_account: Option<&'a Node>,
    pub(super) organization: Option<&'a Node>,
    pub(super) url_auth: Option<&'a Node>,
}

impl Permission<'_> {
    /// The statement that `AddPermission` adds to the function's policy
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>).
    pub(super) fn document(&self) -> Option<Node> {
        let principal = &written(self.principal?);
        let name = match principal.text() {
            Some("*") => Node::new(principal.at, Value::Text("*".to_owned())),
            Some(text) if text.contains('.') => one(principal.at, "Service", principal),
            _ => one(principal.at, "AWS", principal),
        };
        let resource = match self.function.and_then(Node::text) {
            Some(arn) if arn.starts_with("arn:") => self.function.cloned(),
            Some(name) => Some(Node::new(
                self.at,
                Value::Text(format!("arn:aws:lambda:{UNKNOWN}:{UNKNOWN}:function:{name}")),
            )),
            None => Some(Node::new(self.at, Value::Unknown)),
        }?;
        let conditions = self.conditions();
        let mut members = vec![
            text(self.at, "Effect", "Allow"),
            Member { at: principal.at, key: "Principal".into(), value: name },
            Member { at: self.at, key: "Action".into(), value: self.action?.clone() },
            Member { at: self.at, key: "Resource".into(), value: resource },
        ];
        if !conditions.is_empty() {
            let value = Node::new(self.at, Value::Map(conditions));
            members.push(Member { at: self.at, key: "Condition".into(), value });
        }
        let statement = Node::new(self.at, Value::Map(members));
        Some(Node::new(
            self.at,
            Value::Map(vec![
                text(self.at, "Version", "2012-10-17"),
                Member { at: self.at, key: "Statement".into(), value: statement },
            ]),
        ))
    }

    /// The condition blocks, one for each operator.
    fn conditions(&self) -> Vec<Member> {
        let mut blocks: Vec<Member> = Vec::new();
        for (operator, key, value) in [
            ("ArnLike", "AWS:SourceArn", self.source_arn),
            ("StringEquals", "AWS:SourceAccount", self.source_account),
            ("StringEquals", "lambda:EventSourceToken", self.token),
            ("StringEquals", "aws:PrincipalOrgID", self.organization),
            ("StringEquals", "lambda:FunctionUrlAuthType", self.url_auth),
        ] {
            let Some(value) = value else { continue };
            let (at, value) = (value.at, written(value));
            let member = Member { at, key: key.to_owned(), value };
            let block = blocks.iter_mut().find(|block| block.key == operator);
            match block.map(|block| &mut block.value.value) {
                Some(Value::Map(members)) => members.push(member),
                _ => {
                    let value = Node::new(at, Value::Map(vec![member]));
                    blocks.push(Member { at, key: operator.to_owned(), value });
                }
            }
        }
        blocks
    }
}

/// A text property that a template writes as a number is its digits: an account
/// without quotes.
fn written(node: &Node) -> Node {
    match &node.value {
        Value::Number(digits) => Node::new(node.at, Value::Text(digits.clone())),
        _ => node.clone(),
    }
}

fn one(at: Place, key: &str, value: &Node) -> Node {
    Node::new(at, Value::Map(vec![Member { at, key: key.to_owned(), value: value.clone() }]))
}

pub(super) fn text(at: Place, key: &str, value: &str) -> Member {
    Member { at, key: key.to_owned(), value: Node::new(at, Value::Text(value.to_owned())) }
}

/// A value with its functions resolved, as far as the template says what they
/// give.
fn resolve(node: &Node) -> Node {
    let at = node.at;
    let value = match &node.value {
        Value::Map(members) => match members.as_slice() {
            [only] if is_function(&only.key) => function(&only.key, &only.value),
            members => Value::Map(
                members
                    .iter()
                    .map(|member| Member {
                        at: member.at,
                        key: member.key.clone(),
                        value: resolve(&member.value),
                    })
                    .collect(),
            ),
        },
        Value::List(items) => {
            let mut resolved = Vec::new();
            for item in items.iter().map(resolve) {
                // `!Ref AWS::NoValue` takes the entry away.
                if !matches!(item.value, Value::Null) {
                    resolved.push(item);
                }
            }
            Value::List(resolved)
        }
        // Secrets and parameters, resolved when the stack is deployed.
        Value::Text(text) if text.contains("{{resolve:") => dynamic(text),
        value => value.clone(),
    };
    Node { at, value }
}

fn is_function(key: &str) -> bool {
    key == "Ref" || key == "Condition" || key.starts_with("Fn::")
}

fn function(name: &str, argument: &Node) -> Value {
    match (name, &argument.value) {
        ("Ref", Value::Text(name)) => match pseudo(name) {
            Some(text) => Value::Text(text),
            None if name == "AWS::NoValue" => Value::Null,
            None => Value::Unknown,
        },
        ("Fn::Sub", Value::Text(text)) => dynamic(&substituted(text)),
        ("Fn::Sub", Value::List(items)) => match items.first().and_then(Node::text) {
            Some(text) => dynamic(&substituted(text)),
            None => Value::Unknown,
        },
        ("Fn::Join", Value::List(items)) => match items.as_slice() {
            [delimiter, list] => joined(delimiter, &resolve(list)),
            _ => Value::Unknown,
        },
        // `Condition` may be a policy's own element.
        ("Condition", Value::Map(_)) => Value::Map(vec![Member {
            at: argument.at,
            key: name.to_owned(),
            value: resolve(argument),
        }]),
        _ => Value::Unknown,
    }
}

/// AWS's pseudo parameters. A template does not say its account, partition and
/// region; where the form of an ARN is checked, the commonest partition stands
/// in.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
fn pseudo(name: &str) -> Option<String> {
    match name {
        "AWS::Partition" => Some("aws".to_owned()),
        "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
        _ => None,
    }
}

/// `Fn::Sub`: `${!Name}` is `${Name}`, a policy's own variable.
fn substituted(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match (name.strip_prefix('!'), pseudo(name)) {
            (Some(literal), _) => {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
            }
            (None, Some(text)) => out.push_str(&text),
            (None, None) => out.push(UNKNOWN),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn joined(delimiter: &Node, list: &Node) -> Value {
    let (Some(delimiter), Value::List(items)) = (delimiter.text(), &list.value) else {
        return Value::Unknown;
    };
    let unknown = UNKNOWN.to_string();
    let parts: Vec<&str> = items.iter().map(|item| item.text().unwrap_or(&unknown)).collect();
    dynamic(&parts.join(delimiter))
}

/// A text whose dynamic references are not known; they are resolved when the
/// stack is deployed, after the functions
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>).
fn dynamic(text: &str) -> Value {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{resolve:") {
        out.push_str(before);
        out.push(UNKNOWN);
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    Value::Text(out)
}

/// The SSM parameters that a template reads: by its own parameters' types, and
/// by dynamic references.
fn parameters(root: &Node, found: &mut Vec<(String, Place)>) {
    for parameter in root.get("Parameters").map(Node::members).unwrap_or_default() {
        let kind = parameter.value.get("Type").and_then(Node::text).unwrap_or_default();
        let default = parameter.value.get("Default");
        if kind.starts_with("AWS::SSM::Parameter::Value<")
            && let Some((name, at)) = default.and_then(|node| Some((node.text()?, node.at)))
        {
            found.push((name.to_owned(), at));
        }
    }
    references(root, found);
}

fn references(node: &Node, found: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Text(text) => {
            for part in text.split("{{resolve:ssm").skip(1) {
                let body = part.split_once("}}").map_or("", |(body, _)| body);
                let body = body.strip_prefix("-secure").unwrap_or(body);
                let name = body.trim_start_matches(':').split(':').next().unwrap_or_default();
                found.push((name.to_owned(), node.at));
            }
        }
        Value::List(items) => items.iter().for_each(|item| references(item, found)),
        Value::Map(members) => {
            members.iter().for_each(|member| references(&member.value, found));
        }
        _ => {}
    }
}

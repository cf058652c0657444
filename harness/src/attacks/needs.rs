//! What a stack deployer must be allowed, for its app's template to be
//! deployed. A deployment stops at the first thing that is refused; this tells
//! all of them, resource by resource.
//!
//! What a resource needs are the calls that CloudFormation makes for it as the
//! caller:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>.

use std::path::Path;
use std::time::Instant;

use ringfence_guard::{Caller, Guard, Overlay, Question};
use ringfence_policy::Context;

use super::companions;
use super::facts::{DeployerFacts, Facts};
use super::finding::{Companions, Finding, Road, Scope, Traces, Verdict};
use super::suite::Selected;
use crate::config::{App, Job};
use crate::guard_rail::GuardRail;
use crate::lint::known::Node;
use crate::lint::{read, template};
use crate::plain;

const DEPLOYS: GuardRail = GuardRail::Deployments;

/// A part of a template, and what it needs.
struct Need {
    /// The logical id; `stack` and `parameters` for what stands before them.
    name: String,
    title: String,
    questions: Vec<Question>,
}

impl Need {
    fn id(&self, deployer: &DeployerFacts) -> String {
        format!("{}/needs-{}/{}", deployer.name, self.name, Road::CloudFormation)
    }
}

/// The ids of what is asked for a deployer.
pub(super) fn ids(facts: &Facts, deployer: &DeployerFacts, app: Option<&App>) -> Vec<String> {
    needs(facts, deployer, app).iter().map(|need| need.id(deployer)).collect()
}

/// Asks the guard, as a deployer, for all that its template needs.
pub(super) async fn run(
    guard: &Guard,
    facts: &Facts,
    deployer: &DeployerFacts,
    app: Option<&App>,
    caller: Caller<'_>,
    selected: Selected<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for need in needs(facts, deployer, app) {
        if selected(&need.id(deployer)) {
            findings.push(asked(guard, deployer, caller, &need).await);
        }
    }
    findings
}

async fn asked(
    guard: &Guard,
    deployer: &DeployerFacts,
    caller: Caller<'_>,
    need: &Need,
) -> Finding {
    let start = Instant::now();
    let (mut decided_by, mut traces) = (Vec::new(), Traces::default());
    let (verdict, observed) = match guard.inputs(caller, &need.questions).await {
        Ok(inputs) => {
            let decisions = inputs.decide_each(&Overlay::none());
            decided_by = companions::deciders(&inputs, &decisions);
            let refused: Vec<String> = need
                .questions
                .iter()
                .zip(&decisions)
                .filter(|(_, decision)| !decision.allowed())
                .map(|(asked, decision)| {
                    let reason = decision.reason(&asked.action);
                    format!("{} on {} is refused {reason}", asked.action, asked.resource)
                })
                .collect();
            traces = traces.decided(inputs, false);
            let denied = decisions.iter().any(ringfence_policy::Decision::denied);
            match (refused.is_empty(), denied) {
                (true, _) => (Verdict::Held, "all of it is allowed".to_owned()),
                (false, true) => (Verdict::Failed, refused.join("; ")),
                (false, false) => (Verdict::Inconclusive, refused.join("; ")),
            }
        }
        Err(error) => (Verdict::NotRun, format!("the guard could not be asked: {error}")),
    };
    let mut actions: Vec<&str> =
        need.questions.iter().map(|question| question.action.as_str()).collect();
    actions.sort_unstable();
    actions.dedup();
    Finding {
        id: need.id(deployer),
        guard_rail: DEPLOYS,
        identity: deployer.name.clone(),
        road: Road::CloudFormation,
        scope: Scope::Decided,
        title: format!("{} may {}", deployer.name, need.title),
        expected: format!("allowed: {}", actions.join(", ")),
        reason: (verdict != Verdict::Held).then(|| observed.clone()),
        observed,
        verdict,
        companions: Companions::default(),
        decided_by,
        duration: start.elapsed(),
        request_ids: Vec::new(),
        traces,
    }
}

/// What the template of a stack deployer's app needs. A template that cannot
/// be read needs nothing that could be told; linting it says why.
fn needs(facts: &Facts, deployer: &DeployerFacts, app: Option<&App>) -> Vec<Need> {
    let Some(app) = app.filter(|_| deployer.job == Job::Stack) else { return Vec::new() };
    let read = |path: &Path| read::template(&plain::text(path, &app.directory).ok()?).ok();
    let Some(root) = app.template().and_then(|path| read(&path)) else { return Vec::new() };
    let maker = Maker { facts, deployer, root: &root };
    let mut needs = vec![maker.stack()];
    needs.extend(maker.parameters());
    for resource in root.get("Resources").map(Node::members).unwrap_or_default() {
        let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
        let questions = maker.resource(&resource.key, kind, resource.value.get("Properties"));
        if !questions.is_empty() {
            needs.push(Need {
                title: format!("make `{}` of its template", resource.key),
                name: resource.key.clone(),
                questions,
            });
        }
    }
    needs
}

fn ask(action: &str, resource: impl Into<String>) -> Question {
    Question { action: action.to_owned(), resource: resource.into(), context: Context::new() }
}

/// The same for several actions.
fn all<'a>(
    actions: &'a [&'a str],
    resource: &'a str,
    context: impl Fn(&mut Context) + 'a,
) -> impl Iterator<Item = Question> + 'a {
    actions.iter().map(move |action| {
        let mut question = ask(action, resource);
        context(&mut question.context);
        question
    })
}

struct Maker<'a> {
    facts: &'a Facts,
    deployer: &'a DeployerFacts,
    root: &'a Node,
}

impl Maker<'_> {
    /// `sam deploy`'s own calls.
    fn stack(&self) -> Need {
        let Facts { region, account, .. } = self.facts;
        let stack = &self.deployer.stack;
        let stack = format!("arn:aws:cloudformation:{region}:{account}:stack/{stack}/*");
        let actions = [
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:GetTemplateSummary",
        ];
        let mut questions: Vec<Question> = all(&actions, &stack, |_| {}).collect();
        // <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html>
        if let Some(transform) = self.root.get("Transform").and_then(Node::text) {
            let name = transform.strip_prefix("AWS::").unwrap_or(transform);
            let arn = format!("arn:aws:cloudformation:{region}:aws:transform/{name}");
            questions.push(ask("cloudformation:CreateChangeSet", arn));
        }
        Need { name: "stack".to_owned(), title: "deploy its stack".to_owned(), questions }
    }

    /// The parameters that CloudFormation reads as the caller.
    fn parameters(&self) -> Option<Need> {
        let Facts { region, account, .. } = self.facts;
        let mut names: Vec<String> =
            template::read(self.root).parameters.into_iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let questions: Vec<Question> = names
            .iter()
            .map(|name| {
                let name = name.trim_start_matches('/');
                let arn = format!("arn:aws:ssm:{region}:{account}:parameter/{name}");
                ask("ssm:GetParameters", arn)
            })
            .collect();
        let title = "read the parameters of its template".to_owned();
        (!questions.is_empty()).then(|| Need { name: "parameters".to_owned(), title, questions })
    }

    fn resource(&self, id: &str, kind: &str, properties: Option<&Node>) -> Vec<Question> {
        let Some(properties) = properties else { return Vec::new() };
        match kind {
            "AWS::IAM::Role" => self.role(id, properties),
            "AWS::Serverless::Function" => self.function(id, properties, true),
            "AWS::Lambda::Function" => self.function(id, properties, false),
            "AWS::Lambda::Permission" => {
                let mut question = ask("lambda:AddPermission", self.named(properties));
                if let Some(principal) = properties.get("Principal").and_then(Node::text) {
                    question.context.set("lambda:Principal", principal);
                }
                vec![question]
            }
            "AWS::ApiGatewayV2::Integration" => {
                vec![ask("apigateway:POST", self.facts.api_arn("/integrations"))]
            }
            "AWS::ApiGatewayV2::Route" => {
                let mut question = ask("apigateway:POST", self.facts.api_arn("/routes"));
                let kind = properties.get("AuthorizationType").and_then(Node::text);
                let key = "apigateway:Request/RouteAuthorizationType";
                question.context.set_list(key, [kind.unwrap_or("NONE")]);
                vec![question]
            }
            _ => Vec::new(),
        }
    }

    fn role(&self, id: &str, properties: &Node) -> Vec<Question> {
        let arn = self.role_arn(id, properties);
        let boundary = properties.get("PermissionsBoundary").is_some_and(Node::is_something);
        let under = |context: &mut Context| {
            if boundary {
                context.set("iam:PermissionsBoundary", self.facts.execution_boundary.as_str());
            }
        };
        let mut questions: Vec<Question> =
            all(&["iam:CreateRole", "iam:GetRole"], &arn, under).collect();
        for policy in properties.get("ManagedPolicyArns").map(Node::items).unwrap_or_default() {
            let mut question = ask("iam:AttachRolePolicy", arn.as_str());
            under(&mut question.context);
            if let Some(policy) = policy.text() {
                question.context.set("iam:PolicyARN", policy);
            }
            questions.push(question);
        }
        if properties.get("Policies").is_some_and(Node::is_something) {
            questions.extend(all(&["iam:PutRolePolicy"], &arn, under));
        }
        // Requests to tag a role do not tell of its boundary.
        if properties.get("Tags").is_some_and(Node::is_something) {
            questions.push(ask("iam:TagRole", arn));
        }
        questions
    }

    /// SAM tags the functions that it makes.
    fn function(&self, id: &str, properties: &Node, is_sam: bool) -> Vec<Question> {
        let arn = self.function_arn(id, properties);
        let network = properties.get("VpcConfig").is_some_and(Node::is_something);
        let mut create = ask("lambda:CreateFunction", arn.as_str());
        if network {
            let facts = self.facts;
            if let Some(vpc) = &facts.vpc {
                create.context.set("lambda:VpcIds", vpc.as_str());
            }
            create.context.set_list("lambda:SubnetIds", facts.subnets.iter().cloned());
            create.context.set_list("lambda:SecurityGroupIds", [facts.security_group.clone()]);
        }
        let mut questions = vec![create, ask("lambda:GetFunction", arn.as_str())];
        if is_sam || properties.get("Tags").is_some_and(Node::is_something) {
            questions.push(ask("lambda:TagResource", arn));
        }
        if let Some(role) = self.function_role(properties) {
            let mut pass = ask("iam:PassRole", role);
            pass.context.set("iam:PassedToService", "lambda.amazonaws.com");
            questions.push(pass);
        }
        if network {
            let looks = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"];
            questions.extend(all(&looks, "*", |_| {}));
        }
        questions
    }

    /// The ARN of a function of the template: by the name that it is given, else by
    /// one that CloudFormation makes up.
    fn function_arn(&self, id: &str, properties: &Node) -> String {
        let name = match properties.get("FunctionName") {
            Some(given) => given.text().map(str::to_owned),
            None => Some(self.made_up(id)),
        };
        // What a parameter says is the app's function.
        self.facts.function_arn(&name.unwrap_or_else(|| self.deployer.function.clone()))
    }

    /// The function that a property names, where it is one of the template.
    fn named(&self, properties: &Node) -> String {
        let target = properties.get("FunctionName");
        let target = target.and_then(|it| it.get("Ref").or_else(|| it.get("Fn::GetAtt")));
        let id = target.and_then(|it| it.text().or_else(|| it.items().first()?.text()));
        let id = id.and_then(|id| id.split('.').next()).unwrap_or_default();
        match self.root.path(&["Resources", id, "Properties"]) {
            Some(function) => self.function_arn(id, function),
            None => self.facts.function_arn(&self.deployer.function),
        }
    }

    /// A name that CloudFormation makes up: `STACK-ID-` and letters of its own; that
    /// of the deployed function where there is one.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html>
    fn made_up(&self, id: &str) -> String {
        let begins = format!("{}-{id}-", self.deployer.stack);
        let found = self.facts.functions.iter().find(|it| it.name.starts_with(&begins));
        found.map_or_else(|| format!("{begins}RINGFENCE000"), |function| function.name.clone())
    }

    /// The role that a function is given: one of this template, or one that
    /// SAM makes for it.
    fn function_role(&self, properties: &Node) -> Option<String> {
        let Some(role) = properties.get("Role") else {
            let prefix = self.deployer.role_prefix.as_deref()?;
            return Some(self.facts.role_arn(&format!("{prefix}function-role")));
        };
        if let Some(arn) = role.text() {
            return Some(arn.to_owned());
        }
        let target = role.get("Fn::GetAtt").or_else(|| role.get("Ref"))?;
        let id = match target.text() {
            Some(text) => text.split('.').next()?,
            None => target.items().first()?.text()?,
        };
        let made = self.root.path(&["Resources", id, "Properties"])?;
        Some(self.role_arn(id, made))
    }

    fn role_arn(&self, id: &str, properties: &Node) -> String {
        let name = properties.get("RoleName").and_then(Node::text);
        let name = name.map_or_else(
            || match &self.deployer.role_prefix {
                Some(prefix) => format!("{prefix}{id}"),
                None => format!("{}-{id}-RINGFENCE000", self.deployer.stack),
            },
            str::to_owned,
        );
        self.facts.role_arn(&name)
    }
}

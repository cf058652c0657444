//! The paths whose first refused call the guard serves: made for real.

use ringfence_wire::services::{CloudFormation, Ec2, Iam, Lambda, Sts};
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::super::catalogue::{everything, package};
use super::super::facts::{DeployerFacts, Facts};
use super::{Category, PATHS, Path, paths};
use crate::config::{Forbids, Job};

/// The paths that a deployer can try for real, as attacks.
pub fn attacks(facts: &Facts, deployer: &DeployerFacts) -> Vec<Attack> {
    let trial = Trial { facts, deployer };
    paths().iter().filter_map(|path| trial.attack(path)).collect()
}

/// Whether [`attacks`] has the path.
pub fn served(path: &Path, facts: &Facts, deployer: &DeployerFacts) -> bool {
    Trial { facts, deployer }.attempt(path).is_some()
}

struct Trial<'a> {
    facts: &'a Facts,
    deployer: &'a DeployerFacts,
}

/// A call with the refusal that must meet it.
struct Attempted {
    step: Step,
    action: &'static str,
    resource: String,
    reason: Reason,
}

const USER: &str = "ringfence-victim";

/// No role is given policies or trust unless it carries the functions'
/// boundary.
const UNBOUNDED: Reason = Reason::BoundaryStatement(Forbids::UnboundedRoles);

impl Trial<'_> {
    fn attack(&self, path: &'static Path) -> Option<Attack> {
        let Attempted { step, action, resource, reason } = self.attempt(path)?;
        let own = json!({"FunctionName": self.deployer.function});
        let own = Step::new(Lambda, "GetFunctionConfiguration", own);
        Some(Attack {
            name: &path.id,
            guard_rail: PATHS,
            title: match path.by_design() {
                // On its own function it succeeds; `inside` goes on from there.
                true => format!("cannot take another team's role by {} ({})", path.name, path.id),
                false => format!("cannot gain permissions by {} ({})", path.name, path.id),
            },
            refusal: Refusal { service: step.service, action: action.into(), resource, reason },
            attempt: Attempt::Call(step),
            twin: Twin::same(Attempt::Call(own), Vec::new()),
        })
    }

    fn attempt(&self, path: &Path) -> Option<Attempted> {
        let first = path.required.iter().find(|action| *action != "iam:PassRole")?;
        match first.split_once(':')? {
            ("iam", _) => self.iam(path, first),
            ("lambda", "CreateFunction") => self.create_function(),
            ("lambda", "UpdateFunctionCode") => self.foreign_code(path),
            ("cloudformation", _) => self.stack(first),
            ("ec2", _) => self.ec2(first),
            ("sts", "AssumeRole") => {
                let role = self.facts.coveted(self.deployer);
                let step = Step::new(
                    Sts,
                    "AssumeRole",
                    json!({"RoleArn": role, "RoleSessionName": "ringfence-path"}),
                );
                let resource = role.to_owned();
                let reason = Reason::NoTrust;
                Some(Attempted { step, action: "sts:AssumeRole", resource, reason })
            }
            _ => None,
        }
    }

    fn iam(&self, path: &Path, action: &str) -> Option<Attempted> {
        let itself = self.deployer.role_arn().filter(|_| path.category == Category::SelfEscalation);
        let role = itself.unwrap_or_else(|| self.facts.coveted(self.deployer));
        // The boundary's statement spares the roles that carry the functions' boundary.
        let bounded = self.facts.functions.iter().any(|function| function.role_arn == role);
        let unbounded = if bounded { Reason::NoIdentityPolicy } else { UNBOUNDED };
        let role = role.rsplit('/').next().unwrap_or_default();
        let document = everything();
        let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
        let name = match (path.category, self.deployer.is_user()) {
            (Category::SelfEscalation, true) => self.deployer.own_name(),
            _ => USER,
        };
        let user = |more| (Some(format!("user {name}")), with("UserName", name, more));
        let group = |more| (Some(format!("group {USER}")), with("GroupName", USER, more));
        let on_role = |more| (Some(format!("role {role}")), with("RoleName", role, more));
        let policy = json!({"PolicyName": "ringfence-path", "PolicyDocument": document});
        let ((resource, input), action, operation, reason) = match action {
            "iam:CreatePolicyVersion" => {
                // Its own policy, or the one that limits the other. AWS's own are nobody's to
                // change.
                let own = |arn: &&String| arn.split(':').nth(4) != Some("aws");
                let arn = match path.category {
                    Category::SelfEscalation => self.deployer.policies.iter().find(own)?,
                    _ => &self.facts.deployer_boundary,
                };
                let input = json!({"PolicyDocument": document, "SetAsDefault": true});
                (
                    (Some(format!("policy {arn}")), with("PolicyArn", arn, input)),
                    "iam:CreatePolicyVersion",
                    "CreatePolicyVersion",
                    Reason::NoIdentityPolicy,
                )
            }
            "iam:CreateAccessKey" => (
                user(json!({})),
                "iam:CreateAccessKey",
                "CreateAccessKey",
                Reason::NoIdentityPolicy,
            ),
            "iam:CreateLoginProfile" => (
                user(json!({"Password": "Ringfence-1"})),
                "iam:CreateLoginProfile",
                "CreateLoginProfile",
                Reason::NoIdentityPolicy,
            ),
            "iam:UpdateLoginProfile" => (
                user(json!({"Password": "Ringfence-1"})),
                "iam:UpdateLoginProfile",
                "UpdateLoginProfile",
                Reason::NoIdentityPolicy,
            ),
            "iam:PutUserPolicy" => {
                (user(policy), "iam:PutUserPolicy", "PutUserPolicy", Reason::NoIdentityPolicy)
            }
            "iam:AttachUserPolicy" => (
                user(json!({"PolicyArn": admin})),
                "iam:AttachUserPolicy",
                "AttachUserPolicy",
                Reason::NoIdentityPolicy,
            ),
            "iam:PutGroupPolicy" => {
                (group(policy), "iam:PutGroupPolicy", "PutGroupPolicy", Reason::NoIdentityPolicy)
            }
            "iam:AttachGroupPolicy" => (
                group(json!({"PolicyArn": admin})),
                "iam:AttachGroupPolicy",
                "AttachGroupPolicy",
                Reason::NoIdentityPolicy,
            ),
            "iam:AddUserToGroup" => (
                group(json!({"UserName": name})),
                "iam:AddUserToGroup",
                "AddUserToGroup",
                Reason::NoIdentityPolicy,
            ),
            "iam:PutRolePolicy" => {
                (on_role(policy), "iam:PutRolePolicy", "PutRolePolicy", unbounded)
            }
            "iam:AttachRolePolicy" => (
                on_role(json!({"PolicyArn": admin})),
                "iam:AttachRolePolicy",
                "AttachRolePolicy",
                unbounded,
            ),
            "iam:UpdateAssumeRolePolicy" => (
                on_role(json!({"PolicyDocument": self.trusting_itself()})),
                "iam:UpdateAssumeRolePolicy",
                "UpdateAssumeRolePolicy",
                unbounded,
            ),
            _ => return None,
        };
        let step = Step::new(Iam, operation, input);
        Some(Attempted { step, action, resource: resource?, reason })
    }

    /// A trust policy that lets the deployer in.
    fn trusting_itself(&self) -> String {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"AWS": self.deployer.arn},
                "Action": "sts:AssumeRole",
            }],
        })
        .to_string()
    }

    /// A new function that runs as another team's role.
    fn create_function(&self) -> Option<Attempted> {
        let foreign = self.facts.foreign_function(&self.deployer.app)?;
        let name = format!("{}-path", self.deployer.app);
        let input = json!({
            "FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler",
            "Role": foreign.role_arn,
            "Code": {"ZipFile": package("def handler(e, c):\n    return {}\n")},
            "VpcConfig": {
                "SubnetIds": self.facts.subnets, "SecurityGroupIds": [self.facts.security_group],
            },
        });
        let step = Step::new(Lambda, "CreateFunction", input);
        let reason = Reason::NoIdentityPolicy;
        Some(match self.deployer.job {
            Job::Stack => {
                let resource = foreign.role_arn.clone();
                Attempted { step, action: "iam:PassRole", resource, reason }
            }
            Job::Code | Job::Configuration => {
                let resource = self.facts.function_arn(&name);
                Attempted { step, action: "lambda:CreateFunction", resource, reason }
            }
        })
    }

    /// Other code in another team's function; by its own, `lambda-005` is the
    /// permission to start it, which only API Gateway is given.
    fn foreign_code(&self, path: &Path) -> Option<Attempted> {
        let reason = Reason::NoIdentityPolicy;
        if path.required.iter().any(|action| action == "lambda:AddPermission") {
            let input = json!({
                "FunctionName": self.deployer.function, "StatementId": "ringfence-path",
                "Action": "lambda:InvokeFunction", "Principal": self.deployer.arn,
            });
            let step = Step::new(Lambda, "AddPermission", input);
            let resource = self.facts.function_arn(&self.deployer.function);
            return Some(Attempted { step, action: "lambda:AddPermission", resource, reason });
        }
        let foreign = self.facts.foreign_function(&self.deployer.app)?;
        let input = json!({
            "FunctionName": foreign.name, "ZipFile": package("x = 1"), "DryRun": true,
        });
        let step = Step::new(Lambda, "UpdateFunctionCode", input);
        let resource = self.facts.function_arn(&foreign.name);
        Some(Attempted { step, action: "lambda:UpdateFunctionCode", resource, reason })
    }

    fn stack(&self, action: &str) -> Option<Attempted> {
        let facts = self.facts;
        // A stack that has another's role, or is to have one.
        let stack = match self.deployer.job {
            Job::Stack => facts.foreign_stack(&self.deployer.app)?.to_owned(),
            Job::Code | Job::Configuration => format!("{}-path", self.deployer.app),
        };
        let template = json!({"Resources": {"Probe": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/ringfence/path", "Type": "String", "Value": "probe"},
        }}})
        .to_string();
        let mut input = with("StackName", &stack, json!({"TemplateBody": template}));
        let (action, operation, more) = match action {
            "cloudformation:CreateStack" => (
                "cloudformation:CreateStack",
                "CreateStack",
                json!({"RoleARN": self.facts.coveted(self.deployer)}),
            ),
            "cloudformation:UpdateStack" => {
                ("cloudformation:UpdateStack", "UpdateStack", json!({}))
            }
            "cloudformation:CreateChangeSet" => (
                "cloudformation:CreateChangeSet",
                "CreateChangeSet",
                json!({"ChangeSetName": "ringfence-path"}),
            ),
            _ => return None,
        };
        extend(&mut input, more);
        let step = Step::new(CloudFormation, operation, input);
        let resource =
            format!("arn:aws:cloudformation:{}:{}:stack/{stack}/*", facts.region, facts.account);
        Some(Attempted { step, action, resource, reason: Reason::NoIdentityPolicy })
    }

    fn ec2(&self, action: &str) -> Option<Attempted> {
        let arn = |kind: &str, id: &str| {
            format!("arn:aws:ec2:{}:{}:{kind}/{id}", self.facts.region, self.facts.account)
        };
        let instance = "i-0123456789abcdef0";
        let (action, operation, input, resource) = match action {
            "ec2:ModifyInstanceAttribute" => (
                "ec2:ModifyInstanceAttribute",
                "ModifyInstanceAttribute",
                json!({"InstanceId": instance, "UserData": {"Value": "IyEvYmluL3No"}}),
                arn("instance", instance),
            ),
            "ec2:CreateLaunchTemplateVersion" => (
                "ec2:CreateLaunchTemplateVersion",
                "CreateLaunchTemplateVersion",
                json!({
                    "LaunchTemplateId": "lt-0123456789abcdef0",
                    "LaunchTemplateData": {"ImageId": "ami-0123456789abcdef0"},
                }),
                arn("launch-template", "lt-0123456789abcdef0"),
            ),
            _ => return None,
        };
        let step = Step::new(Ec2, operation, input);
        Some(Attempted { step, action, resource, reason: Reason::NoIdentityPolicy })
    }
}

fn with(name: &str, value: &str, more: Value) -> Value {
    let mut members = json!({name: value});
    extend(&mut members, more);
    members
}

fn extend(members: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (members, more) {
        members.extend(more);
    }
}

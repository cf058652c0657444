//! What a stack made, as the state of Terraform's that the same resources would have:
//! all that judges a Layer 1 reads that. A type that no row has keeps its own name and
//! properties, so that what is not read is told by its name.

use serde_json::{Map, Value, json};

use ringfence_services::cloudformation::{Contents, Made};

use super::table::{Attribute, ROWS, Source};

/// Where the stack is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) partition: &'p str,
    pub(super) region: &'p str,
    pub(super) account: &'p str,
}

/// A stack, and its name within the one that made it: `module.Network`, none for the
/// outermost.
pub(super) type Nested = (Option<String>, Contents);

/// What `Ref` gives of a resource is its output by its name in the template, what
/// `Fn::GetAtt` gives of it is called `NAME.ATTRIBUTE`; outputs of the stack win.
fn outputs(outermost: &Contents) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: String, value: Value| {
        all.insert(name, json!({ "value": value, "type": "string" }));
    };
    for made in &outermost.resources {
        add(made.logical_id.clone(), made.physical_id.clone().into());
        for (attribute, value) in &made.attributes {
            add(format!("{}.{attribute}", made.logical_id), value.clone());
        }
    }
    for (name, value) in &outermost.outputs {
        add(name.clone(), value.clone().into());
    }
    all
}

/// The state, in Terraform's own form.
pub(super) fn state(stacks: &[Nested], name: &str, place: Place<'_>) -> Value {
    let mut resources = Vec::new();
    let mut add = |module: &Option<String>, logical_id: &str, one: Resource| {
        let mut instance = json!({ "attributes": one.attributes });
        if let (Some(key), Some(members)) = (one.key, instance.as_object_mut()) {
            members.insert("index_key".to_owned(), key.into());
        }
        let mut resource = json!({ "mode": "managed", "type": one.kind, "name": logical_id,
            "instances": [instance] });
        if let (Some(module), Some(members)) = (module, resource.as_object_mut()) {
            members.insert("module".to_owned(), module.clone().into());
        }
        resources.push(resource);
    };
    for (module, contents) in stacks {
        for made in &contents.resources {
            for one in translated(made, &contents.resources, place) {
                add(module, &made.logical_id, one);
            }
        }
    }
    let outermost = stacks.first().map(|(_, contents)| contents);
    if let Some(own) = outermost {
        let attributes = json!({ "id": own.id, "name": name });
        let kind = "aws_cloudformation_stack".to_owned();
        add(&None, "Stack", Resource { kind, key: None, attributes });
    }
    let outputs = outermost.map(outputs).unwrap_or_default();
    json!({ "version": 4, "outputs": outputs, "resources": resources })
}

/// A resource of Terraform's.
#[derive(Debug)]
struct Resource {
    kind: String,
    /// Which one of several.
    key: Option<String>,
    attributes: Value,
}

impl Resource {
    fn new(kind: impl Into<String>, key: Option<&str>, attributes: Value) -> Self {
        Self { kind: kind.into(), key: key.map(str::to_owned), attributes }
    }
}

fn translated(made: &Made, all: &[Made], place: Place<'_>) -> Vec<Resource> {
    let row = ROWS.iter().find(|(of, ..)| *of == made.kind);
    let mut own = match row {
        Some((_, kind, attributes)) => {
            vec![Resource::new(*kind, None, values(made, attributes, place))]
        }
        None => Vec::new(),
    };
    match made.kind.as_str() {
        "AWS::IAM::Role" => own.extend(identity(made, "role")),
        "AWS::IAM::User" => {
            own.extend(identity(made, "user"));
            if let Some(groups) = made.properties.get("Groups") {
                let member = json!({ "user": made.physical_id, "groups": groups });
                own.push(Resource::new("aws_iam_user_group_membership", None, member));
            }
        }
        "AWS::IAM::Group" => own.extend(identity(made, "group")),
        "AWS::IAM::Policy" => own.extend(shared(made, |_, word, owner| {
            let values = json!({ "id": format!("{owner}:{}", text(made, "PolicyName")),
                "name": text(made, "PolicyName"), word: owner,
                "policy": document(made.properties.get("PolicyDocument")) });
            Resource::new(format!("aws_iam_{word}_policy"), Some(owner), values)
        })),
        "AWS::IAM::ManagedPolicy" => own.extend(shared(made, |made, word, owner| {
            let values = json!({ "id": format!("{owner}-{}", made.physical_id), word: owner,
                "policy_arn": made.physical_id });
            Resource::new(format!("aws_iam_{word}_policy_attachment"), Some(owner), values)
        })),
        "AWS::S3::Bucket" => {
            own.extend(public_access_block(made));
            own.extend(access_list(made));
            own.extend(ownership_controls(made));
        }
        "AWS::SQS::QueuePolicy" => {
            own.extend(each(made, "Queues", "aws_sqs_queue_policy", "queue_url"))
        }
        "AWS::SNS::TopicPolicy" => own.extend(each(made, "Topics", "aws_sns_topic_policy", "arn")),
        "AWS::DynamoDB::Table" => {
            let policy =
                made.properties.get("ResourcePolicy").and_then(|it| it.get("PolicyDocument"));
            let arn = made.attributes.get("Arn");
            own.extend(inner(policy, "aws_dynamodb_resource_policy", "resource_arn", arn));
        }
        "AWS::ECR::Repository" => {
            let name = Value::from(made.physical_id.as_str());
            let policy = made.properties.get("RepositoryPolicyText");
            own.extend(inner(policy, "aws_ecr_repository_policy", "repository", Some(&name)));
        }
        "AWS::Events::EventBus" => {
            let name = Value::from(made.physical_id.as_str());
            let policy = made.properties.get("Policy");
            own.extend(inner(
                policy,
                "aws_cloudwatch_event_bus_policy",
                "event_bus_name",
                Some(&name),
            ));
        }
        "AWS::EFS::FileSystem" => {
            let id = Value::from(made.physical_id.as_str());
            let policy = made.properties.get("FileSystemPolicy");
            own.extend(inner(policy, "aws_efs_file_system_policy", "file_system_id", Some(&id)));
        }
        "AWS::EC2::SecurityGroup" => own.push(group(made, all, place)),
        "AWS::EC2::SecurityGroupIngress" => own.push(standing_rule(made, all, "ingress")),
        "AWS::EC2::SecurityGroupEgress" => own.push(standing_rule(made, all, "egress")),
        _ => {}
    }
    // A policy that is nobody's is there, and no resource of Terraform's.
    if own.is_empty() && made.kind != "AWS::IAM::Policy" {
        let mut properties = made.properties.clone();
        properties.insert("id".to_owned(), made.physical_id.clone().into());
        own.push(Resource::new(made.kind.clone(), None, Value::Object(properties)));
    }
    own
}

fn values(made: &Made, attributes: &[Attribute], place: Place<'_>) -> Value {
    let mut values = block(made, attributes, place);
    values.insert("id".to_owned(), made.physical_id.clone().into());
    Value::Object(values)
}

fn block(made: &Made, attributes: &[Attribute], place: Place<'_>) -> Map<String, Value> {
    let given = |(name, from): &Attribute| Some(((*name).to_owned(), value(made, *from, place)?));
    attributes.iter().filter_map(given).collect()
}

fn value(made: &Made, from: Source, place: Place<'_>) -> Option<Value> {
    let property = |path: &str| {
        let mut parts = path.split('/');
        let first = made.properties.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            other => other.get(part),
        })
    };
    match from {
        Source::Id => Some(made.physical_id.clone().into()),
        Source::Get(name) => {
            made.attributes.get(name).or_else(|| made.properties.get(name)).cloned()
        }
        Source::Of(path) => property(path).cloned(),
        Source::Or(path, otherwise) => {
            Some(property(path).cloned().unwrap_or_else(|| otherwise.into()))
        }
        Source::Flag(path) => Some(Value::Bool(property(path).is_some_and(is_true))),
        Source::Number(path) => property(path).map(number),
        Source::Document(path) => property(path).map(|policy| document(Some(policy))),
        Source::Arn(service, before) => {
            let Place { partition, region, account } = place;
            let id = &made.physical_id;
            let slash = if before == "parameter" && !id.starts_with('/') { "/" } else { "" };
            Some(format!("arn:{partition}:{service}:{region}:{account}:{before}{slash}{id}").into())
        }
        Source::Block(attributes) => {
            let own = block(made, attributes, place);
            Some(if own.is_empty() { json!([]) } else { json!([own]) })
        }
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

/// A number that may be written as text.
fn number(value: &Value) -> Value {
    let written = value.as_str().and_then(|text| text.parse::<i64>().ok());
    written.map_or_else(|| value.clone(), Value::from)
}

fn document(policy: Option<&Value>) -> Value {
    match policy {
        Some(Value::String(text)) => text.clone().into(),
        Some(other) => other.to_string().into(),
        None => Value::Null,
    }
}

fn text<'m>(made: &'m Made, property: &str) -> &'m str {
    made.properties.get(property).and_then(Value::as_str).unwrap_or_default()
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, alone) = match value {
        Some(Value::Array(items)) => (items.as_slice(), None),
        other => (&[][..], other),
    };
    list.iter().chain(alone)
}

/// The policies that stand in a role, user or group, and those that it has.
fn identity(made: &Made, word: &str) -> Vec<Resource> {
    let owner = made.physical_id.as_str();
    let inline = items(made.properties.get("Policies")).map(|policy| {
        let name = policy.get("PolicyName").and_then(Value::as_str).unwrap_or_default();
        let values = json!({ "id": format!("{owner}:{name}"), "name": name, word: owner,
            "policy": document(policy.get("PolicyDocument")) });
        Resource::new(format!("aws_iam_{word}_policy"), Some(name), values)
    });
    let attached = items(made.properties.get("ManagedPolicyArns")).filter_map(Value::as_str);
    let attached = attached.map(|arn| {
        let values = json!({ "id": format!("{owner}-{arn}"), word: owner, "policy_arn": arn });
        Resource::new(format!("aws_iam_{word}_policy_attachment"), Some(arn), values)
    });
    inline.chain(attached).collect()
}

/// A policy for each of those that it names.
fn shared(made: &Made, one: impl Fn(&Made, &str, &str) -> Resource) -> Vec<Resource> {
    let words = [("Roles", "role"), ("Users", "user"), ("Groups", "group")];
    let of = |(property, word): (&str, &str)| {
        let owners = items(made.properties.get(property)).filter_map(Value::as_str);
        owners.map(|owner| one(made, word, owner)).collect::<Vec<_>>()
    };
    words.into_iter().flat_map(of).collect()
}

/// A policy for each of the resources that it names.
fn each(made: &Made, property: &str, kind: &str, by: &str) -> Vec<Resource> {
    let named = items(made.properties.get(property)).filter_map(Value::as_str);
    let one = |name: &str| {
        let policy = document(made.properties.get("PolicyDocument"));
        Resource::new(kind, Some(name), json!({ "id": name, by: name, "policy": policy }))
    };
    named.map(one).collect()
}

/// A policy that stands in the resource that it is of.
fn inner(policy: Option<&Value>, kind: &str, by: &str, of: Option<&Value>) -> Option<Resource> {
    let values = json!({ "id": of?, by: of?, "policy": document(Some(policy?)) });
    Some(Resource::new(kind, None, values))
}

fn public_access_block(made: &Made) -> Option<Resource> {
    let own = made.properties.get("PublicAccessBlockConfiguration")?;
    let flag = |name: &str| own.get(name).is_some_and(is_true);
    let values = json!({ "id": made.physical_id, "bucket": made.physical_id,
        "block_public_acls": flag("BlockPublicAcls"),
        "block_public_policy": flag("BlockPublicPolicy"),
        "ignore_public_acls": flag("IgnorePublicAcls"),
        "restrict_public_buckets": flag("RestrictPublicBuckets") });
    Some(Resource::new("aws_s3_bucket_public_access_block", None, values))
}

/// A bucket's access control list by its name, which Terraform writes with hyphens.
fn access_list(made: &Made) -> Option<Resource> {
    let name = made.properties.get("AccessControl")?.as_str()?;
    let mut acl = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !acl.is_empty() {
            acl.push('-');
        }
        acl.push(letter.to_ascii_lowercase());
    }
    let values = json!({ "id": made.physical_id, "bucket": made.physical_id, "acl": acl });
    Some(Resource::new("aws_s3_bucket_acl", None, values))
}

/// Who owns a bucket's objects, and so whether lists count.
fn ownership_controls(made: &Made) -> Option<Resource> {
    let rules: Vec<Value> = items(made.properties.get("OwnershipControls")?.get("Rules"))
        .map(|rule| json!({ "object_ownership": rule.get("ObjectOwnership") }))
        .collect();
    let values = json!({ "id": made.physical_id, "bucket": made.physical_id, "rule": rules });
    Some(Resource::new("aws_s3_bucket_ownership_controls", None, values))
}

/// A security group with its rules. Without a rule for what goes out, everything may;
/// "when you use `AWS::EC2::SecurityGroupEgress`, the default rule is removed"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupegress.html>).
fn group(made: &Made, all: &[Made], place: Place<'_>) -> Resource {
    let id = made.attributes.get("GroupId").and_then(Value::as_str).unwrap_or(&made.physical_id);
    let rules = |property: &str| {
        items(made.properties.get(property)).map(|own| rule(own, all)).collect::<Vec<_>>()
    };
    let apart = all
        .iter()
        .any(|other| other.kind == "AWS::EC2::SecurityGroupEgress" && group_of(other, all) == id);
    let mut egress = rules("SecurityGroupEgress");
    if egress.is_empty() && !apart {
        egress.push(json!({ "protocol": "-1", "from_port": 0, "to_port": 0,
            "cidr_blocks": ["0.0.0.0/0"], "ipv6_cidr_blocks": [], "prefix_list_ids": [],
            "security_groups": [], "self": false }));
    }
    let Place { partition, region, account } = place;
    let values = json!({ "id": id, "name": text(made, "GroupName"),
        "arn": format!("arn:{partition}:ec2:{region}:{account}:security-group/{id}"),
        "vpc_id": made.attributes.get("VpcId").or_else(|| made.properties.get("VpcId")),
        "ingress": rules("SecurityGroupIngress"), "egress": egress });
    Resource::new("aws_security_group", None, values)
}

/// The group that a rule is of: by its id, or by its name
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html>).
fn group_of<'m>(made: &'m Made, all: &'m [Made]) -> &'m str {
    match text(made, "GroupId") {
        "" => id_of(text(made, "GroupName"), all),
        id => id,
    }
}

/// The id of a group that the stack made under a name; of another's, the name itself.
fn id_of<'m>(name: &'m str, all: &'m [Made]) -> &'m str {
    let is_it = |one: &&Made| {
        one.kind == "AWS::EC2::SecurityGroup"
            && (text(one, "GroupName") == name || one.physical_id == name)
    };
    let Some(own) = all.iter().find(is_it) else { return name };
    own.attributes.get("GroupId").and_then(Value::as_str).unwrap_or(&own.physical_id)
}

/// A rule as Terraform has it.
fn rule(own: &Value, all: &[Made]) -> Value {
    let list = |names: &[&str]| {
        names.iter().filter_map(|name| own.get(*name)).cloned().collect::<Vec<Value>>()
    };
    let mut groups = list(&["SourceSecurityGroupId", "DestinationSecurityGroupId"]);
    let named = own.get("SourceSecurityGroupName").and_then(Value::as_str);
    groups.extend(named.filter(|name| !name.is_empty()).map(|name| id_of(name, all).into()));
    json!({
        "protocol": own.get("IpProtocol").map(|protocol| match protocol {
            Value::Number(number) => number.to_string().into(),
            other => other.clone(),
        }),
        "from_port": own.get("FromPort").map(number).unwrap_or(json!(0)),
        "to_port": own.get("ToPort").map(number).unwrap_or(json!(0)),
        "cidr_blocks": list(&["CidrIp"]),
        "ipv6_cidr_blocks": list(&["CidrIpv6"]),
        "prefix_list_ids": list(&["SourcePrefixListId", "DestinationPrefixListId"]),
        "security_groups": groups,
        "self": false,
    })
}

fn standing_rule(made: &Made, all: &[Made], side: &str) -> Resource {
    let own = Value::Object(made.properties.clone());
    let mut values = rule(&own, all);
    if let Some(members) = values.as_object_mut() {
        members.insert("type".to_owned(), side.into());
        members.insert("id".to_owned(), made.physical_id.clone().into());
        members.insert("security_group_id".to_owned(), group_of(made, all).into());
        let groups = members.remove("security_groups");
        let first = groups.as_ref().and_then(|groups| groups.get(0)).cloned();
        members.insert("source_security_group_id".to_owned(), first.unwrap_or_default());
    }
    Resource::new("aws_security_group_rule", None, values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terraform::Instance;

    const PLACE: Place<'_> =
        Place { partition: "aws", region: "us-east-1", account: "123456789012" };

    fn made(id: &str, kind: &str, physical: &str, properties: Value, attributes: Value) -> Made {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        Made {
            logical_id: id.to_owned(),
            kind: kind.to_owned(),
            physical_id: physical.to_owned(),
            attributes: object(attributes),
            properties: object(properties),
        }
    }

    fn stack(resources: Vec<Made>) -> Contents {
        Contents {
            id: "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1".to_owned(),
            status: "CREATE_COMPLETE",
            resources,
            outputs: [("Bucket".to_owned(), "of the stack".to_owned())].into(),
            failed: Vec::new(),
        }
    }

    fn instances(resources: Vec<Made>) -> Vec<Instance> {
        Instance::of(&state(&[(None, stack(resources))], "s", PLACE))
    }

    #[test]
    fn a_role_is_one_with_its_policies_beside_it() {
        let trust = json!({"Version": "2012-10-17", "Statement": []});
        let role = made(
            "Role",
            "AWS::IAM::Role",
            "r",
            json!({"AssumeRolePolicyDocument": trust, "PermissionsBoundary": "arn:b",
                "ManagedPolicyArns": ["arn:p"],
                "Policies": [{"PolicyName": "work", "PolicyDocument": {"Statement": []}}]}),
            json!({"Arn": "arn:r"}),
        );
        let found = instances(vec![role]);
        let names: Vec<String> = found.iter().map(Instance::address).collect();
        assert_eq!(
            names,
            [
                "aws_iam_role.Role",
                "aws_iam_role_policy.Role[work]",
                "aws_iam_role_policy_attachment.Role[arn:p]",
                "aws_cloudformation_stack.Stack",
            ]
        );
        assert_eq!(
            found[0].attributes,
            json!({"id": "r", "name": "r", "arn": "arn:r", "path": "/",
                "assume_role_policy": trust.to_string(), "permissions_boundary": "arn:b"})
        );
        assert_eq!(found[1].text("role"), Some("r"));
        assert_eq!(found[1].text("policy"), Some(r#"{"Statement":[]}"#));
        assert_eq!(found[2].text("policy_arn"), Some("arn:p"));
    }

    #[test]
    fn a_buckets_list_and_who_owns_its_objects_are_terraforms() {
        let properties = json!({"AccessControl": "PublicReadWrite",
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}});
        let bucket = made("B", "AWS::S3::Bucket", "b", properties, json!({"Arn": "arn:b"}));
        let found = instances(vec![bucket]);
        let acl = json!({"id": "b", "bucket": "b", "acl": "public-read-write"});
        let rule = json!([{"object_ownership": "ObjectWriter"}]);
        let names: Vec<String> = found.iter().map(Instance::address).collect();
        assert_eq!(names[1..3], ["aws_s3_bucket_acl.B", "aws_s3_bucket_ownership_controls.B"]);
        assert_eq!(found[1].attributes, acl);
        assert_eq!(found[2].attributes, json!({"id": "b", "bucket": "b", "rule": rule}));
        let plain = made("B", "AWS::S3::Bucket", "b", json!({}), json!({"Arn": "arn:b"}));
        assert_eq!(instances(vec![plain]).len(), 2);
    }

    /// An issuer is told by the same attributes as Terraform's.
    #[test]
    fn a_pool_its_clients_and_who_trusts_it_are_terraforms() {
        let arn = "arn:aws:cognito-idp:r:1:userpool/r_p";
        let pool = made(
            "P",
            "AWS::Cognito::UserPool",
            "r_p",
            json!({"UserPoolName": "p"}),
            json!({"Arn": arn, "ProviderName": "cognito-idp.r.amazonaws.com/r_p"}),
        );
        let client = made(
            "C",
            "AWS::Cognito::UserPoolClient",
            "c",
            json!({"UserPoolId": "r_p"}),
            json!({"ClientId": "c"}),
        );
        let properties = json!({"RestApiId": "a", "Type": "COGNITO_USER_POOLS",
            "ProviderARNs": [arn]});
        let rest = made("A", "AWS::ApiGateway::Authorizer", "a1", properties, json!({}));
        let found = instances(vec![pool, client, rest]);
        let endpoint = "cognito-idp.r.amazonaws.com/r_p";
        assert_eq!(found[0].attributes, json!({"id": "r_p", "arn": arn, "endpoint": endpoint}));
        assert_eq!(found[1].attributes, json!({"id": "c", "user_pool_id": "r_p"}));
        assert_eq!(found[2].attributes["provider_arns"], json!([arn]));
    }

    #[test]
    fn what_no_row_has_keeps_its_own_name() {
        let other = made("Pool", "AWS::Nope::Pool", "p-1", json!({"Size": 1}), json!({}));
        let found = instances(vec![other]);
        assert_eq!(found[0].address(), "AWS::Nope::Pool.Pool");
        assert_eq!(found[0].attributes, json!({"Size": 1, "id": "p-1"}));
    }

    #[test]
    fn resources_and_their_attributes_are_outputs_and_those_of_the_stack_win() {
        let bucket = made("Bucket", "AWS::S3::Bucket", "b", json!({}), json!({"Arn": "arn:b"}));
        let state = state(&[(None, stack(vec![bucket]))], "s", PLACE);
        assert_eq!(state["outputs"]["Bucket"]["value"], "of the stack");
        assert_eq!(state["outputs"]["Bucket.Arn"]["value"], "arn:b");
    }

    #[test]
    fn a_security_group_lets_everything_out_unless_a_rule_says_what() {
        let group =
            |properties| made("G", "AWS::EC2::SecurityGroup", "sg-1", properties, json!({}));
        let open = instances(vec![group(json!({}))]);
        assert_eq!(open[0].attributes["egress"][0]["cidr_blocks"], json!(["0.0.0.0/0"]));
        let own = json!({"SecurityGroupEgress": [{"IpProtocol": "tcp", "FromPort": "443",
            "ToPort": 443, "DestinationPrefixListId": "pl-1"}]});
        let narrow = instances(vec![group(own)]);
        let egress = &narrow[0].attributes["egress"];
        assert_eq!(egress.as_array().unwrap().len(), 1);
        assert_eq!(egress[0]["prefix_list_ids"], json!(["pl-1"]));
        assert_eq!(egress[0]["from_port"], json!(443));
        let apart = made(
            "E",
            "AWS::EC2::SecurityGroupEgress",
            "sgr-1",
            json!({"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                "DestinationSecurityGroupId": "sg-2"}),
            json!({}),
        );
        let found = instances(vec![group(json!({})), apart]);
        assert_eq!(found[0].attributes["egress"], json!([]));
        assert_eq!(found[1].kind, "aws_security_group_rule");
        assert_eq!(found[1].text("source_security_group_id"), Some("sg-2"));
        assert_eq!(found[1].text("type"), Some("egress"));
    }

    #[test]
    fn a_rule_is_of_the_group_that_it_names() {
        let group = made(
            "G",
            "AWS::EC2::SecurityGroup",
            "sg-1",
            json!({"GroupName": "web"}),
            json!({"GroupId": "sg-1"}),
        );
        let rule = |name: &str| {
            made(
                "I",
                "AWS::EC2::SecurityGroupIngress",
                "sgr-1",
                json!({"GroupName": name, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                    "SourceSecurityGroupName": "web"}),
                json!({}),
            )
        };
        for (name, id) in [("web", "sg-1"), ("other", "other")] {
            let found = instances(vec![group.clone(), rule(name)]);
            assert_eq!(found[1].text("security_group_id"), Some(id));
            assert_eq!(found[1].text("source_security_group_id"), Some("sg-1"));
        }
    }

    #[test]
    fn what_a_nested_stack_made_stands_behind_its_name() {
        let topic = || made("T", "AWS::SNS::Topic", "arn:t", json!({}), json!({"TopicName": "t"}));
        let nested = (Some("module.Net".to_owned()), stack(vec![topic()]));
        let found = Instance::of(&state(&[(None, stack(Vec::new())), nested], "s", PLACE));
        assert_eq!(found[0].address(), "module.Net.aws_sns_topic.T");
    }

    #[test]
    fn a_policy_of_several_is_each_ones() {
        let policy = made(
            "P",
            "AWS::IAM::Policy",
            "p",
            json!({"PolicyName": "p", "Roles": ["a", "b"], "Users": ["u"],
                "PolicyDocument": {"Statement": []}}),
            json!({}),
        );
        let found = instances(vec![policy]);
        let names: Vec<String> = found.iter().map(Instance::address).collect();
        assert_eq!(
            names,
            [
                "aws_iam_role_policy.P[a]",
                "aws_iam_role_policy.P[b]",
                "aws_iam_user_policy.P[u]",
                "aws_cloudformation_stack.Stack",
            ]
        );
    }
}

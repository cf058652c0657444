//! What names of a template stand for, as far as the template and the estate say it.

use std::collections::BTreeMap;

use super::Place;
use super::unread::made_by;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// By parameter, by logical id, and by logical id with an attribute: a text, or a list of
/// texts.
pub(super) struct Names(BTreeMap<String, Value>);

/// How a dynamic reference begins: what stands for it is read when the stack is made
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>).
pub(super) const DYNAMIC: &str = "{{resolve:";

/// What takes a property, or an item of a list, away
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html>).
const NO_VALUE: &str = "AWS::NoValue";

/// Whether something is `AWS::NoValue`.
pub(super) fn is_no_value(node: &Node) -> bool {
    matches!(node.members(), [only] if only.key == "Ref" && only.value.text() == Some(NO_VALUE))
}

/// A value without what `AWS::NoValue` takes away. What functions make of it is theirs.
pub(super) fn without_no_value(node: &Node) -> Node {
    let value = match &node.value {
        Value::Map(members) if members.iter().any(|one| is_function(&one.key)) => {
            Value::Map(members.clone())
        }
        Value::Map(members) => {
            let kept = members.iter().filter(|one| !is_no_value(&one.value));
            let kept =
                kept.map(|one| Member { value: without_no_value(&one.value), ..one.clone() });
            Value::Map(kept.collect())
        }
        Value::List(items) => {
            let kept = items.iter().filter(|item| !is_no_value(item));
            Value::List(kept.map(without_no_value).collect())
        }
        other => other.clone(),
    };
    Node::new(node.at, value)
}

pub(super) fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

/// Whether `Ref` of a parameter of a type gives a list
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>).
fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

/// What a text is as a value of a parameter's type: the items of a list stand between
/// commas, and "each member string is space trimmed".
fn typed(kind: &str, text: &str, at: &Node) -> Value {
    if !is_list(kind) {
        return Value::Text(text.to_owned());
    }
    let items = text.split(',').filter(|_| !text.is_empty());
    let items = items.map(|item| Node::new(at.at, Value::Text(item.trim().to_owned())));
    Value::List(items.collect())
}

/// A default as the text that it is given as: a truth value or a whole number may stand there
/// without quotes.
fn plain(default: &Node) -> Option<String> {
    match &default.value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(text) => {
            let number: i64 = text.parse().ok()?;
            Some(number.to_string()).filter(|it| it == text)
        }
        _ => None,
    }
}

/// What the estate publishes by a name where the stack is: SSM's parameters are of a region
/// and an account. `None` where that is not known.
fn published(name: &str, place: &Place, resources: &[Resource]) -> Option<String> {
    let text =
        |one: &'_ Resource, name| one.values.get(name).and_then(Node::text).map(str::to_owned);
    let may_be_here = |one: &&Resource| {
        let arn = text(one, "arn").unwrap_or_default();
        let mut parts = arn.split(':').skip(3);
        let is = |own: Option<&str>, here: Option<&str>| match (own, here) {
            (Some(own), Some(here)) => own.is_empty() || own == here,
            _ => true,
        };
        is(parts.next(), place.region.as_deref()) && is(parts.next(), Some(&place.account))
    };
    let all = resources.iter().filter(|one| one.kind == "aws_ssm_parameter");
    let mut all = all.filter(|one| text(one, "name").as_deref() == Some(name)).filter(may_be_here);
    let first = text(all.next()?, "value")?;
    // Of two that say different things nobody knows which is meant.
    all.all(|one| text(one, "value").as_ref() == Some(&first)).then_some(first)
}

impl Names {
    pub(super) fn of(root: &Node, place: &Place, resources: &[Resource]) -> Self {
        let mut names = BTreeMap::from([
            ("AWS::Partition".to_owned(), Value::Text(place.partition.clone())),
            ("AWS::AccountId".to_owned(), Value::Text(place.account.clone())),
        ]);
        let region = place.region.clone().map(Value::Text);
        names.extend(region.map(|region| ("AWS::Region".to_owned(), region)));
        for parameter in root.get("Parameters").map(Node::members).unwrap_or_default() {
            let kind = parameter.value.get("Type").and_then(Node::text).unwrap_or_default();
            let Some(default) = parameter.value.get("Default") else { continue };
            let plain = plain(default);
            let Some(text) = plain.as_deref() else { continue };
            let of_ssm = kind.strip_prefix("AWS::SSM::Parameter::Value<");
            let value = match of_ssm {
                Some(kind) => published(text, place, resources)
                    .map(|text| typed(kind.strip_suffix('>').unwrap_or(kind), &text, default)),
                None => Some(typed(kind, text, default)),
            };
            names.extend(value.map(|value| (parameter.key.clone(), value)));
        }
        let mut names = Self(names);
        for resource in root.get("Resources").map(Node::members).unwrap_or_default() {
            let written_out = written_out(resource, &names, place);
            if !written_out.is_empty() {
                names.0.extend(written_out);
                continue;
            }
            let name = |property| {
                let node = resource.value.path(&["Properties", property])?;
                names.resolved(node).text().map(str::to_owned)
            };
            let Place { partition, account, region } = place;
            let (name, arn) = match (name("RoleName"), name("FunctionName"), region) {
                (Some(name), ..) if is_role(resource) => {
                    let path = resource.value.path(&["Properties", "Path"]);
                    let path = path.filter(|node| node.is_something());
                    let path = path.map_or(Some("/".to_owned()), |node| {
                        names.resolved(node).text().map(str::to_owned)
                    });
                    let arn =
                        path.map(|path| format!("arn:{partition}:iam::{account}:role{path}{name}"));
                    (name, arn)
                }
                (_, Some(name), Some(region)) if is_lambda(resource) => {
                    let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{name}");
                    (name, Some(arn))
                }
                (_, Some(name), None) if is_lambda(resource) => (name, None),
                _ => continue,
            };
            let arn = arn.map(|arn| (format!("{}.Arn", resource.key), Value::Text(arn)));
            names.0.extend(arn);
            names.0.insert(resource.key.clone(), Value::Text(name));
        }
        names
    }

    /// A value with what its functions give, as far as it is known.
    pub(super) fn resolved(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Map(members) => match members.as_slice() {
                [only] if is_function(&only.key) => {
                    self.function(&only.key, &only.value).unwrap_or(Value::Unknown)
                }
                // Nobody knows what it makes beside the others.
                members if members.iter().any(|member| member.key.starts_with("Fn::")) => {
                    Value::Unknown
                }
                members => Value::Map(
                    members
                        .iter()
                        .map(|member| Member {
                            value: self.resolved(&member.value),
                            ..member.clone()
                        })
                        .collect(),
                ),
            },
            Value::List(items) => Value::List(items.iter().map(|item| self.item(item)).collect()),
            other => other.clone(),
        };
        let is_dynamic = matches!(&value, Value::Text(text) if text.contains(DYNAMIC));
        Node::new(node.at, if is_dynamic { Value::Unknown } else { value })
    }

    /// An item of a list: what becomes of a list that a function gives there, is not known.
    fn item(&self, item: &Node) -> Node {
        let resolved = self.resolved(item);
        let is_list = |node: &Node| matches!(node.value, Value::List(_));
        match is_list(&resolved) && !is_list(item) {
            true => Node::new(item.at, Value::Unknown),
            false => resolved,
        }
    }

    /// The items of a list, which a function may give.
    fn list(&self, node: &Node) -> Option<Vec<Node>> {
        match self.resolved(node).value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    fn function(&self, name: &str, value: &Node) -> Option<Value> {
        match name {
            "Ref" => self.0.get(value.text()?).cloned(),
            "Fn::GetAtt" => match &value.value {
                Value::List(parts) => {
                    let parts: Vec<&str> = parts.iter().map(Node::text).collect::<Option<_>>()?;
                    self.0.get(&parts.join(".")).cloned()
                }
                _ => self.0.get(value.text()?).cloned(),
            },
            // Names of its own stand before those of the template.
            "Fn::Sub" => match value.items() {
                [text, own] => {
                    let is_plain = matches!(own.value, Value::Map(_))
                        && !own.members().iter().any(|one| one.key.starts_with("Fn::"));
                    if !is_plain {
                        return None;
                    }
                    let mut names = BTreeMap::new();
                    for one in own.members() {
                        let value = self.resolved(&one.value).text().map(str::to_owned);
                        names.insert(one.key.as_str(), value);
                    }
                    self.substituted(text.text()?, &names).map(Value::Text)
                }
                _ => self.substituted(value.text()?, &BTreeMap::new()).map(Value::Text),
            },
            "Fn::Join" => {
                let [by, parts] = value.items() else { return None };
                let parts = self.list(parts)?;
                let parts: Vec<&str> = parts.iter().map(Node::text).collect::<Option<_>>()?;
                Some(Value::Text(parts.join(by.text()?)))
            }
            "Fn::Select" => {
                let [at, items] = value.items() else { return None };
                let at: usize = match &at.value {
                    Value::Number(text) | Value::Text(text) => text.parse().ok()?,
                    _ => return None,
                };
                self.list(items)?.into_iter().nth(at).map(|item| item.value)
            }
            "Fn::Split" => {
                let [by, text] = value.items() else { return None };
                let by = by.text().filter(|by| !by.is_empty())?;
                let text = self.resolved(text);
                let parts = text.text()?.split(by);
                let parts = parts.map(|part| Node::new(value.at, Value::Text(part.to_owned())));
                Some(Value::List(parts.collect()))
            }
            _ => None,
        }
    }

    fn substituted(&self, text: &str, own: &BTreeMap<&str, Option<String>>) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}')?;
            match name.strip_prefix('!') {
                Some(literal) => out.push_str(&format!("${{{literal}}}")),
                None => match (own.get(name.trim()), self.0.get(name.trim())) {
                    (Some(text), _) => out.push_str(text.as_ref()?),
                    (None, Some(Value::Text(text))) => out.push_str(text),
                    _ => return None,
                },
            }
            rest = after;
        }
        Some(out + rest)
    }
}

/// What `Ref` of a resource gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ref {
    Name,
    Arn,
    /// Neither: of a queue it is its URL.
    Other,
}

/// A type, the property that is its name, what is in the ARN before the name, what `Ref` gives,
/// and the attribute that is the ARN.
type WrittenOut = (&'static str, &'static str, (&'static str, &'static str), Ref, &'static str);

/// Types whose name is the one that is written: the property that it is, what is in the ARN
/// before it (the service, and what is before the name), what `Ref` gives, and the attribute
/// that is the ARN (the "Return values" of each type at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>,
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const WRITTEN_OUT: [WrittenOut; 7] = [
    ("AWS::DynamoDB::GlobalTable", "TableName", ("dynamodb", "table/"), Ref::Name, "Arn"),
    ("AWS::DynamoDB::Table", "TableName", ("dynamodb", "table/"), Ref::Name, "Arn"),
    ("AWS::Kinesis::Stream", "Name", ("kinesis", "stream/"), Ref::Name, "Arn"),
    (BUCKET, "BucketName", ("s3", ""), Ref::Name, "Arn"),
    // It is a table of the same name and logical id
    // (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-simpletable.html>).
    ("AWS::Serverless::SimpleTable", "TableName", ("dynamodb", "table/"), Ref::Name, "Arn"),
    ("AWS::SNS::Topic", "TopicName", ("sns", ""), Ref::Arn, "TopicArn"),
    ("AWS::SQS::Queue", "QueueName", ("sqs", ""), Ref::Other, "Arn"),
];

/// Its ARN has neither a region nor an account.
const BUCKET: &str = "AWS::S3::Bucket";

/// What `Ref` and the ARN of a resource are whose name is written out.
fn written_out(resource: &Member, names: &Names, place: &Place) -> Vec<(String, Value)> {
    let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
    let of = WRITTEN_OUT.iter().find(|(own, ..)| *own == kind);
    let Some((_, property, (service, before), reference, attribute)) = of else {
        return Vec::new();
    };
    let written = resource.value.path(&["Properties", *property]);
    let resolved = written.map(|node| names.resolved(node));
    let name = resolved.as_ref().and_then(Node::text);
    // What is no name makes no ARN, and what a macro adds is not known.
    let is_name = |name: &&str| {
        let is_of_one = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
        !name.is_empty() && name.chars().all(is_of_one) && made_by(&resource.value).is_none()
    };
    let Some(name) = name.filter(is_name) else { return Vec::new() };
    let Place { partition, account, region } = place;
    let arn = match (kind, region) {
        (BUCKET, _) => Some(format!("arn:{partition}:{service}:::{name}")),
        (_, Some(region)) => {
            Some(format!("arn:{partition}:{service}:{region}:{account}:{before}{name}"))
        }
        (_, None) => None,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let by_ref = match reference {
        Ref::Name => Some(text(name)),
        Ref::Arn => arn.as_deref().map(text),
        Ref::Other => None,
    };
    let by_ref = by_ref.map(|it| (resource.key.clone(), it));
    let by_arn = arn.as_deref().map(|arn| (format!("{}.{attribute}", resource.key), text(arn)));
    by_ref.into_iter().chain(by_arn).collect()
}

fn is_role(resource: &Member) -> bool {
    resource.value.get("Type").and_then(Node::text) == Some("AWS::IAM::Role")
}

fn is_lambda(resource: &Member) -> bool {
    let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
    ["AWS::Lambda::Function", "AWS::Serverless::Function"].contains(&kind)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lint::read::{Read, read};

    /// What `Resources.R.Properties.P` is, as JSON.
    fn value(property: &str) -> Option<String> {
        let text = format!(
            "Parameters:\n  Text: {{Type: String, Default: a}}\n  List: {{Type: CommaDelimitedList, Default: 'a, b'}}\n  Empty: {{Type: CommaDelimitedList, Default: ''}}\n  Numbers: {{Type: 'List<Number>', Default: '1,2'}}\n  Open: {{Type: CommaDelimitedList}}\n  Dynamic: {{Type: String, Default: '{{{{resolve:ssm:/a}}}}'}}\nResources:\n  R:\n    Type: AWS::SNS::Topic\n    Properties: {{P: {property}}}\n"
        );
        let Ok(Read::Template { root, .. }) = read(&text) else { panic!("no template: {text}") };
        let place =
            Place { partition: "aws".to_owned(), account: "123456789012".to_owned(), region: None };
        let names = Names::of(&root, &place, &[]);
        let node = root.path(&["Resources", "R", "Properties", "P"]).unwrap();
        crate::access::complete::known(&names.resolved(node)).map(|value| value.to_string())
    }

    #[rstest]
    #[case::a_text("!Ref Text", r#""a""#)]
    #[case::a_list("!Ref List", r#"["a","b"]"#)]
    #[case::an_empty_list("!Ref Empty", "[]")]
    #[case::numbers("!Ref Numbers", r#"["1","2"]"#)]
    #[case::join("!Join ['-', [a, !Ref Text]]", r#""a-a""#)]
    #[case::join_of_a_parameter("!Join ['-', !Ref List]", r#""a-b""#)]
    #[case::join_of_what_is_split("!Join ['', !Split ['|', 'ba|se']]", r#""base""#)]
    #[case::join_of_an_empty_list("!Join ['', !Ref Empty]", r#""""#)]
    #[case::select("!Select [1, !Ref List]", r#""b""#)]
    #[case::select_of_what_is_split("!Select ['0', !Split ['/', 'x/y']]", r#""x""#)]
    #[case::sub("!Sub '${Text}/${!Text}'", r#""a/${Text}""#)]
    #[case::sub_of_its_own(
        "!Sub ['${own}/${Text}', {own: !Join ['', [x, !Ref Text]]}]",
        r#""xa/a""#
    )]
    #[case::sub_of_its_own_before_another("!Sub ['${Text}', {Text: x}]", r#""x""#)]
    fn what_is_known_of_a_function_is_what_it_gives(#[case] written: &str, #[case] is: &str) {
        assert_eq!(value(written).as_deref(), Some(is));
    }

    /// A name that is written out says the ARN.
    #[rstest]
    #[case::a_bucket("!Ref B", Some("secret"))]
    #[case::its_arn("!GetAtt B.Arn", Some("arn:aws:s3:::secret"))]
    #[case::what_is_in_it("!Sub '${B.Arn}/*'", Some("arn:aws:s3:::secret/*"))]
    #[case::by_its_name("!Sub 'arn:aws:s3:::${B}/*'", Some("arn:aws:s3:::secret/*"))]
    #[case::put_together("!Join ['/', [!GetAtt B.Arn, '*']]", Some("arn:aws:s3:::secret/*"))]
    #[case::a_queue("!GetAtt Q.Arn", Some("arn:aws:sqs:eu-west-1:123456789012:secret"))]
    #[case::the_url_of_a_queue("!Ref Q", None)]
    #[case::a_topic("!Ref T", Some("arn:aws:sns:eu-west-1:123456789012:secret"))]
    #[case::a_table("!GetAtt D.Arn", Some("arn:aws:dynamodb:eu-west-1:123456789012:table/secret"))]
    #[case::the_name_of_a_table("!Ref D", Some("secret"))]
    #[case::of_a_parameter("!GetAtt P.Arn", Some("arn:aws:s3:::of-a-parameter"))]
    #[case::without_a_name("!GetAtt N.Arn", None)]
    #[case::of_a_name_that_is_not_known("!GetAtt O.Arn", None)]
    #[case::of_what_is_no_name("!GetAtt S.Arn", None)]
    #[case::of_what_a_macro_makes("!GetAtt M.Arn", None)]
    fn a_name_that_is_written_out_is_known(#[case] written: &str, #[case] expected: Option<&str>) {
        let text = format!(
            "Parameters:\n  Name: {{Type: String, Default: of-a-parameter}}\n  Open: {{Type: String}}\nResources:\n  B: {{Type: 'AWS::S3::Bucket', Properties: {{BucketName: secret}}}}\n  Q: {{Type: 'AWS::SQS::Queue', Properties: {{QueueName: secret}}}}\n  T: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: secret}}}}\n  D: {{Type: 'AWS::DynamoDB::Table', Properties: {{TableName: secret}}}}\n  P: {{Type: 'AWS::S3::Bucket', Properties: {{BucketName: !Ref Name}}}}\n  N: {{Type: 'AWS::S3::Bucket'}}\n  O: {{Type: 'AWS::S3::Bucket', Properties: {{BucketName: !Ref Open}}}}\n  S: {{Type: 'AWS::S3::Bucket', Properties: {{BucketName: 'a*'}}}}\n  M: {{Type: 'AWS::S3::Bucket', Properties: {{BucketName: a, 'Fn::Transform': {{Name: 'AWS::Include'}}}}}}\n  R: {{Type: 'AWS::SNS::Topic', Properties: {{P: {written}}}}}\n"
        );
        let Ok(Read::Template { root, .. }) = read(&text) else { panic!("no template: {text}") };
        let (partition, account) = ("aws".to_owned(), "123456789012".to_owned());
        let place = Place { partition, account, region: Some("eu-west-1".to_owned()) };
        let names = Names::of(&root, &place, &[]);
        let node = root.path(&["Resources", "R", "Properties", "P"]).unwrap();
        assert_eq!(names.resolved(node).text(), expected);
    }

    #[rstest]
    #[case::a_list_without_a_default("!Ref Open")]
    #[case::join_of_no_list("!Join ['-', !Ref Text]")]
    #[case::join_of_what_is_not_known("!Join ['-', !Ref Open]")]
    #[case::join_of_a_function("!Join ['-', !Cidr ['10.0.0.0/8', 1, 8]]")]
    #[case::a_list_within_a_list("[!Ref List]")]
    #[case::a_list_within_a_text("!Sub '${List}'")]
    #[case::sub_of_what_is_not_known("!Sub ['${Text}', {Text: !ImportValue x}]")]
    #[case::sub_of_what_a_function_makes("!Sub ['${Text}', {'Fn::Transform': {Name: x}}]")]
    #[case::select_of_none("!Select [2, !Ref List]")]
    #[case::split_of_what_is_not_known("!Split ['|', !ImportValue x]")]
    #[case::a_dynamic_reference("'x-{{resolve:ssm:/a}}'")]
    #[case::within_a_function("!Sub 'x-{{resolve:secretsmanager:a}}-${Text}'")]
    #[case::of_a_parameter("!Ref Dynamic")]
    #[case::put_together("!Join ['', ['{{resolve:', 'ssm:/a}}']]")]
    fn what_is_not_known_is_no_value(#[case] written: &str) {
        assert_eq!(value(written), None);
    }

    #[test]
    fn no_value_takes_away_properties_and_items() {
        let text = "Resources:\n  R:\n    Type: AWS::SNS::Topic\n    Properties: {A: !Ref 'AWS::NoValue', B: [!Ref 'AWS::NoValue', x], C: !If [D, !Ref 'AWS::NoValue', y]}\n";
        let Ok(Read::Template { root, .. }) = read(text) else { panic!("no template") };
        let root = without_no_value(&root);
        let properties = root.path(&["Resources", "R", "Properties"]).unwrap();
        assert!(properties.get("A").is_none());
        let items: Vec<_> = properties.get("B").unwrap().items().iter().map(Node::text).collect();
        assert_eq!(items, [Some("x")]);
        let branches = properties.path(&["C", "Fn::If"]).unwrap().items();
        assert!(is_no_value(&branches[1]));
    }

    /// SSM's parameters are of a region: one of another is not what the stack reads.
    #[test]
    fn what_is_published_elsewhere_is_not_read() {
        let one = |region: &str, value: &str| {
            let values = serde_json::json!({"name": "/a", "value": value,
                "arn": format!("arn:aws:ssm:{region}:123456789012:parameter/a")});
            Resource {
                address: format!("aws_ssm_parameter.{region}"),
                kind: "aws_ssm_parameter".to_owned(),
                is_data: false,
                values: crate::access::complete::tree(ringfence_text::Place::START, &values),
            }
        };
        let all = [one("us-east-1", "x"), one("eu-west-1", "y")];
        let of = |region: Option<&str>, account: &str| {
            let (partition, account) = ("aws".to_owned(), account.to_owned());
            let place = Place { partition, account, region: region.map(str::to_owned) };
            published("/a", &place, &all)
        };
        assert_eq!(of(Some("eu-west-1"), "123456789012").as_deref(), Some("y"));
        assert_eq!(of(Some("us-east-1"), "123456789012").as_deref(), Some("x"));
        assert_eq!(of(Some("eu-north-1"), "123456789012"), None);
        assert_eq!(of(None, "123456789012"), None);
        assert_eq!(of(Some("eu-west-1"), "999999999999"), None);
    }
}

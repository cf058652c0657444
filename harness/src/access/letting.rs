//! The policies of resources that templates make, by what stands in their properties.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};

use serde_json::{Value as Json, json};

use super::complete::{Setting, known, tree};
use super::contested;
use super::denies::Denies;
use super::estate::Estate;
use super::grants::{self, Unread};
use super::own::{self, Find, OfTemplate, Region};
use super::partial::Part;
use super::public::{self, Bucket};
use super::templates::{Place, cause};
use crate::lint::known::{Member, Node, Value};

/// Types whose documents are of identities, or limit.
const OTHERS: [&str; 6] = [
    "AWS::IAM::",
    "AWS::Organizations::",
    "AWS::SSO::",
    "AWS::EC2::VPCEndpoint",
    "AWS::Serverless::Function",
    "AWS::Serverless::StateMachine",
];

/// What a permission on a function is.
const PERMISSION: &str = "AWS::Lambda::Permission";

/// What a statement of an event bus's policy is.
const OF_BUS: &str = "AWS::Events::EventBusPolicy";

/// The last words of types that grant something without a document.
const GRANTS: [&str; 4] = ["Permission", "Permissions", "Grant", "Grants"];

/// The last words of properties that hold policies.
const POLICIES: [&str; 4] = ["Policy", "Policies", "PolicyDocument", "PolicyText"];

/// Adds what a resource lets in: the policies that name principals, and what is granted
/// without a document, but for permissions of services on functions. What is not known is
/// taken for the most that it may be.
pub(super) fn add(
    resource: &Member,
    kind: &str,
    properties: &Node,
    (place, find, buckets): (&Place, &Find<'_>, &[Bucket<'_>]),
    estate: &mut Estate,
) {
    let name = free(&resource.key, estate);
    if kind == PERMISSION
        && let Some(document) = permission(&name, properties, place)
    {
        estate.entry(&name).policies.resource = Some(document);
        estate.permissions.insert(name);
        return;
    }
    let unread = |kind: &str, what: &str| {
        Unread::of_template(kind, format!("Resources.{}: {what}", resource.key))
    };
    if let Some((kind, what)) = granted(kind, properties) {
        let about = grants::actions(kind);
        let denies = match may_deny(kind, properties, &about) {
            true => Denies::in_part(&name, None, None, &about, true),
            false => Denies::default(),
        };
        let unread = unread(kind, &what);
        let entry = estate.entry(&name);
        entry.denies = denies;
        entry.unknown.insert(unread.why.clone());
        entry.unread.push(unread);
        return;
    }
    if OTHERS.iter().any(|other| kind.starts_with(other)) || kind == PERMISSION {
        return;
    }
    let of_bus = of_bus(kind, properties);
    let mut documents = Vec::new();
    match &of_bus {
        Some(document) => documents.push(document),
        None => policies(properties, &mut documents),
    }
    for (number, node) in documents.into_iter().enumerate() {
        let called = if number == 0 { name.clone() } else { format!("{name}.{number}") };
        let text = match node.text() {
            Some(text) => Some(text.to_owned()),
            None => known(node).map(|it| it.to_string()),
        };
        let document = match text {
            Some(text) => Document::parse(called.clone(), &text, Kind::Resource).map_err(|error| {
                format!("its policy (line {}) is not read: {error}", node.at.line)
            }),
            None => Err(format!("its policy is not known{}", cause(&resource.value, node))),
        };
        let template = estate.templates;
        let beside = (place, find, buckets);
        let restricts = public::of_template(resource, kind, properties, beside, estate);
        let entry = estate.entry(&called);
        match document {
            Ok(document) => {
                let of = OfTemplate { resource, kind, properties, place, find };
                let own = of.own(&called);
                let about = grants::actions(kind);
                let most = of.most(&called).unwrap_or_default();
                let of_bucket = || own::bucket_of_template(kind, properties);
                let of = own.or_else(of_bucket);
                let written = resource.value.get("Properties");
                let of_one = own::of_one((kind, template), of.as_deref(), written);
                let is_there = resource.value.get("Condition").is_none();
                entry.denies = Denies::of(&document, of.as_deref(), &about, is_there);
                let document = own::bound(&Arc::new(document), &most, &about);
                entry.policies.resource = Some(document);
                entry.of_one = of_one;
                entry.region = Region { own: most, about };
                if let Some(restricts) = restricts {
                    restricts.apply(&called, entry);
                }
                contested::note(estate, &called, kind);
            }
            Err(why) => {
                let unread = unread(kind, &why);
                let of = OfTemplate { resource, kind, properties, place, find };
                let own = of.own(&called).or_else(|| own::bucket_of_template(kind, properties));
                let (part, about) = (Part::from(node), grants::actions(kind));
                let is_there = resource.value.get("Condition").is_none();
                entry.denies =
                    Denies::in_part(&called, Some(&part), own.as_deref(), &about, is_there);
                if let Some(restricts) = restricts {
                    restricts.apply(&called, entry);
                }
                entry.unknown.insert(unread.why.clone());
                entry.unread.push(unread);
            }
        }
    }
}

/// The policy that a permission on a function is like, where all of it is known.
fn permission(name: &str, properties: &Node, place: &Place) -> Option<Arc<Document>> {
    let Place { partition, account, region } = place;
    let setting = Setting::new(Some(partition.clone()), Some(account.clone()), region.clone());
    let statements = grants::permission(properties, &setting)?;
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse(name.to_owned(), &text, Kind::Resource).ok().map(Arc::new)
}

/// What a resource grants, or may, without a document that is read: the type by which it
/// does, and what is told of it.
fn granted<'k>(kind: &'k str, properties: &Node) -> Option<(&'k str, String)> {
    let known = |what: &str| Some((kind, what.to_owned()));
    let not_read = || Some((kind, format!("what this `{kind}` grants is not read")));
    match kind {
        PERMISSION => {
            let principal = properties.get("Principal").and_then(Node::text);
            let is_service = principal.is_some_and(|it| it.ends_with(".amazonaws.com"));
            if is_service {
                None
            } else {
                known("not all that it says is known, and it may let in another than a service")
            }
        }
        "AWS::Serverless::Function" => {
            let what = "its URL lets in everybody, or may".to_owned();
            has_open_url(properties).then_some((PERMISSION, what))
        }
        "AWS::Serverless::Api" if has_own_policy(properties) => {
            let what = "whom its `Auth.ResourcePolicy` lets in is not read".to_owned();
            Some(("AWS::ApiGateway::RestApi", what))
        }
        other if OTHERS.iter().any(|own| other.starts_with(own)) => None,
        _ if Node::is_unknown(properties) => known("its properties are not known"),
        "AWS::S3::Bucket" => {
            let list = properties.get("AccessControl").filter(|node| node.is_something())?;
            match list.text() {
                Some("Private" | "BucketOwnerRead" | "BucketOwnerFullControl" | "AwsExecRead") => {
                    None
                }
                _ => known("whom its `AccessControl` lets in is not read"),
            }
        }
        // Its old form has a principal and an action of its own.
        OF_BUS if properties.get("Statement").is_none() => not_read(),
        other if GRANTS.iter().any(|end| other.ends_with(end)) => not_read(),
        _ => None,
    }
}

/// Whether what a resource grants that is not read may be a policy, which may deny as well: that
/// of an API, or what stands in properties that are not known. A permission on a function only
/// allows, and the policy of a bucket is a resource of its own.
fn may_deny(kind: &str, properties: &Node, about: &[String]) -> bool {
    let has_none = kind.starts_with("AWS::Lambda::") || kind == "AWS::S3::Bucket";
    let is_unknown = || Node::is_unknown(properties) && !has_none && about != ["*"];
    kind.starts_with("AWS::ApiGateway") || is_unknown()
}

/// Whether a function has a URL that everybody may call, or may have: for one of
/// `AuthType: NONE` SAM makes a permission for everybody
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-functionurlconfig.html>).
fn has_open_url(properties: &Node) -> bool {
    let member = |of: &'_ Node, name| match Node::is_unknown(of) {
        true => Some(of.clone()),
        false => of.get(name).filter(|node| node.is_something()).cloned(),
    };
    let url = member(properties, "FunctionUrlConfig");
    url.is_some_and(|url| member(&url, "AuthType").as_ref().and_then(Node::text) != Some("AWS_IAM"))
}

/// Whether an API has a policy of its own, or may have: SAM writes one of what stands there, with
/// an Allow for everybody beside each list of addresses
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-resourcepolicystatement.html>).
fn has_own_policy(properties: &Node) -> bool {
    let auth = properties.get("Auth").filter(|node| node.is_something());
    auth.is_some_and(|auth| {
        Node::is_unknown(auth) || auth.get("ResourcePolicy").is_some_and(Node::is_something)
    })
}

/// The document of an event bus's policy, of which a resource has a statement beside the
/// statement's id and the bus: as a value, or as "a JSON string"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html>).
fn of_bus(kind: &str, properties: &Node) -> Option<Node> {
    let written = properties.get("Statement").filter(|_| kind == OF_BUS)?;
    let at = written.at;
    let statement = match written.text().map(serde_json::from_str::<Json>) {
        Some(Ok(read)) => tree(at, &read),
        Some(Err(_)) => Node::new(at, Value::Unknown),
        None => written.clone(),
    };
    let version = Node::new(at, Value::Text("2012-10-17".to_owned()));
    Some(Node::new(
        at,
        Value::Map(vec![
            Member { at, key: "Version".into(), value: version },
            Member { at, key: "Statement".into(), value: statement },
        ]),
    ))
}

/// A name that no entry has.
fn free(key: &str, estate: &Estate) -> String {
    let own = format!("Resources.{key}");
    let numbered = (2..).map(|number| format!("{own} ({number})"));
    let mut all = std::iter::once(own.clone()).chain(numbered);
    all.find(|name| !estate.entries.contains_key(name)).unwrap_or(own)
}

/// The documents of a value that name principals, or may.
fn policies<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match &node.value {
        Value::Map(members) => {
            let statements = node.get("Statement");
            if statements.is_some_and(may_name) {
                found.push(node);
                return;
            }
            for member in members {
                let is_open = Node::is_unknown(&member.value)
                    || member.value.items().iter().any(Node::is_unknown);
                if is_open && POLICIES.iter().any(|end| member.key.ends_with(end)) {
                    found.push(&member.value);
                } else {
                    policies(&member.value, found);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| policies(item, found)),
        Value::Text(text) if text.contains("\"Statement\"") && text.contains("Principal\"") => {
            found.push(node);
        }
        _ => {}
    }
}

/// Whether statements name principals, or are not known.
fn may_name(statements: &Node) -> bool {
    let names = |one: &Node| {
        Node::is_unknown(one) || one.get("Principal").is_some() || one.get("NotPrincipal").is_some()
    };
    names(statements) || statements.items().iter().any(names)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::access::estate::Entry;
    use crate::access::templates::{self, Place};
    use crate::lint::read::{Read, read};

    fn estate(template: &str) -> Estate {
        let Ok(Read::Template { root, .. }) = read(template) else { panic!("no template") };
        let place = Place {
            partition: "aws".to_owned(),
            account: "123456789012".to_owned(),
            region: Some("eu-west-1".to_owned()),
        };
        let mut estate = Estate::default();
        templates::add(&root, &place, &mut estate).unwrap();
        estate
    }

    /// Why what `Resources.P` lets in is not known.
    fn told(template: &str) -> Vec<String> {
        let estate = estate(template);
        let unread =
            |entry: &Entry| entry.unread.iter().map(|one| one.why.clone()).collect::<Vec<_>>();
        estate.entries.values().flat_map(unread).collect()
    }

    fn of(kind: &str, properties: &str) -> Vec<String> {
        told(&format!("Resources:\n  P:\n    Type: {kind}\n    Properties: {properties}\n"))
    }

    #[rstest]
    #[case::policies("AWS::OpenSearchService::Domain", "{AccessPolicies: !ImportValue p}")]
    #[case::a_text("AWS::ECR::Repository", "{RepositoryPolicyText: !ImportValue p}")]
    #[case::a_document("AWS::Nebula::Star", "{StarPolicyDocument: !ImportValue p}")]
    #[case::one_of_several("AWS::Nebula::Star", "{Policies: [!ImportValue p]}")]
    fn a_policy_that_is_a_function_is_not_known(#[case] kind: &str, #[case] properties: &str) {
        let why =
            "Resources.P: its policy is not known: it hangs on `Fn::ImportValue` of `p` (line 4)";
        assert_eq!(of(kind, properties), [why]);
        let literal = properties.replace("!ImportValue p", "p");
        assert_eq!(of(kind, &literal), [""; 0]);
    }

    #[rstest]
    #[case::a_list(
        "AWS::S3::Bucket",
        "{AccessControl: PublicRead}",
        "whom its `AccessControl` lets in is not read"
    )]
    #[case::a_list_that_is_not_known(
        "AWS::S3::Bucket",
        "{AccessControl: !ImportValue p}",
        "whom its `AccessControl` lets in is not read"
    )]
    #[case::on_a_function(
        "AWS::Lambda::Permission",
        "{Principal: '*', Action: 'lambda:*', FunctionName: !ImportValue f}",
        "not all that it says is known, and it may let in another than a service"
    )]
    #[case::on_a_layer(
        "AWS::Lambda::LayerVersionPermission",
        "{Principal: '*'}",
        "what this `AWS::Lambda::LayerVersionPermission` grants is not read"
    )]
    #[case::on_a_bus(
        "AWS::Events::EventBusPolicy",
        "{Action: 'events:PutEvents', Principal: '*'}",
        "what this `AWS::Events::EventBusPolicy` grants is not read"
    )]
    #[case::of_a_lake(
        "AWS::LakeFormation::PrincipalPermissions",
        "{Principal: {DataLakePrincipalIdentifier: x}}",
        "what this `AWS::LakeFormation::PrincipalPermissions` grants is not read"
    )]
    #[case::by_a_url(
        "AWS::Serverless::Function",
        "{Role: r, FunctionUrlConfig: {AuthType: NONE}}",
        "its URL lets in everybody, or may"
    )]
    fn what_is_granted_without_a_document_is_told(
        #[case] kind: &str,
        #[case] properties: &str,
        #[case] what: &str,
    ) {
        assert_eq!(of(kind, properties), [format!("Resources.P: {what}")]);
    }

    #[rstest]
    #[case::a_value(
        "{Effect: Allow, Principal: {AWS: '111111111111'}, Action: 'events:PutEvents', Resource: '*'}",
        None
    )]
    #[case::a_text(
        r#"'{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "events:PutEvents", "Resource": "*"}'"#,
        None
    )]
    #[case::a_function("!ImportValue p", Some(": it hangs on `Fn::ImportValue` of `p`"))]
    #[case::a_part_that_is_a_function(
        "{Effect: Allow, Principal: {AWS: !ImportValue p}, Action: 'events:PutEvents', Resource: '*'}",
        Some(": it hangs on `Fn::ImportValue` of `p`")
    )]
    #[case::a_text_that_is_no_statement("p", Some(""))]
    fn a_statement_of_a_bus_is_read(#[case] statement: &str, #[case] cause: Option<&str>) {
        let properties = format!("{{StatementId: s, EventBusName: b, Statement: {statement}}}");
        let why = cause.map(|it| format!("Resources.P: its policy is not known{it} (line 4)"));
        assert_eq!(of("AWS::Events::EventBusPolicy", &properties), why.as_slice());
        let estate = estate(&format!(
            "Resources:\n  P:\n    Type: AWS::Events::EventBusPolicy\n    Properties: {properties}\n"
        ));
        let policy = estate.entries.get("Resources.P").unwrap().policies.resource.as_ref();
        let names = policy.is_some_and(|policy| policy.text().contains("111111111111"));
        assert_eq!(names, cause.is_none());
    }

    #[test]
    fn a_policy_that_is_none_says_why() {
        let told = of(
            "AWS::S3::BucketPolicy",
            "{Bucket: b, PolicyDocument: {Version: '2000-01-01', Statement: [{Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: '*'}]}}",
        );
        let [why] = &told[..] else { panic!("{told:?}") };
        assert!(why.starts_with("Resources.P: its policy (line 4) is not read: "), "{why}");
    }

    #[test]
    fn properties_that_are_a_function_are_not_known() {
        let told = of("AWS::SQS::QueuePolicy", "!ImportValue p");
        let function = "Resources.P: what `Fn::ImportValue` makes of it is not read";
        assert_eq!(told, ["Resources.P: its properties are not known", function]);
    }

    #[rstest]
    #[case("AWS::S3::Bucket", "{AccessControl: Private}")]
    #[case("AWS::S3::Bucket", "{BucketName: b}")]
    #[case("AWS::Serverless::Function", "{Role: r, FunctionUrlConfig: {AuthType: AWS_IAM}}")]
    #[case("AWS::Serverless::Function", "{Role: r}")]
    #[case("AWS::Lambda::Permission", "{Principal: sns.amazonaws.com}")]
    #[case("AWS::Lambda::Permission", "{Principal: '*', Action: 'lambda:*', FunctionName: f}")]
    fn what_lets_in_nobody_is_not_told(#[case] kind: &str, #[case] properties: &str) {
        assert_eq!(of(kind, properties), [""; 0]);
    }

    #[test]
    fn a_url_of_all_functions_is_each_ones_unless_it_says_otherwise() {
        let with = |own: &str| {
            told(&format!(
                "Globals: {{Function: {{FunctionUrlConfig: {{AuthType: NONE}}}}}}\nResources:\n  P:\n    Type: AWS::Serverless::Function\n    Properties: {{Role: r{own}}}\n"
            ))
        };
        let open = ["Resources.P: its URL lets in everybody, or may"];
        assert_eq!(with(""), open);
        assert_eq!(with(", FunctionUrlConfig: {InvokeMode: BUFFERED}"), open);
        assert_eq!(with(", FunctionUrlConfig: {AuthType: AWS_IAM}"), [""; 0]);
    }
}

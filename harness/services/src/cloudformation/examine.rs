//! What of a template cannot be deployed here, told before anything is: by the
//! same checks that a deployment makes, and all of it at once.

mod packaged;

use std::collections::BTreeSet;

use ringfence_text::{Node, Place, cloudformation};
use serde_json::{Map, Value};

use super::macros::extended;
use super::resources::{self, CATALOGUE};
use super::template::{
    Document, LANGUAGE_EXTENSIONS, Policy, Removal, Resource, SERVERLESS, Support, Template,
    sections,
};
use super::transform::Translator;
use crate::lambda;
use crate::setting::Interpreters;

/// Something in a template that cannot be deployed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands; where it only comes of a transform, what it came of.
    pub at: Place,
    /// `Resources.Queue`, `Parameters.Zone`.
    pub construct: String,
    /// Why.
    pub because: String,
    /// Whether it is deployed nevertheless: a function that is not run.
    pub deployed: bool,
}

/// Looks at templates.
#[derive(Debug)]
pub struct Examiner {
    translator: Translator,
    interpreters: Interpreters,
}

/// What stands in for a value that is not known before a deployment.
const UNKNOWN: &str = "ringfence:unknown";

impl Examiner {
    /// With the interpreters of this machine.
    pub fn new(interpreters: Interpreters, region: &str) -> Self {
        Self { translator: Translator::new(interpreters.python.clone(), region), interpreters }
    }

    /// Looks at a template's text.
    ///
    /// # Errors
    /// The place and the reason where it cannot be read at all.
    pub async fn examine(&self, text: &str) -> Result<Vec<Fault>, Fault> {
        let root = cloudformation::read(text)
            .map_err(|error| Fault {
                at: error.at,
                construct: "syntax".to_owned(),
                because: error.to_string(),
                deployed: false,
            })?
            .root;
        let mut found = Found { root: &root, interpreters: &self.interpreters, faults: Vec::new() };
        let Value::Object(body) = root.clone().into_json() else {
            found.add("", "Template format error: unsupported structure.".to_owned());
            return Ok(found.faults);
        };
        match Document::read(text) {
            Ok(document) if document.transforms.is_empty() => found.body(&document.body),
            Ok(document) => match self.expand(&document).await {
                Ok(expanded) => found.body(&expanded),
                Err(because) => found.add("Transform", because),
            },
            Err(error) => {
                found.parts(&body);
                let because = error.to_string();
                if !found.faults.iter().any(|fault| fault.because == because) {
                    found.add(section_of(&because), because);
                }
            }
        }
        Ok(found.faults)
    }

    /// Ends the translator.
    pub async fn shutdown(&self) {
        self.translator.shutdown().await;
    }

    async fn expand(&self, document: &Document) -> Result<Map<String, Value>, String> {
        let mut body = packaged::body(&document.body);
        packaged::without_includes(&mut body);
        let values: Map<String, Value> = document
            .parameters
            .iter()
            .map(|parameter| (parameter.key.clone(), parameter.some_value().into()))
            .collect();
        for transform in &document.transforms {
            body = match transform.as_str() {
                SERVERLESS => self.translator.expand(&body, &values).await?,
                LANGUAGE_EXTENSIONS => {
                    extended(&body, &values).map_err(|error| error.to_string())?
                }
                _ => body,
            };
        }
        body.shift_remove("Transform");
        body.shift_remove("Globals");
        Ok(body)
    }
}

/// The section that a sentence names in backquotes; that of the transforms where
/// it speaks of one.
fn section_of(because: &str) -> &'static str {
    match because {
        text if text.contains("`Rules`") => "Rules",
        text if text.contains("`Hooks`") => "Hooks",
        text if text.contains("transform") => "Transform",
        _ => "",
    }
}

struct Found<'n> {
    root: &'n Node,
    interpreters: &'n Interpreters,
    faults: Vec<Fault>,
}

impl Found<'_> {
    /// The checks of a whole template, after each part alone: what a part is
    /// told of is not told again.
    fn body(&mut self, body: &Map<String, Value>) {
        self.parts(body);
        if self.faults.iter().any(|fault| !fault.deployed) {
            return;
        }
        match Template::new(body.clone(), &CATALOGUE) {
            Ok(template) => self.functions(&template),
            Err(error) => self.add("", error.to_string()),
        }
    }

    /// Each part of a template by itself.
    fn parts(&mut self, body: &Map<String, Value>) {
        let members =
            |section: &str| body.get(section).and_then(Value::as_object).into_iter().flatten();
        for (key, value) in members("Parameters") {
            if let Err(error) = super::template::declare(key, value) {
                self.add(&format!("Parameters.{key}"), error.to_string());
            }
        }
        for (key, value) in members("Outputs") {
            if let Err(error) = sections::output(key, value) {
                self.add(&format!("Outputs.{key}"), error.to_string());
            }
        }
        let serverless = body.contains_key("Transform");
        for (id, value) in members("Resources") {
            let construct = format!("Resources.{id}");
            match sections::resource(id, value) {
                Ok(resource) if serverless && resource.kind.starts_with("AWS::Serverless::") => {}
                Ok(resource) => {
                    if resource.waits || resource.kind == "AWS::CloudFormation::WaitCondition" {
                        let because =
                            "deployed without waiting for signals: nothing runs on instances here";
                        let at = if resource.waits { ".CreationPolicy" } else { "" };
                        self.tell(&format!("{construct}{at}"), because.to_owned(), true);
                    }
                    self.snapshots(&construct, &resource);
                    self.resource(&construct, &resource.kind, &resource.properties);
                }
                Err(error) => self.add(&construct, error.to_string()),
            }
        }
    }

    /// Last snapshots that no call takes.
    fn snapshots(&mut self, construct: &str, resource: &Resource) {
        let takes = || resources::find(&resource.kind).is_none_or(|it| it.takes_snapshot());
        for (attribute, policy) in [
            ("DeletionPolicy", &resource.deletion_policy),
            ("UpdateReplacePolicy", &resource.update_replace_policy),
        ] {
            if *policy == Policy::Word(Removal::Snapshot) && !takes() {
                self.add(construct, resources::no_snapshot(attribute, &resource.kind));
            }
        }
    }

    fn resource(&mut self, construct: &str, kind: &str, properties: &Map<String, Value>) {
        match (CATALOGUE.support)(kind) {
            Support::Built => {}
            Support::Unbuilt => {
                self.add(construct, format!("the resource type {kind} is not supported"));
                return;
            }
            Support::Unknown => {
                self.add(construct, format!("Unrecognized resource types: [{kind}]"));
                return;
            }
        }
        let mut told = BTreeSet::new();
        for yes in [true, false] {
            told.extend(resources::faults(kind, &settled(properties, yes), UNKNOWN));
        }
        for because in told {
            self.add(construct, because);
        }
        let runtime = properties.get("Runtime").and_then(Value::as_str);
        if let Some(Err(lacking)) = runtime.map(|it| lambda::runs(it, self.interpreters)) {
            let because = format!("deployed and not run: {lacking} is not built");
            self.tell(&format!("{construct}.Properties.Runtime"), because, true);
        }
    }

    /// Functions and attributes that a deployment would refuse to evaluate.
    fn functions(&mut self, template: &Template) {
        for resource in &template.resources {
            let construct = format!("Resources.{}", resource.logical_id);
            self.expression(template, &construct, &Value::Object(resource.properties.clone()));
        }
        for output in &template.outputs {
            self.expression(template, &format!("Outputs.{}", output.key), &output.value);
        }
    }

    fn expression(&mut self, template: &Template, construct: &str, node: &Value) {
        let Ok(found) = super::template::references(node) else { return };
        for function in &found.functions {
            if !super::template::is_function(function) {
                self.add(construct, format!("the function {function} is not supported"));
            }
        }
        for (id, attribute) in &found.attributes {
            let Some(resource) = template.resource(id) else { continue };
            let known = resource.properties.contains_key(attribute)
                || attribute.is_empty()
                || resources::gives(&resource.kind, attribute);
            if !known {
                let because = format!("the attribute {attribute} of {id} is not supported");
                self.add(construct, because);
            }
        }
    }

    fn add(&mut self, construct: &str, because: String) {
        self.tell(construct, because, false);
    }

    fn tell(&mut self, construct: &str, because: String, deployed: bool) {
        let at = self.place(construct);
        let construct = if construct.is_empty() { "template" } else { construct }.to_owned();
        self.faults.push(Fault { at, construct, because, deployed });
    }

    /// Where a construct stands; a resource that a transform made, where that
    /// of which its name begins with the name of does.
    fn place(&self, construct: &str) -> Place {
        let mut at = self.root.at;
        let mut node = self.root;
        for (depth, key) in construct.split('.').filter(|key| !key.is_empty()).enumerate() {
            let members = node.members();
            let exact = members.iter().find(|member| member.key == key);
            let made = || {
                let of = members.iter().filter(|it| depth == 1 && key.starts_with(&*it.key));
                of.max_by_key(|member| member.key.len())
            };
            match exact.or_else(made) {
                Some(member) => (at, node) = (member.at, &member.value),
                None => break,
            }
        }
        at
    }
}

/// Properties with every function settled: `Fn::If` by one of its branches,
/// `AWS::NoValue` by taking away what has it, all others as values that are not
/// known.
fn settled(properties: &Map<String, Value>, yes: bool) -> Map<String, Value> {
    properties.iter().filter_map(|(key, value)| Some((key.clone(), settle(value, yes)?))).collect()
}

/// None is `AWS::NoValue`.
fn settle(node: &Value, yes: bool) -> Option<Value> {
    Some(match node {
        Value::Object(map) => match super::template::function(map) {
            Some(("Fn::If", Value::Array(items))) => match items.as_slice() {
                [_, first, second] => return settle(if yes { first } else { second }, yes),
                _ => UNKNOWN.into(),
            },
            Some(("Ref", name)) if name == "AWS::NoValue" => return None,
            Some(_) => UNKNOWN.into(),
            None => Value::Object(settled(map, yes)),
        },
        Value::Array(items) => items.iter().filter_map(|item| settle(item, yes)).collect(),
        scalar => scalar.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(text: &str) -> Vec<String> {
        let examiner =
            Examiner::new(Interpreters { python: Some("python3".into()), node: None }, "us-east-1");
        let faults = examiner.examine(text).await.unwrap();
        faults.iter().map(|it| format!("{} {}: {}", it.at.line, it.construct, it.because)).collect()
    }

    #[tokio::test]
    async fn all_faults_are_told_at_once_with_their_lines() {
        let text = "Parameters:
  Zone:
    Type: AWS::Nope
Resources:
  Queue:
    Type: AWS::CloudFormation::Macro
  Wait:
    Type: AWS::CloudFormation::WaitCondition
  Nope:
    Type: AWS::Nope::Thing
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !If [A, {Nope: 1}, b]
      Nope: 1
  Function:
    Type: AWS::Lambda::Function
    CreationPolicy: {Nope: 1}
  Instance:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    CreationPolicy: {ResourceSignal: {Timeout: PT5M}}
  Topic:
    Type: AWS::SNS::Topic
    DeletionPolicy: Snapshot
";
        assert_eq!(
            told(text).await,
            [
                "2 Parameters.Zone: Template format error: Unrecognized parameter type: AWS::Nope",
                "5 Resources.Queue: the resource type AWS::CloudFormation::Macro is not supported",
                "7 Resources.Wait: deployed without waiting for signals: nothing runs on instances here",
                "9 Resources.Nope: Unrecognized resource types: [AWS::Nope::Thing]",
                "11 Resources.Bucket: #/BucketName: expected type: String, found: JSONObject",
                "11 Resources.Bucket: #: extraneous key [Nope] is not permitted",
                "16 Resources.Function: Template format error: `CreationPolicy.Nope` of the resource Function is not supported by Ringfence's CloudFormation",
                "22 Resources.Instance.CreationPolicy: deployed without waiting for signals: nothing runs on instances here",
                "23 Resources.Topic: the DeletionPolicy Snapshot of AWS::SNS::Topic is not supported by Ringfence's CloudFormation",
            ]
        );
    }

    #[tokio::test]
    async fn functions_attributes_and_runtimes_are_looked_at() {
        let text = "Resources:
  Role:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.AttachmentCount
      Code: {ZipFile: x}
      Handler: a.b
      Runtime: python3.12
      Description:
        Fn::Nope: a
";
        assert_eq!(
            told(text).await,
            [
                "6 Resources.Function: the function Fn::Nope is not supported",
                "6 Resources.Function: the attribute AttachmentCount of Role is not supported",
            ]
        );
        let ruby = text.replace("python3.12", "ruby3.4");
        assert_eq!(
            told(&ruby).await,
            [
                "12 Resources.Function.Properties.Runtime: deployed and not run: running the runtime `ruby3.4` (`nodejs*`, `python*` and `provided.*` are) is not built",
                "6 Resources.Function: the function Fn::Nope is not supported",
                "6 Resources.Function: the attribute AttachmentCount of Role is not supported",
            ]
        );
        let node = text.replace("python3.12", "nodejs22.x");
        let lacking = "12 Resources.Function.Properties.Runtime: deployed and not run: running the runtime `nodejs22.x` without Node.js on this machine is not built";
        assert!(told(&node).await.contains(&lacking.to_owned()));
    }

    /// What is included lies in S3 or in another file: the rest is looked at.
    #[tokio::test]
    async fn includes_and_language_extensions_are_no_faults() {
        let text = "Transform: AWS::LanguageExtensions
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub ['b-${n}', {n: !Length [a, b]}]
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: part.yaml}}
  Fn::ForEach::Topics:
    - Name
    - [A, B]
    - Topic${Name}:
        Type: AWS::SNS::Topic
";
        assert_eq!(told(text).await, [""; 0]);
        let bare = text.replace("Transform: AWS::LanguageExtensions\n", "");
        let needs = "1 Transform: Template error: Fn::ForEach::Topics needs the transform AWS::LanguageExtensions, which the template does not name";
        assert!(told(&bare).await.contains(&needs.to_owned()));
    }

    #[tokio::test]
    async fn a_template_that_can_be_deployed_has_no_fault() {
        let text = "Conditions:
  A: !Equals [a, b]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !If [A, b, !Ref AWS::NoValue]
Outputs:
  Arn:
    Value: !GetAtt Bucket.Arn
";
        assert_eq!(told(text).await, [""; 0]);
    }

    /// A function in a list may give what an item is; one that gives nothing leaves
    /// the list without it.
    #[tokio::test]
    async fn items_of_lists_that_are_not_known_have_every_type() {
        let text = "Conditions:
  A: !Equals [a, b]
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - !If [A, {Name: proxy, Image: x}, !Ref AWS::NoValue]
        - !If [A, !ImportValue task, !Ref AWS::NoValue]
        - {Name: app, Image: y}
";
        assert_eq!(told(text).await, [""; 0]);
        let wrong = text.replace("!ImportValue task", "text");
        let lacking = text.replace("Image: x", "Nope: x");
        assert_eq!(
            told(&wrong).await,
            [
                "4 Resources.Task: #/ContainerDefinitions/1: expected type: JSONObject, found: String"
            ]
        );
        assert_eq!(
            told(&lacking).await,
            [
                "4 Resources.Task: #/ContainerDefinitions/0: extraneous key [Nope] is not permitted",
                "4 Resources.Task: #/ContainerDefinitions/0: required key [Image] not found",
            ]
        );
    }

    #[tokio::test]
    async fn what_is_no_template_is_told_with_its_place() {
        let examiner =
            Examiner::new(Interpreters { python: Some("python3".into()), node: None }, "us-east-1");
        let fault = examiner.examine("Resources:\n  - [\n").await.unwrap_err();
        assert_eq!(fault.construct, "syntax");
        assert!(fault.because.contains("YAML not well-formed"), "{fault:?}");
    }
}

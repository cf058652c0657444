//! Files beside a template of Layer 1, which a call of CloudFormation's does not take along:
//! `aws cloudformation package` and `sam package` upload them first.
//! <https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html>

use std::path::Path;

use crate::config::{Layer1, Place};
use crate::lint::known::Node;
use crate::lint::read;
use crate::remark::{Outcome, Remark};

/// The properties that name files, by type.
const FILES: [(&str, &str); 14] = [
    ("AWS::Serverless::Function", "CodeUri"),
    ("AWS::Serverless::LayerVersion", "ContentUri"),
    ("AWS::Serverless::Api", "DefinitionUri"),
    ("AWS::Serverless::HttpApi", "DefinitionUri"),
    ("AWS::Serverless::StateMachine", "DefinitionUri"),
    ("AWS::Serverless::GraphQLApi", "SchemaUri"),
    ("AWS::Serverless::Application", "Location"),
    ("AWS::CloudFormation::Stack", "TemplateURL"),
    ("AWS::Lambda::Function", "Code"),
    ("AWS::Lambda::LayerVersion", "Content"),
    ("AWS::StepFunctions::StateMachine", "DefinitionS3Location"),
    ("AWS::ApiGateway::RestApi", "BodyS3Location"),
    ("AWS::AppSync::GraphQLSchema", "DefinitionS3Location"),
    ("AWS::AppSync::Resolver", "CodeS3Location"),
];

/// What a function has in the place of files.
const NO_FILES: [&str; 3] = ["CodeUri", "InlineCode", "ImageUri"];

const FUNCTION: &str = "AWS::Serverless::Function";

/// Each property of Layer 1's templates that names a file beside them. A template that is no
/// text is told where it is made.
pub(crate) fn beside(layer1: &[Layer1]) -> Vec<Remark> {
    let files = layer1.iter().filter_map(|layer1| Some(layer1.template.as_ref()?.file.as_path()));
    let texts = files.filter_map(|file| Some((file, std::fs::read_to_string(file).ok()?)));
    texts.flat_map(|(file, text)| of(file, &text)).collect()
}

fn of(file: &Path, text: &str) -> Vec<Remark> {
    let Ok(root) = read::template(text) else { return Vec::new() };
    let told = |at: &Node, construct: String, named: &str| Remark {
        place: Place { file: file.to_owned(), line: at.at.line, column: at.at.column },
        construct,
        outcome: Outcome::Unsupported,
        because: format!(
            "{named} is beside the template: a template of Layer 1 has no files beside it; write \
             code into it (`InlineCode`, `ZipFile`), or name an object of a bucket that is there \
             before"
        ),
    };
    let mut found = Vec::new();
    let globals = root.path(&["Globals", "Function"]);
    if let Some(code) = globals.and_then(|it| it.get("CodeUri"))
        && let Some(named) = local(code)
    {
        found.push(told(code, "Globals.Function.CodeUri".to_owned(), &format!("`{named}`")));
    }
    for resource in root.get("Resources").map(Node::members).unwrap_or_default() {
        let (id, resource) = (&resource.key, &resource.value);
        let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
        let properties = resource.get("Properties");
        for (_, property) in FILES.iter().filter(|(of, _)| *of == kind) {
            let value = properties.and_then(|it| it.get(property));
            if let Some((value, named)) = value.and_then(|it| Some((it, local(it)?))) {
                found.push(told(value, format!("{id}.{property}"), &format!("`{named}`")));
            }
        }
        // `sam` takes the template's own directory where a function says nothing.
        let says = |of: Option<&Node>| {
            let image = of.and_then(|it| it.get("PackageType")).and_then(Node::text);
            image == Some("Image")
                || NO_FILES.iter().any(|name| of.is_some_and(|it| it.get(name).is_some()))
        };
        if kind == FUNCTION && !says(properties) && !says(globals) {
            found.push(told(
                resource,
                format!("{id}.CodeUri"),
                "its code, which it does not name,",
            ));
        }
    }
    found
}

/// The file or directory that a value names; none where it is an object's place or is known
/// only later.
fn local(value: &Node) -> Option<&str> {
    const PLACES: [&str; 3] = ["s3://", "https://", "http://"];
    value.text().filter(|text| !PLACES.iter().any(|place| text.starts_with(place)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let remarks = of(Path::new("platform.yaml"), text);
        remarks.into_iter().map(|it| format!("{} {}", it.place.line, it.construct)).collect()
    }

    fn resource(kind: &str, properties: &str) -> String {
        format!("Resources:\n  One:\n    Type: {kind}\n    Properties: {{{properties}}}\n")
    }

    #[rstest]
    #[case::code(FUNCTION, "CodeUri: src/", &["4 One.CodeUri"])]
    #[case::code_in_a_bucket(FUNCTION, "CodeUri: 's3://b/k'", &[])]
    #[case::code_of_a_bucket(FUNCTION, "CodeUri: {Bucket: b, Key: k}", &[])]
    #[case::code_in_the_template(FUNCTION, "InlineCode: x", &[])]
    #[case::an_image(FUNCTION, "PackageType: Image, ImageUri: 'a:b'", &[])]
    #[case::code_that_is_not_named(FUNCTION, "Handler: a.b", &["3 One.CodeUri"])]
    #[case::a_nested_stack("AWS::CloudFormation::Stack", "TemplateURL: ./in.yaml", &["4 One.TemplateURL"])]
    #[case::one_of_a_bucket("AWS::CloudFormation::Stack", "TemplateURL: 'https://b.s3.amazonaws.com/k'", &[])]
    #[case::one_of_a_parameter("AWS::CloudFormation::Stack", "TemplateURL: {Ref: Url}", &[])]
    #[case::plain_code("AWS::Lambda::Function", "Code: src/", &["4 One.Code"])]
    #[case::code_as_text("AWS::Lambda::Function", "Code: {ZipFile: x}", &[])]
    fn a_file_beside_the_template_is_told_at_its_place(
        #[case] kind: &str,
        #[case] properties: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(found(&resource(kind, properties)), expected);
    }

    #[test]
    fn what_all_functions_have_is_told_once() {
        let text = format!(
            "Globals:\n  Function:\n    CodeUri: src/\n{}",
            resource(FUNCTION, "Handler: a.b")
        );
        assert_eq!(found(&text), ["3 Globals.Function.CodeUri"]);
    }
}

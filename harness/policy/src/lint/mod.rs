//! Lint: policies that AWS stores and that do not do what they say.
//!
//! Findings rest on the catalogue: actions of services that it does not hold
//! are not judged.

mod actions;
mod grants;
mod overlap;

use std::fmt;

use crate::document::{Document, Version};
use crate::json;
use crate::statement::Statement;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The action does not exist.
    UnknownAction,
    /// Requests for the action never carry the condition key.
    KeyNeverCarried,
    /// The action never acts upon such a resource.
    ResourceNever,
    /// A list of values is compared without `ForAnyValue` or `ForAllValues`.
    ListWithoutSetOperator,
    /// `ForAllValues` in an Allow is true when the key is absent.
    AllValuesOfNothing,
    /// A value cannot be read as its operator needs it.
    UnreadableValue,
    /// `${…}` is plain text in a document that is not of version 2012-10-17.
    VariableAsText,
    /// Every action of a service on every resource, unconditionally.
    WideGrant,
    /// Roles may be passed to any service.
    PassRoleToAnyService,
    /// A web identity is trusted whatever its audience.
    TrustWithoutAudience,
    /// Any repository of an organisation, or anybody, is trusted.
    TrustOfAnyRepository,
}

impl Rule {
    /// The rule's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownAction => "unknown-action",
            Self::KeyNeverCarried => "key-never-carried",
            Self::ResourceNever => "resource-never",
            Self::ListWithoutSetOperator => "list-without-set-operator",
            Self::AllValuesOfNothing => "all-values-of-nothing",
            Self::UnreadableValue => "unreadable-value",
            Self::VariableAsText => "variable-as-text",
            Self::WideGrant => "wide-grant",
            Self::PassRoleToAnyService => "pass-role-to-any-service",
            Self::TrustWithoutAudience => "trust-without-audience",
            Self::TrustOfAnyRepository => "trust-of-any-repository",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub rule: Rule,
    /// The document's name.
    pub policy: String,
    /// The statement's place in its document, from 0.
    pub statement: usize,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// Where the statement starts; from 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// Why the statement does not do what it says.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, policy, line, column, message, instead, .. } = self;
        write!(formatter, "{policy}:{line}:{column}: {}: {message}; {instead}", rule.name())
    }
}

/// A finding before its place is known.
struct Note {
    rule: Rule,
    message: String,
    instead: String,
}

fn note(rule: Rule, message: impl Into<String>, instead: impl Into<String>) -> Note {
    Note { rule, message: message.into(), instead: instead.into() }
}

/// Checks a document.
pub fn lint(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, statement) in document.statements().iter().enumerate() {
        let mut notes = Vec::new();
        actions::check(statement, &mut notes);
        grants::check(document, statement, &mut notes);
        values(document, statement, &mut notes);
        let (line, column) = json::place(document.text(), statement.at);
        findings.extend(notes.into_iter().map(|note| Finding {
            rule: note.rule,
            policy: document.name().to_owned(),
            statement: index,
            sid: statement.sid.as_deref().map(str::to_owned),
            line,
            column,
            message: note.message,
            instead: note.instead,
        }));
    }
    findings
}

/// Values that match nothing.
fn values(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    for condition in &statement.conditions {
        if let Some(value) = condition.unreadable() {
            notes.push(note(
                Rule::UnreadableValue,
                format!("{} cannot read `{value}`, so it matches nothing", condition.operator_name),
                "write a value of the operator's kind",
            ));
        }
    }
    if document.version() == Version::V2012 {
        return;
    }
    let resources = statement.resources.iter().flat_map(|resources| resources.patterns.iter());
    let texts = resources.map(|pattern| pattern.source()).chain(
        statement
            .conditions
            .iter()
            .flat_map(|condition| condition.sources.iter().map(AsRef::as_ref)),
    );
    for text in texts.filter(|text| text.contains("${")) {
        notes.push(note(
            Rule::VariableAsText,
            format!("`{text}` is plain text: this version knows no variables"),
            "write `\"Version\": \"2012-10-17\"`",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Kind;
    use rstest::rstest;

    fn rules(kind: Kind, statement: &str) -> Vec<Rule> {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
        let document = Document::parse("policy", &text, kind).unwrap();
        lint(&document).into_iter().map(|finding| finding.rule).collect()
    }

    const BOUNDED: &str = r#""Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}"#;

    #[rstest]
    #[case(r#""Action": "apigatewayv2:CreateRoute", "Resource": "*""#, &[Rule::UnknownAction])]
    #[case(r#""Action": "s3:GetObjects", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
    #[case(r#""Action": "s3:Fetch*", "Resource": "arn:aws:s3:::b/*""#, &[Rule::UnknownAction])]
    #[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*""#, &[])]
    #[case(r#""Action": "cognito-idp:AdminGetUser", "Resource": "*""#, &[])]
    #[case(r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::b""#, &[Rule::ResourceNever])]
    #[case(r#""Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b""#, &[])]
    #[case(r#""Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]"#, &[])]
    #[case(r#""Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*""#, &[Rule::ResourceNever])]
    #[case(r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/routes""#, &[])]
    #[case(r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1:123456789012:/v2/apis""#, &[Rule::ResourceNever])]
    #[case(r#""Action": "iam:GetRole", "Resource": "arn:aws:iam::123456789012:role/app-*""#, &[])]
    fn actions_and_resources_must_exist(#[case] rest: &str, #[case] expected: &[Rule]) {
        assert_eq!(rules(Kind::Identity, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), expected);
    }

    #[rstest]
    #[case("Allow", "iam:CreateRole", &[])]
    #[case("Allow", "iam:TagRole", &[Rule::KeyNeverCarried])]
    #[case("Allow", "iam:CreatePolicyVersion", &[Rule::KeyNeverCarried])]
    #[case("Deny", "iam:TagRole", &[Rule::KeyNeverCarried])]
    #[case("Deny", "iam:*", &[])]
    fn a_key_must_be_carried_by_the_action(
        #[case] effect: &str,
        #[case] action: &str,
        #[case] expected: &[Rule],
    ) {
        let statement = format!(
            r#"{{"Effect": "{effect}", "Action": "{action}", "Resource": "*", {BOUNDED}}}"#
        );
        assert_eq!(rules(Kind::Identity, &statement), expected);
    }

    #[test]
    fn one_statement_with_actions_that_never_carry_its_key_names_them() {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "Roles", "Effect": "Allow",
            "Action": ["iam:CreateRole", "iam:PassRole", "iam:TagRole"], "Resource": "arn:aws:iam::123456789012:role/*", {BOUNDED}}}]}}"#
        );
        let document = Document::parse("deployer", &text, Kind::Identity).unwrap();
        let findings = lint(&document);
        let found: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(
            found,
            [Rule::KeyNeverCarried, Rule::KeyNeverCarried, Rule::PassRoleToAnyService]
        );
        assert_eq!(
            findings[0].message,
            "requests for `iam:PassRole` never carry `iam:PermissionsBoundary`, so the statement never allows it"
        );
        assert_eq!((findings[0].line, findings[0].column), (1, 41));
        assert_eq!(findings[0].sid.as_deref(), Some("Roles"));
    }

    #[rstest]
    #[case(r#""Action": "lambda:*", "Resource": "*""#, &[Rule::WideGrant])]
    #[case(r#""Action": "*", "Resource": "*""#, &[Rule::WideGrant, Rule::PassRoleToAnyService])]
    #[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a""#, &[Rule::PassRoleToAnyService])]
    #[case(r#""Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/a", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}"#, &[])]
    #[case(r#""Action": "lambda:GetFunction", "Resource": "*""#, &[])]
    fn grants_that_say_less_than_they_give(#[case] rest: &str, #[case] expected: &[Rule]) {
        assert_eq!(rules(Kind::Identity, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), expected);
        assert_eq!(rules(Kind::Boundary, &format!(r#"{{"Effect": "Allow", {rest}}}"#)), []);
    }

    const ROUTES: &str = r#""Action": "apigateway:POST", "Resource": "arn:aws:apigateway:eu-west-1::/apis/*/routes""#;
    const KEY: &str = "apigateway:Request/RouteAuthorizationType";

    #[rstest]
    #[case("StringEquals", &[Rule::ListWithoutSetOperator])]
    #[case("ForAnyValue:StringEquals", &[])]
    #[case("ForAllValues:StringEquals", &[Rule::AllValuesOfNothing])]
    fn lists_need_set_operators(#[case] operator: &str, #[case] expected: &[Rule]) {
        let condition = format!(r#""Condition": {{"{operator}": {{"{KEY}": "JWT"}}}}"#);
        let statement = format!(r#"{{"Effect": "Allow", {ROUTES}, {condition}}}"#);
        assert_eq!(rules(Kind::Identity, &statement), expected);
    }

    #[test]
    fn all_values_with_a_null_check_is_fine() {
        let statement = format!(
            r#"{{"Effect": "Allow", {ROUTES}, "Condition": {{"ForAllValues:StringEquals": {{"{KEY}": "JWT"}}, "Null": {{"{KEY}": "false"}}}}}}"#
        );
        assert_eq!(rules(Kind::Identity, &statement), []);
    }

    const GITHUB: &str = r#""Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity""#;
    const SUB: &str = "token.actions.githubusercontent.com:sub";
    const AUD: &str =
        r#""StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}"#;

    #[rstest]
    #[case(format!(r#"{{"StringLike": {{"{SUB}": "repo:acme/*"}}}}"#), &[Rule::TrustWithoutAudience, Rule::TrustOfAnyRepository])]
    #[case(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": "repo:acme/service-a:*"}}}}"#), &[])]
    #[case(format!(r#"{{{AUD}, "StringLike": {{"{SUB}": ["repo:acme/service-a:*", "repo:acme@1/service-a@2:*"]}}}}"#), &[])]
    #[case(format!(r#"{{{AUD}}}"#), &[Rule::TrustOfAnyRepository])]
    fn trust_in_github_is_scoped(#[case] condition: String, #[case] expected: &[Rule]) {
        let statement = format!(r#"{{{GITHUB}, "Condition": {condition}}}"#);
        assert_eq!(rules(Kind::Trust, &statement), expected);
    }

    #[test]
    fn what_cannot_be_read_or_resolved_is_found() {
        assert_eq!(
            rules(
                Kind::Identity,
                r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {"NumericLessThan": {"s3:max-keys": "ten"}}}"#
            ),
            [Rule::UnreadableValue]
        );
        let old = r#"{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}"}}"#;
        let document = Document::parse("old", old, Kind::Identity).unwrap();
        assert_eq!(lint(&document)[0].rule, Rule::VariableAsText);
    }
}

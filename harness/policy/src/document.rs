//! Policy documents.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::compile;
use crate::index::Index;
use crate::json;
use crate::statement::Statement;

/// What a document is used as: it decides which elements it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An identity-based policy.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
    /// A resource-based policy.
    Resource,
    /// A role's trust policy.
    Trust,
}

impl Kind {
    /// Whether statements say whom they are about.
    pub(crate) fn has_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::ResourceControl | Self::VpcEndpoint)
    }

    /// Whether IAM keeps the document itself, with checks that others do not make.
    pub(crate) fn is_kept_by_iam(self) -> bool {
        matches!(self, Self::Identity | Self::Boundary | Self::Session | Self::Trust)
    }

    /// The most characters that AWS stores, counted as [`Document::size`] does,
    /// where it has one limit for the kind
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>,
    /// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>).
    /// For identity policies it is that of a role's inline policies together,
    /// the largest there is; a boundary is a managed policy.
    pub fn size_limit(self) -> Option<usize> {
        match self {
            Self::Identity | Self::ServiceControl => Some(10_240),
            Self::Boundary => Some(6_144),
            Self::ResourceControl => Some(5_120),
            Self::VpcEndpoint => Some(20_480),
            Self::Session | Self::Trust => Some(2_048),
            Self::Resource => None,
        }
    }
}

/// A parsed and checked policy document.
#[derive(Debug, Clone)]
pub struct Document {
    name: Box<str>,
    kind: Kind,
    version: Version,
    text: Box<str>,
    statements: Box<[Statement]>,
    index: Index,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, or none: `${…}` is plain text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// Why a document was refused, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct DocumentError {
    /// What is wrong and what to do.
    pub message: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Document {
    /// Parses and checks a document as AWS does when it is stored. `name` is
    /// the policy's name or ARN, by which decisions cite it.
    ///
    /// Sizes are not checked: AWS counts some limits over several documents
    /// and answers another error for them. See [`Self::size`].
    ///
    /// # Errors
    /// When the document is not one that AWS would store.
    pub fn parse(name: impl Into<String>, text: &str, kind: Kind) -> Result<Self, DocumentError> {
        let root = json::parse(text)?;
        let compiled = compile::document(text, &root, kind)?;
        Ok(Self {
            name: name.into().into(),
            kind,
            version: compiled.version,
            text: text.into(),
            index: Index::new(&compiled.statements),
            statements: compiled.statements.into(),
        })
    }

    /// Like [`Self::parse`], for what is to be stored as a managed policy or a
    /// service control policy
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html>):
    /// it must say `Version` 2012-10-17, which inline policies need not.
    ///
    /// # Errors
    /// When AWS would not store it so. The wording is IAM's own
    /// (<https://github.com/Meteor-Community-Packages/Meteor-CollectionFS/issues/630>).
    pub fn parse_managed(
        name: impl Into<String>,
        text: &str,
        kind: Kind,
    ) -> Result<Self, DocumentError> {
        let document = Self::parse(name, text, kind)?;
        match document.version {
            Version::V2012 => Ok(document),
            Version::V2008 => {
                let start = text.find('{').unwrap_or_default();
                let message = "Policy document must be version 2012-10-17 or greater";
                Err(json::error_at(text, start, message))
            }
        }
    }

    /// The name given to [`Document::parse`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the document is used as.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The version of the policy language that it is written in.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Characters of the text as AWS's size limits count: with white space
    /// where the text is a parameter of its own (session policies) or is kept
    /// as given (policies of an organization, of a VPC endpoint), else without;
    /// compare with [`Kind::size_limit`].
    pub fn size(&self) -> usize {
        let all = matches!(
            self.kind,
            Kind::Session | Kind::ServiceControl | Kind::ResourceControl | Kind::VpcEndpoint
        );
        self.text.chars().filter(|character| all || !character.is_whitespace()).count()
    }

    /// The document as it was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a statement as it was parsed; `index` counts from 0.
    pub fn statement_text(&self, index: usize) -> Option<&str> {
        let rest = self.text.get(self.statements.get(index)?.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        values.next()?.ok().map(RawValue::get)
    }

    /// Line and column of a statement, both from 1; `index` counts from 0.
    pub fn statement_place(&self, index: usize) -> Option<(usize, usize)> {
        Some(json::place(&self.text, self.statements.get(index)?.at))
    }

    /// Where a statement stands in [`Self::text`], in bytes; `index` counts from
    /// 0. [`json::place`] gives line and column of an offset.
    pub fn statement_range(&self, index: usize) -> Option<Range<usize>> {
        let start = self.statements.get(index)?.at;
        Some(start..start + self.statement_text(index)?.len())
    }

    /// The condition keys that the document asks for, as conditions or as
    /// variables: each once, as it is first written.
    pub fn context_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for key in self.statements.iter().flat_map(Statement::context_keys) {
            if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                keys.push(key);
            }
        }
        keys
    }

    /// The `Sid` of a statement, if it has one; `index` counts from 0.
    pub fn statement_sid(&self, index: usize) -> Option<&str> {
        self.statements.get(index)?.sid.as_deref()
    }

    /// The number of statements.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::now(r#"{"Version": "2012-10-17", "#, Ok(()))]
    #[case::former(r#"{"Version": "2008-10-17", "#, Err((1, 1)))]
    #[case::none("\n {", Err((2, 2)))]
    fn a_managed_policy_says_version_2012_and_an_inline_one_need_not(
        #[case] start: &str,
        #[case] expected: Result<(), (usize, usize)>,
    ) {
        let rest = r#""Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let text = format!("{start}{rest}");
        assert!(Document::parse("p", &text, Kind::Identity).is_ok());
        for kind in [Kind::Identity, Kind::Boundary] {
            let found = Document::parse_managed("p", &text, kind).map(drop).map_err(|error| {
                let message = "Policy document must be version 2012-10-17 or greater";
                assert_eq!(error.message, message);
                (error.line, error.column)
            });
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_statement_is_cited_as_written() {
        let text = r#"{"Statement": [
  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
  {"Effect": "Deny",
   "Action": "s3:*", "Resource": "arn:aws:s3:::a}b"}
]}"#;
        let document = Document::parse("p", text, Kind::Identity).unwrap();
        assert_eq!(
            document.statement_text(1).unwrap(),
            "{\"Effect\": \"Deny\",\n   \"Action\": \"s3:*\", \"Resource\": \"arn:aws:s3:::a}b\"}"
        );
        assert_eq!(document.statement_place(1), Some((3, 3)));
        let range = document.statement_range(1).unwrap();
        assert_eq!(text.get(range), document.statement_text(1));
        assert_eq!(document.statement_range(2), None);
        assert_eq!(document.statement_text(2), None);
        let one = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let document = Document::parse("p", one, Kind::Identity).unwrap();
        assert_eq!(
            document.statement_text(0).unwrap(),
            r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#
        );
    }

    const KEYS: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:*", "Resource": ["*", "arn:aws:s3:::b/${aws:username}/${*}"],
   "Condition": {
     "StringEquals": {"aws:PrincipalTag/team": ["a", "${aws:ResourceTag/team, 'x'}"]},
     "StringLike": {"s3:prefix": "${AWS:UserName}/*"},
     "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:PrincipalAccount}:*"},
     "NumericLessThan": {"s3:max-keys": "${x:n}"},
     "Null": {"aws:TokenIssueTime": "true"}}},
  {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::${s3:b}"}]}"#;

    #[test]
    fn the_keys_of_conditions_and_variables_are_told_once_as_first_written() {
        let document = Document::parse("p", KEYS, Kind::Identity).unwrap();
        assert_eq!(
            document.context_keys(),
            [
                "aws:username",
                "aws:PrincipalTag/team",
                "aws:ResourceTag/team",
                "s3:prefix",
                "aws:SourceArn",
                "aws:PrincipalAccount",
                "s3:max-keys",
                "aws:TokenIssueTime",
                "s3:b",
            ]
        );
    }

    #[test]
    fn the_older_language_has_no_variables() {
        let text = KEYS.replace("2012-10-17", "2008-10-17");
        let document = Document::parse("p", &text, Kind::Identity).unwrap();
        assert_eq!(
            document.context_keys(),
            [
                "aws:PrincipalTag/team",
                "s3:prefix",
                "aws:SourceArn",
                "s3:max-keys",
                "aws:TokenIssueTime"
            ]
        );
    }
}

//! The decisions of a run as a file: each document once, and each decision
//! with the places of the documents that it was made with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// The file's name in a bundle of evidence.
pub const DECISIONS: &str = "decisions.json";

/// The version of the file's form.
pub const FORM: u32 = 1;

/// The decisions of a run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// [`FORM`].
    pub form: u32,
    /// The account of the run.
    pub account_id: String,
    /// Every document's text, by its SHA-256.
    pub documents: BTreeMap<String, String>,
    /// What was decided, each question once, in order.
    pub decisions: Vec<Entry>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The journal's request id of the first such question.
    pub request_id: String,
    /// Who asked, as `ringfence decide` takes it.
    pub principal: String,
    /// The role or user behind it: `role/NAME`, `user/NAME`.
    pub owner: Option<String>,
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// The condition keys that some of the documents asks for.
    pub context: BTreeMap<String, ContextValue>,
    /// Those of which nothing is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// The documents.
    pub policies: Places,
}

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// Of a single-valued key.
    One(String),
    /// Of a multi-valued key.
    Many(Vec<String>),
}

/// The documents of a decision by their layers.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Identity policies.
    pub identity: Vec<Place>,
    /// The permissions boundary.
    pub boundary: Option<Vec<Place>>,
    /// Session policies.
    pub session: Option<Vec<Place>>,
    /// The resource's policy.
    pub resource: Option<Place>,
    /// Service control policies, by level.
    pub scp: Vec<Vec<Place>>,
    /// Resource control policies that bind the resource, by level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rcp: Vec<Vec<Place>>,
    /// The policy of the VPC endpoint that the request came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint: Option<Place>,
}

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `role/NAME/inline/POLICY`, `role/NAME/attached/ARN`, ….
    pub slot: String,
    /// The SHA-256 of its text.
    pub sha256: String,
}

/// Why a file of decisions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecisionsError {
    /// It is none.
    #[error("this is no file of decisions")]
    Form(#[from] serde_json::Error),
    /// It is of another form.
    #[error("decisions of form {0} are not known here; this is form {FORM}")]
    Version(u32),
    /// A document is missing.
    #[error("decision {index} names the document {sha256}, which is not in the file")]
    Document {
        /// The decision, from 0.
        index: usize,
        /// The document.
        sha256: String,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    context: &'a BTreeMap<String, ContextValue>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unknown: &'a [String],
    policies: Documents<'a>,
}

#[derive(Serialize)]
struct Documents<'a> {
    identity: Vec<&'a RawValue>,
    boundary: Option<Vec<&'a RawValue>>,
    session: Option<Vec<&'a RawValue>>,
    resource: Option<&'a RawValue>,
    scp: Option<Vec<Vec<&'a RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rcp: Option<Vec<Vec<&'a RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint: Option<&'a RawValue>,
}

impl Decisions {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is none, or of another form.
    pub fn parse(text: &str) -> Result<Self, DecisionsError> {
        let read: Self = serde_json::from_str(text)?;
        if read.form == FORM { Ok(read) } else { Err(DecisionsError::Version(read.form)) }
    }

    /// Each decision as a line that `ringfence decide` reads, with the role or
    /// user behind it.
    ///
    /// # Errors
    /// When a document is missing.
    pub fn lines(&self) -> Result<Vec<(String, Option<String>)>, DecisionsError> {
        // As texts: a document that AWS would take apart is not put together anew.
        let mut texts = BTreeMap::new();
        for (sha256, text) in &self.documents {
            texts.insert(sha256.as_str(), to_raw_value(text)?);
        }
        self.decisions
            .iter()
            .enumerate()
            .map(|(index, entry)| Ok((line(index, entry, &texts)?, entry.owner.clone())))
            .collect()
    }
}

fn line(
    index: usize,
    entry: &Entry,
    texts: &BTreeMap<&str, Box<RawValue>>,
) -> Result<String, DecisionsError> {
    let one = |place: &Place| {
        texts
            .get(place.sha256.as_str())
            .map(AsRef::as_ref)
            .ok_or_else(|| DecisionsError::Document { index, sha256: place.sha256.clone() })
    };
    let many = |places: &Vec<Place>| places.iter().map(one).collect::<Result<Vec<_>, _>>();
    let levels = |levels: &Vec<Vec<Place>>| {
        let levels = levels.iter().map(many).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, DecisionsError>((!levels.is_empty()).then_some(levels))
    };
    Ok(serde_json::to_string(&Line {
        id: &entry.request_id,
        principal: &entry.principal,
        action: &entry.action,
        resource: &entry.resource,
        context: &entry.context,
        unknown: &entry.unknown,
        policies: Documents {
            identity: many(&entry.policies.identity)?,
            boundary: entry.policies.boundary.as_ref().map(many).transpose()?,
            session: entry.policies.session.as_ref().map(many).transpose()?,
            resource: entry.policies.resource.as_ref().map(one).transpose()?,
            scp: levels(&entry.policies.scp)?,
            rcp: levels(&entry.policies.rcp)?,
            vpc_endpoint: entry.policies.vpc_endpoint.as_ref().map(one).transpose()?,
        },
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

    fn decisions(sha256: &str) -> Decisions {
        let place = Place { slot: "user/a/inline/p".to_owned(), sha256: sha256.to_owned() };
        Decisions {
            form: FORM,
            account_id: "123456789012".to_owned(),
            documents: [("aa".to_owned(), ALLOW.to_owned())].into(),
            decisions: vec![Entry {
                request_id: "r-1".to_owned(),
                principal: "arn:aws:iam::123456789012:user/a".to_owned(),
                owner: Some("user/a".to_owned()),
                action: "s3:GetObject".to_owned(),
                resource: "arn:aws:s3:::b/k".to_owned(),
                context: BTreeMap::new(),
                unknown: Vec::new(),
                policies: Places { identity: vec![place], ..Places::default() },
            }],
        }
    }

    #[test]
    fn a_decision_is_a_line_that_the_engine_decides() {
        let lines = decisions("aa").lines().unwrap();
        let [(line, owner)] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(owner.as_deref(), Some("user/a"));
        let answer = ringfence_policy::jsonl::decide_line(line);
        assert!(
            answer.starts_with(r#"{"id":"r-1","decision":"allow","layer":"identity""#),
            "{answer}"
        );
    }

    /// What stands before the resource goes along, and decides first.
    #[rstest::rstest]
    #[case::rcp(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#, "rcp")]
    #[case::vpc_endpoint(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}"#, "vpc_endpoint")]
    fn policies_before_the_resource_are_in_the_line(#[case] text: &str, #[case] layer: &str) {
        let mut decisions = decisions("aa");
        decisions.documents.insert("cc".to_owned(), text.to_owned());
        let place = Place { slot: format!("{layer}/0"), sha256: "cc".to_owned() };
        let policies = &mut decisions.decisions[0].policies;
        match layer {
            "rcp" => policies.rcp = vec![vec![place]],
            _ => policies.vpc_endpoint = Some(place),
        }
        let read = Decisions::parse(&serde_json::to_string(&decisions).unwrap()).unwrap();
        let answer = ringfence_policy::jsonl::decide_line(&read.lines().unwrap()[0].0);
        assert!(answer.contains(&format!(r#""layer":"{layer}""#)), "{answer}");
        assert!(answer.contains("_deny"), "{answer}");
    }

    #[test]
    fn a_document_that_is_missing_is_named() {
        let error = decisions("bb").lines().unwrap_err().to_string();
        assert_eq!(error, "decision 0 names the document bb, which is not in the file");
    }

    #[test]
    fn another_form_is_refused_by_its_number() {
        let mut other = decisions("aa");
        other.form = 7;
        let text = serde_json::to_string(&other).unwrap();
        let error = Decisions::parse(&text).unwrap_err().to_string();
        assert_eq!(error, "decisions of form 7 are not known here; this is form 1");
    }
}

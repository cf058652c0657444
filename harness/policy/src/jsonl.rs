//! Decisions from JSON lines, as `ringfence decide` reads and writes them.
//!
//! In: `{"id","principal","action","resource","resource_account","context":
//! {key: value or [values]},"unknown":[key],"policies":{"identity":[doc],
//! "boundary":[doc]|null,"session":[doc]|null,"resource":doc|null,
//! "scp":[[doc]],"rcp":[[doc]],"vpc_endpoint":doc|null}}`. What is absent is
//! none; `scp` and `rcp` are lists of levels: every level of `scp` must allow,
//! and those of `rcp`, the resource control policies of the resource's account
//! (of the caller's, where the action authorizes no resource), only deny.
//! `vpc_endpoint` is the policy of the endpoint that the request comes through,
//! and must allow. A principal is an ARN, an account id (its root user), a
//! service's name, or `*` (nobody).
//!
//! Out: `{"id","decision","layer","statements":[{"policy","sid","index"}],
//! "unknown":[key],"explanation"}`, where `unknown` stands only with what is
//! undecided, or `{"id","error"}` for a line that cannot be read.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document::{Document, Kind};
use crate::evaluate::{Policies, decide};
use crate::line::{Documents, Line, Object};
use crate::recent::Recent;
use crate::request::{Context, Principal, Request};

/// Decides one line, by itself.
pub fn decide_line(line: &str) -> String {
    Decider::default().line(line).text
}

/// Reads a principal, as a line writes it.
///
/// # Errors
/// A text that names none.
pub fn principal(text: &str) -> Result<Principal, String> {
    crate::line::principal(text, "")
}

/// An answer to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The line to write, without its end.
    pub text: String,
    /// Whether the line could be read.
    pub readable: bool,
}

/// Decides lines, and keeps the documents that it has seen compiled.
#[derive(Debug, Default)]
pub struct Decider {
    /// By the name that a place in a line gives, then by text.
    documents: HashMap<(Kind, String), Seen>,
    /// The length of all texts that are kept.
    kept: usize,
    /// How often a document was compiled.
    compiled: usize,
    recent: Recent,
}

/// A request and the policies that decide it, as a line gives them.
#[derive(Debug, Clone)]
pub struct Question {
    /// The principal as written.
    pub caller: String,
    /// The principal as read.
    pub principal: Principal,
    /// `service:Action`.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// The account of the resource, where its ARN names none.
    pub resource_account: Option<String>,
    /// The condition keys of the request.
    pub context: Context,
    /// Named by their places: `identity[0]`, `scp[0][1]`.
    pub policies: Policies,
}

impl Question {
    /// The request alone.
    pub fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        }
    }
}

/// The documents that stood in one place of a line.
type Seen = HashMap<Box<str>, Arc<Document>, BuildHasherDefault<TextHasher>>;

/// Documents kept for a place; with more, all are dropped and the keeping
/// starts anew.
const KEPT: usize = 1024;

/// Bytes of documents kept for all places together; with more, all are
/// dropped.
const KEPT_BYTES: usize = 16 << 20;

/// The policies of a session: one that is written out, and ten managed ones by ARN
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const SESSION_POLICIES: usize = 11;

fn empty(name: &str) -> String {
    format!("`{name}` is an empty list: leave it out, or write null, where there is none")
}

/// Hashes a text eight bytes at a time, which is what a line's time goes
/// into. Texts of the same hash only cost time, and a place keeps few.
#[derive(Debug, Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        for chunk in chunks.iter().chain([&last]) {
            let mixed = self.0.rotate_left(5) ^ u64::from_le_bytes(*chunk);
            self.0 = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Only the id, for the answer to a line that is wrong elsewhere.
#[derive(Deserialize)]
struct IdOnly<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Whether an id can be read from an answer that has it as it is written: JSON
/// bounds no number, and its readers do.
fn can_be_read(id: &RawValue) -> bool {
    /// Of the largest number without an exponent.
    const DIGITS: usize = 308;
    let text = id.get();
    let is_plain = text.len() <= DIGITS && !text.contains(['e', 'E']);
    is_plain || text.starts_with('"') || serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Boundaries and session policies limit users, roles and their sessions: nobody else
/// has any, so that a limit of theirs would go unheeded.
fn limited(question: &Question) -> Result<(), String> {
    let has_none = matches!(
        question.principal,
        Principal::Anonymous | Principal::Service { .. } | Principal::WebIdentity { .. }
    );
    let Policies { boundary, session, .. } = &question.policies;
    let given = [("boundary", boundary.is_some()), ("session", session.is_some())];
    match given.iter().find(|(_, is_given)| has_none && *is_given) {
        Some((layer, _)) => {
            Err(format!("`{}` can have no `{layer}`: leave it out", question.caller))
        }
        None => Ok(()),
    }
}

/// Nobody reaches another partition: its accounts are others, and "you cannot use IAM
/// credentials from one partition to interact with resources in a different partition"
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
fn is_within_a_partition(question: &Question) -> Result<(), String> {
    let partition = |text: &str| crate::arn::Arn::parse(text).map(|arn| arn.partition.to_owned());
    match (partition(&question.caller), partition(&question.resource)) {
        (Some(own), Some(other)) if own != other => Err(format!(
            "`{}` and `{}` are of different partitions: no request reaches from one into another",
            question.caller, question.resource
        )),
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct Decided<'a> {
    id: Option<&'a RawValue>,
    decision: &'static str,
    layer: &'static str,
    statements: Vec<Cited<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unknown: &'a [String],
    explanation: &'a str,
}

#[derive(Serialize)]
struct Cited<'a> {
    policy: &'a str,
    sid: Option<&'a str>,
    index: usize,
}

#[derive(Serialize)]
struct Failed<'a> {
    id: Option<&'a RawValue>,
    error: String,
}

impl Decider {
    /// Decides one line.
    pub fn line(&mut self, line: &str) -> Answer {
        match self.decide(line) {
            Ok(text) => Answer { text, readable: true },
            Err(error) => {
                let id = serde_json::from_str::<IdOnly<'_>>(line).ok().and_then(|line| line.id);
                let id = id.filter(|id| can_be_read(id));
                let text = serde_json::to_string(&Failed { id, error }).unwrap_or_default();
                Answer { text, readable: false }
            }
        }
    }

    /// Reads one request with its policies, over one line or several, without
    /// deciding it.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn read(&mut self, text: &str) -> Result<Question, String> {
        self.question(text).map(|(_, question)| question)
    }

    /// Reads policies, as the member `policies` of a line has them; `sts` says
    /// whether a resource's policy is a trust policy.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn policies_of(&mut self, text: &str, sts: bool) -> Result<Policies, String> {
        let Object(documents) = serde_json::from_str::<Object<Documents<'_>>>(text)
            .map_err(|error| error.to_string())?;
        self.policies(&documents, sts)
    }

    /// The id, as it is written, and the rest of a line.
    fn question(&mut self, text: &str) -> Result<(Option<Box<RawValue>>, Question), String> {
        let (id, question) = self.any_question(text)?;
        limited(&question)?;
        is_within_a_partition(&question)?;
        match id.as_deref().is_none_or(can_be_read) {
            true => Ok((id, question)),
            false => Err("`id` has a number that is out of range".to_owned()),
        }
    }

    fn any_question(&mut self, text: &str) -> Result<(Option<Box<RawValue>>, Question), String> {
        if let Some(known) = self.with_known_policies(text) {
            return Ok(known);
        }
        let Object(line) =
            serde_json::from_str::<Object<Line<'_>>>(text).map_err(|error| error.to_string())?;
        let principal = line.principal()?;
        let compiled = self.compiled;
        let none = Documents::default();
        let given = line.policies.as_ref().map_or(&none, |Object(given)| given);
        let policies = self.policies(given, line.is_sts())?;
        // What is new may not come again.
        if self.compiled == compiled {
            self.recent.keep(text, line.is_sts(), &policies);
        }
        Ok(line.question(principal, policies))
    }

    /// A line that ends with policies that are known; `None` for every other,
    /// also for those that cannot be read.
    fn with_known_policies(&self, text: &str) -> Option<(Option<Box<RawValue>>, Question)> {
        let (head, policies) = self.recent.split(text)?;
        let Object(line) = serde_json::from_str::<Object<Line<'_>>>(&head).ok()?;
        let principal = line.principal().ok()?;
        if line.policies.is_some() {
            return None;
        }
        let policies = policies(line.is_sts())?.clone();
        Some(line.question(principal, policies))
    }

    fn decide(&mut self, line: &str) -> Result<String, String> {
        let (id, question) = self.question(line)?;
        let decision = decide(&question.request(), &question.policies);
        let statements = decision.statements.iter().map(|statement| Cited {
            policy: &statement.policy,
            sid: statement.sid.as_deref(),
            index: statement.index,
        });
        serde_json::to_string(&Decided {
            id: id.as_deref(),
            decision: decision.outcome.as_str(),
            layer: decision.layer.as_str(),
            statements: statements.collect(),
            unknown: &decision.unknown,
            explanation: &decision.explanation,
        })
        .map_err(|error| error.to_string())
    }

    fn policies(&mut self, given: &Documents<'_>, sts: bool) -> Result<Policies, String> {
        Ok(Policies {
            vpc_endpoint: match given.vpc_endpoint {
                Some(text) => Some(self.document("vpc_endpoint", text, Kind::VpcEndpoint)?),
                None => None,
            },
            resource_control: self.levels("rcp", given.rcp.as_deref(), Kind::ResourceControl)?,
            resource_control_of: None,
            service_control: self.levels("scp", given.scp.as_deref(), Kind::ServiceControl)?,
            identity: self.list(
                "identity",
                given.identity.as_deref().unwrap_or(&[]),
                Kind::Identity,
            )?,
            boundary: self.limit("boundary", given.boundary.as_deref(), Kind::Boundary)?,
            session: self.limit("session", given.session.as_deref(), Kind::Session)?,
            resource: match given.resource {
                // The resource of an STS action is a role, and its policy a trust
                // policy.
                Some(text) => {
                    let kind = if sts { Kind::Trust } else { Kind::Resource };
                    Some(self.document("resource", text, kind)?)
                }
                None => None,
            },
        })
    }

    /// The policies of an organization by level. Where service control policies are on,
    /// "every root, OU, and account must have at least one": a list without levels is
    /// none that AWS has
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>).
    /// Those of resources only deny, so that without levels nothing is denied.
    fn levels(
        &mut self,
        name: &str,
        levels: Option<&[Vec<&RawValue>]>,
        kind: Kind,
    ) -> Result<Vec<Vec<Arc<Document>>>, String> {
        if kind == Kind::ServiceControl && levels.is_some_and(<[_]>::is_empty) {
            return Err(empty(name));
        }
        let levels = levels.unwrap_or_default().iter().enumerate();
        levels.map(|(place, level)| self.list(&format!("{name}[{place}]"), level, kind)).collect()
    }

    /// The policies of a layer that limits where it is there. AWS has no such
    /// layer without a policy: whether an empty list means that there is none, or
    /// one that allows nothing, nobody can tell. Nor has it more of them than this: of
    /// several, whoever is allowed something by one of them would be allowed it.
    fn limit(
        &mut self,
        name: &str,
        texts: Option<&[&RawValue]>,
        kind: Kind,
    ) -> Result<Option<Vec<Arc<Document>>>, String> {
        let most = if kind == Kind::Session { SESSION_POLICIES } else { 1 };
        match texts {
            None => Ok(None),
            Some([]) => Err(empty(name)),
            Some(texts) if texts.len() > most => {
                let count = texts.len();
                Err(format!("`{name}` has {count} policies: AWS has no more than {most} there"))
            }
            Some(texts) => self.list(name, texts, kind).map(Some),
        }
    }

    fn list(
        &mut self,
        name: &str,
        texts: &[&RawValue],
        kind: Kind,
    ) -> Result<Vec<Arc<Document>>, String> {
        let named = texts.iter().enumerate();
        named.map(|(place, text)| self.document(&format!("{name}[{place}]"), text, kind)).collect()
    }

    /// A document, as an object or as a string that holds its text.
    fn document(
        &mut self,
        name: &str,
        text: &RawValue,
        kind: Kind,
    ) -> Result<Arc<Document>, String> {
        let raw = text.get();
        if self.kept > KEPT_BYTES {
            self.documents.clear();
            self.kept = 0;
        }
        let seen = self.documents.entry((kind, name.to_owned())).or_default();
        if let Some(document) = seen.get(raw) {
            return Ok(Arc::clone(document));
        }
        let unquoted = serde_json::from_str::<String>(raw).ok();
        let document = Document::parse(name, unquoted.as_deref().unwrap_or(raw), kind)
            .map_err(|error| format!("{name}: {error}"))?;
        if seen.len() >= KEPT {
            seen.clear();
        }
        let document = Arc::new(document);
        self.compiled += 1;
        self.kept += raw.len();
        seen.insert(raw.into(), Arc::clone(&document));
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LINE: &str = r#"{"id":7,"principal":"arn:aws:iam::123456789012:user/alice","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}]}}"#;

    #[test]
    fn a_line_is_answered_with_its_statement() {
        assert_eq!(
            decide_line(LINE),
            r#"{"id":7,"decision":"allow","layer":"identity","statements":[{"policy":"identity[0]","sid":"Read","index":0}],"explanation":"allowed by statement `Read` of `identity[0]`"}"#
        );
    }

    /// What the line is answered with one Allow and a Deny under the condition.
    fn denied_under(condition: &str, context: &str) -> serde_json::Value {
        let line = format!(
            r#"{{"principal":"arn:aws:iam::123456789012:user/alice","action":"s3:GetObject","resource":"arn:aws:s3:::b/k","context":{context},"policies":{{"identity":[{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{condition}}}]}}]}}}}"#
        );
        serde_json::from_str(&decide_line(&line)).unwrap()
    }

    #[rstest]
    #[case::a_number(r#"{"NumericGreaterThan":{"x:n":"5"}}"#, r#"{"x:n":"4"}"#, r#"{"x:n":"4x"}"#)]
    #[case::not_a_number(r#"{"NumericNotEquals":{"x:n":"4"}}"#, r#"{"x:n":"4"}"#, r#"{"x:n":"x"}"#)]
    #[case::an_arn(
        r#"{"ArnLike":{"x:a":"arn:aws:s3:::b"}}"#,
        r#"{"x:a":"arn:aws:s3:::c"}"#,
        r#"{"x:a":"b"}"#
    )]
    #[case::an_address(
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        r#"{"aws:SourceIp":"11.0.0.1"}"#,
        r#"{"aws:SourceIp":"ten"}"#
    )]
    #[case::one_of_a_list(
        r#"{"ForAnyValue:NumericEquals":{"x:n":"5"}}"#,
        r#"{"x:n":["4","6"]}"#,
        r#"{"x:n":["4","x"]}"#
    )]
    fn a_deny_that_cannot_be_evaluated_denies_and_says_so(
        #[case] condition: &str,
        #[case] readable: &str,
        #[case] unreadable: &str,
    ) {
        let answer = denied_under(condition, readable);
        assert_eq!(answer["explanation"], "allowed by statement 1 of `identity[0]`");
        let answer = denied_under(condition, unreadable);
        assert_eq!(answer["decision"], "explicit_deny");
        let explanation = answer["explanation"].as_str().unwrap();
        let head = "denied by statement 2 of `identity[0]`; it cannot be evaluated: condition ";
        assert!(explanation.starts_with(head), "{explanation}");
    }

    #[test]
    fn a_policys_value_that_cannot_be_read_denies_too() {
        let answer = denied_under(
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#,
            r#"{"aws:SourceIp":"11.0.0.1"}"#,
        );
        assert_eq!(
            answer["explanation"],
            "denied by statement 2 of `identity[0]`; it cannot be evaluated: condition IpAddress aws:SourceIp: the policy's value `10.0.0.0/33` cannot be read"
        );
        assert_eq!(denied_under(r#"{"Null":{"x:k":"maybe"}}"#, "{}")["decision"], "explicit_deny");
        assert_eq!(denied_under(r#"{"Null":{"x:k":"false"}}"#, "{}")["decision"], "allow");
    }

    const PLAIN: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

    /// A statement of this Sid, about everything, under a condition.
    fn under(effect: &str, sid: &str, condition: &str) -> String {
        format!(
            r#"{{"Sid":"{sid}","Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#
        )
    }

    /// What Alice's request is answered, of which nothing is known of `x:k`.
    fn with_unknown(more: &str, layers: &[(&str, &[&str])]) -> serde_json::Value {
        let layers = layers.iter().map(|(layer, statements)| {
            let statements = statements.join(",");
            format!(r#""{layer}":[{{"Version":"2012-10-17","Statement":[{statements}]}}]"#)
        });
        let policies = layers.collect::<Vec<_>>().join(",");
        let line = format!(
            r#"{{"principal":"arn:aws:iam::123456789012:user/alice","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"{more},"policies":{{{policies}}}}}"#
        );
        serde_json::from_str(&decide_line(&line)).unwrap()
    }

    const UNKNOWN: &str = r#","unknown":["x:K"]"#;

    #[test]
    fn what_hangs_on_an_unknown_key_is_undecided_and_names_it() {
        let allow = under("Allow", "IfA", r#"{"StringEquals":{"x:k":"a"}}"#);
        let deny = under("Deny", "Unless", r#"{"StringNotEquals":{"aws:Tag":"${X:k}"}}"#);
        let answer = with_unknown(UNKNOWN, &[("identity", &[&allow])]);
        assert_eq!(
            answer,
            serde_json::json!({
                "id": null,
                "decision": "undecided",
                "layer": "identity",
                "statements": [{"policy": "identity[0]", "sid": "IfA", "index": 0}],
                "unknown": ["x:k"],
                "explanation": "undecided: nothing is known of `x:k`; \
                                statement `IfA` of `identity[0]` may allow it",
            })
        );
        let answer = with_unknown(
            r#","context":{"aws:Tag":"t"},"unknown":["x:K"]"#,
            &[("identity", &[PLAIN]), ("boundary", &[PLAIN, &deny])],
        );
        assert_eq!(
            answer["explanation"],
            "undecided: nothing is known of `X:k`; statement `Unless` of `boundary[0]` may deny it"
        );
        assert_eq!((&answer["layer"], &answer["unknown"][0]), (&"boundary".into(), &"X:k".into()));
        // The same without the unknown key.
        assert_eq!(with_unknown("", &[("identity", &[&allow])])["decision"], "implicit_deny");
        let known = with_unknown(r#","context":{"x:k":"a"}"#, &[("identity", &[&allow])]);
        assert_eq!(known["decision"], "allow");
        assert_eq!(known.get("unknown"), None);
    }

    const NO: &str = r#"{"Sid":"No","Effect":"Deny","Action":"*","Resource":"*"}"#;
    const OTHER: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

    /// `ALLOW` and `DENY` stand for statements that hang on the unknown key.
    #[rstest]
    #[case::an_explicit_deny(&[PLAIN, "ALLOW", NO], PLAIN, "denied by statement `No` of `identity[0]`")]
    #[case::a_boundary_that_allows_nothing(
        &["ALLOW"],
        OTHER,
        "denied: no permissions boundary allows it"
    )]
    #[case::nothing_that_a_deny_could_change(
        &["DENY"],
        PLAIN,
        "denied: no identity-based policy allows it"
    )]
    #[case::an_allow_beside_one_that_may(
        &["ALLOW", PLAIN],
        PLAIN,
        "allowed by statement 2 of `identity[0]`"
    )]
    fn what_is_certain_is_decided(
        #[case] identity: &[&str],
        #[case] boundary: &str,
        #[case] explanation: &str,
    ) {
        let allow = under("Allow", "IfA", r#"{"StringEquals":{"x:k":"a"}}"#);
        let deny = under("Deny", "IfB", r#"{"StringEquals":{"x:k":"b"}}"#);
        let identity: Vec<&str> = identity
            .iter()
            .map(|text| match *text {
                "ALLOW" => allow.as_str(),
                "DENY" => deny.as_str(),
                text => text,
            })
            .collect();
        let answer = with_unknown(UNKNOWN, &[("identity", &identity), ("boundary", &[boundary])]);
        assert_eq!(answer["explanation"], explanation);
    }

    #[test]
    fn keys_that_begin_alike_are_unknown_but_for_those_that_are_given() {
        let of = |tag: &str| {
            let condition = format!(r#"{{"StringEquals":{{"aws:ResourceTag/{tag}":"x"}}}}"#);
            let allow = under("Allow", "Tagged", &condition);
            let more = r#","context":{"aws:ResourceTag/team":"x"},"unknown":["aws:resourcetag/*"]"#;
            with_unknown(more, &[("identity", &[&allow])])["decision"].clone()
        };
        assert_eq!(of("team"), "allow");
        assert_eq!(of("cost"), "undecided");
    }

    #[rstest]
    #[case::present(
        r#","context":{"X:k":"a"},"unknown":["x:K"]"#,
        "the condition key `x:K` is both present and unknown"
    )]
    #[case::absent(
        r#","context":{"X:k":null},"unknown":["x:K"]"#,
        "the condition key `X:k` is both absent and unknown"
    )]
    #[case::absent_among_all(
        r#","context":{"X:k":null},"unknown":["x:*"]"#,
        "the condition key `X:k` is both absent and unknown"
    )]
    #[case::a_pattern(
        r#","unknown":["x:*k"]"#,
        "`x:*k` is no condition key: a `*` may stand at its end, for all that begin so"
    )]
    fn a_key_is_not_two_things_at_once(#[case] more: &str, #[case] error: &str) {
        assert_eq!(with_unknown(more, &[("identity", &[PLAIN])])["error"], error);
    }

    #[rstest]
    #[case::policies(
        LINE.split_once(r#"{"identity""#).unwrap().0, "[]}",
        "invalid type: sequence, expected an object at line 1 column "
    )]
    #[case::by_place(
        LINE.split_once(r#"{"identity""#).unwrap().0, "[[],null]}",
        "invalid type: sequence, expected an object at line 1 column "
    )]
    #[case::line(
        "[",
        r#"7,"123456789012","s3:GetObject","*"]"#,
        "invalid type: sequence, expected an object at line 1 column 0"
    )]
    fn a_list_is_no_object(#[case] head: &str, #[case] end: &str, #[case] begins: &str) {
        let answer: serde_json::Value =
            serde_json::from_str(&decide_line(&format!("{head}{end}"))).unwrap();
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.starts_with(begins), "{answer}");
    }

    #[rstest]
    #[case("*")]
    #[case("lambda.amazonaws.com")]
    #[case("arn:aws:iam::123456789012:saml-provider/x")]
    fn who_can_have_no_limit_is_given_none(
        #[case] principal: &str,
        #[values("boundary", "session")] layer: &str,
    ) {
        let line = LINE.replace("arn:aws:iam::123456789012:user/alice", principal);
        let narrow = r#"[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}]"#;
        let with = |list: &str| {
            let member = format!(r#""{layer}":{list},"identity""#);
            let line = line.replace(r#""identity""#, &member);
            serde_json::from_str::<serde_json::Value>(&decide_line(&line)).unwrap()
        };
        let error = format!("`{principal}` can have no `{layer}`: leave it out");
        assert_eq!(with(narrow)["error"], error);
        assert_eq!(with("null")["decision"], "implicit_deny");
    }

    #[rstest]
    #[case::user("arn:aws:iam::123456789012:user/*", false)]
    #[case::in_a_path("arn:aws:iam::123456789012:user/a*/bob", true)]
    #[case::role("arn:aws:iam::123456789012:role/app-?", false)]
    #[case::session("arn:aws:sts::123456789012:assumed-role/app/*", false)]
    #[case::session_of_a_pattern("arn:aws:sts::123456789012:assumed-role/*/s", false)]
    #[case::a_session("arn:aws:sts::123456789012:assumed-role/app/a@b.c+d=e,f_g-h", true)]
    #[case::federated("arn:aws:sts::123456789012:federated-user/*", false)]
    #[case::space("arn:aws:iam::123456789012:user/a b", false)]
    fn a_pattern_names_nobody(#[case] principal: &str, #[case] is_one: bool) {
        let line = LINE.replace("arn:aws:iam::123456789012:user/alice", principal);
        let answer: serde_json::Value = serde_json::from_str(&decide_line(&line)).unwrap();
        match is_one {
            true => assert!(answer.get("decision").is_some(), "{answer}"),
            false => assert_eq!(answer["error"], format!("`{principal}` is no principal")),
        }
    }

    #[rstest]
    #[case("boundary")]
    #[case("session")]
    fn a_limit_without_policies_is_refused(#[case] layer: &str) {
        let role = LINE.replace("user/alice", "role/r");
        let with = |list: &str| {
            let member = format!(r#""{layer}":{list},"identity""#);
            let line = role.replace(r#""identity""#, &member);
            serde_json::from_str::<serde_json::Value>(&decide_line(&line)).unwrap()
        };
        assert_eq!(
            with("[]")["error"],
            format!("`{layer}` is an empty list: leave it out, or write null, where there is none")
        );
        assert_eq!(with("null")["decision"], "allow");
        let other = r#"[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}]"#;
        assert_eq!(with(other)["decision"], "implicit_deny");
        assert_eq!(with(&other.replace("ec2:*", "s3:*"))["decision"], "allow");
    }

    #[rstest]
    #[case::boundaries("boundary", 1, "`boundary` has 2 policies: AWS has no more than 1 there")]
    #[case::sessions("session", 11, "`session` has 12 policies: AWS has no more than 11 there")]
    fn a_limit_has_no_more_policies_than_aws_has(
        #[case] layer: &str,
        #[case] most: usize,
        #[case] error: &str,
    ) {
        let role = LINE.replace("user/alice", "role/r");
        let with = |count: usize| {
            let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
            let member = format!(r#""{layer}":[{}],"identity""#, vec![all; count].join(","));
            let line = role.replace(r#""identity""#, &member);
            serde_json::from_str::<serde_json::Value>(&decide_line(&line)).unwrap()
        };
        assert_eq!(with(most + 1)["error"], error);
        assert_eq!(with(most)["decision"], "allow");
    }

    #[rstest]
    #[case::no_levels(
        "scp",
        "[]",
        Err("`scp` is an empty list: leave it out, or write null, where there is none")
    )]
    #[case::a_level_of_none("scp", "[[]]", Ok("implicit_deny"))]
    #[case::none("scp", "null", Ok("allow"))]
    #[case::of_resources("rcp", "[]", Ok("allow"))]
    #[case::a_level_of_resources("rcp", "[[]]", Ok("allow"))]
    fn an_organization_has_levels(
        #[case] layer: &str,
        #[case] levels: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let member = format!(r#""{layer}":{levels},"identity""#);
        let line = LINE.replace(r#""identity""#, &member);
        let answer: serde_json::Value = serde_json::from_str(&decide_line(&line)).unwrap();
        match expected {
            Ok(decision) => assert_eq!(answer["decision"], decision),
            Err(error) => assert_eq!(answer["error"], error),
        }
    }

    #[rstest]
    #[case("arn:aws-cn:iam::123456789012:user/alice", "arn:aws:s3:::b/k", false)]
    #[case("arn:aws:iam::123456789012:user/alice", "arn:aws-us-gov:s3:::b/k", false)]
    #[case("arn:aws-cn:iam::123456789012:user/alice", "arn:aws-cn:s3:::b/k", true)]
    #[case("123456789012", "arn:aws-cn:s3:::b/k", true)]
    #[case("arn:aws-cn:iam::123456789012:user/alice", "*", true)]
    fn nobody_reaches_another_partition(
        #[case] principal: &str,
        #[case] resource: &str,
        #[case] reaches: bool,
    ) {
        let line = LINE.replace("arn:aws:iam::123456789012:user/alice", principal);
        let line = line.replace(r#""arn:aws:s3:::b/k""#, &format!(r#""{resource}""#));
        let answer: serde_json::Value = serde_json::from_str(&decide_line(&line)).unwrap();
        let error = format!(
            "`{principal}` and `{resource}` are of different partitions: no request reaches from one into another"
        );
        match reaches {
            true => assert!(answer.get("decision").is_some(), "{answer}"),
            false => assert_eq!(answer["error"], error),
        }
    }

    #[rstest]
    #[case(
        "s3:GetObject",
        "s3:GetObject\u{20}",
        "`s3:GetObject ` is no action: write `service:Name`"
    )]
    #[case("s3:GetObject", "GetObject", "`GetObject` is no action: write `service:Name`")]
    #[case("s3:GetObject", "s3:Get*", "`s3:Get*` is no action: write `service:Name`")]
    #[case("s3:GetObject", ":GetObject", "`:GetObject` is no action: write `service:Name`")]
    #[case(
        "arn:aws:s3:::b/k",
        "b/k",
        "`b/k` is no resource: write its ARN, or `*` where there is none"
    )]
    #[case(
        "arn:aws:s3:::b/k",
        "arn:aws:s3",
        "`arn:aws:s3` is no resource: write its ARN, or `*` where there is none"
    )]
    #[case(
        r#""policies""#,
        r#""resource_account":"platform","policies""#,
        "`platform` is no account id"
    )]
    fn what_no_request_has_is_refused(
        #[case] right: &str,
        #[case] wrong: &str,
        #[case] error: &str,
    ) {
        let answer: serde_json::Value =
            serde_json::from_str(&decide_line(&LINE.replacen(right, wrong, 1))).unwrap();
        assert_eq!(answer["error"], error);
    }

    /// The second and third time, the line's end is known: the answers are the
    /// same, and what is wrong at its beginning is still found.
    #[test]
    fn a_line_is_answered_alike_however_often_its_end_was_seen() {
        let mut decider = Decider::default();
        let trust = LINE.replace("s3:GetObject\",\"resource", "sts:AssumeRole\",\"resource");
        let other = LINE.replace("b/k", "c/k");
        let twice = LINE.replacen('{', r#"{"policies":{},"#, 1);
        let key = LINE.replacen('{', r#"{"context":{"x:k":1,"X:k":2},"#, 1);
        for line in [LINE, LINE, LINE, &trust, &trust, &other, &twice, &key, "{", LINE] {
            assert_eq!(decider.line(line).text, decide_line(line));
        }
    }

    #[test]
    fn a_condition_key_stands_once_in_whatever_case() {
        for context in
            [r#"{"x:k":"a","X:K":"b"}"#, r#"{"x:k":null,"x:K":"b"}"#, r#"{"x:k":"a","x:k":["b"]}"#]
        {
            let error = denied_under("{}", context)["error"].as_str().unwrap().to_owned();
            assert!(error.contains("stands twice at line 1 column"), "{error}");
        }
        assert_eq!(denied_under(r#"{"Null":{"x:k":"false"}}"#, "null")["decision"], "allow");
    }

    #[test]
    fn a_line_that_cannot_be_read_says_where() {
        let mut decider = Decider::default();
        let answer = decider.line(&LINE.replace("\"Effect\"", "\"Efect\""));
        assert!(!answer.readable);
        assert_eq!(
            answer.text,
            r#"{"id":7,"error":"identity[0]: unknown element `Efect`: write `Effect` (line 1, column 52)"}"#
        );
        assert!(decider.line("{").text.starts_with(r#"{"id":null,"error":"EOF while parsing"#));
        // Nobody reads such a number from an answer.
        let answer = decider.line(&LINE.replace("\"id\":7", "\"id\":[8e88811]"));
        let error = r#"{"id":null,"error":"`id` has a number that is out of range"}"#;
        assert_eq!((answer.text.as_str(), answer.readable), (error, false));
        assert!(decider.line("[88888888888882e88811]").text.starts_with(r#"{"id":null,"error""#));
        assert!(decider.line(&LINE.replace("\"id\":7", "\"id\":\"8e88811\"")).readable);
        assert!(decider.line(&LINE.replace("\"id\":7", "\"id\":8e8")).readable);
        assert!(decider.line(LINE).readable);
    }
}

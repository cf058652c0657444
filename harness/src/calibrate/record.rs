//! A run's recording as a file of decisions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use ringfence_calibrate::decisions::{ContextValue, Entry, FORM, Place, Places};
use ringfence_evidence::manifest::sha256;
use ringfence_evidence::shown;
use ringfence_guard::recording::{Asked, Attached, Inputs, Recorded};
use ringfence_policy::{Document, Principal, Values};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::evidence::Redactor;

/// What tells a question from others.
fn question(entry: &Entry) -> [u8; 32] {
    // Texts and lists of them are always JSON.
    Sha256::digest(serde_json::to_vec(entry).unwrap_or_default()).into()
}

/// Writes what a run decided, each question once, without what must not be kept: part by
/// part as it is found, for all of a large run's would fill the memory.
///
/// # Errors
/// When it cannot be written.
pub fn write<'a>(
    account_id: &str,
    recorded: impl IntoIterator<Item = &'a Recorded>,
    redactor: &Redactor,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut documents = Documents::default();
    // Of each question its hash: most are asked many times.
    let mut seen = HashSet::new();
    let mut writer = Writer::begin(account_id, redactor, out)?;
    for recorded in recorded {
        for asked in &recorded.inputs.asked {
            let mut entry = entry(recorded, asked, &mut documents);
            // The request's id is no part of the question.
            let id = std::mem::take(&mut entry.request_id);
            if seen.insert(question(&entry)) {
                writer.decision(&Entry { request_id: id, ..entry })?;
            }
        }
    }
    let texts = documents.texts.iter();
    writer.end(texts.map(|(sha256, document)| (sha256.as_str(), document.text())))
}

/// Writes the members of [`Decisions`](ringfence_calibrate::decisions::Decisions), one
/// after the other.
struct Writer<'a> {
    redactor: &'a Redactor,
    out: &'a mut dyn io::Write,
    any: bool,
}

impl<'a> Writer<'a> {
    fn begin(
        account_id: &str,
        redactor: &'a Redactor,
        out: &'a mut dyn io::Write,
    ) -> io::Result<Self> {
        let mut writer = Self { redactor, out, any: false };
        writer.part("{\"form\":", &FORM)?;
        writer.part(",\"account_id\":", account_id)?;
        writer.out.write_all(b",\"decisions\":[")?;
        Ok(writer)
    }

    fn decision(&mut self, entry: &Entry) -> io::Result<()> {
        self.part(if self.any { "," } else { "" }, entry)?;
        self.any = true;
        Ok(())
    }

    /// The documents, by SHA-256, come last: which there are is known then.
    fn end<'d>(mut self, documents: impl Iterator<Item = (&'d str, &'d str)>) -> io::Result<()> {
        self.out.write_all(b"],\"documents\":{")?;
        for (place, (sha256, text)) in documents.enumerate() {
            self.part(if place == 0 { "" } else { "," }, sha256)?;
            self.part(":", text)?;
        }
        self.out.write_all(b"}}")
    }

    fn part<T: Serialize + ?Sized>(&mut self, before: &str, value: &T) -> io::Result<()> {
        let text = String::from_utf8(shown::line(value)?).map_err(io::Error::other)?;
        write!(self.out, "{before}{}", self.redactor.traffic(&text).text)
    }
}

/// The documents of decisions, and what was found out about each.
#[derive(Default)]
struct Documents {
    /// By the SHA-256 of their texts.
    texts: BTreeMap<String, Arc<Document>>,
    /// By where they are in memory. Each is held, that no other comes to its place.
    known: HashMap<*const Document, Known>,
}

/// What is known of a document.
struct Known {
    _held: Arc<Document>,
    sha256: String,
    /// The condition keys that it asks for, in lower case.
    keys: Arc<BTreeSet<String>>,
}

impl Documents {
    fn of(&mut self, document: &Arc<Document>) -> &Known {
        let Self { texts, known } = self;
        known.entry(Arc::as_ptr(document)).or_insert_with(|| {
            let sha256 = sha256(document.text().as_bytes());
            texts.entry(sha256.clone()).or_insert_with(|| Arc::clone(document));
            let keys = document.context_keys().into_iter().map(str::to_ascii_lowercase).collect();
            Known { _held: Arc::clone(document), sha256, keys: Arc::new(keys) }
        })
    }
}

fn entry(recorded: &Recorded, asked: &Asked, documents: &mut Documents) -> Entry {
    let inputs = &recorded.inputs;
    let (context, unknown) = context(inputs, asked, documents);
    let mut place = |attached: &Attached| Place {
        slot: attached.slot.to_string(),
        sha256: documents.of(&attached.document).sha256.clone(),
    };
    let mut many = |attached: &[Attached]| attached.iter().map(&mut place).collect::<Vec<_>>();
    let policies = Places {
        identity: many(&inputs.caller.identity),
        boundary: inputs.caller.boundary.as_deref().map(&mut many),
        session: inputs.caller.session.as_deref().map(&mut many),
        scp: inputs.caller.service_control.iter().map(|level| many(level)).collect(),
        rcp: inputs
            .caller
            .resource_control
            .of(&asked.resource)
            .iter()
            .map(|level| many(level))
            .collect(),
        vpc_endpoint: inputs.endpoint_of(&asked.action).map(&mut place),
        resource: asked.resource_policy.as_ref().map(&mut place),
    };
    Entry {
        request_id: recorded.request_id.clone(),
        principal: principal(&inputs.caller.principal),
        owner: inputs.caller.owner.as_deref().map(str::to_owned),
        action: asked.action.clone(),
        resource: asked.resource.clone(),
        context,
        unknown,
        policies,
    }
}

/// The condition keys that some document asks for, and those of them of which
/// nothing is known. Others decide nothing, and the time of day would make each
/// request a question of its own.
fn context(
    inputs: &Inputs,
    asked: &Asked,
    documents: &mut Documents,
) -> (BTreeMap<String, ContextValue>, Vec<String>) {
    let caller = &inputs.caller;
    let layers = caller
        .service_control
        .iter()
        .chain(caller.resource_control.of(&asked.resource))
        .flatten()
        .chain(&caller.identity)
        .chain(caller.boundary.iter().flatten())
        .chain(caller.session.iter().flatten())
        .chain(&asked.resource_policy)
        .chain(inputs.endpoint_of(&asked.action));
    let of_each: Vec<Arc<BTreeSet<String>>> =
        layers.map(|attached| Arc::clone(&documents.of(&attached.document).keys)).collect();
    let keys: BTreeSet<&String> = of_each.iter().flat_map(|keys| keys.iter()).collect();
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for key in keys {
        let value = match asked.context.get(key) {
            Some(Values::One(value)) => ContextValue::One(value.clone()),
            Some(Values::Many(values)) => ContextValue::Many(values.clone()),
            None if asked.context.is_unknown(key) => {
                unknown.push(key.clone());
                continue;
            }
            None => continue,
        };
        known.insert(key.clone(), value);
    }
    (known, unknown)
}

/// As `ringfence decide` takes it.
fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Root { account_id } => account_id.clone(),
        Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.clone(),
        Principal::RoleSession { session_arn, .. } => session_arn.clone(),
        Principal::WebIdentity { provider_arn } => provider_arn.clone(),
        Principal::Service { name } => name.clone(),
        Principal::Anonymous => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ringfence_calibrate::decisions::Decisions;
    use ringfence_evidence::is_active;
    use ringfence_policy::Kind;
    use ringfence_wire::Secret;

    use super::*;
    use crate::config::Config;

    fn entry(request_id: &str, resource: &str) -> Entry {
        Entry {
            request_id: request_id.to_owned(),
            principal: "*".to_owned(),
            owner: None,
            action: "s3:GetObject".to_owned(),
            resource: resource.to_owned(),
            context: BTreeMap::new(),
            unknown: vec!["aws:sourcevpc".to_owned()],
            policies: Places::default(),
        }
    }

    fn written(text: &str, decisions: &[Entry]) -> String {
        let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
        let mut redactor = Redactor::new(&config, []).unwrap();
        redactor.add("a key", Secret::new("canary-1234"));
        let mut out = Vec::new();
        let mut writer = Writer::begin("123456789012", &redactor, &mut out).unwrap();
        for decision in decisions {
            writer.decision(decision).unwrap();
        }
        writer.end([("ab", text), ("cd", "{}")].into_iter()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decisions_are_written_as_one_text_of_json() {
        let hostile = entry("1", "\u{202e}\u{9b}2J");
        for entries in [vec![], vec![entry("1", "*")], vec![hostile, entry("2", "a")]] {
            let text = written("{\"Version\": 1}", &entries);
            assert!(!text.contains(is_active), "{}", text.escape_unicode());
            let read = Decisions::parse(&text).unwrap();
            assert_eq!((read.form, read.account_id.as_str()), (FORM, "123456789012"));
            let documents = [("ab", "{\"Version\": 1}"), ("cd", "{}")];
            let documents = documents.map(|(sha256, text)| (sha256.to_owned(), text.to_owned()));
            assert_eq!(read.documents, BTreeMap::from(documents));
            assert_eq!(read.decisions, entries);
        }
    }

    #[test]
    fn a_secret_in_a_decision_or_a_document_is_cut_out() {
        let read = Decisions::parse(&written("canary-1234", &[entry("1", "canary-1234")])).unwrap();
        assert_eq!(read.documents["ab"], "[removed: a key]");
        assert_eq!(read.decisions, [entry("1", "[removed: a key]")]);
    }

    #[test]
    fn documents_of_the_same_text_are_one() {
        let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
            "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "v"}}}]}"#;
        let parse = || Arc::new(Document::parse("d", text, Kind::Identity).unwrap());
        let (one, other) = (parse(), parse());
        let mut documents = Documents::default();
        let first = documents.of(&one).sha256.clone();
        assert_eq!(first, sha256(text.as_bytes()));
        assert_eq!(documents.of(&other).sha256, first);
        assert_eq!(*documents.of(&one).keys, BTreeSet::from(["aws:sourcevpc".to_owned()]));
        let texts = documents.texts.iter().map(|(sha256, it)| (sha256.as_str(), it.text()));
        assert_eq!(texts.collect::<Vec<_>>(), [(first.as_str(), text)]);
    }
}

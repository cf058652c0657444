//! What nobody at all may do: requests to the artifacts without credentials,
//! or without TLS.

use std::time::Instant;

use ringfence_guard::{Caller, Overlay, Question};
use ringfence_policy::Context;
use ringfence_wire::ServiceError;
use ringfence_wire::services::S3;
use serde_json::json;

use super::actor::Actor;
use super::asked::Asking;
use super::attack::{Reason, Step};
use super::companions;
use super::facts::Variant;
use super::finding::{Companion, Companions, Finding, Road, Scope, Traces, Untried, Verdict};
use super::lack::Lack;
use super::suite::{Selected, Suite};
use crate::config::Forbids;
use crate::guard_rail::GuardRail;

const ARTIFACTS: GuardRail = GuardRail::Artifacts;

/// Who holds the bucket.
const PLATFORM: &str = "platform";
/// Who signs nothing.
const ANYBODY: &str = "anybody";

/// The object that only the platform writes and reads.
const OBJECT: &str = "ringfence-public-probe";

/// What somebody without credentials tries.
const UNSIGNED: [(&str, &str, &str); 3] = [
    ("artifacts-listed", "cannot list the artifacts", "ListObjectsV2"),
    ("artifact-read", "cannot read an artifact", "GetObject"),
    ("artifact-written", "cannot write an artifact", "PutObject"),
];

/// What nobody may do without TLS, on the bucket and on an object of it.
const PLAIN: [(&str, &str, &str, &str); 2] = [
    ("artifacts-listed-without-tls", "cannot list the artifacts without TLS", "s3:ListBucket", ""),
    (
        "artifact-read-without-tls",
        "cannot read an artifact without TLS",
        "s3:GetObject",
        "/ringfence-public-probe",
    ),
];

/// The findings' ids.
pub(super) fn ids(variant: Variant<'_>) -> Vec<String> {
    if !variant.is_about(Lack::Bucket) {
        return Vec::new();
    }
    let unsigned = UNSIGNED.iter().map(|(name, ..)| unsigned_id(name));
    unsigned.chain(PLAIN.iter().map(|(name, ..)| plain_id(name))).collect()
}

fn unsigned_id(name: &str) -> String {
    format!("{ANYBODY}/{name}/{}", Road::Api)
}

fn plain_id(name: &str) -> String {
    format!("{PLATFORM}/{name}/{}", Road::Api)
}

/// Tries what is selected.
///
/// # Errors
/// When the platform cannot prepare it, or the guard cannot be asked.
pub(super) async fn run(
    suite: &Suite<'_>,
    variant: Variant<'_>,
    canary: &Actor,
    selected: Selected<'_>,
) -> anyhow::Result<Vec<Finding>> {
    if !ids(variant).iter().any(|id| selected(id)) {
        return Ok(Vec::new());
    }
    if !variant.facts.has(Lack::Bucket) {
        return Ok(not_applicable());
    }
    let bucket = variant.facts.bucket.as_str();
    let mut findings = without_credentials(suite, bucket, canary).await?;
    findings.extend(without_tls(suite, bucket, canary).await?);
    Ok(findings)
}

/// What is told of an estate without such a bucket.
fn not_applicable() -> Vec<Finding> {
    let unsigned = UNSIGNED.map(|(name, title, _)| {
        let title = format!("{ANYBODY} without credentials {title}");
        (unsigned_id(name), ANYBODY, Scope::Executed, title)
    });
    let plain = PLAIN.map(|(name, title, ..)| {
        (plain_id(name), PLATFORM, Scope::Decided, format!("{PLATFORM} {title}"))
    });
    let told = unsigned.into_iter().chain(plain).map(|(id, identity, scope, title)| Untried {
        id,
        guard_rail: ARTIFACTS,
        identity: identity.to_owned(),
        road: Road::Api,
        scope,
        title,
        expected: "it is refused".to_owned(),
    });
    told.map(|it| Finding::untried(it, Verdict::NotApplicable, Lack::Bucket.words())).collect()
}

/// Requests to the artifacts that nobody signed.
async fn without_credentials(
    suite: &Suite<'_>,
    bucket: &str,
    canary: &Actor,
) -> anyhow::Result<Vec<Finding>> {
    let object = json!({"Bucket": bucket, "Key": OBJECT});
    let put = || Step::new(S3, "PutObject", object.clone()).with_payload("probe");
    suite.platform().call(&put()).await.result?;
    let mut findings = Vec::new();
    for (name, title, operation) in UNSIGNED {
        let start = Instant::now();
        let step = match operation {
            "PutObject" => put(),
            "ListObjectsV2" => Step::new(S3, operation, json!({"Bucket": bucket})),
            _ => Step::new(S3, operation, object.clone()),
        };
        let tried = suite.unsigned(&step).await;
        let expected = ServiceError::new(403, "AccessDenied", "Access Denied");
        let observed = match &tried.result {
            Ok(_) => "it was allowed".to_owned(),
            Err(error) => format!("{} {error}", error.status),
        };
        let wanted = format!("{} {expected}", expected.status);
        let fault = (observed != wanted).then(|| observed.clone());
        let guard = suite.stack().guard();
        let recorded = guard.recording().and_then(|kept| kept.find(&tried.request_id));
        let (decided_by, mutant) = match recorded {
            Some(recorded) => (
                companions::deciders(&recorded.inputs, &recorded.inputs.decide(&Overlay::none())),
                companions::mutant(&recorded.inputs),
            ),
            None => (Vec::new(), Companion::missing("the guard did not decide about it")),
        };
        let companions = Companions {
            twin: Some(match suite.platform().call(&step).await.result {
                Ok(_) => Companion::shown("the platform does the same with its credentials"),
                Err(error) => Companion::missing(format!("the platform gets {error}")),
            }),
            canary: Some(companions::canary(&canary.call(&step).await.result)),
            mutant: Some(mutant),
        };
        let (verdict, reason) = companions.judge(fault.as_deref(), &decided_by);
        findings.push(Finding {
            id: unsigned_id(name),
            guard_rail: ARTIFACTS,
            identity: ANYBODY.to_owned(),
            road: Road::Api,
            scope: Scope::Executed,
            title: format!("{ANYBODY} without credentials {title}"),
            expected: wanted,
            observed,
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids: vec![tried.request_id],
            traces: Traces::default(),
        });
    }
    suite.platform().call(&Step::new(S3, "DeleteObject", object)).await.result?;
    Ok(findings)
}

/// What even the platform's root user is refused without TLS. The guard
/// answers on loopback without it, so this is decided and not sent.
async fn without_tls(
    suite: &Suite<'_>,
    bucket: &str,
    canary: &Actor,
) -> Result<Vec<Finding>, ServiceError> {
    let question = |action: &str, path: &str, tls: &str| {
        let mut context = Context::new();
        context.set("aws:SecureTransport", tls);
        let resource = format!("arn:aws:s3:::{bucket}{path}");
        Question { action: action.to_owned(), resource, context }
    };
    let platform = Caller::Key(suite.platform().access_key_id());
    let mut findings = Vec::new();
    for (name, title, action, path) in PLAIN {
        let asking = Asking {
            id: plain_id(name),
            guard_rail: ARTIFACTS,
            identity: PLATFORM,
            title: format!("{PLATFORM} {title}"),
            caller: platform,
            question: question(action, path, "false"),
            twin: (platform, question(action, path, "true")),
            work: None,
            reason: suite.facts().reason(Reason::ResourceStatement(Forbids::PlainHttp)),
        };
        findings.push(asking.run(suite.stack().guard(), canary, &suite.facts().statements).await?);
    }
    Ok(findings)
}

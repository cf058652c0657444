//! `ringfence calibrate` with Access Analyzer's checks, against a double that
//! speaks its protocol, and the summary in the evidence.
//! <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html>,
//! <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoNewAccess.html>

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ringfence::calibrate::{Analyzer, CalibrateError, Pace, PolicyType};
use ringfence::evidence::record_calibration;
use ringfence::terraform::Access;
use ringfence_evidence::RunRecord;
use ringfence_evidence::bundle::{self, DECISIONS};
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::manifest::sha256;
use ringfence_wire::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A request as it came.
#[derive(Debug, Clone)]
struct Request {
    line: String,
    headers: Vec<String>,
    body: Value,
}

/// Answers Access Analyzer's calls, and hands all others on to a guard.
struct Double {
    url: Url,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Double {
    async fn start(guard: Option<Url>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (guard, kept) = (guard.clone(), Arc::clone(&kept));
                tokio::spawn(serve(client, guard, kept));
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn access(&self) -> Access {
        Access {
            endpoint: self.url.clone(),
            region: "eu-west-1".to_owned(),
            access_key_id: "AKIAEXAMPLE000000000".to_owned(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
        }
    }
}

async fn serve(client: TcpStream, guard: Option<Url>, seen: Arc<Mutex<Vec<Request>>>) {
    let mut client = BufReader::new(client);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if client.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line);
        }
        if let Some(guard) = guard.as_ref().filter(|_| !head[0].starts_with("POST /policy/")) {
            // The rest of the connection is the guard's.
            let port = guard.port().unwrap();
            let mut upstream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let head = head.concat() + "\r\n";
            upstream.write_all(head.as_bytes()).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
            return;
        }
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        client.read_exact(&mut body).await.unwrap();
        let line = head.remove(0).trim().to_owned();
        let headers = head.iter().map(|line| line.trim().to_owned()).collect();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let request = Request { line, headers, body };
        let (status, error, answer) = answer(&request);
        seen.lock().unwrap().push(request);
        let text = answer.to_string();
        let error = error.map(|it| format!("x-amzn-ErrorType: {it}\r\n")).unwrap_or_default();
        let reply = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{error}Content-Length: \
             {}\r\n\r\n{text}",
            text.len()
        );
        client.write_all(reply.as_bytes()).await.unwrap();
    }
}

/// As AWS answers: two pages of findings, a document that grants `s3:*` more
/// grants something new, and what is no policy is refused.
fn answer(request: &Request) -> (u16, Option<&'static str>, Value) {
    let document = |member: &str| request.body[member].as_str().unwrap_or_default().to_owned();
    match request.line.as_str() {
        "POST /policy/validation HTTP/1.1" if document("policyDocument") == "no policy" => {
            let error = Some("ValidationException:http://internal.amazon.com/coral/");
            (400, error, json!({"message": "Invalid policy document", "reason": "other"}))
        }
        "POST /policy/validation HTTP/1.1" => {
            let found = json!({
                "findingType": "SUGGESTION", "issueCode": "REDUNDANT_ACTION",
                "findingDetails": "The action is redundant.", "learnMoreLink": "https://x",
                "locations": [],
            });
            (200, None, json!({"findings": [found], "nextToken": "a/b="}))
        }
        "POST /policy/validation?nextToken=a%2Fb%3D HTTP/1.1" => {
            let found = json!({
                "findingType": "SECURITY_WARNING", "issueCode": "PASS_ROLE_WITH_STAR_IN_RESOURCE",
                "findingDetails": "Using iam:PassRole with a star is risky.",
                "learnMoreLink": "https://x", "locations": [],
            });
            (200, None, json!({"findings": [found]}))
        }
        "POST /policy/check-no-new-access HTTP/1.1" => {
            match document("newPolicyDocument").contains("s3:*") {
                true => (
                    200,
                    None,
                    json!({
                        "result": "FAIL", "message": "The modified permissions grant new access.",
                        "reasons": [{"description": "New access in the statement with index: 0.",
                            "statementIndex": 0}],
                    }),
                ),
                false => (200, None, json!({"result": "PASS", "message": "No new access."})),
            }
        }
        _ => (404, Some("ResourceNotFoundException"), json!({"message": "no such path"})),
    }
}

#[tokio::test]
async fn validate_policy_is_asked_page_by_page_with_a_signature_for_the_service() {
    let double = Double::start(None).await;
    let access = double.access();
    let mut pace = Pace::per_second(1000.0);
    let analyzer = Analyzer::new(&access);
    let found = analyzer.validate("{}", PolicyType::Identity, &mut pace).await.unwrap();
    let told: Vec<(&str, Option<&str>)> =
        found.iter().map(|it| (it.result.as_str(), it.code.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("SUGGESTION", Some("REDUNDANT_ACTION")),
            ("SECURITY_WARNING", Some("PASS_ROLE_WITH_STAR_IN_RESOURCE")),
        ]
    );
    assert_eq!(found[0].message, "The action is redundant.");
    let seen = double.seen();
    assert_eq!(seen.len(), 2);
    for request in &seen {
        assert_eq!(request.body, json!({"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}));
        let signed = request.headers.iter().find(|it| it.starts_with("authorization: ")).unwrap();
        assert!(signed.contains("/eu-west-1/access-analyzer/aws4_request"), "{signed}");
        assert!(request.headers.contains(&"content-type: application/json".to_owned()));
    }
}

#[tokio::test]
async fn check_no_new_access_passes_and_fails_and_a_refusal_keeps_its_code() {
    let double = Double::start(None).await;
    let access = double.access();
    let mut pace = Pace::per_second(1000.0);
    let analyzer = Analyzer::new(&access);
    for (new, expected) in [("s3:GetObject", "PASS"), ("s3:*", "FAIL")] {
        let check = analyzer.no_new_access("old", new, PolicyType::Resource, &mut pace);
        assert_eq!(check.await.unwrap().result, expected);
    }
    assert_eq!(
        double.seen()[1].body,
        json!({
            "existingPolicyDocument": "old", "newPolicyDocument": "s3:*",
            "policyType": "RESOURCE_POLICY",
        })
    );
    let refused = analyzer.validate("no policy", PolicyType::Identity, &mut pace).await;
    let Err(CalibrateError::Refused { operation, error }) = refused else { panic!("{refused:?}") };
    assert_eq!(
        (operation, error.status, &*error.code),
        ("ValidatePolicy", 400, "ValidationException")
    );
    assert_eq!(error.message, "Invalid policy document");
}

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

/// A finished bundle of the present version, with decisions about `app-role`.
fn bundle_with_decisions(directory: &Path) -> PathBuf {
    let into = directory.join("run");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("evidence/tests/data/bundles/2");
    let text = std::fs::read_to_string(kept.join("run.json")).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["schema_version"] = ringfence_evidence::SCHEMA_VERSION.into();
    record["isolation"] = json!({"mechanism": "namespaces", "unisolated": null});
    record["inputs"] = json!([]);
    let record = RunRecord::parse(record.to_string().as_bytes(), Path::new("run.json")).unwrap();
    for probe in &record.probes {
        bundle::put(&into.join(bundle::raw_path(probe)), b"{}\n").unwrap();
    }
    let hash = sha256(POLICY.as_bytes());
    let entry = |action: &str| {
        json!({
            "request_id": "r", "owner": "role/app-role", "action": action, "context": {},
            "principal": "arn:aws:sts::123456789012:assumed-role/app-role/s",
            "resource": "arn:aws:s3:::b/k",
            "policies": {
                "identity": [{"slot": "role/app-role/inline/own", "sha256": hash}],
                "boundary": null, "session": null, "resource": null, "scp": [],
            },
        })
    };
    let decisions = json!({
        "form": 1, "account_id": "123456789012", "documents": {hash.as_str(): POLICY},
        "decisions": [entry("s3:GetObject"), entry("s3:PutObject")],
    });
    bundle::put(&into.join(DECISIONS), decisions.to_string().as_bytes()).unwrap();
    bundle::write(&into, &record, &Catalogue::builtin().unwrap()).unwrap();
    into
}

#[tokio::test]
async fn the_price_is_said_before_a_paid_check_and_the_summary_goes_into_the_evidence() {
    let stack = super::empty_account().await;
    let double = Double::start(Some(stack.endpoint().clone())).await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    for (operation, input) in [
        ("CreateRole", json!({"RoleName": "app-role", "AssumeRolePolicyDocument": trust})),
        (
            "PutRolePolicy",
            json!({"RoleName": "app-role", "PolicyName": "own", "PolicyDocument": POLICY}),
        ),
    ] {
        let iam = ringfence_wire::Service::Iam;
        stack.client().call(&stack.root(), iam, operation, input).await.result.unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let run = bundle_with_decisions(directory.path());
    let checks = ["--principals", "--check-no-new-access", "--record"];
    let paid =
        |seen: &[Request]| seen.iter().filter(|it| it.line.contains("check-no-new-access")).count();

    // Nothing is paid, and nothing recorded, before the price is accepted.
    let before = std::fs::read(run.join("run.json")).unwrap();
    for more in [&[][..], &["--accept-price", "0.001"]] {
        let asked =
            super::calibrate(&stack, &double.url, &run, &[&checks[..], more].concat()).await;
        assert_eq!(asked.output.status.code(), Some(2));
        let said = String::from_utf8(asked.output.stderr).unwrap();
        assert!(said.contains("CheckNoNewAccess for 1 policies costs 0.002 USD"), "{said}");
        assert_eq!(paid(&double.seen()), 0);
        assert_eq!(std::fs::read(run.join("run.json")).unwrap(), before);
    }

    let more = ["--accept-price", "0.002", "--validate-policies"];
    let asked = super::calibrate(&stack, &double.url, &run, &[&checks[..], &more].concat()).await;
    let said = String::from_utf8(asked.output.stderr.clone()).unwrap();
    assert_eq!(asked.output.status.code(), Some(0), "{said}");
    assert_eq!(paid(&double.seen()), 1);
    let kept = RunRecord::read(&run.join("run.json")).unwrap().calibration.unwrap();
    assert_eq!((kept.decisions, kept.judged, kept.agree), (2, 2, 2));
    assert_eq!(kept.account_id, "123456789012");
    assert!(kept.principals && kept.simulator.contains(double.url.as_str()), "{kept:?}");
    let scope = std::fs::read_to_string(run.join("SCOPE.md")).unwrap();
    assert!(scope.contains("2 of 2 decisions agree with"), "{scope}");
    let checked =
        ringfence_evidence::check::check(&run, ringfence_evidence::check::Trust::HashesAlone);
    assert_eq!(checked.unwrap().problems, Vec::<String>::new());

    // What was signed, or changed since, takes none.
    let other =
        ringfence_evidence::Calibration { decisions_sha256: "0".repeat(64), ..kept.clone() };
    let error = record_calibration(&run, other).unwrap_err().to_string();
    assert!(error.contains("decisions.json changed while AWS was asked"), "{error}");
    std::fs::write(run.join(ringfence_evidence::manifest::SIGNATURE), "x").unwrap();
    let asked = super::calibrate(&stack, &double.url, &run, &["--record"]).await;
    assert_eq!(asked.output.status.code(), Some(2));
    let said = String::from_utf8(asked.output.stderr).unwrap();
    assert!(said.contains("the bundle is signed"), "{said}");
    stack.stop().await;
}

//! The evidence of a whole run: what it holds, that it is good by all checks,
//! and that no secret is in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ringfence_evidence::is_active;
use serde_json::{Value, json};

use crate::hostile::texts;
use crate::integrity::replace;

/// Planted where secrets come from; none may be found in the bundle.
const CANARIES: [&str; 4] = [
    "canary-of-the-environment-1",
    "canary-of-a-terraform-variable-2",
    "canary-of-a-workflow-secret-3",
    "canary-of-the-upstream-4",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

fn ringfence(arguments: &[&str], directory: &Path) -> Output {
    command(arguments, directory).output().unwrap()
}

fn command(arguments: &[&str], directory: &Path) -> Command {
    let [environment, variable, ..] = CANARIES;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command
        .args(arguments)
        .current_dir(directory)
        .env("DATABASE_PASSWORD", environment)
        .env("TF_VAR_db_password", variable)
        .env("RINGFENCE_BACKEND", "embedded");
    command
}

/// What is in a directory of the repository, at another place.
fn copied(name: &str, place: &Path) {
    let status = Command::new("cp").arg("-r").arg(root().join(name)).arg(place).status();
    assert!(status.unwrap().success());
}

/// The repository's own configuration at another place, with secrets in it, and with an
/// application whose team writes hostile texts wherever it can.
fn configuration(directory: &Path) -> PathBuf {
    let root = root();
    copied("sam-apps", directory);
    texts::write(&directory.join("sam-apps/service-a"));
    let [.., secret, upstream] = CANARIES;
    let text = std::fs::read_to_string(root.join("ringfence.toml")).unwrap();
    let text = text.replace("\"terraform\"", &format!("\"{}/terraform\"", root.display())).replace(
        "repository = \"example-org/service-a\"\nvars",
        &format!(
            "repository = \"example-org/service-a\"\nsecrets = {{ DEPLOY = \"{secret}\" }}\nvars"
        ),
    );
    assert!(text.contains(secret), "the configuration has another form");
    let text = format!("{text}\n[upstream.environment]\nAUTH_TOKEN = \"{upstream}\"\n");
    let file = directory.join("ringfence.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// A copy of what is under test, with the stack team's template broken; the
/// other team is left out, which makes the run shorter.
fn undeployable(place: &Path) -> PathBuf {
    copied("terraform", place);
    copied("sam-apps", place);
    let text = std::fs::read_to_string(root().join("ringfence.toml")).unwrap();
    let sections: Vec<&str> = text.split("\n[[").collect();
    let kept: Vec<&str> = sections
        .into_iter()
        .filter(|section| {
            let of_an_app = section.starts_with("apps]]") || section.starts_with("deployers]]");
            !of_an_app || section.contains("= \"service-a\"")
        })
        .collect();
    assert_eq!(kept.iter().filter(|section| section.starts_with("apps]]")).count(), 1);
    std::fs::write(place.join("ringfence.toml"), kept.join("\n[[")).unwrap();
    let template = place.join("sam-apps/service-a/template.yaml");
    let text = std::fs::read_to_string(&template).unwrap();
    // A template that can be read, of code that is not there.
    let broken = text.replace("CodeUri: src/", "CodeUri: gone/");
    assert_ne!(broken, text);
    std::fs::write(&template, broken).unwrap();
    // What the step that fails has printed stands in every form.
    let workflow = place.join("sam-apps/service-a/.github/workflows/deploy.yml");
    let deploy = "          sam deploy \\\n";
    replace(&workflow, deploy, &format!("          {}{deploy}", texts::PRINTED));
    place.join("ringfence.toml")
}

#[test]
fn an_application_that_cannot_be_deployed_is_a_failed_claim_and_the_run_comes_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    undeployable(place);
    let output = command(&["verify", "--run-dir", "bundle", "--github"], place)
        .env("GITHUB_STEP_SUMMARY", place.join("bundle-summary.md"))
        .env("GITHUB_WORKSPACE", place)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let record: Value =
        serde_json::from_slice(&std::fs::read(place.join("bundle/run.json")).unwrap()).unwrap();
    assert_eq!(record["status"]["state"], "complete");
    let probes = record["probes"].as_array().unwrap();
    let find = |id: &str| probes.iter().find(|probe| probe["id"] == id).unwrap();
    let deployment = find("service-a/deployment/workflow");
    assert_eq!(deployment["verdict"], "failed");
    let observed = deployment["observed"].as_str().unwrap();
    let step = "sam-apps/service-a/.github/workflows/deploy.yml:36:9: step `SAM Deploy` failed: ";
    assert!(observed.starts_with(step), "{observed}");
    assert!(observed.contains("::error file=terraform/main.tf::forged"), "{observed}");
    // It is the runner's to obey in none of them, and the annotations are ours.
    let printed = String::from_utf8(output.stdout).unwrap();
    let commands = printed.lines().filter(|line| line.trim_start().starts_with("::"));
    let ours = ["::error title=", "::warning title=", "::notice title="];
    for line in commands {
        assert!(ours.iter().any(|begin| line.starts_with(begin)), "{line}");
    }
    let acts = |it: char| is_active(it) && !matches!(it, '\n' | '\t');
    for told in [&printed, &said] {
        assert!(!told.contains(acts) && !told.contains("##["), "{told}");
    }
    texts::acts_on_nobody(place, &place.join("bundle-summary.md"));
    let mut all = Vec::new();
    files(&place.join("bundle"), &mut all);
    all.iter().for_each(|file| texts::acts_on_nobody(&place.join("bundle"), file));
    // What needs no deployment is asked all the same, and what does is not
    // taken for held.
    assert_eq!(find("high-perm/role-without-boundary/api")["verdict"], "held");
    assert_eq!(find("service-a/code/function")["verdict"], "not-run");
    assert_eq!(find("high-perm/boundary-removed/api")["verdict"], "inconclusive");
    // With no other team, no path is taken to lead to its own function.
    let known = "no known path leads to more permissions";
    let open = |probe: &&Value| probe["guard_rail"] == known && probe["verdict"] == "failed";
    assert_eq!(probes.iter().find(open), None);
    let reach = record["reach"].as_array().unwrap();
    let names: Vec<&str> = reach.iter().map(|one| one["identity"].as_str().unwrap()).collect();
    // Beside the team's own deployer, whoever Layer 1 made: the other team's.
    let of_layer1 = [
        "code-in-service-b",
        "role-GitHubActionsHybridDeployer-service-b",
        "role-GitHubActionsLowPermDeployer-service-b",
    ];
    assert_eq!(names, [&["high-perm"], of_layer1.as_slice()].concat());
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Long enough to be a secret: what follows a sign of one.
fn token_after(text: &str, sign: &str) -> Option<String> {
    text.match_indices(sign).find_map(|(at, _)| {
        let rest = &text.as_bytes()[at + sign.len()..];
        let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"/+=_-".contains(b)));
        let length = end.unwrap_or(rest.len());
        (length >= 40).then(|| text[at..at + sign.len() + 12].to_owned())
    })
}

/// Three parts, the last of which would be a signature.
fn signed_token(text: &str) -> Option<String> {
    text.match_indices("eyJ").find_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
        let token = &rest[..end.unwrap_or(rest.len())];
        let parts: Vec<&str> = token.split('.').collect();
        (parts.len() == 3 && parts[2].len() >= 20).then(|| token.to_owned())
    })
}

/// A bundle is signed again by another key; one that was changed is not, and
/// keeps no signature's look.
fn signing_is_a_step_of_its_own(place: &Path) {
    let copy = |name: &str| {
        let mut copied = Command::new("cp");
        copied.arg("-r").arg(place.join("bundle")).arg(place.join(name));
        assert!(copied.status().unwrap().success());
    };
    let key = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(place.join("other"))
        .status();
    assert!(key.unwrap().success());
    copy("again");
    let signed =
        ringfence(&["evidence", "sign", "again", "--sign-key", "other", "--unisolated"], place);
    assert_eq!(signed.status.code(), Some(0), "{}", String::from_utf8_lossy(&signed.stdout));
    let good = ringfence(&["evidence", "verify", "again", "--allowed-key", "other.pub"], place);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stdout));
    let stranger = ringfence(&["evidence", "verify", "again", "--allowed-key", "key.pub"], place);
    assert_eq!(stranger.status.code(), Some(1));

    // Whoever changes a form and its hash is seen by the forms themselves.
    copy("forged");
    let scope = place.join("forged/SCOPE.md");
    let text = std::fs::read_to_string(&scope).unwrap();
    std::fs::write(&scope, format!("{text}All is well.\n")).unwrap();
    let hashed = Command::new("sh")
        .args(["-c", "hash=$(sha256sum SCOPE.md | cut -c1-64) && sed -i \"s/^.*  SCOPE.md$/$hash  SCOPE.md/\" MANIFEST.sha256"])
        .current_dir(place.join("forged"))
        .status();
    assert!(hashed.unwrap().success());
    let refused =
        ringfence(&["evidence", "sign", "forged", "--sign-key", "other", "--unisolated"], place);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("SCOPE.md is not what run.json gives, so nobody signs it"), "{said}");
}

/// Its policy's actions, on its own function.
fn what_the_code_deployer_can_do_is_told_to_the_row(record: &Value) {
    let mut all = record["reach"].as_array().unwrap().iter();
    let reach = all.find(|reach| reach["identity"] == "low-perm").unwrap();
    let policy = "arn:aws:iam::123456789012:policy/GitHubActionsLowPermDeployerPolicy-service-b";
    let row = |action: &str| {
        json!({
            "action": action,
            "resource": "arn:aws:lambda:us-east-1:123456789012:function:service-b",
            "allowed_by": [format!("statement `OwnCode` of `{policy}`")],
        })
    };
    let own = [
        "lambda:GetFunction",
        "lambda:GetFunctionConfiguration",
        "lambda:PublishVersion",
        "lambda:UpdateFunctionCode",
    ];
    assert_eq!(reach["rows"], json!(own.map(row)));
    assert_eq!(reach.get("undecided"), None);
}

#[test]
fn a_whole_run_leaves_a_signed_bundle_without_a_secret_that_all_checks_find_good() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let config = configuration(place);
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(place.join("key"))
        .status()
        .unwrap();
    assert!(status.success());
    let config = config.to_str().unwrap();
    let output = ringfence(
        &["verify", "--config", config, "--run-dir", "bundle", "--sign-key", "key", "--unisolated"],
        place,
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Whether everything held is asked elsewhere; here, whether it is told.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let bundle = place.join("bundle");

    let good = ringfence(&["evidence", "verify", "bundle", "--allowed-key", "key.pub"], place);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stdout));
    let again = ringfence(&["report", "bundle"], place);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));
    let same = ringfence(&["evidence", "diff", "bundle", "bundle"], place);
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stdout));
    let unnamed = ringfence(&["evidence", "verify", "bundle"], place);
    assert_eq!(unnamed.status.code(), Some(2), "a check that asks for no key is no check");

    signing_is_a_step_of_its_own(place);

    let record: Value =
        serde_json::from_slice(&std::fs::read(bundle.join("run.json")).unwrap()).unwrap();
    let probes = record["probes"].as_array().unwrap();
    assert!(probes.len() > 200, "{} probes", probes.len());
    assert_eq!(record["status"]["state"], "complete");
    what_the_code_deployer_can_do_is_told_to_the_row(&record);
    // What the team wrote changed nothing.
    let failed = |probe: &&Value| probe["verdict"] == "failed";
    assert_eq!(probes.iter().find(failed), None);
    assert!(record["provenance"]["signing_key"].as_str().unwrap().starts_with("SHA256:"));
    let kinds = ["configuration", "terraform", "workflow", "template", "trust", "policy"];
    let inputs = record["inputs"].as_array().unwrap();
    for kind in kinds {
        assert!(inputs.iter().any(|input| input["kind"] == kind), "no input of the kind {kind}");
    }
    let raw = std::fs::read_dir(bundle.join("raw")).unwrap().count();
    assert_eq!(raw, probes.len(), "a raw file for each probe");

    let mut all = Vec::new();
    files(&bundle, &mut all);
    for path in all {
        texts::acts_on_nobody(&bundle, &path);
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} in {}", path.display());
        }
        for sign in ["IQoJ", "FwoG"] {
            assert_eq!(token_after(&text, sign), None, "{}", path.display());
        }
        assert_eq!(signed_token(&text), None, "{}", path.display());
        let key = text.find("PRIVATE KEY-----").map(|at| text[at..].chars().take(40).collect());
        let key: String = key.unwrap_or_default();
        assert!(key.is_empty() || key.contains("[removed"), "{key} in {}", path.display());
    }
}

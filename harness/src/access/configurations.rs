//! The configurations that plans are of: where their files may be.

use std::path::{Path, PathBuf};

use super::complete::{Setting, Source};
use super::files::Unreadable;
use crate::config::{Account, Config, Layer1};
use crate::hcl::Broken;
use crate::lint::known::Node;

/// The configuration of a run, in the current directory.
const DEFAULT_PATH: &str = "ringfence.toml";

/// Where the configuration of a plan may be.
#[derive(Debug, Default)]
pub struct Configurations {
    given: Vec<PathBuf>,
    further: Vec<PathBuf>,
    /// Whose the plans are, where they do not say it.
    pub(super) setting: Setting,
}

impl Configurations {
    /// Those given, else any of: beside the plan, the current directory, Layer 1 of
    /// the `ringfence.toml` there.
    pub fn new(given: &[PathBuf]) -> Self {
        let config = Config::load(Path::new(DEFAULT_PATH)).ok();
        let layer1 = config.into_iter().flat_map(|it| it.layer1);
        let layer1 = layer1.filter(Layer1::is_terraform).map(|layer1| layer1.directory);
        let further = std::iter::once(PathBuf::from(".")).chain(layer1).collect();
        Self { given: given.to_vec(), further, setting: Setting::default() }
    }

    /// And whose the plans are, where they do not say it.
    #[must_use]
    pub fn of_account(mut self, account: &Account) -> Self {
        self.setting = Setting::of_account(account);
        self
    }

    /// And further places.
    #[must_use]
    pub fn and(mut self, directories: impl IntoIterator<Item = PathBuf>) -> Self {
        self.further.extend(directories);
        self
    }

    /// Where the files of plans may be.
    pub(crate) fn directories(&self, plans: &[PathBuf]) -> Vec<PathBuf> {
        match self.given.is_empty() {
            false => self.given.clone(),
            true => {
                plans.iter().filter_map(|plan| beside(plan)).chain(self.further.clone()).collect()
            }
        }
    }

    /// The configuration of a plan; one of those given must be it. A state has none, and
    /// leaves nothing open that one would complete.
    pub(super) fn of(&self, plan: &Path, root: &Node) -> Result<Option<Source>, Unreadable> {
        if root.get("configuration").is_none() {
            return Ok(None);
        }
        for given in &self.given {
            let source = Source::read(given).map_err(|error| Unreadable::new(given, error))?;
            if let Some(broken) = source.broken() {
                return Err(broken.into());
            }
            if source.is_of(root) {
                return Ok(Some(fitted(source, root)));
            }
        }
        if !self.given.is_empty() {
            let given: Vec<String> =
                self.given.iter().map(|given| given.display().to_string()).collect();
            let message = format!("not what {} is a plan of", plan.display());
            return Err(Unreadable::at(given.join(", "), message));
        }
        let beside = beside(plan);
        let all = beside.iter().chain(&self.further);
        // What happens to lie there may be anything; but what is of the plan, or beside it,
        // and cannot be read would count.
        let mut unread = None;
        for path in all {
            let Ok(source) = Source::read(path) else { continue };
            match source.broken() {
                None if source.is_of(root) => return Ok(Some(fitted(source, root))),
                None => {}
                Some(broken) if Some(path) == beside.as_ref() || source.shares(root) => {
                    unread = unread.or_else(|| Some(broken.into()));
                }
                Some(_) => {}
            }
        }
        unread.map_or(Ok(None), Err)
    }
}

pub(super) fn fitted(mut source: Source, root: &Node) -> Source {
    source.fit(root.path(&["configuration", "root_module"]));
    source
}

impl From<&Broken> for Unreadable {
    fn from(broken: &Broken) -> Self {
        let Broken { file, at, message } = broken;
        Self::new(file, format!("{}:{}: {message}", at.line, at.column))
    }
}

/// The directory that a file is in.
fn beside(file: &Path) -> Option<PathBuf> {
    let directory = file.parent()?;
    Some(if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::super::files::estate;
    use super::*;

    /// A plan of a bucket's policy that is known after apply only.
    fn plan() -> Json {
        let after = json!({"bucket": "b"});
        let statement = json!([{"effect": "Allow", "actions": ["s3:GetObject"], "resources": [null],
            "principals": [{"type": "AWS", "identifiers": ["*"]}]}]);
        let change = |address: &str, after: &Json, unknown: &Json, actions: &str| {
            let kind = address.trim_start_matches("data.").split('.').next();
            let mode = if address.starts_with("data.") { "data" } else { "managed" };
            json!({"address": address, "mode": mode, "type": kind,
                "change": {"actions": [actions], "after": after, "after_unknown": unknown}})
        };
        let references = |names: &[&str]| json!({"references": names});
        let document = "data.aws_iam_policy_document.d";
        json!({"format_version": "1.2",
        "resource_changes": [
            change("aws_s3_bucket.b", &after, &json!({"arn": true, "id": true}), "create"),
            change(document, &json!({"statement": statement}),
                &json!({"json": true, "statement": [{"resources": [true]}]}), "read"),
            change("aws_s3_bucket_policy.p", &json!({}),
                &json!({"bucket": true, "policy": true}), "create"),
        ],
        "configuration": {"root_module": {"resources": [
            {"address": "aws_s3_bucket.b", "mode": "managed", "type": "aws_s3_bucket",
                "expressions": {"bucket": {"constant_value": "b"}}},
            {"address": document, "mode": "data", "type": "aws_iam_policy_document",
                "expressions": {"statement": [{
                    "actions": {"constant_value": ["s3:GetObject"]},
                    "resources": references(&["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]),
                    "principals": [{"type": {"constant_value": "AWS"},
                        "identifiers": {"constant_value": ["*"]}}]}]}},
            {"address": "aws_s3_bucket_policy.p", "mode": "managed",
                "type": "aws_s3_bucket_policy", "expressions": {
                    "bucket": references(&["aws_s3_bucket.b.id", "aws_s3_bucket.b"]),
                    "policy": references(&[&format!("{document}.json"), document])}},
        ]}}})
    }

    const HCL: &str = r#"
resource "aws_s3_bucket" "b" {
  bucket = "b"
}
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.b.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}
resource "aws_s3_bucket_policy" "p" {
  bucket = aws_s3_bucket.b.id
  policy = data.aws_iam_policy_document.d.json
}
"#;

    const JSON: &str = r#"{"//": "the same",
 "resource": {"aws_s3_bucket": {"b": {"bucket": "b"}},
  "aws_s3_bucket_policy": {"p": [{"bucket": "${aws_s3_bucket.b.id}", "policy": "${data.aws_iam_policy_document.d.json}"}]}},
 "data": [{"aws_iam_policy_document": {"d": {"statement": {"actions": ["s3:GetObject"],
  "resources": ["${aws_s3_bucket.b.arn}/*"], "principals": [{"type": "AWS", "identifiers": ["*"]}]}}}}]}"#;

    /// What is read of the plan with these files beside it: the policy, or the message.
    fn told(files: &[(&str, &[u8])]) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan.json");
        fs::write(&path, plan().to_string()).unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let setting = Setting::new(Some("aws".to_owned()), None, None);
        let configurations = Configurations { setting, ..Configurations::default() };
        let read = estate(&path, &configurations).map_err(|error| {
            error.to_string().replace(&format!("{}/", directory.path().display()), "")
        })?;
        let entry = &read.entries["aws_s3_bucket_policy.p"];
        let policy = entry.policies.resource.as_ref().map(|it| it.text().to_owned());
        Ok(policy.unwrap_or_else(|| "not known".to_owned()))
    }

    #[rstest]
    #[case::hcl(&[("main.tf", HCL)])]
    #[case::json(&[("main.tf.json", JSON)])]
    #[case::json_with_a_mark_of_the_byte_order(&[("main.tf.json", &*format!("\u{feff}{JSON}"))])]
    fn a_plan_is_completed_from_files_of_both_languages(#[case] files: &[(&str, &str)]) {
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let policy: Json = serde_json::from_str(&told(&files).unwrap()).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"], json!(["arn:aws:s3:::b/*"]));
    }

    #[test]
    fn without_its_files_a_policy_is_not_known() {
        assert_eq!(told(&[]).unwrap(), "not known");
    }

    #[rstest]
    #[case::hcl("main.tf", b"locals {\n  a = \n}\n", "main.tf: 2:7: ")]
    #[case::json("main.tf.json", b"{\"locals\": {\n  \"a\": ]}}", "main.tf.json: 2:8: ")]
    #[case::template(
        "main.tf.json",
        b"{\"resource\": {\"a_b\": {\"c\": {\n \"d\": \"${x\"}}}}",
        "main.tf.json: 2:7: "
    )]
    #[case::repeated(
        "a.tf.json",
        b"{\"data\": {},\n \"data\": {}}",
        "a.tf.json: 2:2: `data` stands twice"
    )]
    #[case::no_object(
        "a.tf.json",
        b"[{\"resource\": []},\n 1]",
        "a.tf.json: 2:2: an object is expected here"
    )]
    #[case::no_text("main.tf", b"\xff", "main.tf: 1:1: not UTF-8")]
    fn a_file_that_cannot_be_read_is_told_with_its_place(
        #[case] name: &str,
        #[case] text: &[u8],
        #[case] message: &str,
    ) {
        let error = told(&[("good.tf", HCL.as_bytes()), (name, text)]).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }

    /// What lies elsewhere is the plan's where it has something of it.
    #[test]
    fn what_cannot_be_read_elsewhere_and_is_of_the_plan_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str, text: &str| {
            let own = directory.path().join(name);
            fs::create_dir(&own).unwrap();
            fs::write(own.join("main.tf"), text).unwrap();
            fs::write(own.join("broken.tf"), "locals {").unwrap();
            own
        };
        let (own, other) = (place("own", HCL), place("other", "resource \"x_y\" \"z\" {}\n"));
        fs::create_dir(directory.path().join("plans")).unwrap();
        let path = directory.path().join("plans/plan.json");
        fs::write(&path, plan().to_string()).unwrap();
        let read = |place: PathBuf| estate(&path, &Configurations::default().and([place]));
        assert!(read(other).is_ok());
        let error = read(own).unwrap_err().to_string();
        assert!(error.contains("own/broken.tf: 1:"), "{error}");
    }
}

//! Checks choose their operations by name, and let all others pass: a name that
//! is misspelt would be a check that never runs. So each text in the guard's
//! sources that looks like an operation's name is one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ringfence_policy::catalog;
use ringfence_wire::Service;

/// Texts that look like a misspelt operation and are none: what they are.
const NONE: &[(&str, &str)] = &[
    ("ApplyServerSideEncryptionByDefault", "a member of an answer"),
    ("AssumedRole", "the value of `aws:PrincipalType`"),
    ("CreateDate", "a member of an answer"),
    ("DeleteResult", "an element of S3's answer"),
    ("GetContextKeys", "how two operations' names begin"),
    ("NotResource", "a member of a statement"),
    ("PostObject", "the journal's name for a form that posts an object"),
    ("RequestEntityTooLarge", "an error"),
    ("RequestTimeout", "an error"),
    ("StartPosition", "a member of an answer"),
];

/// The services whose operations the guard's sources name.
const DECIDED: [Service; 12] = [
    Service::ApiGatewayV2,
    Service::CloudFormation,
    Service::DynamoDb,
    Service::Ec2,
    Service::Iam,
    Service::Kms,
    Service::Lambda,
    Service::Logs,
    Service::S3,
    Service::SecretsManager,
    Service::Ssm,
    Service::Sts,
];

/// Those of which single operations are checked.
fn named() -> impl Iterator<Item = Service> {
    const OTHERS: [&str; 11] = [
        "apigateway",
        "autoscaling",
        "cloudtrail",
        "ecr",
        "ecs",
        "efs",
        "events",
        "ses",
        "sns",
        "sqs",
        "stepfunctions",
    ];
    let others = OTHERS.map(|name| Service::of(name).unwrap());
    DECIDED.into_iter().chain(others)
}

/// Words that stand in the models: operations, and what is not to be taken for
/// a misspelt one.
struct Words {
    operations: BTreeSet<&'static str>,
    verbs: BTreeSet<&'static str>,
    others: BTreeSet<&'static str>,
}

impl Words {
    fn of_the_models() -> Self {
        let all = || named().flat_map(|service| &service.model().operations);
        let operations: BTreeSet<_> = all().map(|operation| operation.name).collect();
        let verbs = operations.iter().map(|name| first_word(name)).collect();
        let members = all().flat_map(|it| it.members.iter().map(|member| member.name));
        let errors = all().flat_map(|operation| operation.errors.iter().copied());
        let prefixes = named().filter_map(Service::iam_prefix);
        let services = prefixes.filter_map(catalog::service);
        let actions = services.flat_map(|it| it.actions().map(|action| action.name));
        let others = members.chain(errors).chain(actions).collect();
        Self { operations, verbs, others }
    }

    /// Why a text cannot stand for an operation, where it is meant to.
    fn fault(&self, text: &str) -> Option<String> {
        let known = self.operations.contains(text)
            || self.others.contains(text)
            || NONE.iter().any(|(name, _)| *name == text);
        if known || !is_name(text) {
            return None;
        }
        let near = self.operations.iter().find(|name| distance(name, text) <= 2);
        match near {
            Some(near) => Some(format!("`{text}` is no operation: `{near}`?")),
            None if self.verbs.contains(first_word(text)) => {
                Some(format!("`{text}` is no operation of any model"))
            }
            None => None,
        }
    }
}

/// `PutRolePolicy`: several words, each with a capital.
fn is_name(text: &str) -> bool {
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    text.len() >= 8
        && capitals >= 2
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.contains(|letter: char| letter.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn first_word(name: &str) -> &str {
    let second = name.char_indices().skip(1).find(|(_, letter)| letter.is_ascii_uppercase());
    name.get(..second.map_or(name.len(), |(at, _)| at)).unwrap()
}

/// How many letters are changed, put in or left out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, found) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *found);
            corner = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        // Their own tests look every row up in the model of its service.
        let is_table = path.to_str().is_some_and(|path| path.ends_with("_table.rs"));
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if !is_test && !is_table && path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The texts of a source, without its comments and its tests.
fn texts(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut texts = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        texts.extend(line.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    texts
}

#[test]
fn every_operation_that_a_check_names_is_in_a_model() {
    let words = Words::of_the_models();
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.iter().any(|path| path.ends_with("validate.rs")), "{files:?}");
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for path in &files {
        for text in texts(&std::fs::read_to_string(path).unwrap()) {
            if let Some(fault) = words.fault(&text) {
                wrong.push(format!("{}: {fault}", path.display()));
            }
            if words.operations.contains(text.as_str()) {
                named.insert(text);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for checked in ["CreateRole", "PutBucketPolicy", "UpdateAssumeRolePolicy", "AddPermission"] {
        assert!(named.contains(checked), "`{checked}` is not seen");
    }
}

#[test]
fn a_misspelt_operation_is_seen_and_other_words_are_not() {
    let words = Words::of_the_models();
    let told = |text: &str| words.fault(text);
    assert_eq!(
        told("PutRolePolcy").as_deref(),
        Some("`PutRolePolcy` is no operation: `PutRolePolicy`?")
    );
    assert_eq!(
        told("PtuBucketPolicy").as_deref(),
        Some("`PtuBucketPolicy` is no operation: `PutBucketPolicy`?")
    );
    assert_eq!(
        told("CreateCastleInTheAir").as_deref(),
        Some("`CreateCastleInTheAir` is no operation of any model")
    );
    for fine in ["PutRolePolicy", "PolicyDocument", "NoSuchEntity", "MalformedPolicy", "rolePolicy"]
    {
        assert_eq!(told(fine), None);
    }
}

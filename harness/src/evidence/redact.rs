//! What must not be kept: cut out of everything before it is written.
//!
//! Two nets. Values that are known to be secret (the configuration's
//! `secrets`, environment and Terraform variables that are declared or named
//! so) are cut out wherever they stand; and so is what looks like a secret:
//! the signatures of tokens and requests, session tokens, private keys.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use ringfence_evidence::shown;
use ringfence_wire::Secret;
use serde_json::Value;

use super::sensitive::Sensitive;
use crate::config::Config;

/// A value that is shorter cannot be told from ordinary text.
const SHORTEST: usize = 4;

/// A text with what was cut out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text; each place says what stood there.
    pub text: String,
    /// How many places.
    pub removed: usize,
}

/// A pattern that catches secrets. It is asked only about texts that have one
/// of its signs: most have none.
#[derive(Debug)]
struct Net {
    signs: &'static [&'static str],
    pattern: Regex,
    what: &'static str,
}

/// Knows what must not be kept.
#[derive(Debug)]
pub struct Redactor {
    /// What each is, and the value; the longest first.
    values: Vec<(String, Secret)>,
    /// In anything.
    anywhere: Vec<Net>,
    /// In requests, answers and records: a source file may well name a session
    /// token without holding one.
    traffic: Vec<Net>,
}

impl Redactor {
    /// For a configuration in an environment.
    ///
    /// # Errors
    /// Never in practice: the patterns are constant.
    pub fn new(
        config: &Config,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, regex::Error> {
        let mut values = BTreeMap::new();
        let mut add = |name: String, value: &str| {
            for line in value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST) {
                values.insert(line.to_owned(), name.clone());
                for written in in_json(line) {
                    values.insert(written, name.clone());
                }
            }
        };
        for app in &config.apps {
            for (name, value) in &app.secrets {
                add(format!("secret {name} of {}", app.name.get_ref()), value);
            }
        }
        for (name, value) in &config.upstream.environment {
            if is_secret(name) {
                add(format!("{name} of the upstream"), value);
            }
        }
        let sensitive: Vec<Sensitive> = config.layer1.iter().map(Sensitive::of).collect();
        let secret = |name: &str| is_secret(name) || sensitive.iter().any(|own| own.declares(name));
        for own in &sensitive {
            own.each(secret, &mut |name, text| add(format!("Terraform variable {name}"), text));
        }
        for layer1 in &config.layer1 {
            for (name, value) in &layer1.variables {
                if secret(name) {
                    strings(value, &mut |text| add(format!("Terraform variable {name}"), text));
                }
            }
        }
        for entry in &config.existing {
            for (name, value) in &entry.properties {
                if is_secret(name) {
                    let name = format!("{name} of an existing {}", entry.kind.get_ref());
                    strings(value, &mut |text| add(name.clone(), text));
                }
            }
        }
        for (name, value) in environment {
            let variable = name.strip_prefix("TF_VAR_").is_some_and(&secret);
            // Short values of the environment are flags more often than secrets.
            if variable || (is_secret(&name) && value.len() >= 2 * SHORTEST) {
                add(format!("environment variable {name}"), &value);
            }
        }
        let mut values: Vec<(String, Secret)> =
            values.into_iter().map(|(value, name)| (name, Secret::new(value))).collect();
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.expose().len()));
        let net =
            |signs, pattern: &str, what| Ok(Net { signs, pattern: Regex::new(pattern)?, what });
        Ok(Self {
            values,
            anywhere: vec![
                net(
                    &["eyJ"],
                    r"(eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.)[A-Za-z0-9_-]{8,}",
                    "a token's signature",
                )?,
                net(
                    &["PRIVATE KEY"],
                    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----",
                    "a private key",
                )?,
                net(&["@"], r#"(https?://)[^/\s:@"']+:[^/\s@"']+@"#, "credentials in a URL")?,
                net(&["gh"], r"()(?-u:\b)gh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token")?,
                // As AWS's own session tokens begin, and the guard's.
                net(
                    &["IQoJ", "FwoG"],
                    r"()(?-u:\b)(?:IQoJ|FwoG)[A-Za-z0-9/+=_-]{40,}",
                    "a session token",
                )?,
                net(&["glpat-"], r"()(?-u:\b)glpat-[A-Za-z0-9_-]{20,}", "a GitLab token")?,
            ],
            traffic: vec![
                net(
                    &["ignature"],
                    r"(?i)(signature(?:=|%3D))[0-9a-f]{64}",
                    "a request's signature",
                )?,
                net(
                    &["ecret", "ECRET", "oken", "OKEN"],
                    r#"(?i)((?:secret_?-?access_?-?key|session_?-?token|security-token)\\?["']?\s*(?:[:=]|>|%3D)\s*\\?["']?)[A-Za-z0-9/+=_.%-]{8,}"#,
                    "a session's secret",
                )?,
            ],
        })
    }

    /// Another value that must not be kept.
    pub fn add(&mut self, name: impl Into<String>, value: Secret) {
        if value.expose().len() >= SHORTEST {
            let name = name.into();
            for written in in_json(value.expose()) {
                if written != value.expose() {
                    self.values.push((name.clone(), Secret::new(written)));
                }
            }
            self.values.push((name, value));
            self.values.sort_by_key(|(_, value)| std::cmp::Reverse(value.expose().len()));
        }
    }

    /// A source file without what must not be kept.
    pub fn source(&self, text: &str) -> Redacted {
        self.cut(text, &[&self.anywhere])
    }

    /// A request, an answer or a log without it.
    pub fn traffic(&self, text: &str) -> Redacted {
        self.cut(text, &[&self.anywhere, &self.traffic])
    }

    /// The same in every text of a JSON value.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.traffic(text).text,
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.json(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn cut(&self, text: &str, nets: &[&Vec<Net>]) -> Redacted {
        let (mut text, mut removed) = (text.to_owned(), 0);
        for (name, value) in &self.values {
            let found = text.matches(value.expose()).count();
            if found > 0 {
                removed += found;
                text = text.replace(value.expose(), &format!("[removed: {name}]"));
            }
        }
        for Net { signs, pattern, what } in nets.iter().copied().flatten() {
            if !signs.iter().any(|sign| text.contains(sign)) {
                continue;
            }
            let mut found = 0;
            let cut = pattern.replace_all(&text, |captures: &Captures<'_>| {
                found += 1;
                let kept = captures.get(1).map_or("", |kept| kept.as_str());
                format!("{kept}[removed: {what}]")
            });
            if found > 0 {
                text = cut.into_owned();
                removed += found;
            }
        }
        Redacted { text, removed }
    }
}

/// Whether a variable's name says that its value is secret. An id names a
/// secret, and is none.
fn is_secret(name: &str) -> bool {
    const SIGNS: [&str; 9] = [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "PRIVATE_KEY",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
    ];
    let name = name.to_ascii_uppercase();
    let file = ["_ID", "_FILE", "_PATH", "_URL", "_URI"].iter().any(|end| name.ends_with(end));
    !file && SIGNS.iter().any(|sign| name.contains(sign))
}

/// A value as it stands in the files of JSON that are cut as text: as the guard writes
/// its journal, and as the evidence writes the rest.
fn in_json(value: &str) -> [String; 2] {
    let written = [serde_json::to_vec(value), shown::line(value)];
    written.map(|text| {
        let text = text.unwrap_or_default();
        let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        String::from_utf8_lossy(inner.unwrap_or(&text)).into_owned()
    })
}

fn strings(value: &toml::Value, add: &mut impl FnMut(&str)) {
    match value {
        toml::Value::String(text) => add(text),
        toml::Value::Array(items) => items.iter().for_each(|item| strings(item, add)),
        toml::Value::Table(members) => members.values().for_each(|member| strings(member, add)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    /// One of each place that a secret comes from.
    fn redactor() -> Redactor {
        let directory = tempfile::tempdir().unwrap();
        let module = "variable \"bind\" {\n  type      = string\n  sensitive = true\n}\n\
                      variable \"region\" {\n  type = string\n}\n";
        std::fs::write(directory.path().join("variables.tf"), module).unwrap();
        let text = format!(
            "[upstream.environment]\nLOCALSTACK_AUTH_TOKEN = 'canary-localstack'\n\
             [layer1]\ndirectory = '{}'\n[layer1.variables]\nbind = 'canary-bind'\n\
             region = 'us-east-1'\ndatabase = {{ password = 'not-declared' }}\n\
             db_password = ['canary-db']\n\
             [[apps]]\nname = 'a'\ndirectory = 'a'\nrepository = 'o/r'\n\
             secrets = {{ DEPLOY = \"canary-one\\ncanary-two\" }}\n",
            directory.path().display()
        );
        let config = Config::parse(&text, Path::new("ringfence.toml")).unwrap();
        let environment = [
            ("MY_TOKEN", "canary-environment"),
            ("TF_VAR_bind", "canary-of-the-environment"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("SHORT_TOKEN", "true"),
            ("HOME", "/home/somebody"),
            ("A_PASSWORD", "canary\u{202e}\"in\\JSON"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Redactor::new(&config, environment).unwrap()
    }

    #[rstest]
    #[case("a canary-localstack b", "a [removed: LOCALSTACK_AUTH_TOKEN of the upstream] b")]
    #[case("canary-bind", "[removed: Terraform variable bind]")]
    #[case("x=canary-db", "x=[removed: Terraform variable db_password]")]
    #[case("canary-two canary-one", "[removed: secret DEPLOY of a] [removed: secret DEPLOY of a]")]
    #[case("canary-environment", "[removed: environment variable MY_TOKEN]")]
    #[case("canary-of-the-environment", "[removed: environment variable TF_VAR_bind]")]
    #[case("canary\u{202e}\"in\\JSON", "[removed: environment variable A_PASSWORD]")]
    #[case(
        "{\"a\":\"canary\u{202e}\\\"in\\\\JSON\"}",
        r#"{"a":"[removed: environment variable A_PASSWORD]"}"#
    )]
    #[case(
        r#"{"a":"canary\u202e\"in\\JSON"}"#,
        r#"{"a":"[removed: environment variable A_PASSWORD]"}"#
    )]
    #[case(
        "us-east-1 true AKIAIOSFODNN7EXAMPLE /home/somebody",
        "us-east-1 true AKIAIOSFODNN7EXAMPLE /home/somebody"
    )]
    #[case(
        "Bearer eyJhbGciOiJ9.eyJzdWIiOiJ9.c2lnbmF0dXJl end",
        "Bearer eyJhbGciOiJ9.eyJzdWIiOiJ9.[removed: a token's signature] end"
    )]
    #[case("\u{e9}ghp_abcdefghijklmnopqrstuvwxyz0123456789AB", "\u{e9}[removed: a GitHub token]")]
    #[case(
        "xghp_abcdefghijklmnopqrstuvwxyz0123456789AB",
        "xghp_abcdefghijklmnopqrstuvwxyz0123456789AB"
    )]
    #[case("http://me:pass@host/x", "http://[removed: credentials in a URL]host/x")]
    #[case(
        "<SessionToken>AAAAAAAAAAAA==</SessionToken>",
        "<SessionToken>[removed: a session's secret]</SessionToken>"
    )]
    #[case(
        r#"{"SecretAccessKey": "abcdEFGH1234/+"}"#,
        r#"{"SecretAccessKey": "[removed: a session's secret]"}"#
    )]
    #[case(
        r#"{\"sessionToken\":\"abcdEFGH1234\"}"#,
        r#"{\"sessionToken\":\"[removed: a session's secret]\"}"#
    )]
    #[case("AWS_SESSION_TOKEN=abcdEFGH1234 x", "AWS_SESSION_TOKEN=[removed: a session's secret] x")]
    fn a_secret_is_cut_out_and_its_place_says_what_stood_there(
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(redactor().traffic(text).text, expected);
    }

    #[test]
    fn values_of_terraforms_are_cut_out_wherever_it_takes_them_from() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir(root.join("child")).unwrap();
        let files = [
            (
                "main.tf",
                "variable \"dsn\" { sensitive = true }\nvariable \"pin\" { sensitive = true }\n\
                 variable \"open\" {}\n\
                 variable \"own\" {\n  default = \"canary-default\"\n  sensitive=true\n}\n\
                 module \"child\" {\n  source = \"./child\"\n  inner = \"canary-argument\"\n}\n",
            ),
            ("child/main.tf", "variable \"inner\" {\n  sensitive = true\n}\n"),
            (
                "terraform.tfvars",
                "dsn = \"canary-tfvars\"\nopen = \"stays-as-it-is\"\npin = 73917391\n",
            ),
            ("a.auto.tfvars", "db_password = \"canary \\\"quoted\\\"\"\n"),
            ("b.auto.tfvars.json", "{\"dsn\": {\"deep\": [\"canary-json\"]}}"),
            ("chosen", "dsn = <<EOT\ncanary-heredoc\nEOT\n"),
        ];
        for (name, text) in files {
            std::fs::write(root.join(name), text).unwrap();
        }
        let path = root.display();
        let text = format!("[layer1]\ndirectory = '{path}'\nvar_files = ['{path}/chosen']\n");
        let config = Config::parse(&text, Path::new("ringfence.toml")).unwrap();
        let short = ("TF_VAR_dsn".to_owned(), "short".to_owned());
        let redactor = Redactor::new(&config, [short]).unwrap();
        for (name, text) in files {
            let cut = redactor.source(text).text;
            assert!(!cut.contains("canary") && !cut.contains("7391"), "{name}: {cut}");
            assert_eq!(cut.contains("stays-as-it-is"), name == "terraform.tfvars");
        }
        assert_eq!(redactor.source("short").text, "[removed: environment variable TF_VAR_dsn]");
    }

    /// Parameters that a template does not show are no evidence either.
    #[test]
    fn values_of_parameters_without_echo_are_cut_out_and_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("t.yaml");
        let text = "Parameters:\n  Dsn: {Type: String, NoEcho: true, Default: canary-default}\n  \
            Pin: {Type: String, NoEcho: 'true'}\n  Name: {Type: String, Default: stays-as-it-is}\n";
        std::fs::write(&file, text).unwrap();
        let config = format!(
            "[layer1]\nkind = 'cloudformation'\ntemplate = '{}'\nvariables = {{ Pin = 'canary-given', Name = 'stays-too' }}\n",
            file.display()
        );
        let config = Config::parse(&config, Path::new("ringfence.toml")).unwrap();
        let redactor = Redactor::new(&config, []).unwrap();
        let cut = redactor.source("canary-default canary-given stays-as-it-is stays-too").text;
        assert!(!cut.contains("canary"), "{cut}");
        assert!(cut.ends_with(" stays-as-it-is stays-too"), "{cut}");
    }

    #[test]
    fn a_private_key_is_cut_out_over_its_lines_and_a_signature_in_a_header() {
        let key = "a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b";
        let cut = redactor().source(key);
        assert_eq!(cut.text, "a -----BEGIN PRIVATE KEY-----[removed: a private key] b");
        assert_eq!(cut.removed, 1);
        let header = format!("Credential=AKIA/x, Signature={}", "0a".repeat(32));
        let cut = redactor().traffic(&header).text;
        assert_eq!(cut, "Credential=AKIA/x, Signature=[removed: a request's signature]");
    }

    #[test]
    fn a_source_that_names_a_session_token_stays_as_it_is() {
        let source = "session_token = os.environ['AWS_SESSION_TOKEN']\n";
        assert_eq!(redactor().source(source), Redacted { text: source.to_owned(), removed: 0 });
    }
}

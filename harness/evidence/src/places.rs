//! Where the statements under test stand, in the texts that a run kept.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bundle::DEPLOYED;
use crate::probe::Probe;
use crate::sarif::Place;

/// The places of statements, by `Sid`.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<String, Place>);

impl Places {
    /// Those of texts by their paths: in JSON, YAML and HCL alike a `Sid` stands
    /// on a line of its own. What somebody wrote comes before what was deployed of
    /// it: that is the place to change.
    pub fn of(inputs: &BTreeMap<String, String>) -> Self {
        let mut places = BTreeMap::new();
        let is_deployed = |file: &str| Path::new(file).starts_with(DEPLOYED);
        let mut texts: Vec<_> = inputs.iter().collect();
        texts.sort_by_key(|(file, _)| is_deployed(file));
        for (file, text) in texts {
            for (index, line) in text.lines().enumerate() {
                let name = line.trim_start().trim_start_matches(['"', '\'', '-', ' ']);
                let Some(rest) = name.strip_prefix("Sid").or_else(|| name.strip_prefix("sid"))
                else {
                    continue;
                };
                let value = rest.trim_matches(['"', '\'', ':', '=', ',', ' ', '\t']);
                if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    places.entry(value.to_owned()).or_insert_with(|| Place {
                        file: file.clone(),
                        line: index + 1,
                        column: Some(line.len() - line.trim_start().len() + 1),
                    });
                }
            }
        }
        Self(places)
    }

    /// Where a statement stands.
    pub fn statement(&self, sid: &str) -> Option<&Place> {
        self.0.get(sid)
    }

    /// Where the statement stands that decided a probe last.
    pub fn decider(&self, probe: &Probe) -> Option<&Place> {
        let sid = probe.decided_by.iter().rev().find_map(|decider| decider.sid.as_deref())?;
        self.statement(sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_comes_before_what_was_deployed_of_it() {
        let text = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let inputs = [
            text("policies/policy/a.json", "\n\"Sid\": \"Both\",\n\"Sid\": \"Deployed\","),
            text("terraform/a.tf", "sid = \"Both\""),
        ];
        let places = Places::of(&inputs.into());
        let found = |sid| places.statement(sid).map(|place| (place.file.as_str(), place.line));
        assert_eq!(found("Both"), Some(("terraform/a.tf", 1)));
        assert_eq!(found("Deployed"), Some(("policies/policy/a.json", 3)));
        assert_eq!(found("Neither"), None);
    }
}

//! `on`.

use ringfence_text::{Member as Entry, Node, Value};

use crate::workflow::events::{EVENTS, Input, InputKind, Trigger};
use crate::workflow::expression::Site;
use crate::workflow::filter::Filter;
use crate::workflow::reader::{Reader, Scalar};

/// The events whose `branches` are those of what they are about.
const OF_BRANCHES: [&str; 5] =
    ["push", "pull_request", "pull_request_target", "workflow_run", "merge_group"];

impl Reader<'_> {
    pub(super) fn triggers(&self, node: &Node) -> Vec<Trigger> {
        let Value::Object(entries) = &node.value else {
            let named = |event: String| {
                self.known_event(node, &event);
                Trigger { event, ..Trigger::default() }
            };
            return self.texts(node).into_iter().map(named).collect();
        };
        entries.iter().map(|entry| self.trigger(entry)).collect()
    }

    fn known_event(&self, node: &Node, event: &str) {
        if !EVENTS.contains(&event) {
            self.fault(node.at, format!("`{event}` is no event of GitHub's"));
        }
    }

    fn trigger(&self, event: &Entry) -> Trigger {
        let _inside = self.inside(&event.key);
        self.known_event(&event.value, &event.key);
        let mut trigger = Trigger { event: event.key.clone(), ..Trigger::default() };
        if event.key == "schedule" {
            trigger.schedules = self.schedules(&event.value);
            return trigger;
        }
        for entry in self.entries(&event.value, &event.key) {
            let _inside = self.inside(&entry.key);
            match (event.key.as_str(), entry.key.as_str()) {
                ("workflow_dispatch" | "workflow_call", "inputs") => {
                    trigger.inputs = self.inputs(&entry.value);
                }
                ("workflow_call", "secrets") => trigger.secrets = self.secrets(&entry.value),
                ("workflow_call", "outputs") => {
                    trigger.outputs = self.called_outputs(&entry.value);
                }
                ("workflow_dispatch" | "workflow_call", _) => self.unknown(&event.key, entry),
                ("workflow_run", "workflows") | ("registry_package", "versions" | "names") => {
                    drop(self.texts(&entry.value));
                }
                (event, "types") if event != "push" => {
                    trigger.activities = self.texts(&entry.value);
                }
                (event, key) if OF_BRANCHES.contains(&event) => {
                    self.filter(&mut trigger.filter, key, entry);
                }
                _ => self.unknown(&event.key, entry),
            }
        }
        trigger
    }

    fn filter(&self, filter: &mut Filter, key: &str, entry: &Entry) {
        let (field, other) = match key {
            "branches" => (&mut filter.branches, &filter.branches_ignore),
            "branches-ignore" => (&mut filter.branches_ignore, &filter.branches),
            "tags" => (&mut filter.tags, &filter.tags_ignore),
            "tags-ignore" => (&mut filter.tags_ignore, &filter.tags),
            "paths" => (&mut filter.paths, &filter.paths_ignore),
            "paths-ignore" => (&mut filter.paths_ignore, &filter.paths),
            _ => return self.unknown("an event", entry),
        };
        if other.is_some() {
            self.fault(entry.at, format!("`{key}` and its opposite cannot stand together"));
        }
        *field = Some(self.texts(&entry.value));
    }

    fn schedules(&self, node: &Node) -> Vec<String> {
        let mut found = Vec::new();
        for item in self.items(node, "schedule") {
            for entry in self.entries(item, "schedule") {
                match entry.key.as_str() {
                    "cron" => found.push(self.plain(&entry.value)),
                    "timezone" => drop(self.plain(&entry.value)),
                    _ => self.unknown("schedule", entry),
                }
            }
        }
        found
    }

    fn inputs(&self, node: &Node) -> Vec<Input> {
        self.entries(node, "inputs").iter().map(|entry| self.input(entry)).collect()
    }

    fn input(&self, declared: &Entry) -> Input {
        let _inside = self.inside(&declared.key);
        let mut input = Input {
            name: declared.key.clone(),
            kind: InputKind::Text,
            required: false,
            default: None,
        };
        let (mut kind, mut options) = (String::new(), Vec::new());
        for entry in self.entries(&declared.value, "an input") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "description" | "deprecationMessage" => drop(self.text(&entry.value)),
                "required" => input.required = self.flag(&entry.value),
                "default" => input.default = Some(self.template(&entry.value, Site::Workflow)),
                "type" => kind = self.plain(&entry.value),
                "options" => options = self.texts(&entry.value),
                _ => self.unknown("an input", entry),
            }
        }
        input.kind = match kind.as_str() {
            "boolean" => InputKind::Flag,
            "number" => InputKind::Number,
            "choice" => InputKind::Choice(options),
            "" | "string" | "environment" => InputKind::Text,
            other => {
                self.fault(declared.at, format!("`{other}` is no type of an input"));
                InputKind::Text
            }
        };
        input
    }

    fn flag(&self, node: &Node) -> bool {
        self.scalar(node, Site::Workflow, Scalar::Flag).plain() == Some("true")
    }

    fn secrets(&self, node: &Node) -> Vec<(String, bool)> {
        let entries = self.entries(node, "secrets").iter();
        entries
            .map(|secret| {
                let mut required = false;
                for entry in self.entries(&secret.value, "a secret") {
                    match entry.key.as_str() {
                        "description" => drop(self.text(&entry.value)),
                        "required" => required = self.flag(&entry.value),
                        _ => self.unknown("a secret", entry),
                    }
                }
                (secret.key.clone(), required)
            })
            .collect()
    }

    fn called_outputs(&self, node: &Node) -> crate::workflow::model::Texts {
        let mut found = Vec::new();
        for output in self.entries(node, "outputs") {
            let _inside = self.inside(&output.key);
            for entry in self.entries(&output.value, "an output") {
                match entry.key.as_str() {
                    "description" => drop(self.text(&entry.value)),
                    "value" => {
                        let value = self.template(&entry.value, Site::CallOutput);
                        found.push((output.key.clone(), value));
                    }
                    _ => self.unknown("an output", entry),
                }
            }
        }
        found
    }
}

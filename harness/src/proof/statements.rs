//! Statements that say what nobody may be allowed.

use serde_json::{Value, json};

/// What a statement is about.
#[derive(Debug, Clone)]
pub(super) enum On {
    /// Everything.
    Anything,
    /// These.
    These(Vec<String>),
    /// Everything but these.
    AllBut(Vec<String>),
    /// The first, but not the second, which are part of them.
    Within(Vec<String>, Vec<String>),
}

/// A Deny.
#[derive(Debug, Clone)]
pub(super) struct Forbidden {
    pub(super) actions: Vec<String>,
    pub(super) on: On,
    /// Under which condition; the complement of the one that allows.
    pub(super) condition: Option<Value>,
    /// Under which it is not forbidden.
    unless: Option<Value>,
}

impl Forbidden {
    pub(super) fn new(actions: &[&str], on: On) -> Self {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        Self { actions, on, condition: None, unless: None }
    }

    /// The same on something else.
    pub(super) fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    pub(super) fn when(mut self, condition: Value) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Forbidden but under a condition, word for word.
    pub(super) fn unless(mut self, condition: Value) -> Self {
        self.unless = Some(condition);
        self
    }

    /// As a policy has it; what a Deny cannot say is denied in full.
    pub(super) fn statement(&self) -> Value {
        let mut statement = json!({"Effect": "Deny", "Action": self.actions});
        let (key, value) = match &self.on {
            On::Anything => ("Resource", json!("*")),
            On::These(arns) | On::Within(arns, _) => ("Resource", json!(arns)),
            On::AllBut(arns) => ("NotResource", json!(arns)),
        };
        if let Some(members) = statement.as_object_mut() {
            members.insert(key.to_owned(), value);
            members.extend(self.condition.clone().map(|it| ("Condition".to_owned(), it)));
        }
        statement
    }

    /// Everything but this.
    pub(super) fn allowed(&self) -> Vec<Value> {
        match &self.on {
            on if self.unless.is_some() => {
                let mut all = vec![
                    json!({"Effect": "Allow", "NotAction": self.actions, "Resource": "*"}),
                    json!({"Effect": "Allow", "Action": self.actions, "Resource": "*",
                        "Condition": self.unless}),
                ];
                if let On::These(arns) = on {
                    all.push(
                        json!({"Effect": "Allow", "Action": self.actions, "NotResource": arns}),
                    );
                }
                all
            }
            // Of a part and not of another: no Deny says so, Allows do.
            On::Within(all, but) => vec![
                json!({"Effect": "Allow", "NotAction": self.actions, "Resource": "*"}),
                json!({"Effect": "Allow", "Action": self.actions, "NotResource": all}),
                json!({"Effect": "Allow", "Action": self.actions, "Resource": but}),
            ],
            _ => vec![json!({"Effect": "Allow", "Action": "*", "Resource": "*"}), self.statement()],
        }
    }
}

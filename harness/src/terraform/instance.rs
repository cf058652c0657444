//! What Terraform made, resource by resource.

use serde_json::Value;

/// A resource that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its root module, where there are several.
    pub root: Option<String>,
    /// `aws_iam_role`, ….
    pub kind: String,
    /// The module that it stands in, where that is not the root module:
    /// `module.network`.
    pub module: Option<String>,
    /// Its name in the configuration.
    pub name: String,
    /// Its key, where there are several.
    pub key: Option<String>,
    /// What the state knows of it.
    pub attributes: Value,
}

impl Instance {
    /// The managed resources of a state.
    pub(crate) fn of(state: &Value) -> Vec<Self> {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let list = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let managed = list(state, "resources")
            .into_iter()
            .filter(|resource| text(resource, "mode") == "managed");
        managed
            .flat_map(|resource| {
                let (kind, name) = (text(&resource, "type"), text(&resource, "name"));
                let module = resource.get("module").and_then(Value::as_str).map(str::to_owned);
                list(&resource, "instances").into_iter().map(move |instance| Self {
                    root: None,
                    kind: kind.clone(),
                    module: module.clone(),
                    name: name.clone(),
                    key: instance.get("index_key").map(|key| match key {
                        Value::String(key) => key.clone(),
                        key => key.to_string(),
                    }),
                    attributes: instance.get("attributes").cloned().unwrap_or_default(),
                })
            })
            .collect()
    }

    /// `module.network.aws_sqs_queue.platform[a]`; of several root modules behind the
    /// name of its own, for two of them may call something alike: `network/…`.
    pub fn address(&self) -> String {
        let Self { kind, name, .. } = self;
        let root = self.root.iter().map(|root| format!("{root}/")).collect::<String>();
        let module = self.module.iter().map(|module| format!("{module}.")).collect::<String>();
        let key = self.key.iter().map(|key| format!("[{key}]")).collect::<String>();
        format!("{root}{module}{kind}.{name}{key}")
    }

    /// An attribute that is text.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    /// Whether it was made for an app: its key is the app, alone or first.
    pub fn is_of(&self, app: &str) -> bool {
        self.key.as_deref().is_some_and(|key| key.split('/').next() == Some(app))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_are_an_apps_by_their_key() {
        let state = json!({"resources": [
            {"mode": "data", "type": "aws_iam_policy_document", "name": "d", "instances": [{}]},
            {"mode": "managed", "type": "aws_iam_role", "name": "r", "instances": [
                {"index_key": "service-a"}, {"index_key": "service-ab"}, {"index_key": "service-a/0"},
            ]},
            {"mode": "managed", "type": "aws_subnet", "name": "s", "instances": [{"index_key": 0}]},
        ]});
        let instances = Instance::of(&state);
        assert_eq!(instances.len(), 4);
        assert_eq!(instances.iter().filter(|instance| instance.is_of("service-a")).count(), 2);
    }

    /// Two root modules may call something alike.
    #[test]
    fn addresses_of_several_roots_differ() {
        let state = json!({"resources": [
            {"mode": "managed", "type": "aws_sqs_queue", "name": "q", "module": "module.m",
             "instances": [{"index_key": "a"}]},
        ]});
        let mut instance = Instance::of(&state).remove(0);
        assert_eq!(instance.address(), "module.m.aws_sqs_queue.q[a]");
        instance.root = Some("network".to_owned());
        assert_eq!(instance.address(), "network/module.m.aws_sqs_queue.q[a]");
    }
}

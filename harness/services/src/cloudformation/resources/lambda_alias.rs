//! `AWS::Lambda::Alias`.

use async_trait::async_trait;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType, at, text};

const WEIGHT: Kind =
    Kind::Object(&[("FunctionVersion", Kind::Text), ("FunctionWeight", Kind::Number)]);
const ROUTING: Kind = Kind::Object(&[("AdditionalVersionWeights", Kind::List(&WEIGHT))]);

pub(super) struct Alias;

#[async_trait]
impl ResourceType for Alias {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Description", Kind::Text),
            Property::new("FunctionName", Kind::Text).required().replaces(),
            Property::new("FunctionVersion", Kind::Text).required(),
            Property::new("Name", Kind::Text).required().replaces(),
            Property::new("RoutingConfig", ROUTING),
        ];
        PROPERTIES
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let answer = context.call(Lambda, "CreateAlias", input(wanted)).await?;
        let arn = at(&answer, "/AliasArn");
        let made = Made::new(arn).with("AliasArn", arn);
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let mut input = input(wanted);
        if let Value::Object(members) = &mut input {
            members.entry("RoutingConfig").or_insert(json!({"AdditionalVersionWeights": {}}));
        }
        context.call(Lambda, "UpdateAlias", input).await?;
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({
            "FunctionName": text(&current.properties, "FunctionName"),
            "Name": text(&current.properties, "Name"),
        });
        context.call(Lambda, "DeleteAlias", input).await?;
        Ok(())
    }
}

/// The alias as the API takes it: weights by version.
fn input(wanted: &Map<String, Value>) -> Value {
    let mut input =
        super::pick(wanted, &["Description", "FunctionName", "FunctionVersion", "Name"]);
    let weights = wanted.get("RoutingConfig").and_then(|r| r.get("AdditionalVersionWeights"));
    if let Some(Value::Array(weights)) = weights {
        let weights: Map<String, Value> = weights
            .iter()
            .filter_map(|weight| {
                let version = at(weight, "/FunctionVersion").to_owned();
                Some((version, weight.get("FunctionWeight")?.clone()))
            })
            .collect();
        input.insert("RoutingConfig".to_owned(), json!({"AdditionalVersionWeights": weights}));
    }
    input.into()
}

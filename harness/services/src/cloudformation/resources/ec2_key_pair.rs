//! `AWS::EC2::KeyPair`. The private key of a pair that EC2 makes is kept in the
//! parameter `/ec2/keypair/ID`
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-keypair.html>).

use async_trait::async_trait;
use ringfence_wire::services::{Ec2, Ssm};
use serde_json::{Map, Value, json};

use super::context::tag_list;
use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, pick, text,
};

pub(super) struct KeyPair;

#[async_trait]
impl ResourceType for KeyPair {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("KeyFormat", Kind::Text).replaces(),
            Property::new("KeyName", Kind::Text).required().replaces(),
            Property::new("KeyType", Kind::Text).replaces(),
            Property::new("PublicKeyMaterial", Kind::Text).replaces(),
            Property::new("Tags", Kind::Tags).replaces(),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::Stack
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("KeyName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        // EC2 refuses a specification of no tags.
        let tags = (!tags.is_empty())
            .then(|| json!([{"ResourceType": "key-pair", "Tag": tag_list(&tags)}]));
        let tagged = |mut input: Map<String, Value>| {
            if let Some(tags) = tags {
                input.insert("TagSpecification".to_owned(), tags);
            }
            Value::Object(input)
        };
        let name = text(wanted, "KeyName").unwrap_or_default();
        let Some(public) = text(wanted, "PublicKeyMaterial") else {
            let input = tagged(pick(wanted, &["KeyFormat", "KeyName", "KeyType"]));
            let answer = context.call(Ec2, "CreateKeyPair", input).await?;
            let made = made(name, &answer);
            context.initiated(&made);
            let input = json!({
                "Name": private_key(&made), "Type": "SecureString",
                "Value": at(&answer, "/keyMaterial"),
            });
            context.call(Ssm, "PutParameter", input).await?;
            return Ok(made);
        };
        // The wire takes bytes: the text in base64.
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, public);
        let mut input = pick(wanted, &["KeyName"]);
        input.insert("PublicKeyMaterial".to_owned(), encoded.into());
        let made = made(name, &context.call(Ec2, "ImportKeyPair", tagged(input)).await?);
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        _context: &Context,
        current: &Existing,
        _wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        // Every property replaces the pair, and the stack's tags stay as they were.
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"KeyName": current.made.physical_id});
        context.call(Ec2, "DeleteKeyPair", input).await?;
        if text(&current.properties, "PublicKeyMaterial").is_none() {
            let input = json!({"Name": private_key(&current.made)});
            context.call(Ssm, "DeleteParameter", input).await?;
        }
        Ok(())
    }
}

fn made(name: &str, answer: &Value) -> Made {
    Made::new(name)
        .with("KeyFingerprint", at(answer, "/keyFingerprint"))
        .with("KeyPairId", at(answer, "/keyPairId"))
}

/// The parameter that holds the private key.
fn private_key(made: &Made) -> String {
    let id = made.attributes.get("KeyPairId").and_then(Value::as_str).unwrap_or_default();
    format!("/ec2/keypair/{id}")
}

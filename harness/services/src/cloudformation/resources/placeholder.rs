//! Types that hold nothing outside CloudFormation, so that nothing is called:
//! - `AWS::CDK::Metadata`, which the CDK writes into each template
//!   (<https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html>);
//! - `AWS::CloudFormation::WaitConditionHandle`, a URL for signals. Where nothing
//!   waits for them it stands for a resource that is not wanted
//!   (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitconditionhandle.html>).

use async_trait::async_trait;
use ringfence_models::Partition;
use serde_json::{Map, Value};

use super::{Context, Existing, Failure, Kind, Made, Property, ResourceType};

/// A type without a service.
pub(super) struct Placeholder {
    properties: &'static [Property],
    /// What `Ref` gives.
    reference: fn(&Context) -> String,
}

pub(super) const CDK_METADATA: Placeholder = Placeholder {
    properties: &[Property::new("Analytics", Kind::Text)],
    reference: |context| context.physical_name(LONGEST),
};

/// Nothing runs on instances here and signals: none is waited for, and whoever looks
/// at the template is told. What signals bring (`Data`) is not there
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-waitcondition.html>).
pub(super) const WAIT_CONDITION: Placeholder = Placeholder {
    properties: &[
        Property::new("Count", Kind::Integer),
        Property::new("Handle", Kind::Text),
        Property::new("Timeout", Kind::Text),
    ],
    reference: |context| context.physical_name(LONGEST),
};

pub(super) const WAIT_CONDITION_HANDLE: Placeholder =
    Placeholder { properties: &[], reference: signals };

const LONGEST: usize = 128;

/// The form of AWS's URLs, without a signature: there is nobody to take a signal.
fn signals(context: &Context) -> String {
    let (region, stack, id) = (&context.region, &context.stack_id, &context.logical_id);
    let key: String = url::form_urlencoded::byte_serialize(stack.as_bytes()).collect();
    let suffix = Partition::of_region(region).dns_suffix;
    format!("https://cloudformation-waitcondition-{region}.s3.{suffix}/{key}/{id}")
}

#[async_trait]
impl ResourceType for Placeholder {
    fn properties(&self) -> &'static [Property] {
        self.properties
    }

    async fn create(&self, context: &Context, _: &Map<String, Value>) -> Result<Made, Failure> {
        let made = Made::new((self.reference)(context));
        context.initiated(&made);
        Ok(made)
    }

    async fn update(
        &self,
        _: &Context,
        current: &Existing,
        _: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        Ok(current.made.clone())
    }

    async fn delete(&self, _: &Context, _: &Existing) -> Result<(), Failure> {
        Ok(())
    }
}

//! Layers: archives that are published apart from functions, and laid under
//! `/opt` of the functions that name them.
//!
//! | file | job |
//! |---|---|
//! | `arn` | the names of layers and of their versions |
//! | `store` | what was published |
//! | `publish`, `permissions` | the API |
//! | `mount` | the one directory that a function's layers make |
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html>

mod arn;
pub(in crate::lambda) mod mount;
mod permissions;
mod publish;
pub(in crate::lambda) mod store;

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::lambda::Lambda;
use crate::lambda::api::input::texts;
use crate::lambda::error::{invalid, not_built, validation};
use crate::lambda::layers::arn::VersionArn;
use crate::lambda::layers::store::Published;

/// AWS's limit of layers under one function.
const MOST: usize = 5;
/// AWS's limit of a function and its layers together, unpacked.
const LARGEST: u64 = 262_144_000;

impl Lambda {
    /// The layers that a configuration names; none where it says nothing of them.
    ///
    /// # Errors
    /// AWS's, for names that are none, versions that are not there, and another
    /// region's; `NotImplementedException` for those of other accounts, whose
    /// content nobody here has.
    pub(in crate::lambda) fn layers_of(
        &self,
        call: &Call,
    ) -> Result<Option<Vec<Arc<Published>>>, ServiceError> {
        let Some(given) = call.input.get("Layers").filter(|given| !given.is_null()) else {
            return Ok(None);
        };
        let given = texts(Some(given), "Layers")?;
        if given.len() > MOST {
            return Err(invalid("Cannot reference more than 5 layers."));
        }
        let found = given.iter().map(|arn| self.layer_named(arn)).collect::<Result<Vec<_>, _>>()?;
        // LocalStack's test_layer_function_exceptions, recorded on AWS.
        let twice = found.iter().enumerate().find_map(|(place, one)| {
            let name = &one.layer;
            found.iter().take(place).find(|other| other.layer == *name).map(|it| (it, one))
        });
        if let Some((first, second)) = twice {
            return Err(invalid(format!(
                "Two different versions of the same layer are not allowed to be referenced in \
                 the same function. {} and {} are versions of the same layer.",
                first.arn, second.arn
            )));
        }
        let size: u64 = found.iter().map(|layer| layer.unpacked).sum();
        if size > LARGEST {
            return Err(invalid(format!(
                "Function code combined with layers exceeds the maximum allowed size of {LARGEST} \
                 bytes. The actual size is {size} bytes."
            )));
        }
        Ok(Some(found))
    }

    fn layer_named(&self, arn: &str) -> Result<Arc<Published>, ServiceError> {
        let named = VersionArn::read(arn).ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value '[{arn}]' at 'layers' failed to satisfy \
                 constraint: Member must satisfy constraint: [Member must have length less than \
                 or equal to 2048, Member must have length greater than or equal to 1, Member \
                 must satisfy regular expression pattern: {}, Member must not be null]",
                arn::PATTERN
            ))
        })?;
        if named.account != self.setting.account_id {
            return Err(not_built("a layer of another account"));
        }
        if named.region != self.setting.region {
            return Err(invalid(format!(
                "Layers are not in the same region as the function. Layers are expected to be in \
                 region {}.",
                self.setting.region
            )));
        }
        self.layers
            .version(&named.layer, named.version)
            .ok_or_else(|| invalid(format!("Layer version {arn} does not exist.")))
    }

    /// The policy of a version of a layer of this account.
    pub fn layer_policy(&self, layer: &str, version: u64) -> Option<String> {
        self.layers.policy(layer, version)
    }
}

/// The layers as a configuration shows them.
pub(in crate::lambda) fn show(layers: &[Arc<Published>]) -> Value {
    let one = |layer: &Arc<Published>| serde_json::json!({ "Arn": layer.arn, "CodeSize": layer.code.size });
    layers.iter().map(one).collect()
}

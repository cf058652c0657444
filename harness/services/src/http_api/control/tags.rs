//! Tags of APIs and stages.

use ringfence_wire::ServiceError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::Input;
use super::{NOTHING, errors};
use crate::http_api::HttpApis;
use crate::http_api::model::{Api, Texts};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    tags: Option<Texts>,
}

/// Refuses tags that AWS would: more than 50, keys over 128 or values over 256
/// characters, and AWS's own prefix, which is CloudFormation's to give and
/// does not count
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-restrictions.html>).
pub(super) fn check(tags: &Texts, input: &Input<'_>) -> Result<(), ServiceError> {
    limit(tags)?;
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(errors::bad_request(format!("Invalid tag: {key}")));
        }
    }
    check_keys(tags.keys(), input)
}

fn check_keys<'a>(
    mut keys: impl Iterator<Item = &'a String>,
    input: &Input<'_>,
) -> Result<(), ServiceError> {
    if !input.by_cloudformation && keys.any(|key| is_awss(key)) {
        return Err(errors::bad_request(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    Ok(())
}

pub(super) fn limit(tags: &Texts) -> Result<(), ServiceError> {
    if tags.keys().filter(|key| !is_awss(key)).count() > 50 {
        return Err(errors::bad_request("A resource can have at most 50 tags"));
    }
    Ok(())
}

fn is_awss(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
}

/// What an ARN says is tagged: `arn:aws:apigateway:REGION::/apis/ID`, or that
/// with `/stages/NAME`.
pub(super) struct Tagged<'a> {
    pub(super) api_id: &'a str,
    pub(super) stage: Option<&'a str>,
}

impl HttpApis {
    pub(super) fn tagged<'a>(&self, input: &Input<'a>) -> Result<Tagged<'a>, ServiceError> {
        let arn = input.need("ResourceArn")?;
        let path = match arn.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "apigateway", region, "", path] if *region == self.setting.region => *path,
            _ => return Err(errors::bad_request("Invalid ARN specified in the request")),
        };
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["", "apis", api_id] => Ok(Tagged { api_id, stage: None }),
            ["", "apis", api_id, "stages", stage] => Ok(Tagged { api_id, stage: Some(stage) }),
            _ => Err(errors::not_built(format_args!("tags of `{path}`"))),
        }
    }

    fn change_tags(
        &self,
        input: &Input<'_>,
        change: impl FnOnce(&mut Texts),
    ) -> Result<(), ServiceError> {
        let tagged = self.tagged(input)?;
        self.apis.change(&self.setting.account_id, tagged.api_id, |api| {
            let tags = tags_of(api, tagged.stage)?;
            change(tags);
            limit(tags)
        })
    }

    pub(super) fn get_tags(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let tagged = self.tagged(input)?;
        self.apis.change(&self.setting.account_id, tagged.api_id, |api| {
            Ok(json!({ "tags": tags_of(api, tagged.stage)? }))
        })
    }

    pub(super) fn tag_resource(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let given: Given = input.body(&["ResourceArn"])?;
        let given = given.tags.unwrap_or_default();
        check(&given, input)?;
        self.change_tags(input, |tags| tags.extend(given))?;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&self, input: &Input<'_>) -> Result<Value, ServiceError> {
        let keys = input.list("TagKeys");
        if keys.is_empty() {
            return Err(errors::bad_request("Tag keys is required"));
        }
        check_keys(keys.iter(), input)?;
        self.change_tags(input, |tags| tags.retain(|key, _| !keys.contains(key)))?;
        Ok(NOTHING)
    }
}

fn tags_of<'a>(api: &'a mut Api, stage: Option<&str>) -> Result<&'a mut Texts, ServiceError> {
    match stage {
        None => Ok(&mut api.facts.tags),
        Some(name) => match api.stages.get_mut(name) {
            Some(stage) => Ok(&mut stage.tags),
            None => Err(errors::not_found("Invalid stage identifier specified")),
        },
    }
}

//! Calls about WebSocket APIs.

use std::collections::BTreeMap;

use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::input::Input;
use super::{NOTHING, tags};
use crate::http_api::HttpApis;
use crate::http_api::model::{Texts, timestamp};
use crate::http_api::websocket::Answer;

impl HttpApis {
    /// Answers a call if it is about a WebSocket API.
    pub(super) fn websocket_call(&self, input: &Input<'_>) -> Result<Option<Value>, ServiceError> {
        let call = input.call;
        let now = timestamp(self.now());
        match call.name() {
            "CreateApi" if call.text("ProtocolType") == Some("WEBSOCKET") => {
                input.need("Name")?;
                tags::check(&texts(call.input.get("Tags")), input)?;
                let made = self.websockets.create(call, &now)?;
                return Ok(Some(self.show_websocket(made)));
            }
            "GetTags" | "TagResource" | "UntagResource" => return self.websocket_tags(input),
            _ => {}
        }
        let Some(api_id) = call.text("ApiId").filter(|id| self.websockets.has(id)) else {
            return Ok(None);
        };
        match call.name() {
            "GetApi" => return Ok(self.api(api_id)),
            "DeleteApi" => {
                self.websockets.delete(api_id);
                return Ok(Some(NOTHING));
            }
            "CreateStage" => tags::check(&texts(call.input.get("Tags")), input)?,
            _ => {}
        }
        Ok(Some(match self.websockets.answer(call, api_id, &now)? {
            Answer::Record(record) if call.name() == "UpdateApi" => self.show_websocket(record),
            Answer::Record(record) => record,
            Answer::List(all) => input.page(all)?,
            Answer::Nothing => NOTHING,
        }))
    }

    fn websocket_tags(&self, input: &Input<'_>) -> Result<Option<Value>, ServiceError> {
        let tagged = self.tagged(input)?;
        if !self.websockets.has(tagged.api_id) {
            return Ok(None);
        }
        let change = |change: &dyn Fn(&mut Texts)| {
            let mut all =
                texts(Some(&self.websockets.tags(tagged.api_id, tagged.stage, |_| {})?));
            change(&mut all);
            tags::limit(&all)?;
            self.websockets.tags(tagged.api_id, tagged.stage, |tags| {
                *tags = all.into_iter().map(|(key, value)| (key, value.into())).collect();
            })
        };
        Ok(Some(match input.call.name() {
            "TagResource" => {
                let given = texts(input.call.input.get("Tags"));
                tags::check(&given, input)?;
                change(&|tags| tags.extend(given.clone()))?;
                json!({})
            }
            "UntagResource" => {
                let keys = input.list("TagKeys");
                change(&|tags| tags.retain(|key, _| !keys.contains(key)))?;
                NOTHING
            }
            _ => json!({ "tags": change(&|_| {})? }),
        }))
    }
}

fn texts(value: Option<&Value>) -> Texts {
    let all = value.and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect::<BTreeMap<_, _>>()
}

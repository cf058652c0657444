//! A form that posts an object: decided as the upload that it means, by whoever
//! signed its policy, and answered as S3 answers forms.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode, request};
use ringfence_wire::post::{self, Form, Success};
use ringfence_wire::{Call, Reply, Service, ServiceError, error, identify, reply};
use serde_json::json;

use crate::accounts;
use crate::authenticate::{self, Authenticated};
use crate::pipeline::{Passage, Pipeline};

impl Pipeline {
    /// Takes a form to its answer.
    pub(crate) async fn post(
        &self,
        bucket: &str,
        parts: &request::Parts,
        body: &Bytes,
        passage: &mut Passage,
    ) -> Response<Bytes> {
        passage.entry.service = Service::S3.name().to_owned();
        passage.entry.operation = "PostObject".to_owned();
        match self.post_object(bucket, parts, body, passage).await {
            Ok(response) => response,
            Err(error) => {
                passage.entry.error = Some(error.code.to_string());
                error::render(&error, Service::S3, &passage.entry.request_id)
            }
        }
    }

    async fn post_object(
        &self,
        bucket: &str,
        parts: &request::Parts,
        body: &Bytes,
        passage: &mut Passage,
    ) -> Result<Response<Bytes>, ServiceError> {
        self.checked_journal()?;
        let form = Form::read(&parts.headers, body)?;
        let (caller, signed) =
            authenticate::posted(&form, &parts.headers, bucket, &self.setting, passage)?;
        let (upload, file) = post::upload(parts, bucket, &form)?;
        let call = identify::identify(&upload, &file, &self.setting.region)?;
        let key = form.key()?;
        let is_same = call.name() == "PutObject"
            && call.text("Bucket") == Some(bucket)
            && call.text("Key") == Some(key.as_str());
        if !is_same {
            // A host that names a bucket of its own, a form field that means
            // another operation.
            return Err(ServiceError::new(
                501,
                "NotImplemented",
                "the form means something else than the upload of its key to the bucket of the path",
            ));
        }
        let authenticated = Authenticated { caller, body: file, signed };
        let home = accounts::of_session(&authenticated.caller);
        let acting = self.acting(&call, home.as_deref()).await?;
        let answer = acting.answer(&call, authenticated, &upload, passage).await?;
        if answer.status() != StatusCode::OK {
            return Ok(answer);
        }
        let etag = answer.headers().get(header::ETAG).cloned();
        let etag = etag.unwrap_or_else(|| HeaderValue::from_static(""));
        Ok(self.posted(&call, &form, bucket, &key, &etag, &passage.entry.request_id))
    }

    fn posted(
        &self,
        call: &Call,
        form: &Form,
        bucket: &str,
        key: &str,
        etag: &HeaderValue,
        request_id: &str,
    ) -> Response<Bytes> {
        let tag = etag.to_str().unwrap_or_default();
        let endpoint = self.setting.endpoint().map(ToString::to_string).unwrap_or_default();
        let location = post::location(&endpoint, bucket, key);
        let (reply, location) = match Success::of(form, bucket, key, tag) {
            Success::Empty(status) => (Reply::empty().with_status(status), location),
            Success::Redirect(address) => (Reply::empty().with_status(303), address),
            Success::Document => {
                let fields = json!({"PostResponse": {
                    "Location": location, "Bucket": bucket, "Key": key, "ETag": tag}});
                (Reply::fields(fields).with_status(201), location)
            }
        };
        let mut response = reply::render(&reply, call.operation, request_id);
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response.headers_mut().insert(header::ETAG, etag.clone());
        if response.body().is_empty() {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response
    }
}

//! The multipart uploads that were begun.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_wire::{Service, ServiceError};
use serde_json::json;

use super::{Directory, read};

/// How many completed uploads are remembered.
const COMPLETED: usize = 1_024;

/// The uploads that were last asked to be completed, with the keys of their
/// objects.
#[derive(Debug, Default)]
pub(super) struct Completed(Mutex<VecDeque<(String, String)>>);

impl Directory {
    /// The key of the object that an upload belongs to. An upload never changes
    /// it, so that what was found is kept until the upload ends.
    ///
    /// # Errors
    /// That the upstream cannot tell, or that there is no such bucket.
    pub(crate) async fn upload_key(
        &self,
        region: &str,
        bucket: &str,
        id: &str,
    ) -> Result<Option<Arc<str>>, ServiceError> {
        let name = name(bucket, id);
        let key = self.uploads.get(&name, self.load_upload_key(region, bucket, id)).await?;
        if key.is_none() {
            self.uploads.forget(&name);
        }
        Ok(key)
    }

    /// Forgets an upload.
    pub(super) fn upload_ended(&self, bucket: &str, id: &str) {
        self.uploads.forget(&name(bucket, id));
        self.upload_keys.forget(&name(bucket, id));
    }

    /// Notes that an upload is to be completed. Until it is, the upstream has it.
    pub(super) fn upload_completed(&self, bucket: &str, id: &str, key: &str) {
        self.upload_ended(bucket, id);
        let mut completed = self.completed.0.lock().unwrap_or_else(PoisonError::into_inner);
        if completed.len() >= COMPLETED {
            completed.pop_front();
        }
        completed.push_back((name(bucket, id), key.to_owned()));
    }

    /// Whether an upload to an object was asked to be completed before.
    pub(crate) fn was_completed(&self, bucket: &str, id: &str, key: &str) -> bool {
        let completed = self.completed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name(bucket, id);
        completed.iter().any(|(upload, of)| *upload == name && of == key)
    }

    async fn load_upload_key(
        &self,
        region: &str,
        bucket: &str,
        id: &str,
    ) -> Result<Option<Arc<str>>, ServiceError> {
        let mut input = json!({"Bucket": bucket});
        loop {
            let page =
                self.ask_in(region, Service::S3, "ListMultipartUploads", input.clone()).await?;
            let uploads = read::list(&page, "Upload");
            let found = uploads.iter().find(|upload| read::text(upload, "UploadId") == Some(id));
            if let Some(upload) = found {
                return Ok(read::text(upload, "Key").map(Arc::from));
            }
            let (Some("true"), Some(key), Some(upload)) = (
                read::text(&page, "IsTruncated"),
                read::text(&page, "NextKeyMarker"),
                read::text(&page, "NextUploadIdMarker"),
            ) else {
                return Ok(None);
            };
            input = json!({"Bucket": bucket, "KeyMarker": key, "UploadIdMarker": upload});
        }
    }
}

/// Ids hold no line break, names of buckets neither.
pub(super) fn name(bucket: &str, id: &str) -> String {
    format!("{bucket}\n{id}")
}

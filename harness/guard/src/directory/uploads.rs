//! The multipart uploads that were begun.

use std::sync::Arc;

use ringfence_wire::{Service, ServiceError};
use serde_json::json;

use super::{Directory, read};

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
fn name(bucket: &str, id: &str) -> String {
    format!("{bucket}\n{id}")
}

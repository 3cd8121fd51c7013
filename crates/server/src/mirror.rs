//! The bucket that copies of event tables are kept in.

use std::path::Path;

use async_trait::async_trait;
use aws_sdk_s3::{
    Client, config::RequestChecksumCalculation, error::SdkError, primitives::ByteStream,
};
use jiff::Timestamp;
use pugmark_core::service::ServiceError;
use pugmark_delivery::service_error;
use pugmark_table::MirrorBucket;

/// A bucket in S3.
pub(crate) struct S3Mirror {
    client: Client,
    bucket: String,
}

impl S3Mirror {
    /// With the endpoint and the key of a client.
    pub(crate) fn new(client: &Client, bucket: String) -> Self {
        // Files go as they are, as streams: a checksum behind each would need an encoding that not all stores read.
        let config = client.config().to_builder();
        let config = config.request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
        Self {
            client: Client::from_conf(config.build()),
            bucket,
        }
    }
}

#[async_trait]
impl MirrorBucket for S3Mirror {
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Timestamp)>, ServiceError> {
        let list = self.client.list_objects_v2();
        let list = list.bucket(&self.bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| service_error(&error))?;
            let objects = page.contents.unwrap_or_default().into_iter();
            found.extend(objects.filter_map(|object| {
                let put_at = object.last_modified?.secs();
                Some((object.key?, Timestamp::from_second(put_at).ok()?))
            }));
        }
        Ok(found)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let object = match get.send().await {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => return Ok(None),
            Err(error) => return Err(service_error(&error)),
        };
        let bytes = object.body.collect().await;
        let bytes = bytes.map_err(|error| ServiceError {
            code: None,
            message: error.to_string(),
        })?;
        Ok(Some(bytes.to_vec()))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), ServiceError> {
        self.put_stream(key, bytes.into()).await
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result<(), ServiceError> {
        let stream = ByteStream::from_path(file).await;
        let stream = stream.map_err(|error| ServiceError {
            code: None,
            message: format!("read {}: {error}", file.display()),
        })?;
        self.put_stream(key, stream).await
    }

    async fn delete(&self, key: &str) -> Result<(), ServiceError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(key);
        let deleted = delete.send().await;
        deleted.map(drop).map_err(|error| service_error(&error))
    }
}

impl S3Mirror {
    async fn put_stream(&self, key: &str, stream: ByteStream) -> Result<(), ServiceError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let put = put.body(stream).send().await;
        put.map(drop).map_err(|error| service_error(&error))
    }
}

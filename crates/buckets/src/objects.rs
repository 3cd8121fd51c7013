//! Objects: put, get, copy, delete, list, tags.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::{S3Request, S3Response, S3Result, dto::*, s3_error};

use crate::{
    access::{self, signer},
    body::{self, Expected, Retry},
    service::Server,
    settings::{tags_from, tags_of, time},
    store::{Headers, ListQuery, Listing, OBJECTS, ObjectRecord, Segment, no_such_key, object_key},
};

/// Most items of one listing.
const LIST_MAX: i32 = 1000;
/// Most keys of one DeleteObjects.
const DELETE_MAX: usize = 1000;
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 1024;
/// Most bytes of user metadata.
const METADATA_BYTES_MAX: usize = 2048;
/// Most tags of an object.
const OBJECT_TAGS_MAX: usize = 10;
/// What `encoding-type=url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'*');

type Answer<T> = S3Result<S3Response<T>>;

/// What GetObject and HeadObject share.
struct Conditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// RFC 9110, 13.2.2, as S3 applies it.
    fn check(&self, object: &ObjectRecord) -> S3Result<()> {
        let modified = time(object.modified);
        if let Some(condition) = &self.if_match {
            if !is_match(condition, &object.etag) {
                return Err(s3_error!(
                    PreconditionFailed,
                    "At least one of the pre-conditions you specified did not hold"
                ));
            }
        } else if self
            .if_unmodified_since
            .as_ref()
            .is_some_and(|since| modified > *since)
        {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let not_modified = match &self.if_none_match {
            Some(condition) => is_match(condition, &object.etag),
            None => self
                .if_modified_since
                .as_ref()
                .is_some_and(|since| modified <= *since),
        };
        if not_modified {
            Err(s3_error!(NotModified, "Not Modified"))
        } else {
            Ok(())
        }
    }
}

fn is_match(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(given) => given.value() == etag,
    }
}

/// Whether a conditional write may go on.
pub(crate) fn check_write(
    current: Option<&ObjectRecord>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let failed = || {
        s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        )
    };
    match (current, if_match) {
        (None, Some(_)) => return Err(no_such_key()),
        (Some(object), Some(condition)) if !is_match(condition, &object.etag) => {
            return Err(failed());
        }
        _ => {}
    }
    match (current, if_none_match) {
        (Some(object), Some(condition)) if is_match(condition, &object.etag) => Err(failed()),
        _ => Ok(()),
    }
}

/// The id of the one version that an object has.
const NULL_VERSION: &str = "null";

/// Refuses versions that cannot be there.
fn check_version(asked: Option<&str>) -> S3Result<()> {
    match asked {
        None | Some(NULL_VERSION) => Ok(()),
        Some(_) => Err(s3_error!(
            NoSuchVersion,
            "The specified version does not exist: this bucket keeps no versions"
        )),
    }
}

pub(crate) fn check_key(key: &str) -> S3Result<()> {
    if key.len() > KEY_BYTES_MAX {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    if key.contains('\0') {
        return Err(s3_error!(
            InvalidArgument,
            "A key may not hold a NUL character here"
        ));
    }
    Ok(())
}

pub(crate) fn metadata_of(metadata: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<String, String> = metadata
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.to_ascii_lowercase(), value))
        .collect();
    if metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum::<usize>()
        > METADATA_BYTES_MAX
    {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

/// `a=1&b=2` of `x-amz-tagging`.
pub(crate) fn tags_of_header(header: Option<String>) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let header = header.unwrap_or_default();
    let pairs = header.split('&').filter(|pair| !pair.is_empty());
    let tags = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| Tag {
            key: Some(decode(key)),
            value: Some(decode(value)),
        });
    tags_from(tags.collect(), OBJECT_TAGS_MAX)
}

impl Server {
    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<ObjectRecord> {
        self.store.moment()?.object(bucket, key)
    }

    pub(crate) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Answer<PutObjectOutput> {
        let mut input = request.input;
        self.bucket(&input.bucket)?;
        check_key(&input.key)?;
        if input.sse_customer_algorithm.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "The embedded bucket store does not encrypt with customer keys"
            ));
        }
        let metadata = metadata_of(input.metadata.take())?;
        let tags = tags_of_header(input.tagging.take())?;
        let expected = Expected {
            headers: &request.headers,
            trailers: request.trailing_headers.clone(),
            md5: input.content_md5.take(),
            length: decoded_length(&request.headers).or(input.content_length),
            algorithm: None,
        };
        let received = body::receive(&self.store, input.body.take(), expected).await?;
        let object = ObjectRecord {
            size: received.segment.size,
            etag: received.etag(),
            modified: self.now(),
            body: vec![received.segment.clone()],
            headers: Headers {
                content_type: input.content_type,
                content_encoding: input.content_encoding.and_then(without_aws_chunked),
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
            },
            metadata,
            tags,
            checksums: received.checksums.clone(),
            is_composite: false,
        };
        let (key, stored) = (object_key(&input.bucket, &input.key), object.clone());
        let (bucket, inline) = (input.bucket, received.inline.clone());
        let (if_match, if_none_match) = (input.if_match, input.if_none_match);
        let written = self
            .store
            .write(move |write| {
                write.bucket(&bucket)?;
                if if_match.is_some() || if_none_match.is_some() {
                    let current = write.get::<ObjectRecord>(OBJECTS, &key)?;
                    check_write(current.as_ref(), if_match.as_ref(), if_none_match.as_ref())?;
                }
                let id = stored.body[0].id.clone();
                write.replace_object(
                    &key,
                    &stored,
                    inline.as_deref().map(|bytes| (id.as_str(), bytes)),
                )
            })
            .await;
        self.settle(written, &object.body).await?;
        let checksum = |name: &str| object.checksums.get(name).cloned();
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(object.etag.clone())),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha1: checksum("sha1"),
            checksum_sha256: checksum("sha256"),
            checksum_type: (!object.checksums.is_empty())
                .then(|| ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            server_side_encryption: None,
            ..PutObjectOutput::default()
        }))
    }

    /// After a write: the old body's files go, or, when it was refused, the new one's.
    pub(crate) async fn settle(
        &self,
        written: S3Result<Vec<Segment>>,
        new: &[Segment],
    ) -> S3Result<()> {
        match written {
            Ok(old) => {
                self.store.discard(old).await;
                Ok(())
            }
            Err(error) => {
                // Only after a refusal is it certain that the index does not name the files; after a failure the next
                // start sorts it out.
                if error.code() != &s3s::S3ErrorCode::InternalError {
                    self.store.discard(new.to_vec()).await;
                }
                Err(error)
            }
        }
    }

    pub(crate) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> Answer<GetObjectOutput> {
        let input = request.input;
        check_version(input.version_id.as_deref())?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let mut retry = Retry::default();
        let (object, range, stream) = loop {
            let moment = self.store.moment()?;
            let object = moment.object(&input.bucket, &input.key)?;
            conditions.check(&object)?;
            let range = match &input.range {
                Some(range) => range.check(object.size)?,
                None => 0..object.size,
            };
            match body::stream_out(&self.store, &moment, &object.body, range.clone()).await {
                Ok(stream) => break (object, range, stream),
                Err(error) => retry.after(error, object.body)?,
            }
        };
        let content_range = input.range.is_some().then(|| {
            format!(
                "bytes {}-{}/{}",
                range.start,
                range.end.saturating_sub(1),
                object.size
            )
        });
        let length = i64::try_from(range.end - range.start).unwrap_or(i64::MAX);
        let is_part = content_range.is_some();
        let checksum = |name: &str| {
            let shown = input.checksum_mode.is_some() && !is_part;
            object.checksums.get(name).filter(|_| shown).cloned()
        };
        let mut response = S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".into()),
            body: Some(stream),
            cache_control: input
                .response_cache_control
                .or(object.headers.cache_control.clone()),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha1: checksum("sha1"),
            checksum_sha256: checksum("sha256"),
            content_disposition: input
                .response_content_disposition
                .or(object.headers.content_disposition.clone()),
            content_encoding: input
                .response_content_encoding
                .or(object.headers.content_encoding.clone()),
            content_language: input
                .response_content_language
                .or(object.headers.content_language.clone()),
            content_length: Some(length),
            content_range,
            content_type: input.response_content_type.or(content_type(&object)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(time(object.modified)),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            storage_class: storage_class(&object),
            tag_count: (!object.tags.is_empty()).then_some(object.tags.len() as i32),
            ..GetObjectOutput::default()
        });
        if is_part {
            response.status = Some(StatusCode::PARTIAL_CONTENT);
        }
        Ok(response)
    }

    pub(crate) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> Answer<HeadObjectOutput> {
        let input = request.input;
        check_version(input.version_id.as_deref())?;
        let object = self.object(&input.bucket, &input.key)?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&object)?;
        let range = match &input.range {
            Some(range) => range.check(object.size)?,
            None => 0..object.size,
        };
        let content_range = input.range.is_some().then(|| {
            format!(
                "bytes {}-{}/{}",
                range.start,
                range.end.saturating_sub(1),
                object.size
            )
        });
        let is_part = content_range.is_some();
        let checksum = |name: &str| {
            object
                .checksums
                .get(name)
                .filter(|_| input.checksum_mode.is_some())
                .cloned()
        };
        let mut response = S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".into()),
            cache_control: object.headers.cache_control.clone(),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha1: checksum("sha1"),
            checksum_sha256: checksum("sha256"),
            content_disposition: object.headers.content_disposition.clone(),
            content_encoding: object.headers.content_encoding.clone(),
            content_language: object.headers.content_language.clone(),
            content_length: Some(i64::try_from(range.end - range.start).unwrap_or(i64::MAX)),
            content_range,
            content_type: content_type(&object),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(time(object.modified)),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            storage_class: storage_class(&object),
            ..HeadObjectOutput::default()
        });
        if is_part {
            response.status = Some(StatusCode::PARTIAL_CONTENT);
        }
        Ok(response)
    }

    pub(crate) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Answer<DeleteObjectOutput> {
        let input = request.input;
        check_version(input.version_id.as_deref())?;
        let (bucket, key, if_match) = (input.bucket, input.key, input.if_match);
        let old = self
            .store
            .write(move |write| {
                write.bucket(&bucket)?;
                let place = object_key(&bucket, &key);
                if if_match.is_some() {
                    check_write(
                        write.get::<ObjectRecord>(OBJECTS, &place)?.as_ref(),
                        if_match.as_ref(),
                        None,
                    )?;
                }
                let old = write.take_body(&place)?;
                write.remove(OBJECTS, &place)?;
                Ok(old)
            })
            .await?;
        self.store.discard(old).await;
        let mut response = S3Response::new(DeleteObjectOutput::default());
        response.status = Some(StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(crate) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        let access_key = signer(&request);
        let input = request.input;
        if input.delete.objects.len() > DELETE_MAX {
            return Err(s3_error!(
                MalformedXML,
                "at most {DELETE_MAX} keys are deleted at once"
            ));
        }
        let judge = self
            .access
            .judge(access_key.as_deref(), Some(&input.bucket))?;
        let may = |key: &str| {
            let resource = access::object_arn(&input.bucket, key);
            judge.allows("s3:DeleteObject", &resource, HashMap::new())
        };
        for object in &input.delete.objects {
            check_version(object.version_id.as_deref())?;
        }
        let (allowed, denied): (Vec<String>, Vec<String>) = input
            .delete
            .objects
            .into_iter()
            .map(|object| object.key)
            .partition(|key| may(key));
        let (bucket, keys) = (input.bucket.clone(), allowed.clone());
        let old = self
            .store
            .write(move |write| {
                write.bucket(&bucket)?;
                let mut old = Vec::new();
                for key in &keys {
                    let place = object_key(&bucket, key);
                    old.extend(write.take_body(&place)?);
                    write.remove(OBJECTS, &place)?;
                }
                Ok(old)
            })
            .await?;
        self.store.discard(old).await;
        let deleted = allowed.into_iter().map(|key| DeletedObject {
            key: Some(key),
            ..DeletedObject::default()
        });
        let errors: Vec<Error> = denied
            .into_iter()
            .map(|key| Error {
                code: Some("AccessDenied".into()),
                key: Some(key),
                message: Some("Access Denied".into()),
                version_id: None,
            })
            .collect();
        let quiet = input.delete.quiet.unwrap_or(false);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then(|| deleted.collect()),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }

    pub(crate) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> Answer<CopyObjectOutput> {
        let access_key = signer(&request);
        let input = request.input;
        check_key(&input.key)?;
        let (source_bucket, source_key) =
            self.copy_source(&input.copy_source, access_key.as_deref())?;
        let conditions = Conditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        // For a copy every unmet condition is a failed one.
        let failed = |_| {
            s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            )
        };
        let replaces = |directive: Option<&str>| directive == Some("REPLACE");
        let new_metadata = replaces(input.metadata_directive.as_ref().map(|it| it.as_str()));
        let is_same = (source_bucket.as_str(), source_key.as_str())
            == (input.bucket.as_str(), input.key.as_str());
        if is_same && !new_metadata && input.storage_class.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let mut retry = Retry::default();
        let (source, copies, inline) = loop {
            let moment = self.store.moment()?;
            let source = moment.object(&source_bucket, &source_key)?;
            conditions.check(&source).map_err(failed)?;
            match body::duplicate(&self.store, &moment, &source.body).await {
                Ok((copies, inline)) => break (source, copies, inline),
                Err(error) => retry.after(error, source.body)?,
            }
        };
        let mut object = ObjectRecord {
            modified: self.now(),
            body: copies,
            ..source
        };
        if new_metadata {
            object.metadata = metadata_of(input.metadata)?;
            object.headers = Headers {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                storage_class: None,
            };
        }
        if replaces(input.tagging_directive.as_ref().map(|it| it.as_str())) {
            object.tags = tags_of_header(input.tagging)?;
        }
        object.headers.storage_class = input.storage_class.map(|class| class.as_str().to_owned());
        let (bucket, key, stored) = (input.bucket, input.key, object.clone());
        let written = self
            .store
            .write(move |write| {
                write.bucket(&bucket)?;
                let old = write.replace_object(&object_key(&bucket, &key), &stored, None)?;
                for (id, bytes) in &inline {
                    write.put_bytes(crate::store::INLINE, id.as_bytes(), bytes)?;
                }
                Ok(old)
            })
            .await;
        self.settle(written, &object.body).await?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(time(object.modified)),
            checksum_crc32: object.checksums.get("crc32").cloned(),
            checksum_crc32c: object.checksums.get("crc32c").cloned(),
            checksum_crc64nvme: object.checksums.get("crc64nvme").cloned(),
            checksum_sha1: object.checksums.get("sha1").cloned(),
            checksum_sha256: object.checksums.get("sha256").cloned(),
            checksum_type: None,
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        }))
    }

    /// Bucket and key of a copy's source; the caller must be allowed to read it.
    pub(crate) fn copy_source(
        &self,
        source: &CopySource,
        access_key: Option<&str>,
    ) -> S3Result<(String, String)> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } = source
        else {
            return Err(s3_error!(
                NotImplemented,
                "Only objects without versions, named by bucket and key, can be copied here"
            ));
        };
        let resource = access::object_arn(bucket, key);
        let judge = self.access.judge(access_key, Some(bucket))?;
        if !judge.allows("s3:GetObject", &resource, HashMap::new()) {
            return Err(s3_error!(
                AccessDenied,
                "Access Denied: s3:GetObject on {resource} is not allowed"
            ));
        }
        Ok((bucket.to_string(), key.to_string()))
    }

    fn page(
        &self,
        bucket: &str,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        after: Option<&str>,
        max: Option<i32>,
    ) -> S3Result<Listing> {
        self.bucket(bucket)?;
        let max = max.unwrap_or(LIST_MAX);
        let max = usize::try_from(max)
            .map_err(|_| s3_error!(InvalidArgument, "max-keys must not be negative"))?;
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        let query = ListQuery {
            prefix: prefix.unwrap_or_default(),
            delimiter,
            after,
            max: max.min(LIST_MAX as usize),
        };
        self.store.list(bucket, &query)
    }

    pub(crate) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let (prefix, delimiter, marker) = (
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            input.marker.as_deref(),
        );
        let listing = self.page(&input.bucket, prefix, delimiter, marker, input.max_keys)?;
        let url = input.encoding_type.is_some();
        let encode = |text: &str| encoded(text, url);
        let next = listing
            .last
            .as_deref()
            .filter(|_| listing.is_truncated && input.delimiter.is_some());
        Ok(S3Response::new(ListObjectsOutput {
            is_truncated: Some(listing.is_truncated),
            next_marker: next.map(encode),
            contents: Some(contents(&listing, url)),
            common_prefixes: Some(common_prefixes(&listing, url)),
            delimiter: input.delimiter.as_deref().map(encode),
            encoding_type: input.encoding_type,
            marker: Some(input.marker.as_deref().map(encode).unwrap_or_default()),
            max_keys: Some(input.max_keys.unwrap_or(LIST_MAX)),
            name: Some(input.bucket),
            prefix: Some(input.prefix.as_deref().map(encode).unwrap_or_default()),
            ..ListObjectsOutput::default()
        }))
    }

    pub(crate) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let token = match &input.continuation_token {
            Some(token) => {
                let bytes = URL_SAFE_NO_PAD
                    .decode(token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok());
                Some(bytes.ok_or_else(|| {
                    s3_error!(
                        InvalidArgument,
                        "The continuation token provided is incorrect"
                    )
                })?)
            }
            None => None,
        };
        let after = token.as_deref().or(input.start_after.as_deref());
        let (prefix, delimiter) = (input.prefix.as_deref(), input.delimiter.as_deref());
        let listing = self.page(&input.bucket, prefix, delimiter, after, input.max_keys)?;
        let url = input.encoding_type.is_some();
        let encode = |text: &str| encoded(text, url);
        let next = listing.last.as_deref().filter(|_| listing.is_truncated);
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(listing.is_truncated),
            next_continuation_token: next.map(|last| URL_SAFE_NO_PAD.encode(last)),
            key_count: Some((listing.objects.len() + listing.prefixes.len()) as i32),
            contents: Some(contents(&listing, url)),
            common_prefixes: Some(common_prefixes(&listing, url)),
            delimiter: input.delimiter.as_deref().map(encode),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            max_keys: Some(input.max_keys.unwrap_or(LIST_MAX)),
            name: Some(input.bucket),
            prefix: Some(input.prefix.as_deref().map(encode).unwrap_or_default()),
            start_after: input.start_after.as_deref().map(encode),
            ..ListObjectsV2Output::default()
        }))
    }

    /// Every object has one version, `null`, as in a bucket whose versioning was never turned on.
    pub(crate) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> Answer<ListObjectVersionsOutput> {
        let input = request.input;
        let (prefix, delimiter) = (input.prefix.as_deref(), input.delimiter.as_deref());
        let after = input.key_marker.as_deref();
        let listing = self.page(&input.bucket, prefix, delimiter, after, input.max_keys)?;
        let url = input.encoding_type.is_some();
        let encode = |text: &str| encoded(text, url);
        let next = listing.last.as_deref().filter(|_| listing.is_truncated);
        let versions = contents(&listing, url)
            .into_iter()
            .map(|object| ObjectVersion {
                e_tag: object.e_tag,
                is_latest: Some(true),
                key: object.key,
                last_modified: object.last_modified,
                size: object.size,
                storage_class: Some(ObjectVersionStorageClass::from_static(
                    ObjectVersionStorageClass::STANDARD,
                )),
                version_id: Some(NULL_VERSION.into()),
                ..ObjectVersion::default()
            })
            .collect();
        Ok(S3Response::new(ListObjectVersionsOutput {
            is_truncated: Some(listing.is_truncated),
            next_key_marker: next.map(encode),
            next_version_id_marker: next.map(|_| NULL_VERSION.into()),
            versions: Some(versions),
            common_prefixes: Some(common_prefixes(&listing, url)),
            delimiter: input.delimiter.as_deref().map(encode),
            encoding_type: input.encoding_type,
            key_marker: Some(input.key_marker.as_deref().map(encode).unwrap_or_default()),
            max_keys: Some(input.max_keys.unwrap_or(LIST_MAX)),
            name: Some(input.bucket),
            prefix: Some(input.prefix.as_deref().map(encode).unwrap_or_default()),
            ..ListObjectVersionsOutput::default()
        }))
    }

    pub(crate) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> Answer<GetObjectTaggingOutput> {
        let object = self.object(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: tags_of(&object.tags),
            version_id: None,
        }))
    }

    pub(crate) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> Answer<PutObjectTaggingOutput> {
        let tags = tags_from(request.input.tagging.tag_set, OBJECT_TAGS_MAX)?;
        self.set_tags(request.input.bucket, request.input.key, tags)
            .await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    pub(crate) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> Answer<DeleteObjectTaggingOutput> {
        self.set_tags(request.input.bucket, request.input.key, Vec::new())
            .await?;
        Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
    }

    async fn set_tags(
        &self,
        bucket: String,
        key: String,
        tags: Vec<(String, String)>,
    ) -> S3Result<()> {
        self.store
            .write(move |write| {
                write.bucket(&bucket)?;
                let place = object_key(&bucket, &key);
                let object = write
                    .get::<ObjectRecord>(OBJECTS, &place)?
                    .ok_or_else(no_such_key)?;
                write.put(OBJECTS, &place, &ObjectRecord { tags, ..object })
            })
            .await
    }
}

/// The size of an aws-chunked body without its framing.
pub(crate) fn decoded_length(headers: &http::HeaderMap) -> Option<i64> {
    headers
        .get("x-amz-decoded-content-length")?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// `aws-chunked` is how a body was sent, not what it is.
fn without_aws_chunked(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|it| *it != "aws-chunked" && !it.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn content_type(object: &ObjectRecord) -> Option<String> {
    Some(
        object
            .headers
            .content_type
            .clone()
            .unwrap_or_else(|| "binary/octet-stream".into()),
    )
}

fn storage_class(object: &ObjectRecord) -> Option<StorageClass> {
    object
        .headers
        .storage_class
        .clone()
        .filter(|class| class != "STANDARD")
        .map(StorageClass::from)
}

fn encoded(text: &str, url: bool) -> String {
    if url {
        utf8_percent_encode(text, URL).to_string()
    } else {
        text.to_owned()
    }
}

fn contents(listing: &Listing, url: bool) -> ObjectList {
    let objects = listing.objects.iter().map(|(key, object)| Object {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        key: Some(encoded(key, url)),
        last_modified: Some(time(object.modified)),
        size: i64::try_from(object.size).ok(),
        storage_class: Some(ObjectStorageClass::from(
            object
                .headers
                .storage_class
                .clone()
                .unwrap_or_else(|| "STANDARD".into()),
        )),
        ..Object::default()
    });
    objects.collect()
}

fn common_prefixes(listing: &Listing, url: bool) -> CommonPrefixList {
    listing
        .prefixes
        .iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(encoded(prefix, url)),
        })
        .collect()
}

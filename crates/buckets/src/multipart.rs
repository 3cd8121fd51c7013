//! Multipart uploads: parts stand where they were received; completing one only names them in order.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use md5::{Digest, Md5};
use s3s::{S3Request, S3Response, S3Result, checksum::ChecksumHasher, dto::*, s3_error};
use uuid::Uuid;

use crate::{
    access::signer,
    body::{self, Expected, Received, Retry},
    objects::{check_key, check_write, decoded_length, metadata_of, tags_of_header},
    service::Server,
    settings::time,
    store::{
        BUCKETS, Headers, INLINE, OBJECTS, ObjectRecord, PARTS, PartRecord, Segment, UPLOADS,
        UploadRecord, object_key, part_key, upload_key,
    },
};

/// Parts of an upload.
const PARTS_MAX: i32 = 10_000;
/// Every part but the last must be this large.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// Items of one page.
const LIST_MAX: i32 = 1000;

type Answer<T> = S3Result<S3Response<T>>;

fn no_such_upload() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

impl Server {
    fn upload(&self, bucket: &str, key: &str, upload: &str) -> S3Result<UploadRecord> {
        self.bucket(bucket)?;
        self.store
            .get(UPLOADS, &upload_key(bucket, key, upload))?
            .ok_or_else(no_such_upload)
    }

    fn parts(&self, upload: &str) -> S3Result<Vec<(i32, PartRecord)>> {
        let rows = self
            .store
            .scan::<PartRecord>(PARTS, format!("{upload}\0").as_bytes(), None)?;
        let number = |key: &[u8]| {
            String::from_utf8_lossy(&key[upload.len() + 1..])
                .parse()
                .unwrap_or(0)
        };
        Ok(rows
            .into_iter()
            .map(|(key, part)| (number(&key), part))
            .collect())
    }

    pub(crate) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let input = request.input;
        self.bucket(&input.bucket)?;
        check_key(&input.key)?;
        let upload = Uuid::new_v4().simple().to_string();
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|algorithm| algorithm.as_str().to_ascii_lowercase());
        let record = UploadRecord {
            initiated: self.now(),
            headers: Headers {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                storage_class: input.storage_class.map(|class| class.as_str().to_owned()),
            },
            metadata: metadata_of(input.metadata)?,
            tags: tags_of_header(input.tagging)?,
            algorithm,
        };
        let place = upload_key(&input.bucket, &input.key, &upload);
        let bucket = input.bucket.clone();
        self.store
            .write(move |write| {
                write.bucket(&bucket)?;
                write.put(UPLOADS, &place, &record)
            })
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(crate) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> Answer<UploadPartOutput> {
        let mut input = request.input;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        check_number(input.part_number)?;
        let expected = Expected {
            headers: &request.headers,
            trailers: request.trailing_headers.clone(),
            md5: input.content_md5.take(),
            length: decoded_length(&request.headers).or(input.content_length),
            algorithm: upload.algorithm,
        };
        let received = body::receive(&self.store, input.body.take(), expected).await?;
        let part = self
            .put_part(
                input.bucket,
                input.key,
                input.upload_id,
                input.part_number,
                received,
            )
            .await?;
        let checksum = |name: &str| part.checksums.get(name).cloned();
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag.clone())),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha1: checksum("sha1"),
            checksum_sha256: checksum("sha256"),
            ..UploadPartOutput::default()
        }))
    }

    pub(crate) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> Answer<UploadPartCopyOutput> {
        let access_key = signer(&request);
        let input = request.input;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        check_number(input.part_number)?;
        let (source_bucket, source_key) =
            self.copy_source(&input.copy_source, access_key.as_deref())?;
        let wanted = input.copy_source_range.as_deref().map(Range::parse);
        let wanted = wanted.transpose().map_err(|_| {
            s3_error!(
                InvalidArgument,
                "The x-amz-copy-source-range value must be of the form bytes=first-last"
            )
        })?;
        let mut retry = Retry::default();
        let stream = loop {
            let moment = self.store.moment()?;
            let source = moment.object(&source_bucket, &source_key)?;
            let range = match &wanted {
                Some(range) => range.check(source.size)?,
                None => 0..source.size,
            };
            match body::stream_out(&self.store, &moment, &source.body, range).await {
                Ok(stream) => break stream,
                Err(error) => retry.after(error, source.body)?,
            }
        };
        let headers = http::HeaderMap::new();
        let expected = Expected {
            headers: &headers,
            trailers: None,
            md5: None,
            length: None,
            algorithm: upload.algorithm,
        };
        let received = body::receive(&self.store, Some(stream), expected).await?;
        let part = self
            .put_part(
                input.bucket,
                input.key,
                input.upload_id,
                input.part_number,
                received,
            )
            .await?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(time(part.modified)),
            ..CopyPartResult::default()
        };
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        }))
    }

    async fn put_part(
        &self,
        bucket: String,
        key: String,
        upload: String,
        number: i32,
        received: Received,
    ) -> S3Result<PartRecord> {
        let part = PartRecord {
            etag: received.etag(),
            body: received.segment,
            modified: self.now(),
            checksums: received.checksums,
        };
        let (stored, inline) = (part.clone(), received.inline);
        let written = self
            .store
            .write(move |write| {
                if write
                    .get::<UploadRecord>(UPLOADS, &upload_key(&bucket, &key, &upload))?
                    .is_none()
                {
                    return Err(no_such_upload());
                }
                let place = part_key(&upload, number);
                let old = write
                    .get::<PartRecord>(PARTS, &place)?
                    .map(|part| part.body);
                if let Some(old) = old.as_ref().filter(|old| old.is_inline) {
                    write.remove(INLINE, old.id.as_bytes())?;
                }
                if let Some(bytes) = inline {
                    write.put_bytes(INLINE, stored.body.id.as_bytes(), &bytes)?;
                }
                write.put(PARTS, &place, &stored)?;
                Ok(old.into_iter().collect::<Vec<Segment>>())
            })
            .await;
        self.settle(written, std::slice::from_ref(&part.body))
            .await?;
        Ok(part)
    }

    pub(crate) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let input = request.input;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let stored: BTreeMap<i32, PartRecord> = self.parts(&input.upload_id)?.into_iter().collect();
        let wanted = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let parts = chosen_parts(&wanted, &stored)?;
        let mut md5 = Md5::new();
        for part in &parts {
            md5.update(hex::decode(&part.etag).unwrap_or_default());
        }
        let (checksums, is_composite) = composite_checksum(upload.algorithm.as_deref(), &parts);
        let object = ObjectRecord {
            size: parts.iter().map(|part| part.body.size).sum(),
            etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
            modified: self.now(),
            body: parts.iter().map(|part| part.body.clone()).collect(),
            headers: upload.headers,
            metadata: upload.metadata,
            tags: upload.tags,
            checksums,
            is_composite,
        };
        let named: Vec<String> = object
            .body
            .iter()
            .map(|segment| segment.id.clone())
            .collect();
        let unused: Vec<Segment> = stored
            .into_values()
            .map(|part| part.body)
            .filter(|segment| !named.contains(&segment.id))
            .collect();
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id);
        let (record, dropped) = (object.clone(), unused.clone());
        let (if_match, if_none_match) = (input.if_match, input.if_none_match);
        let mut old = self
            .store
            .write(move |write| {
                let upload = upload_key(&bucket, &key, &id);
                if write.get::<UploadRecord>(UPLOADS, &upload)?.is_none() {
                    return Err(no_such_upload());
                }
                let place = object_key(&bucket, &key);
                let current = write.get::<ObjectRecord>(OBJECTS, &place)?;
                check_write(current.as_ref(), if_match.as_ref(), if_none_match.as_ref())?;
                let old = write.replace_object(&place, &record, None)?;
                for part in write.keys(PARTS, format!("{id}\0").as_bytes(), PARTS_MAX as usize)? {
                    write.remove(PARTS, &part)?;
                }
                for segment in dropped.iter().filter(|segment| segment.is_inline) {
                    write.remove(INLINE, segment.id.as_bytes())?;
                }
                write.remove(UPLOADS, &upload)?;
                Ok(old)
            })
            .await?;
        old.extend(unused);
        self.store.discard(old).await;
        let checksum = |name: &str| object.checksums.get(name).cloned();
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            checksum_crc32: checksum("crc32"),
            checksum_crc32c: checksum("crc32c"),
            checksum_crc64nvme: checksum("crc64nvme"),
            checksum_sha1: checksum("sha1"),
            checksum_sha256: checksum("sha256"),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    pub(crate) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let segments: Vec<Segment> = self
            .parts(&input.upload_id)?
            .into_iter()
            .map(|(_, part)| part.body)
            .collect();
        let (dropped, id) = (segments.clone(), input.upload_id);
        let place = upload_key(&input.bucket, &input.key, &id);
        self.store
            .write(move |write| {
                for part in write.keys(PARTS, format!("{id}\0").as_bytes(), PARTS_MAX as usize)? {
                    write.remove(PARTS, &part)?;
                }
                for segment in dropped.iter().filter(|segment| segment.is_inline) {
                    write.remove(INLINE, segment.id.as_bytes())?;
                }
                write.remove(UPLOADS, &place)
            })
            .await?;
        self.store.discard(segments).await;
        let mut response = S3Response::new(AbortMultipartUploadOutput::default());
        response.status = Some(StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(crate) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> Answer<ListPartsOutput> {
        let input = request.input;
        let upload = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let max = input.max_parts.unwrap_or(LIST_MAX).clamp(0, LIST_MAX);
        let after = input.part_number_marker.unwrap_or(0);
        let mut parts = self.parts(&input.upload_id)?;
        parts.retain(|(number, _)| *number > after);
        let is_truncated = parts.len() > max as usize;
        parts.truncate(max as usize);
        let next = parts
            .last()
            .map(|(number, _)| *number)
            .filter(|_| is_truncated);
        let parts = parts.into_iter().map(|(number, part)| Part {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(time(part.modified)),
            part_number: Some(number),
            size: i64::try_from(part.body.size).ok(),
            ..Part::default()
        });
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(is_truncated),
            max_parts: Some(max),
            next_part_number_marker: next,
            part_number_marker: input.part_number_marker,
            parts: Some(parts.collect()),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            storage_class: Some(StorageClass::from(
                upload
                    .headers
                    .storage_class
                    .unwrap_or_else(|| "STANDARD".into()),
            )),
            ..ListPartsOutput::default()
        }))
    }

    pub(crate) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let input = request.input;
        self.store
            .get::<crate::store::BucketRecord>(BUCKETS, input.bucket.as_bytes())?;
        self.bucket(&input.bucket)?;
        if input.delimiter.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "Uploads are listed without a delimiter here"
            ));
        }
        let max = input.max_uploads.unwrap_or(LIST_MAX).clamp(1, LIST_MAX) as usize;
        let root = object_key(&input.bucket, "");
        let prefix = object_key(&input.bucket, input.prefix.as_deref().unwrap_or_default());
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone().unwrap_or_default(),
        );
        let split = |row: &[u8]| {
            let text = String::from_utf8_lossy(&row[root.len()..]).into_owned();
            text.rsplit_once('\0')
                .map(|(key, upload)| (key.to_owned(), upload.to_owned()))
                .unwrap_or_default()
        };
        let is_after = |(key, upload): &(String, String)| {
            *key > after.0 || (*key == after.0 && !after.1.is_empty() && *upload > after.1)
        };
        let rows = self.store.scan::<UploadRecord>(UPLOADS, &prefix, None)?;
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(row, upload)| (split(&row), upload))
            .collect();
        rows.retain(|(name, _)| after.0.is_empty() || is_after(name));
        let is_truncated = rows.len() > max;
        rows.truncate(max);
        let last = rows
            .last()
            .map(|(name, _)| name.clone())
            .filter(|_| is_truncated);
        let uploads = rows
            .into_iter()
            .map(|((key, upload), record)| MultipartUpload {
                initiated: Some(time(record.initiated)),
                key: Some(key),
                upload_id: Some(upload),
                storage_class: Some(StorageClass::from(
                    record
                        .headers
                        .storage_class
                        .unwrap_or_else(|| "STANDARD".into()),
                )),
                ..MultipartUpload::default()
            });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(is_truncated),
            key_marker: input.key_marker,
            max_uploads: i32::try_from(max).ok(),
            next_key_marker: last.clone().map(|(key, _)| key),
            next_upload_id_marker: last.map(|(_, upload)| upload),
            prefix: input.prefix,
            upload_id_marker: input.upload_id_marker,
            uploads: Some(uploads.collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn check_number(number: i32) -> S3Result<()> {
    if (1..=PARTS_MAX).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Part number must be an integer between 1 and {PARTS_MAX}, inclusive"
    ))
}

/// The parts that the caller names, in order.
fn chosen_parts(
    wanted: &[CompletedPart],
    stored: &BTreeMap<i32, PartRecord>,
) -> S3Result<Vec<PartRecord>> {
    if wanted.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    let (mut parts, mut previous) = (Vec::new(), 0);
    for part in wanted {
        let number = part.part_number.unwrap_or_default();
        if number <= previous {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order."
            ));
        }
        previous = number;
        let found = stored.get(&number).filter(|found| {
            part.e_tag
                .as_ref()
                .is_none_or(|etag| etag.value().trim_matches('"') == found.etag)
        });
        let found = found.ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found: part {number}"
            )
        })?;
        parts.push(found.clone());
    }
    let small = parts
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.body.size < PART_BYTES_MIN);
    if small {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(parts)
}

/// A composite checksum is that of the parts' checksums, with their number behind.
fn composite_checksum(
    algorithm: Option<&str>,
    parts: &[PartRecord],
) -> (BTreeMap<String, String>, bool) {
    use s3s::crypto::{Checksum as _, Crc32, Crc32c, Sha1, Sha256};
    let Some(algorithm) = algorithm else {
        return (BTreeMap::new(), false);
    };
    let sums: Option<Vec<Vec<u8>>> = parts
        .iter()
        .map(|part| STANDARD.decode(part.checksums.get(algorithm)?).ok())
        .collect();
    let Some(sums) = sums else {
        return (BTreeMap::new(), false);
    };
    let mut hasher = ChecksumHasher::default();
    match algorithm {
        "crc32" => hasher.crc32 = Some(Crc32::new()),
        "crc32c" => hasher.crc32c = Some(Crc32c::new()),
        "sha1" => hasher.sha1 = Some(Sha1::new()),
        "sha256" => hasher.sha256 = Some(Sha256::new()),
        // CRC64NVME is only ever of the whole object, which nobody has read in order.
        _ => return (BTreeMap::new(), false),
    }
    sums.iter().for_each(|sum| hasher.update(sum));
    let sum = hasher.finalize();
    let value = [
        sum.checksum_crc32,
        sum.checksum_crc32c,
        sum.checksum_sha1,
        sum.checksum_sha256,
    ]
    .into_iter()
    .flatten()
    .next();
    let value = value.map(|value| (algorithm.to_owned(), format!("{value}-{}", parts.len())));
    (value.into_iter().collect(), true)
}

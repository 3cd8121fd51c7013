"""The embedded bucket store, as boto3 and the AWS CLI use it."""

import hashlib
import io
import itertools
import json
import os
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import ACCESS_KEY


@pytest.fixture
def s3(alone):
    client = alone.client("s3")
    client.create_bucket(Bucket="bucket")
    return client


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_buckets(alone, s3):
    s3.create_bucket(Bucket="other")
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["bucket", "other"]
    assert s3.get_bucket_location(Bucket="bucket").get("LocationConstraint") is None
    assert s3.get_bucket_acl(Bucket="bucket")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert code_of(s3.head_bucket, Bucket="missing") == "404"
    assert code_of(s3.list_objects_v2, Bucket="missing") == "NoSuchBucket"
    assert code_of(s3.create_bucket, Bucket="Bad_Name") == "InvalidBucketName"
    s3.put_object(Bucket="other", Key="k", Body=b"x")
    assert code_of(s3.delete_bucket, Bucket="other") == "BucketNotEmpty"
    s3.delete_object(Bucket="other", Key="k")
    s3.delete_bucket(Bucket="other")
    assert code_of(s3.delete_bucket, Bucket="other") == "NoSuchBucket"


def test_objects_keep_bytes_metadata_and_times(s3):
    body = os.urandom(100_000)
    put = s3.put_object(Bucket="bucket", Key="a/b c/ü+%.bin", Body=body, Metadata={"who": "me"},
                        ContentType="text/x", ContentEncoding="gzip", CacheControl="no-cache")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket="bucket", Key="a/b c/ü+%.bin")
    assert got["Body"].read() == body and got["Metadata"] == {"who": "me"}
    assert (got["ContentType"], got["ContentEncoding"], got["CacheControl"]) == ("text/x", "gzip", "no-cache")
    head = s3.head_object(Bucket="bucket", Key="a/b c/ü+%.bin")
    assert head["ContentLength"] == len(body) and head["LastModified"] == got["LastModified"]
    assert code_of(s3.get_object, Bucket="bucket", Key="missing") == "NoSuchKey"
    assert code_of(s3.put_object, Bucket="missing", Key="k", Body=b"") == "NoSuchBucket"


@pytest.mark.parametrize("range_, expected", [
    ("bytes=0-4", b"01234"), ("bytes=5-", b"56789"), ("bytes=-3", b"789"), ("bytes=8-100", b"89")])
def test_ranges(s3, range_, expected):
    s3.put_object(Bucket="bucket", Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket="bucket", Key="k", Range=range_)
    assert got["Body"].read() == expected and got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"].endswith("/10")
    assert code_of(s3.get_object, Bucket="bucket", Key="k", Range="bytes=10-") == "InvalidRange"


def test_lists_page_and_group(s3):
    keys = sorted(f"{folder}/{n:03}" for folder in ("a", "b", "c") for n in range(40))
    for key in keys:
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    for operation in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(operation).paginate(Bucket="bucket", PaginationConfig={"PageSize": 50}))
        assert [item["Key"] for page in pages for item in page["Contents"]] == keys and len(pages) == 3
    grouped = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [p["Prefix"] for p in grouped["CommonPrefixes"]] == ["a/", "b/", "c/"] and "Contents" not in grouped
    assert s3.list_objects_v2(Bucket="bucket", Prefix="b/", StartAfter="b/037")["KeyCount"] == 2
    gone = s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": k} for k in keys]})
    assert len(gone["Deleted"]) == 120 and s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_versions_are_null(s3):
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    listed = s3.list_object_versions(Bucket="bucket")["Versions"]
    assert [(v["Key"], v["VersionId"], v["IsLatest"]) for v in listed] == [("k", "null", True)]
    assert s3.get_object(Bucket="bucket", Key="k", VersionId="null")["Body"].read() == b"1"
    for call in (s3.get_object, s3.delete_object):
        assert code_of(call, Bucket="bucket", Key="k", VersionId="3sL4kqtJlcpXroDTDmJ") == "NoSuchVersion"
    assert code_of(s3.delete_objects, Bucket="bucket", Delete={"Objects": [{"Key": "k", "VersionId": "other"}]}) == "NoSuchVersion"
    s3.delete_object(Bucket="bucket", Key="k", VersionId="null")
    assert "Versions" not in s3.list_object_versions(Bucket="bucket")


def test_multipart(s3):
    body = os.urandom(20 * 1024 * 1024 + 17)
    s3.upload_fileobj(io.BytesIO(body), "bucket", "big", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=8 << 20))
    target = io.BytesIO()
    s3.download_fileobj("bucket", "big", target)
    assert target.getvalue() == body
    assert s3.head_object(Bucket="bucket", Key="big")["ETag"].endswith('-3"')
    upload = s3.create_multipart_upload(Bucket="bucket", Key="never")["UploadId"]
    s3.upload_part(Bucket="bucket", Key="never", UploadId=upload, PartNumber=1, Body=b"x")
    assert [p["Size"] for p in s3.list_parts(Bucket="bucket", Key="never", UploadId=upload)["Parts"]] == [1]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]] == ["never"]
    s3.abort_multipart_upload(Bucket="bucket", Key="never", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")
    assert code_of(s3.list_parts, Bucket="bucket", Key="never", UploadId=upload) == "NoSuchUpload"
    assert code_of(s3.head_object, Bucket="bucket", Key="never") == "404"


def test_copies(s3):
    s3.put_object(Bucket="bucket", Key="from", Body=b"x", Metadata={"a": "1"})
    s3.copy_object(Bucket="bucket", Key="to", CopySource="bucket/from")
    assert s3.head_object(Bucket="bucket", Key="to")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket="bucket", Key="to", CopySource="bucket/from", MetadataDirective="REPLACE", Metadata={"b": "2"})
    got = s3.get_object(Bucket="bucket", Key="to")
    assert got["Metadata"] == {"b": "2"} and got["Body"].read() == b"x"
    assert code_of(s3.copy_object, Bucket="bucket", Key="x", CopySource="bucket/missing") == "NoSuchKey"


def test_conditions(s3):
    etag = s3.put_object(Bucket="bucket", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket="bucket", Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket="bucket", Key="k", Body=b"2", IfMatch='"0"') == "PreconditionFailed"
    s3.put_object(Bucket="bucket", Key="k", Body=b"2", IfMatch=etag)
    assert code_of(s3.get_object, Bucket="bucket", Key="k", IfMatch=etag) == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket="bucket", Key="k", IfNoneMatch=s3.head_object(Bucket="bucket", Key="k")["ETag"]) == "304"


def test_one_of_many_conditional_writers_wins(alone, s3):
    won = []

    def write(number):
        try:
            alone.client("s3").put_object(Bucket="bucket", Key="lock", Body=str(number).encode(), IfNoneMatch="*")
            won.append(number)
        except ClientError:
            pass
    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(won) == 1 and s3.get_object(Bucket="bucket", Key="lock")["Body"].read() == str(won[0]).encode()


def test_policies_and_settings(s3):
    assert code_of(s3.get_bucket_policy, Bucket="bucket") == "NoSuchBucketPolicy"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}]})
    s3.put_bucket_policy(Bucket="bucket", Policy=policy)
    assert json.loads(s3.get_bucket_policy(Bucket="bucket")["Policy"]) == json.loads(policy)
    assert code_of(s3.put_bucket_policy, Bucket="bucket", Policy="{") == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket="bucket")
    assert code_of(s3.get_bucket_policy, Bucket="bucket") == "NoSuchBucketPolicy"
    assert code_of(s3.get_bucket_tagging, Bucket="bucket") == "NoSuchTagSet"
    s3.put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert s3.get_bucket_tagging(Bucket="bucket")["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert code_of(s3.get_bucket_cors, Bucket="bucket") == "NoSuchCORSConfiguration"
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket="bucket") == "NoSuchLifecycleConfiguration"
    assert s3.get_bucket_versioning(Bucket="bucket").get("Status") is None
    assert code_of(s3.put_bucket_versioning, Bucket="bucket", VersioningConfiguration={"Status": "Enabled"}) == "NotImplemented"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(alone, s3, version):
    """boto3 signs URLs with Signature Version 2 unless told otherwise."""
    signer = alone.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
    put = signer.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "p"})
    assert ("AWSAccessKeyId" in put) == (version == "s3")
    urllib.request.urlopen(urllib.request.Request(put, data=b"presigned", method="PUT", headers={"Content-Type": ""}))
    get = signer.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "p"})
    assert urllib.request.urlopen(get).read() == b"presigned"
    for broken in (get.replace("/p?", "/q?"), get.replace("Signature=", "Signature=0"),
                   signer.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "p"}, ExpiresIn=-10)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(broken)
        assert caught.value.code in (400, 403)


@pytest.mark.parametrize("old, new, codes", [
    ("Signature=", "Signature=0", {"SignatureDoesNotMatch"}),
    ("Credential=", "Credential=X", {"InvalidAccessKeyId"}),
    # Its signature is right, but nobody could say in the record who made it.
    ("AWS4-HMAC-SHA256", "Basic", {"AccessDenied"}),
])
def test_a_get_with_a_forged_header_is_refused(alone, s3, old, new, codes):
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")

    def forge(request, **_):
        header = request.headers["Authorization"]
        text = header.decode() if isinstance(header, bytes) else header
        request.headers["Authorization"] = text.replace(old, new, 1)
    forger = alone.client("s3")
    forger.meta.events.register("before-send.s3", forge)
    assert code_of(forger.get_object, Bucket="bucket", Key="k") in codes
    assert code_of(forger.list_buckets) in codes


def test_who_signs_with_version_2_is_recorded(alone):
    old = alone.client("s3", config=Config(signature_version="s3", s3={"addressing_style": "path"}))
    assert old.list_buckets()["Buckets"] == []
    found = alone.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListBuckets"}])
    event = json.loads(found["Events"][0]["CloudTrailEvent"])
    assert event["userIdentity"]["type"] == "Root" and event["userIdentity"]["accessKeyId"] == ACCESS_KEY
    assert event["additionalEventData"]["SignatureVersion"] == "SigV2"
    assert event["additionalEventData"]["AuthenticationMethod"] == "AuthHeader"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_and_streaming_signatures(s3, algorithm):
    # boto3 sends a checksum in a trailer (aws-chunked) by itself; over HTTP its chunks are signed.
    s3.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(b"streamed" * 5000), ChecksumAlgorithm=algorithm) \
        if algorithm not in ("CRC64NVME", "CRC32C") else s3.put_object(Bucket="bucket", Key="k", Body=io.BytesIO(b"streamed" * 5000))
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"streamed" * 5000


def test_a_wrong_checksum_is_refused(s3):
    code = code_of(s3.put_object, Bucket="bucket", Key="k", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert code in ("BadDigest", "InvalidDigest")
    assert code_of(s3.head_object, Bucket="bucket", Key="k") == "404"


def test_objects_survive_a_crash(tmp_path):
    from conftest import Pugmark
    server = Pugmark(tmp_path / "data").start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(20):
        s3.put_object(Bucket="bucket", Key=str(number), Body=str(number).encode())
    server.kill()
    server.start()
    for number in range(20):
        assert s3.get_object(Bucket="bucket", Key=str(number))["Body"].read() == str(number).encode()
    server.stop()


def test_the_cli_syncs_both_ways(alone, s3, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    for number in range(5):
        (source / "deep" / f"{number}.txt").write_text("x" * number)
    alone.cli("s3", "sync", str(source), "s3://bucket/copy")
    alone.cli("s3", "sync", "s3://bucket/copy", str(target))
    assert sorted(p.name for p in (target / "deep").iterdir()) == [f"{n}.txt" for n in range(5)]
    alone.cli("s3", "rm", "s3://bucket/copy", "--recursive")
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_keys_never_leave_the_store(alone, s3):
    for key in ("../../escape", "..", "a/../../b", "/leading", "trailing/", "a//b", "nul\x01key", "x" * 1024):
        try:
            s3.put_object(Bucket="bucket", Key=key, Body=b"1")
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, key
            continue
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"1", key
    assert not (alone.data_dir.parent / "escape").exists()
    assert code_of(s3.put_object, Bucket="bucket", Key="x" * 1025, Body=b"") == "KeyTooLongError"


@pytest.mark.parametrize("sizes", [(1_000, 3_000), (100_000, 300_000)], ids=["small", "large"])
def test_an_object_that_is_overwritten_is_read_whole(alone, s3, sizes):
    bodies = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    s3.put_object(Bucket="bucket", Key="turn", Body=bodies[0])
    is_over = threading.Event()

    def write():
        client = alone.client("s3")
        for turn in itertools.cycle(bodies):
            if is_over.is_set():
                return
            client.put_object(Bucket="bucket", Key="turn", Body=turn)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(300):
            assert s3.get_object(Bucket="bucket", Key="turn")["Body"].read() in bodies
            if number % 10 == 0:
                s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/turn")
                assert s3.get_object(Bucket="bucket", Key="copy")["Body"].read() in bodies
    finally:
        is_over.set()
        writer.join()

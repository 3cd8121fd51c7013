//! AWS's published test vectors, S3's documented examples, and tampering.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;

use super::*;

/// The suite ships inside the crates.io package of the SDK's signer, a development dependency.
fn suite(name: &str) -> PathBuf {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let signer = packages
        .iter()
        .find(|package| package["name"] == "aws-sigv4")
        .unwrap();
    Path::new(signer["manifest_path"].as_str().unwrap())
        .parent()
        .unwrap()
        .join("aws-signing-test-suite")
        .join(name)
}

struct Vector {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: String,
}

use http::HeaderMap;

/// A request as the suite writes it; paths may hold bytes that no client sends unencoded.
fn parse(text: &str) -> Vector {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap();
    let (method, rest) = first.split_once(' ').unwrap();
    let uri = rest.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        match line.strip_prefix(' ') {
            Some(more) => {
                let last = headers.last_mut().unwrap();
                last.1 = format!("{} {}", last.1, more.trim());
            }
            None => {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect();
    Vector {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers,
        body: body.into(),
    }
}

#[test]
fn awss_published_vectors() {
    let checked = check_vectors("v4");
    assert!(checked >= 60, "only {checked} vectors were found");
}

#[test]
fn awss_published_vectors_of_signature_version_4a() {
    let checked = check_vectors("v4a");
    assert!(checked >= 70, "only {checked} vectors were found");
}

/// Checks each vector's canonical request, string to sign and signature; gives their number.
fn check_vectors(name: &str) -> usize {
    let mut checked = 0;
    for folder in std::fs::read_dir(suite(name)).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.join("context.json").exists() {
            continue; // two additions of the package, not of AWS's suite
        }
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let context: serde_json::Value = serde_json::from_str(&read("context.json")).unwrap();
        let secret = context["credentials"]["secret_access_key"]
            .as_str()
            .unwrap();
        let normalize = context["normalize"].as_bool().unwrap();
        for kind in ["header", "query"] {
            let name = format!("{} {kind}", folder.file_name().unwrap().to_string_lossy());
            if !folder.join(format!("{kind}-signed-request.txt")).exists() {
                continue;
            }
            let vector = parse(&read(&format!("{kind}-signed-request.txt")));
            // The claim is read from a request with the same query and headers; only the path is compared raw.
            let mut request = Request::builder().method(&*vector.method);
            let signed_query: Vec<&str> = vector
                .query
                .split('&')
                // Some services (IoT) want the token added after signing; none of ours does, so it is taken away here.
                .filter(|pair| {
                    context["omit_session_token"] != true
                        || !pair.starts_with("X-Amz-Security-Token")
                })
                .collect();
            let query: String = signed_query
                .join("&")
                .chars()
                .map(|c| if c.is_ascii() { c.to_string() } else { utf8(c) })
                .collect();
            request = request.uri(if query.is_empty() {
                "/".to_owned()
            } else {
                format!("/?{query}")
            });
            let mut request = request.body(()).unwrap();
            *request.headers_mut() = vector.headers.clone();
            let parts = request.into_parts().0;
            let claim = claim(&parts)
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .unwrap();
            let payload = match claim.payload {
                Payload::Body => hex::encode(sha256(vector.body.as_bytes())),
                _ => claim.payload_text(&parts),
            };
            let canonical_request = canonical::Request {
                method: &vector.method,
                path: &vector.path,
                query: &query,
                headers: &vector.headers,
                signed_headers: &claim.signed_headers,
                payload: &payload,
            };
            let canonical = canonical_request.canonical(normalize, true);
            assert_eq!(
                canonical,
                read(&format!("{kind}-canonical-request.txt")).trim_end(),
                "{name}"
            );
            let to_sign = claim.string_to_sign(&canonical);
            assert_eq!(
                to_sign,
                read(&format!("{kind}-string-to-sign.txt")).trim_end(),
                "{name}"
            );
            let key = claim.signing_key(secret).unwrap();
            let signature = hex::decode(read(&format!("{kind}-signature.txt")).trim()).unwrap();
            // Two signatures of Signature Version 4A over the same text differ: the suite has one beside the request too.
            for signature in [&signature, &claim.signature] {
                assert_eq!(key.verify(&to_sign, signature), Ok(()), "{name}");
                let other = to_sign.replacen('a', "b", 1);
                assert!(key.verify(&other, signature).is_err(), "{name}");
            }
            let other = claim.signing_key("other").unwrap();
            assert!(other.verify(&to_sign, &signature).is_err(), "{name}");
            checked += 1;
        }
    }
    checked
}

fn utf8(c: char) -> String {
    let mut buffer = [0; 4];
    c.encode_utf8(&mut buffer)
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect()
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn s3_parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "examplebucket.s3.amazonaws.com");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn key_of(claim: &Claim) -> SigningKey {
    claim.signing_key(SECRET).unwrap()
}

/// S3's documentation, "Examples: signature calculations", GET object.
fn documented_get() -> Parts {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
        SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
        Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    s3_parts(
        "GET",
        "/test.txt",
        &[
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", empty),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", authorization),
        ],
    )
}

#[test]
fn s3s_documented_examples() {
    let parts = documented_get();
    let get = claim(&parts).unwrap().unwrap();
    assert_eq!(get.verify(&parts, &key_of(&get), None), Ok(()));
    let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let parts = s3_parts("GET", uri, &[]);
    let presigned = claim(&parts).unwrap().unwrap();
    assert_eq!(presigned.verify(&parts, &key_of(&presigned), None), Ok(()));
    let at = |text: &str| presigned.check_time(text.parse().unwrap());
    assert_eq!(at("2013-05-24T23:59:59Z"), Ok(()));
    assert_eq!(at("2013-05-25T00:00:01Z"), Err(AuthError::Expired));
}

/// S3's documentation, "Example: PUT object, transferring payload in multiple chunks": 66,560 bytes of `a`.
fn documented_chunks() -> (ChunkVerifier, Vec<u8>) {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
        SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,\
        Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let mut parts = s3_parts(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("authorization", authorization),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
        ],
    );
    parts
        .headers
        .insert("host", HeaderValue::from_static("s3.amazonaws.com"));
    let put = claim(&parts).unwrap().unwrap();
    assert_eq!(put.verify(&parts, &key_of(&put), None), Ok(()));
    let mut body = Vec::new();
    for (size, signature) in [
        (
            65536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (
            1024,
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        ),
        (
            0,
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
    ] {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend_from_slice(b"\r\n");
    }
    (put.chunk_verifier(key_of(&put)), body)
}

#[test]
fn documented_chunks_verify_in_pieces_of_any_size() {
    for piece in [1, 7, 4096, 1 << 20] {
        let (mut verifier, body) = documented_chunks();
        for bytes in body.chunks(piece) {
            verifier.feed(bytes).unwrap();
        }
        assert_eq!(verifier.finish(), Ok(()), "pieces of {piece}");
    }
}

#[test]
fn a_changed_or_cut_chunk_is_found() {
    for at in [100, 65536, 66600] {
        let (mut verifier, mut body) = documented_chunks();
        body[at] ^= 1;
        assert!(
            verifier
                .feed(&body)
                .and_then(|()| verifier.finish())
                .is_err(),
            "byte {at}"
        );
    }
    let (mut verifier, body) = documented_chunks();
    verifier.feed(&body[..65536]).unwrap();
    assert!(verifier.finish().is_err());
}

#[test]
fn any_change_of_a_signed_request_is_found() {
    let changes: [fn(&mut Parts); 5] = [
        |parts| parts.method = http::Method::PUT,
        |parts| parts.uri = "/test.txt?a=b".parse().unwrap(),
        |parts| parts.uri = "/test2.txt".parse().unwrap(),
        |parts| {
            drop(
                parts
                    .headers
                    .insert("range", HeaderValue::from_static("bytes=0-10")),
            )
        },
        |parts| drop(parts.headers.remove("range")),
    ];
    for change in changes {
        let mut parts = documented_get();
        let get = claim(&parts).unwrap().unwrap();
        change(&mut parts);
        assert_eq!(
            get.verify(&parts, &key_of(&get), None),
            Err(AuthError::Mismatch)
        );
    }
    let mut parts = documented_get();
    let get = claim(&parts).unwrap().unwrap();
    parts
        .headers
        .insert("x-amz-acl", HeaderValue::from_static("public-read"));
    assert_eq!(
        get.verify(&parts, &key_of(&get), None),
        Err(AuthError::UnsignedHeader("x-amz-acl".into()))
    );
    let wrong = get.signing_key("other").unwrap();
    assert_eq!(
        get.verify(&documented_get(), &wrong, None),
        Err(AuthError::Mismatch)
    );
}

#[test]
fn the_clock_window_is_fifteen_minutes() {
    let get = claim(&documented_get()).unwrap().unwrap();
    for (now, good) in [
        ("2013-05-24T00:15:00Z", true),
        ("2013-05-24T00:15:01Z", false),
        ("2013-05-23T23:45:00Z", true),
        ("2013-05-23T23:44:59Z", false),
    ] {
        assert_eq!(get.check_time(now.parse().unwrap()).is_ok(), good, "{now}");
    }
}

#[test]
fn broken_claims_are_named() {
    for (authorization, kind) in [
        ("AWS AKID:sig", "UnsupportedScheme"),
        ("Bearer x", "UnsupportedScheme"),
        ("AWS4-ECDSA-P256-SHA256 Credential=x", "Incomplete"),
        (
            "AWS4-ECDSA-P256-SHA256 Credential=a/20130524/s/aws4_request, SignedHeaders=host, Signature=00",
            "Incomplete(\"Authorization header requires existence of a 'X-Amz-Region-Set'",
        ),
        ("AWS4-HMAC-SHA256 Credential=x", "Incomplete"),
        (
            "AWS4-HMAC-SHA256 Credential=a/20130524/r/s/aws4_request, SignedHeaders=x-amz-date, Signature=00",
            "Incomplete",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/20130525/r/s/aws4_request, SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000",
            "Incomplete",
        ),
    ] {
        let parts = s3_parts(
            "GET",
            "/",
            &[
                ("x-amz-date", "20130524T000000Z"),
                ("authorization", authorization),
            ],
        );
        let error = format!("{:?}", claim(&parts).unwrap_err());
        assert!(error.starts_with(kind), "{authorization}: {error}");
    }
    assert!(claim(&s3_parts("GET", "/", &[])).unwrap().is_none());
}

#[test]
fn who_signed_is_told_once() {
    let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260119/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00";
    let error = |query: &str, authorization: Option<&str>| {
        let headers: Vec<_> = authorization
            .map(|it| ("authorization", it))
            .into_iter()
            .collect();
        claim(&s3_parts("GET", &format!("/b/k?{query}"), &headers)).err()
    };
    let several = Some(AuthError::SeveralSigners);
    let key = "AWSAccessKeyId=AKID&Signature=x";
    assert_eq!(error("X-Amz-Signature=00", Some(signed)), several);
    assert_eq!(error("x%2Damz-credential=AKID", Some(signed)), several);
    assert_eq!(error(key, Some(signed)), several);
    assert_eq!(error(key, Some("AWS AKID:x")), several);
    assert_eq!(error(&format!("X-Amz-Algorithm=x&{key}"), None), several);
    let repeated = |name| {
        let message = format!("the query string has {name} more than once");
        Some(AuthError::IncompleteQuery(message))
    };
    let two = "X-Amz-Credential=A&x=y&x-amz-%63redential=B";
    assert_eq!(error(two, None), repeated("X-Amz-Credential"));
    assert_eq!(
        error(&format!("{key}&{key}"), None),
        repeated("AWSAccessKeyId")
    );
    let twice = signed.replace(
        "Cred",
        "Credential=X/20260119/us-east-1/s3/aws4_request, Cred",
    );
    let message = "Authorization header has 'Credential' more than once.";
    let incomplete = Some(AuthError::Incomplete(message.into()));
    let dated = [
        ("authorization", &twice[..]),
        ("x-amz-date", "20260119T000000Z"),
    ];
    assert_eq!(claim(&s3_parts("GET", "/b/k", &dated)).err(), incomplete);
    assert_eq!(error("Signature=x&versionId=1", None), None);
}

#[test]
fn a_claim_is_bounded() {
    let claimed = |algorithm: &str, names: usize, regions: usize, signature: usize| {
        let scope = match algorithm {
            HMAC => "20130524/us-east-1/s3/aws4_request",
            _ => "20130524/s3/aws4_request",
        };
        let names = ["host"]
            .into_iter()
            .chain(std::iter::repeat_n("x", names - 1));
        let authorization = format!(
            "{algorithm} Credential=AKIA/{scope}, SignedHeaders={}, Signature={}",
            names.collect::<Vec<_>>().join(";"),
            "0".repeat(signature)
        );
        claim(&s3_parts(
            "GET",
            "/",
            &[
                ("x-amz-date", "20130524T000000Z"),
                ("x-amz-region-set", &"r,".repeat(regions)),
                ("authorization", &authorization),
            ],
        ))
    };
    assert!(claimed(HMAC, SIGNED_HEADERS_MAX, 0, 64).is_ok());
    let refused = claimed(HMAC, SIGNED_HEADERS_MAX + 1, 0, 64);
    assert!(matches!(refused, Err(AuthError::Incomplete(_))));
    assert!(matches!(claimed(HMAC, 1, 0, 66), Err(AuthError::Mismatch)));
    let long = 2 * ECDSA_BYTES_MAX;
    assert!(matches!(
        claimed(ECDSA, 1, 1, long + 2),
        Err(AuthError::Mismatch)
    ));
    let Scheme::V4a { region_set } = claimed(ECDSA, 1, REGIONS_MAX + 5, long)
        .unwrap()
        .unwrap()
        .scheme
    else {
        panic!("not SigV4A");
    };
    assert_eq!(region_set.len(), REGIONS_MAX);
}

/// Signs as a client does, with the private half of the key pair.
fn sign_v4a(text: &str) -> Vec<u8> {
    use aws_lc_rs::{rand, signature};
    let scalar = key::scalar(SECRET, "AKIAIOSFODNN7EXAMPLE").unwrap();
    let public = key_of_v4a().public().to_vec();
    let pair = signature::EcdsaKeyPair::from_private_key_and_public_key(
        &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        &scalar,
        &public,
    )
    .unwrap();
    let signature = pair.sign(&rand::SystemRandom::new(), text.as_bytes());
    signature.unwrap().as_ref().to_vec()
}

fn key_of_v4a() -> SigningKey {
    SigningKey::derive_v4a(SECRET, "AKIAIOSFODNN7EXAMPLE").unwrap()
}

/// A streamed upload after the CRT's test of it: the head, its claim, and the body with a trailer.
fn chunks_of_v4a(padding: usize) -> (Parts, Claim, Vec<u8>) {
    let signed = "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-region-set;x-amz-trailer";
    let head = |signature: &str| {
        let authorization = format!(
            "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/s3/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        s3_parts(
            "PUT",
            "/examplebucket/chunkObject.txt",
            &[
                ("x-amz-date", "20130524T000000Z"),
                ("x-amz-region-set", "us-east-1"),
                (
                    "x-amz-content-sha256",
                    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
                ),
                ("x-amz-decoded-content-length", "66560"),
                ("x-amz-trailer", "first,second"),
                ("authorization", &authorization),
            ],
        )
    };
    let canonical = format!(
        "PUT\n/examplebucket/chunkObject.txt\n\nhost:examplebucket.s3.amazonaws.com\n\
         x-amz-content-sha256:STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER\nx-amz-date:20130524T000000Z\n\
         x-amz-decoded-content-length:66560\nx-amz-region-set:us-east-1\nx-amz-trailer:first,second\n\n{signed}\n\
         STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"
    );
    let scope = "20130524T000000Z\n20130524/s3/aws4_request";
    let mut previous = hex::encode(sign_v4a(&format!(
        "AWS4-ECDSA-P256-SHA256\n{scope}\n{}",
        hex::encode(sha256(canonical.as_bytes()))
    )));
    let parts = head(&previous);
    let mut body = Vec::new();
    for size in [65536, 1024, 0] {
        let data = vec![b'a'; size];
        previous = hex::encode(sign_v4a(&format!(
            "AWS4-ECDSA-P256-SHA256-PAYLOAD\n{scope}\n{previous}\n{}\n{}",
            hex::encode(sha256(b"")),
            hex::encode(sha256(&data))
        )));
        body.extend_from_slice(
            format!("{size:x};chunk-signature={previous:*<padding$}\r\n").as_bytes(),
        );
        body.extend(data);
        if size > 0 {
            body.extend_from_slice(b"\r\n");
        }
    }
    let last = sign_v4a(&format!(
        "AWS4-ECDSA-P256-SHA256-TRAILER\n{scope}\n{previous}\n{}",
        hex::encode(sha256(b"first:1st\nsecond:2nd\n"))
    ));
    let last = hex::encode(last);
    body.extend_from_slice(
        format!("first:1st\r\nsecond:2nd\r\nx-amz-trailer-signature:{last:*<padding$}\r\n\r\n")
            .as_bytes(),
    );
    let claim = claim(&parts).unwrap().unwrap();
    (parts, claim, body)
}

#[test]
fn chunks_of_signature_version_4a_are_verified() {
    for padding in [0, 144] {
        let (parts, claim, body) = chunks_of_v4a(padding);
        assert_eq!(claim.payload, Payload::SignedChunks);
        assert_eq!(claim.verify(&parts, &key_of_v4a(), None), Ok(()));
        let mut verifier = claim.chunk_verifier(key_of_v4a());
        verifier.feed(&body).unwrap();
        assert_eq!(verifier.finish(), Ok(()));
        // In a chunk's data, in a signature, in the trailer's data.
        for at in [5000, 40, body.len() - padding.max(150) - 40] {
            let mut changed = body.clone();
            changed[at] ^= 1;
            let mut verifier = claim.chunk_verifier(key_of_v4a());
            let judged = verifier.feed(&changed).and_then(|()| verifier.finish());
            assert!(judged.is_err(), "byte {at}");
        }
    }
}

#[test]
fn changes_of_a_request_signed_with_version_4a_are_found() {
    let (parts, claim, _) = chunks_of_v4a(0);
    let changes: [fn(&mut Parts); 3] = [
        |parts| parts.method = http::Method::POST,
        |parts| parts.uri = "/examplebucket/other.txt".parse().unwrap(),
        |parts| {
            let set = HeaderValue::from_static("*");
            drop(parts.headers.insert(REGION_SET, set));
        },
    ];
    for change in changes {
        let mut changed = copy(&parts);
        change(&mut changed);
        let judged = claim.verify(&changed, &key_of_v4a(), None);
        assert_eq!(judged, Err(AuthError::Mismatch));
    }
    let mut unsigned = claim.clone();
    unsigned.service = "events".into();
    unsigned.signed_headers.retain(|name| name != REGION_SET);
    assert_eq!(
        unsigned.verify(&parts, &key_of_v4a(), None),
        Err(AuthError::UnsignedHeader(REGION_SET.into()))
    );
}

fn copy(parts: &Parts) -> Parts {
    let mut request = Request::builder()
        .method(parts.method.clone())
        .uri(parts.uri.clone());
    request.headers_mut().unwrap().clone_from(&parts.headers);
    request.body(()).unwrap().into_parts().0
}

#[test]
fn a_set_of_regions_covers_what_it_names() {
    let set = |text: &str| {
        let credential = "a/20130524/s3/aws4_request";
        Scope::parse(credential, true).unwrap().scheme(text)
    };
    assert_eq!(set("eu-west-1").region(), Some("eu-west-1"));
    for (text, region, covers) in [
        ("eu-west-1", "eu-west-1", true),
        ("eu-west-1", "eu-west-2", false),
        ("*", "eu-west-1", true),
        ("us-*, eu-*", "eu-west-1", true),
        ("us-*", "eu-west-1", false),
        ("eu-*-1", "eu-west-1", true),
        ("eu-west-1*1", "eu-west-1", false),
        ("", "eu-west-1", false),
    ] {
        assert_eq!(set(text).covers(region), covers, "{text} {region}");
    }
    for text in ["*", "us-*", "us-east-1,eu-west-1", ""] {
        assert_eq!(set(text).region(), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_request_makes_claims_panic(authorization in "(AWS4-(HMAC|ECDSA-P256)-SHA256 )?[ -~]{0,120}", query in "(X-Amz-Algorithm=AWS4-(HMAC|ECDSA-P256)-SHA256&)?[a-zA-Z0-9=&%-]{0,100}", date in "[0-9TZ]{0,18}", set in "[a-z*,-]{0,20}") {
        for headers in [vec![("authorization", authorization.as_str()), ("x-amz-date", &date), ("x-amz-region-set", &set)], vec![]] {
            if let Ok(uri) = format!("/?{query}").parse::<http::Uri>() {
                let _ = claim(&s3_parts("GET", &uri.to_string(), &headers));
            }
        }
    }

    #[test]
    fn no_body_makes_the_chunk_verifier_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (mut verifier, _) = documented_chunks();
        let _ = verifier.feed(&body).and_then(|()| verifier.finish());
    }
}

"""Writes wrk scripts with signed requests: a small JSON call, and a 1 MiB S3 put. Uses only the standard library."""

import datetime
import hashlib
import hmac
import pathlib
import sys

folder, access_key, secret = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
HOST = "127.0.0.1:4590"


def sign(method, path, service, headers, payload_hash):
    headers = {**headers, "host": HOST, "x-amz-date": now}
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, "", *(f"{k}:{headers[k]}" for k in sorted(headers)), "", names, payload_hash])
    scope = f"{now[:8]}/us-east-1/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in [now[:8], "us-east-1", service, "aws4_request"]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers


def script(name, method, path, headers, body_lua):
    lines = [f'wrk.method = "{method}"', f'wrk.path = "{path}"', f"wrk.body = {body_lua}"]
    # wrk adds a Host of its own unless there is one in just this case.
    lines += [f'wrk.headers["{key.title()}"] = "{value}"' for key, value in headers.items()]
    # The request is the same every time: render it once.
    lines += ["local rendered", f'init = function() rendered = wrk.format("{method}", "{path}") end', "request = function() return rendered end"]
    (folder / f"{name}.lua").write_text("\n".join(lines) + "\n")


body = '{"Limit":10}'
json_headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.ListTables", "user-agent": "bench"}
script("json", "POST", "/", sign("POST", "/", "dynamodb", json_headers, hashlib.sha256(body.encode()).hexdigest()), f"'{body}'")
mebibyte = "x" * (1 << 20)
digest = hashlib.sha256(mebibyte.encode()).hexdigest()
script("put", "PUT", "/bench/object", sign("PUT", "/bench/object", "s3", {"x-amz-content-sha256": digest}, digest), 'string.rep("x", 1048576)')

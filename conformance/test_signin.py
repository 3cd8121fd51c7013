"""`aws login`: who signed in, and whose calls its credentials make."""

import base64
import http.server
import json
import threading

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from conftest import Pugmark, free_port, wait

USER = "arn:aws:sts::111122223333:assumed-role/Admin/alice"


class SignIn(http.server.BaseHTTPRequestHandler):
    """AWS Sign-In's token endpoint, and an STS that does not look at signatures."""
    given = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/token":
            type(self).given += 1
            claims = base64.urlsafe_b64encode(json.dumps({"sub": USER}).encode()).rstrip(b"=").decode()
            answer = {
                "accessToken": {"accessKeyId": f"ASIASIGNEDIN{self.given}", "secretAccessKey": "s3cr3t", "sessionToken": "s3cr3t"},
                "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": f"s3cr3t-{self.given}",
            }
            if self.given == 1:
                answer["idToken"] = f"e30.{claims}.s3cr3t"
            body, kind = json.dumps(answer).encode(), "application/json"
        else:
            result = f"<GetCallerIdentityResult><Arn>{USER}</Arn></GetCallerIdentityResult>"
            body = f'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{result}</GetCallerIdentityResponse>'.encode()
            kind = "text/xml"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_sign_in_names_its_caller_and_so_do_its_credentials(tmp_path):
    port = free_port()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", port), SignIn)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    config = '[[principals]]\naccess_key_id = "AKIAREADER"\nsecret_access_key = "reader-secret-reader-secret"\n' \
        'arn = "arn:aws:iam::111122223333:user/reader"\npolicies = ["AWSCloudTrail_ReadOnlyAccess"]\n'
    server = Pugmark(tmp_path / "data", "--upstream", f"http://127.0.0.1:{port}", config=config).start()
    unsigned = boto3.client("signin", region_name="us-east-1", endpoint_url=server.endpoint, config=Config(signature_version=UNSIGNED))
    client_id = "arn:aws:signin:::devtools/same-device"
    token = unsigned.create_o_auth2_token(tokenInput={
        "clientId": client_id, "grantType": "authorization_code", "code": "s3cr3t", "codeVerifier": "s3cr3t" * 8,
        "redirectUri": "http://127.0.0.1/oauth/callback",
    })["tokenOutput"]
    token = unsigned.create_o_auth2_token(tokenInput={
        "clientId": client_id, "grantType": "refresh_token", "refreshToken": token["refreshToken"],
    })["tokenOutput"]
    server.client(
        "sts", aws_access_key_id=token["accessToken"]["accessKeyId"], aws_secret_access_key="s3cr3t", aws_session_token="s3cr3t",
    ).get_caller_identity()

    reader = server.client("cloudtrail", aws_access_key_id="AKIAREADER", aws_secret_access_key="reader-secret-reader-secret")

    def found(name, count):
        page = reader.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
        records = [json.loads(event["CloudTrailEvent"]) for event in page["Events"]]
        return len(records) == count and records
    refreshed, first = wait(lambda: found("CreateOAuth2Token", 2))
    for event in (first, refreshed):
        assert event["userIdentity"]["arn"] == USER and "accessKeyId" not in event["userIdentity"]
        assert event["eventSource"] == "signin.amazonaws.com" and event["recipientAccountId"] == "111122223333"
        assert event["requestParameters"] == {"client_id": client_id} and event["responseElements"] is None
        assert "s3cr3t" not in json.dumps(event)
    assert refreshed["additionalEventData"]["grant_type"] == "refresh_token"
    [call] = wait(lambda: found("GetCallerIdentity", 1))
    assert call["userIdentity"]["arn"] == USER and call["userIdentity"]["accessKeyId"] == "ASIASIGNEDIN2"
    assert call["sessionCredentialFromConsole"] == "true"
    server.stop()
    upstream.shutdown()
    assert "s3cr3t" not in (tmp_path / "data" / "server.log").read_text()

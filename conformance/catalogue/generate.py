"""Writes requests of AWS operations, as botocore serialises them, with what a reader should find in them.

    python3 conformance/catalogue/generate.py --all | target/debug/examples/recognise

One JSON object a line: service, operation, protocol, variant, signing, method, url, headers, body (base64), expected.
Two variants an operation: `full` has every member that the model knows, `minimal` only the required ones.
With --answers each line is an answer (status, headers, body) instead, written by botocore's request serialisers from
the output's shape; those that botocore's own parser does not read back as they were meant are left out.
With --canary every sensitive member holds a known text, which must not be in any record (the `canary` example).
In `expected`, what a record must not keep is replaced: {"$blob": bytes}, "$stream", "$hidden". Nothing is sent.
"""

import argparse
import base64
import datetime
import json
import random
import sys
import xml.etree.ElementTree as ElementTree

import botocore.session
import botocore.parsers
import botocore.serialize
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.model import OperationModel
from botocore.serialize import create_serializer

MOMENT = datetime.datetime(2026, 1, 19, 21, 17, 28, tzinfo=datetime.timezone.utc)
PROTOCOLS = {"json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"}
# Operations of S3 with an endpoint and a signing name of their own.
S3_SCOPES = {"ListDirectoryBuckets": "s3express", "WriteGetObjectResponse": "s3-object-lambda"}
TEXT = "a b/ü&=+<\"'%25>"
DOCUMENT = {"k": [1, "x", None, True, 1.5, {"n": "m"}]}


class Builder:
    """A valid input for a shape, and the tree that a reader should make of it."""

    # Set by --canary: the text of every member that is marked sensitive, or is within one that is.
    canary = None

    def __init__(self, full):
        self.full = full
        self.secrets = 0

    def structure(self, shape, stack, top=False, streams=frozenset()):
        params, expected = {}, {}
        payload = shape.serialization.get("payload") if top else None
        for name, member in shape.members.items():
            if not self.full and name not in shape.required_members:
                continue
            if stack.count(member.name) >= 1 and name not in shape.required_members or len(stack) > 12:
                continue
            if member.serialization.get("eventstream"):
                expected[name] = "$stream"
                continue
            place = member.serialization.get("location") if top else None
            if expected and getattr(shape, "is_tagged_union", False):
                break
            value, tree = self.value(member, stack + [member.name], place)
            if member.serialization.get("hostLabel"):
                value = "host1"
                tree = "$hidden" if member.metadata.get("sensitive") else value
            if name == payload and (member.type_name == "blob" or member.serialization.get("streaming")):
                tree = "$hidden" if member.metadata.get("sensitive") else "$stream"
            params[name], expected[name] = value, tree
        return params, expected

    def value(self, shape, stack, place=None):
        is_secret = bool(shape.metadata.get("sensitive"))
        self.secrets += is_secret
        value, tree = self.plain(shape, stack, place)
        self.secrets -= is_secret
        return value, "$hidden" if is_secret else tree

    def plain(self, shape, stack, place):
        kind = shape.type_name
        if self.canary and self.secrets and kind in ("string", "blob"):
            return (self.canary, None) if kind == "string" else (self.canary.encode(), None)
        if kind == "structure":
            if getattr(shape, "is_document_type", False):
                return DOCUMENT, DOCUMENT
            return self.structure(shape, stack)
        if kind == "list":
            pairs = [self.value(shape.member, stack + [shape.member.name], place) for _ in range(2)]
            if stack.count(shape.member.name) >= 2:
                pairs = []
            return [value for value, _ in pairs], [tree for _, tree in pairs]
        if kind == "map":
            if stack.count(shape.value.name) >= 2:
                return {}, {}
            value, tree = self.value(shape.value, stack + [shape.value.name], place)
            keys = (shape.key.enum or ["key1", "key2"])[:2]
            if shape.key.metadata.get("sensitive"):
                if self.canary:
                    return {self.canary: value}, "$hidden"
                return {key: value for key in keys}, "$hidden"
            return {key: value for key in keys}, {key: tree for key in keys}
        if kind == "timestamp":
            return MOMENT, "2026-01-19T21:17:28Z"
        if kind == "blob":
            return b"pay\x00load", {"$blob": 8}
        if kind == "boolean":
            return True, True
        if kind in ("integer", "long", "short", "byte"):
            return 42, 42
        if kind in ("float", "double"):
            return 1.5, 1.5
        if shape.enum:
            return shape.enum[0], shape.enum[0]
        text = "plain" if place in ("header", "headers") else TEXT
        if shape.serialization.get("jsonvalue") and place == "header":
            return {"a": "b"}, base64.b64encode(b'{"a":"b"}').decode()
        return text, text


def lines(service, model, sample, host_only):
    metadata = model.metadata
    signing = metadata.get("signingName") or metadata["endpointPrefix"]
    names = list(model.operation_names)
    if sample:
        names = random.Random(service).sample(names, min(sample, len(names)))
    spoken = [it for it in metadata.get("protocols") or [metadata["protocol"]] if it in PROTOCOLS]
    for protocol in spoken:
        serializer = create_serializer(protocol, include_validation=False)
        for name in sorted(names):
            operation = model.operation_model(name)
            for variant in ("full", "minimal"):
                params, expected = {}, {}
                if operation.input_shape is not None:
                    builder = Builder(variant == "full")
                    builder.secrets += bool(operation.input_shape.metadata.get("sensitive"))
                    params, expected = builder.structure(operation.input_shape, [operation.input_shape.name], True)
                prefix = ""
                try:
                    if operation.input_shape is not None and operation.input_shape.metadata.get("sensitive"):
                        expected = "$hidden"
                    request = serializer.serialize_to_request(params, operation)
                    prefix = request.get("host_prefix") or ""
                    request["host_prefix"] = None
                    label = "s3-object-lambda" if name == "WriteGetObjectResponse" else metadata["endpointPrefix"]
                    endpoint = f"https://{prefix}{label}.us-east-1.amazonaws.com"
                    prepare_request_dict(request, endpoint, user_agent="generate")
                    prepared = create_request_object(request).prepare()
                except Exception as error:  # noqa: BLE001 - told, and the next one tried
                    print(f"cannot serialise {service} {name} {protocol} {variant}: {error!r}", file=sys.stderr)
                    continue
                body = prepared.body or b""
                if hasattr(body, "read"):
                    body = body.read()
                if isinstance(body, str):
                    body = body.encode()
                headers = {
                    key: value.decode() if isinstance(value, bytes) else str(value)
                    for key, value in prepared.headers.items()
                }
                scope = S3_SCOPES.get(name, signing) if service == "s3" else signing
                anonymous = operation.auth_type == "none" or host_only
                yield {
                    "service": service,
                    "operation": name,
                    "protocol": protocol,
                    "variant": variant,
                    "signing": None if anonymous else scope,
                    "method": prepared.method,
                    "url": prepared.url,
                    "headers": headers,
                    "body": base64.b64encode(bytes(body)).decode(),
                    "expected": expected,
                }


def answers(service, model, sample):
    metadata = model.metadata
    names = sorted(model.operation_names)
    if sample:
        names = sorted(random.Random(service).sample(names, min(sample, len(names))))
    left_out = 0
    for protocol in [it for it in metadata.get("protocols") or [metadata["protocol"]] if it in PROTOCOLS]:
        for name in names:
            shape = model.operation_model(name).output_shape
            if shape is None:
                continue
            for variant in ("full", "minimal"):
                builder = Builder(variant == "full")
                builder.secrets += bool(shape.metadata.get("sensitive"))
                params, expected = builder.structure(shape, [shape.name], True)
                for member, member_shape in shape.members.items():
                    if member_shape.serialization.get("location") == "statusCode":
                        params.pop(member, None)
                        expected[member] = 200
                if shape.metadata.get("sensitive"):
                    expected = "$hidden"
                try:
                    headers, body = answer(protocol, model, name, params)
                    read = botocore.parsers.create_parser(protocol).parse(
                        {"headers": headers, "body": body, "status_code": 200, "context": {}}, shape
                    )
                except Exception as error:  # noqa: BLE001 - told, and the next one tried
                    print(f"cannot answer {service} {name} {protocol} {variant}: {error!r}", file=sys.stderr)
                    continue
                read.pop("ResponseMetadata", None)
                if not agrees(params, read):
                    left_out += 1
                    continue
                yield {
                    "service": service,
                    "operation": name,
                    "protocol": protocol,
                    "variant": variant,
                    "status": 200,
                    "headers": {key: str(value) for key, value in headers.items()},
                    "body": base64.b64encode(body).decode(),
                    "expected": expected,
                }
    if left_out:
        print(f"{service}: {left_out} answers left out", file=sys.stderr)


def answer(protocol, model, name, params):
    """Headers and body of an answer: the output as if it were an input."""
    operation = model.operation_model(name)
    output = operation._operation_model["output"]
    if protocol in ("query", "ec2"):
        # Only the REST-XML serialiser writes XML; it takes any shape.
        root = ElementTree.Element(f"{name}Response", xmlns="http://example.com/")
        inner = ElementTree.SubElement(root, output["resultWrapper"]) if "resultWrapper" in output else root
        writer = create_serializer("rest-xml", include_validation=False)
        for member, value in params.items():
            shape = operation.output_shape.members[member]
            writer._serialize(shape, value, inner, shape.serialization.get("name", member))
        ElementTree.SubElement(root, "requestId" if protocol == "ec2" else "ResponseMetadata")
        return {"content-type": "text/xml"}, ElementTree.tostring(root)
    turned = {"name": name, "http": {"method": "POST", "requestUri": "/"}, "input": {"locationName": "Answer", **output}}
    writer = create_serializer(protocol, include_validation=False)
    shape = operation.output_shape
    payload = shape.members.get(shape.serialization.get("payload"))
    if protocol == "rest-xml" and payload is not None and payload.type_name == "structure":
        # As an input this would need the name of its root, which answers leave to the service.
        content = params.pop(payload_name := shape.serialization["payload"], None)
        request = writer.serialize_to_request(params, OperationModel(turned, model, name))
        root = ElementTree.Element("Payload")
        if content is not None:
            writer._serialize(payload, content, root, payload_name)
            params[payload_name] = content
            root = root[0]
        return request["headers"], ElementTree.tostring(root) if content is not None else b""
    request = writer.serialize_to_request(params, OperationModel(turned, model, name))
    body = request["body"]
    return request["headers"], body.encode() if isinstance(body, str) else bytes(body)


def agrees(params, read):
    """Whether what was read back is what was written, but for empty values and how streams are wrapped."""
    if isinstance(params, dict) and isinstance(read, dict):
        keys = {key for key, value in params.items() if value not in ({}, [])}
        return all(agrees(params[key], read.get(key)) for key in keys)
    if isinstance(params, list) and isinstance(read, list):
        return len(params) == len(read) and all(agrees(one, other) for one, other in zip(params, read))
    return params == read or hasattr(read, "read") or isinstance(read, (dict, list)) and not params


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every operation, not three of each service")
    parser.add_argument("--host-only", action="store_true", help="leave the signing name out")
    parser.add_argument("--answers", action="store_true", help="answers instead of requests")
    parser.add_argument("--canary", action="store_true", help="a known text in every sensitive member")
    parser.add_argument("services", nargs="*", help="only these")
    arguments = parser.parse_args()
    Builder.canary = "CANARY7F3A" if arguments.canary else None
    session = botocore.session.Session()
    for service in arguments.services or session.get_available_services():
        model = session.get_service_model(service)
        sample = None if arguments.all else 3
        made = answers(service, model, sample) if arguments.answers else lines(service, model, sample, arguments.host_only)
        for line in made:
            sys.stdout.write(json.dumps(line, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

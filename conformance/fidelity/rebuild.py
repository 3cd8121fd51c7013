"""From a CloudTrail event back to the API call that caused it.

Written from botocore's models and what events look like; it shares no table with the server, whose rules it is to check.
"""

import datetime
import json
import re

import botocore.session

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Stands for what AWS hid or left out: must not be in our record either.
SECRET = "Secret-Canary-7f3a"
# Event sources whose name is no service's endpoint prefix.
SOURCES = {
    "ses": ["ses", "sesv2"], "monitoring": ["cloudwatch"], "elasticloadbalancing": ["elbv2", "elb"],
    "bedrock": ["bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime"],
    "s3": ["s3", "s3control"], "tagging": ["resourcegroupstaggingapi"], "rdsdata": ["rds-data"],
    "metering-marketplace": ["meteringmarketplace"], "iotdata": ["iot-data"], "lex": ["lexv2-models", "lex-models"],
    "apigateway": ["apigateway", "apigatewayv2"], "cognito-idp": ["cognito-idp"], "sso": ["sso", "sso-admin"],
    "rds": ["rds", "neptune", "docdb"], "application-autoscaling": ["application-autoscaling"],
}
# Operations under another name in events.
RENAMED = {
    "s3": {
        "ListObjects": ["ListObjectsV2", "ListObjects"],
        "GetBucketPublicAccessBlock": ["GetPublicAccessBlock"], "PutBucketPublicAccessBlock": ["PutPublicAccessBlock"],
        "DeleteBucketPublicAccessBlock": ["DeletePublicAccessBlock"],
        "GetBucketLifecycle": ["GetBucketLifecycleConfiguration"],
        "PutBucketLifecycle": ["PutBucketLifecycleConfiguration"],
        "GetBucketNotification": ["GetBucketNotificationConfiguration"],
        "PutBucketNotification": ["PutBucketNotificationConfiguration"],
        "GetBucketObjectLockConfiguration": ["GetObjectLockConfiguration"],
        "PutBucketObjectLockConfiguration": ["PutObjectLockConfiguration"],
        "GetAccelerateConfiguration": ["GetBucketAccelerateConfiguration"],
        "GetBucketReplication": ["GetBucketReplication"],
        "GetBucketOwnershipControls": ["GetBucketOwnershipControls"],
    },
    "s3control": {
        "GetAccountPublicAccessBlock": ["GetPublicAccessBlock"], "PutAccountPublicAccessBlock": ["PutPublicAccessBlock"],
        "DeleteAccountPublicAccessBlock": ["DeletePublicAccessBlock"],
    },
}
# EC2's own words for its members.
EC2_WORDS = {
    "zone": "AvailabilityZone", "aclProtocol": "Protocol", "attributeType": "Attribute",
    "accountAttributeNameSet": "AttributeNames", "keySet": "KeyNames", "securityGroupSet": "GroupNames",
    "securityGroupIdSet": "GroupIds",
}
JAVA_TIME = ("%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p")


class Impossible(Exception):
    """Why an event cannot be turned back into a call."""


class Models:
    """botocore's models by event source."""

    def __init__(self):
        self.session = botocore.session.get_session()
        self.by_prefix = {}
        self.loaded = {}
        for service in self.session.get_available_services():
            self.by_prefix.setdefault(service, []).append(service)

    def load(self, service):
        if service not in self.loaded:
            self.loaded[service] = self.session.get_service_model(service)
        return self.loaded[service]

    def candidates(self, source):
        prefix = source.removesuffix(".amazonaws.com")
        if prefix in SOURCES:
            return SOURCES[prefix]
        if prefix in self.by_prefix:
            return self.by_prefix[prefix]
        if not hasattr(self, "by_endpoint"):
            self.by_endpoint = {}
            for service in self.session.get_available_services():
                metadata = self.load(service).metadata
                for name in {metadata["endpointPrefix"], metadata.get("signingName")} - {None}:
                    self.by_endpoint.setdefault(name, []).append(service)
        return self.by_endpoint.get(prefix, [])

    def operations(self, event):
        """Every (service, operation) that the event may be of, likeliest first."""
        name = event["eventName"]
        found = []
        for service in self.candidates(event["eventSource"]):
            model = self.load(service)
            names = RENAMED.get(service, {}).get(name, [])
            names = names + [name, re.sub(r"20\d\d_?\d\d_?\d\d(v\d)?$", "", name)]
            for operation in dict.fromkeys(names):
                if operation in model.operation_names:
                    found.append((service, model.operation_model(operation)))
        return found


def rebuild(models, event):
    """(service, operation model, params) of the call; `Impossible` says why not."""
    operations = models.operations(event)
    if not operations:
        raise Impossible("no such operation in botocore")
    reasons = []
    # What the service adds itself is told from another operation's member by having tried all operations first.
    for strict, (service, operation) in [(strict, it) for strict in (True, False) for it in operations]:
        try:
            return service, operation, params_of(service, operation, event, strict)
        except Impossible as reason:
            reasons.append(str(reason))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # An event that was written by hand, or cut.
            reasons.append(f"malformed: {error!r}")
    raise Impossible("; ".join(dict.fromkeys(reasons)))


def params_of(service, operation, event, strict):
    written = event.get("requestParameters")
    shape = operation.input_shape
    if shape is None:
        if written:
            raise Impossible("parameters for an operation that has none")
        return {}
    if written is None and shape.required_members and not is_body_only(shape):
        raise Impossible("AWS left the parameters out")
    unmapper = {"s3": S3, "s3control": S3, "ec2": Ec2}.get(service, Plain)(operation)
    unmapper.strict = strict
    params = unmapper.top(shape, written or {})
    if service == "s3control" and isinstance((written or {}).get("Host"), str):
        params.setdefault("AccountId", written["Host"].split(".")[0])
    for name in shape.required_members:
        member = shape.members[name]
        if name not in params:
            if member.type_name == "blob" or member.serialization.get("streaming"):
                params[name] = SECRET.encode()
            elif (service, name) == ("ec2", "Attribute"):
                params[name] = member.enum[0]
            elif member.metadata.get("sensitive") or re.search("(?i)password|secret|token", name):
                params[name] = SECRET
            else:
                raise Impossible(f"AWS left {name} out, which is required")
    return params


def is_body_only(shape):
    return all(shape.members[name].type_name == "blob" for name in shape.required_members)


def key_of(name):
    return re.sub("[^a-z0-9]", "", name.lower())


class Plain:
    """Names with the first letter lowered."""

    def __init__(self, operation):
        self.operation = operation
        self.strict = True

    def unknown(self, name, value):
        """A scalar that no member is called like was added by the service: our record needs it too."""
        if self.strict or isinstance(value, (dict, list)):
            raise Impossible(f"{self.operation.name} has no {name}")

    def top(self, shape, written):
        return self.structure(shape, written)

    def member(self, shape, name):
        """The member that an event calls `name`."""
        wanted = key_of(name)
        for member, inner in shape.members.items():
            names = [member, inner.serialization.get("name"), inner.serialization.get("queryName")]
            if any(key_of(it) == wanted for it in names if it):
                return member
        return None

    def structure(self, shape, written):
        if not isinstance(written, dict):
            raise Impossible(f"{shape.name} is written as {type(written).__name__}")
        params = {}
        for name, value in written.items():
            member = self.member(shape, name)
            if member is None:
                self.unknown(name, value)
                continue
            params[member] = self.value(shape.members[member], value)
        return params

    def value(self, shape, value):
        kind = shape.type_name
        if value == HIDDEN:
            return self.secret(shape)
        if value is None:
            raise Impossible("null within parameters")
        if kind == "structure":
            if getattr(shape, "is_document_type", False):
                return value
            return self.structure(shape, value)
        if kind == "list":
            return [self.value(shape.member, item) for item in self.items(value)]
        if kind == "map":
            if not isinstance(value, dict):
                raise Impossible(f"{shape.name} is written as {type(value).__name__}")
            return {key: self.value(shape.value, item) for key, item in value.items()}
        return scalar(shape, value)

    def items(self, value):
        if isinstance(value, list):
            return value
        raise Impossible(f"a list is written as {type(value).__name__}")

    def secret(self, shape):
        """Something that must be hidden again."""
        kind = shape.type_name
        if kind == "structure":
            return {name: self.secret(member) for name, member in shape.members.items() if name in shape.required_members}
        if kind == "list":
            return [self.secret(shape.member)]
        if kind == "map":
            return {SECRET: self.secret(shape.value)}
        if kind == "timestamp":
            return datetime.datetime(2026, 1, 1)
        if kind == "boolean":
            return True
        return SECRET.encode() if kind == "blob" else 42 if kind in ("integer", "long", "float", "double") else SECRET


def scalar(shape, value):
    kind = shape.type_name
    if isinstance(value, (dict, list)):
        raise Impossible(f"{shape.name} is written as {type(value).__name__}")
    if kind == "timestamp":
        return moment(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
    except ValueError as error:
        raise Impossible(f"{shape.name} is not a number: {value}") from error
    if kind == "blob":
        raise Impossible(f"{shape.name} is a blob")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment(value):
    if isinstance(value, (int, float)):
        seconds = value / 1000 if value > 1e11 else value
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    text = value.replace("\u202f", " ")
    for form in JAVA_TIME:
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            pass
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Impossible(f"not a moment: {value}") from error


class S3(Plain):
    """The bucket, the key, and everything else by its name in the query, a header or the XML body."""

    def top(self, shape, written):
        params = {}
        for name, value in written.items():
            if name == "Host" or value == "" and name.islower() and written.keys() & {name.title(), "bucketPolicy"}:
                continue
            member = {"bucketName": "Bucket", "key": "Key", "bucketPolicy": "Policy"}.get(name) or self.member(shape, name)
            if member not in shape.members:
                if value != "" and name not in ("list-type", "encoding-type", "x-id"):
                    self.unknown(name, value)
                continue
            params[member] = json.dumps(value) if member == "Policy" else self.value(shape.members[member], value)
        return params

    def items(self, value):
        # XML does not tell a list of one from a structure.
        return value if isinstance(value, list) else [value]

    def structure(self, shape, written):
        written = {name: value for name, value in written.items() if not name.startswith("xmlns")}
        if written and len(shape.members) == 1 and not any(self.member(shape, name) for name in written):
            only = next(iter(shape.members))
            return {only: self.value(shape.members[only], written)}
        return super().structure(shape, written)


class Ec2(Plain):
    """`…Set` with `items` of one-member structures, and the requests that are written as their XML."""

    def top(self, shape, written):
        if len(written) == 1:
            [(name, inner)] = written.items()
            if name.endswith("Request") and (isinstance(inner, dict) or inner == ""):
                return self.structure(shape, inner or {})
        written = dict(written)
        instances = written.pop("instancesSet", None) if self.operation.name == "RunInstances" else None
        if instances:
            for item in instances.get("items", []):
                written = {**item, **written}
        return self.structure(shape, written)

    def member(self, shape, name):
        found = super().member(shape, EC2_WORDS.get(name, name))
        if found or name in ("tag", "content"):
            return found
        wanted = key_of(name)
        stems = {wanted, wanted.removesuffix("set"), wanted.removesuffix("set") + "s", wanted.removesuffix("s")}
        stems |= {wanted.removesuffix("set").removesuffix("s"), wanted.removesuffix("items")}
        stems.discard("")
        stems |= {stem + "id" for stem in stems} | {stem + "ids" for stem in stems}
        for member, inner in shape.members.items():
            for it in (member, inner.serialization.get("name")):
                key = key_of(it) if it else ""
                if key in stems or key.removesuffix("s") in stems or key + "specification" in stems:
                    return member
        return None

    def structure(self, shape, written):
        if isinstance(written, dict):
            written = {name: value for name, value in written.items() if not (name == "tag" and "tag" not in map(key_of, shape.members))}
            # A structure that says nothing is how EC2 writes what is absent.
            written = {name: value for name, value in written.items() if value != {}}
            if self.member(shape, "Value") and "value" not in map(str.lower, written) and "content" in written:
                written = {"value": written["content"]}
        return super().structure(shape, written)

    def items(self, value):
        if isinstance(value, dict):
            if "items" in value or set(value) == {"item"}:
                value = value.get("items", value.get("item"))
            else:
                value = [value]
        return value if isinstance(value, list) else [value]

    def value(self, shape, value):
        if shape.type_name == "list" and shape.member.type_name not in ("structure", "list", "map"):
            return [scalar(shape.member, self.content(item)) for item in self.items(value) if item not in ({}, "")]
        if shape.type_name not in ("structure", "list", "map") and isinstance(value, dict) and value != HIDDEN:
            value = self.content(value)
        return super().value(shape, value)

    def content(self, item):
        """The text of `{"tag": 1, "content": "…"}` or of a structure with one member."""
        if not isinstance(item, dict):
            return item
        if "content" in item:
            return item["content"]
        rest = [value for name, value in item.items() if name != "tag"]
        if len(rest) == 1 and not isinstance(rest[0], (dict, list)):
            return rest[0]
        raise Impossible(f"not one value: {item}")

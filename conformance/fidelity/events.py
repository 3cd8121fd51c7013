"""Real CloudTrail events, read from any folder of files."""

import gzip
import json
import pathlib


def load(folders):
    """Each distinct event of the folders: (file, event). Two that differ only in when and by whom are one."""
    seen = set()
    for folder in folders:
        root = pathlib.Path(folder)
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if not path.is_file():
                continue
            for event in within(document(path)):
                form = [event.get(name) for name in ("eventSource", "eventName", "requestParameters", "errorCode")]
                form.append(sorted(event.get("responseElements") or {}))
                text = json.dumps(form, sort_keys=True)
                if text not in seen:
                    seen.add(text)
                    yield path.name, event


def document(path):
    """A file's JSON, or its lines' JSON; None if it is neither."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    try:
        return json.loads(text)
    except ValueError:
        pass
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            return None
    return lines


def within(value):
    """The events within a document: log files, lists, LookupEvents answers, events in an envelope."""
    if isinstance(value, list):
        for item in value:
            yield from within(item)
    elif isinstance(value, dict):
        if "eventSource" in value and "eventName" in value and "eventVersion" in value:
            yield value
            return
        for name, item in value.items():
            if name in ("CloudTrailEvent", "message") and isinstance(item, str):
                try:
                    item = json.loads(item)
                except ValueError:
                    continue
            yield from within(item)

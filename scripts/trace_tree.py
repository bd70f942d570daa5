#!/usr/bin/env python3
"""Reads a project's traces back from a Weave server and prints them as trees, with the counts: trace_tree.py PROJECT

Takes WANDB_API_KEY, and WANDB_BASE_URL and WF_TRACE_SERVER_URL where they are not those of W&B's own service. A project
without an entity is looked for under WANDB_ENTITY, else under the account's default entity."""
import base64
import datetime
import json
import os
import sys
import urllib.error
import urllib.request

BASE = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").rstrip("/")
HOSTED = BASE == "https://api.wandb.ai"
TRACES = os.environ.get("WF_TRACE_SERVER_URL") or ("https://trace.wandb.ai" if HOSTED else f"{BASE}/traces")


def post(address, body):
    key = base64.b64encode(f"api:{os.environ['WANDB_API_KEY']}".encode()).decode()
    request = urllib.request.Request(address, json.dumps(body).encode(), {
        "Content-Type": "application/json", "Authorization": f"Basic {key}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [json.loads(line) for line in answer.read().splitlines() if line]
    except urllib.error.HTTPError as error:
        sys.exit(f"{address}: {error.code} {error.read().decode()}")


def full_name(project):
    if "/" in project:
        return project
    entity = os.environ.get("WANDB_ENTITY")
    if not entity:
        query = "query DefaultEntity { viewer { username defaultEntity { name } } }"
        entity = post(f"{BASE}/graphql", {"query": query})[0]["data"]["viewer"]["defaultEntity"]["name"]
    return f"{entity}/{project}"


def duration(call):
    begun, ended = (datetime.datetime.fromisoformat(call[key]) for key in ("started_at", "ended_at"))
    return f"{(ended - begun).total_seconds() * 1000:.1f} ms"


def failure(exception):
    """Python clients and libweave send JSON text, others the bare message."""
    try:
        return "{type}: {message}".format(**json.loads(exception))
    except (ValueError, KeyError, TypeError):
        return exception.splitlines()[0]


def describe(call):
    summary, op = call.get("summary") or {}, call["op_name"]
    name = op.rsplit("/", 1)[1].rsplit(":", 1)[0] if op.startswith("weave:///") else op
    parts = [name + (f' "{call["display_name"]}"' if call.get("display_name") else "")]
    parts.append(summary.get("weave", {}).get("status", "?"))
    parts += [duration(call)] if call.get("ended_at") else []
    tokens = sum((usage.get("total_tokens") or 0) for usage in (summary.get("usage") or {}).values())
    parts += [f"{tokens} tokens"] if tokens else []
    parts += [failure(call["exception"])] if call.get("exception") else []
    return "  ".join(parts)


def draw(call, children, before="", last=True, root=True):
    yield describe(call) if root else f"{before}{'└─ ' if last else '├─ '}{describe(call)}"
    below = "" if root else before + ("   " if last else "│  ")
    inner = children.get(call["id"], [])
    for n, child in enumerate(inner):
        yield from draw(child, children, below, n == len(inner) - 1, False)


def main():
    project = full_name(sys.argv[1])
    calls = sorted(post(f"{TRACES}/calls/stream_query", {"project_id": project}), key=lambda call: call["started_at"])
    children, known = {}, {call["id"] for call in calls}
    for call in calls:
        parent = call.get("parent_id")
        children.setdefault(parent if parent in known else None, []).append(call)
    print(project)
    for root in children.get(None, []):
        print("\n".join(f"  {line}" for line in draw(root, children)))
    objects = post(f"{TRACES}/objs/query", {"project_id": project, "filter": {"latest_only": True}})[0]["objs"]
    feedback = post(f"{TRACES}/feedback/query", {"project_id": project, "fields": ["id"]})[0]["result"]
    ops = [item for item in objects if item["kind"] == "op"]
    print(f"{len(calls)} calls, {len(ops)} ops, {len(objects) - len(ops)} objects, {len(feedback)} feedback items")


if __name__ == "__main__":
    main()

"""A program on a device: carrying_writer.py OFFLINE_DIR PROJECT. It logs what the lines of its input ask for, answers each
with a line of JSON, and ends with its input. It stays away from the network."""
import json
import sys

import libweave

client = libweave.init(sys.argv[2], offline=True, offline_dir=sys.argv[1])
calls, kept = {}, {}


def log(count, **_):
    return [client.log_call("step", {"n": number}, number) for number in range(count)]


def bulk(count, size, **_):
    text = "".join(chr(97 + number * 7 % 26) for number in range(size))
    return [client.log_call("bulk", {"n": number, "text": text[number % 97:]}, number) for number in range(count)]


def bad(text, **_):
    return client.log_call("bad", {"text": text})


def start(name, **_):
    calls[name] = client.create_call("long", {"name": name})
    return calls[name].id


def end(name, **_):
    calls.pop(name).finish({"done": name})
    return name


def thing(name, value, **_):
    """Publishes an object, and one that refers to it, whose digest is therefore another on the server."""
    inner = client.create_object(name + "-inner", value)
    kept[name] = client.create_object(name, {"inner": inner.uri})
    return kept[name].uri


def use(name, **_):
    return client.log_call("use", {"thing": kept[name].uri}, kept[name].uri)


def file(name, text, **_):
    return client.create_file(name, text.encode())


def note(call, text, **_):
    return client.feedback(call).add_note(text)


def flush(**_):
    client.flush()
    return None


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(globals()[asked.pop("do")](**asked)), flush=True)
client.finish()

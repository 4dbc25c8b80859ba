# SPDX-License-Identifier: Apache-2.0
# api_openapi.py DOC SEEN SOCKET [SOURCE] - the program answers as docs/openapi.yaml says; prints TAP without a plan
#
# Every operation of DOC is asked, with what succeeds and what does not; status, content type and each
# field of an answer must be in DOC. What was seen is added to the file SEEN. With SOURCE (api.c) this is
# the last instance, and the other way is checked as well: whatever DOC has was seen from one of the
# instances, and DOC has every route of SOURCE.
import http.client
import json
import re
import socket
import sys
import time

import yaml

DOC, SEEN, SOCKET = sys.argv[1:4]
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
SPEC = {"proto": "tcp4", "parentIP": "127.0.0.1", "parentPort": 20080, "childPort": 80, "childIP": "127.0.0.1"}

with open(DOC) as f:
    doc = yaml.safe_load(f)
seen = set()
count = 0


def check(what, problems):
    global count
    count += 1
    print(f"{'not ' if problems else ''}ok {count} - {what}")
    for p in problems:
        print(f"#   {p}")


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(SOCKET)


def ask(method, path, body=None):
    c = Connection("rootlesskit")
    c.request(method, path, None if body is None else json.dumps(body))
    r = c.getresponse()
    return r.status, r.headers.get("Content-Type"), r.read().decode()


def resolve(node):
    """what a $ref points to, and its name"""
    if "$ref" not in node:
        return node, ""
    where = node["$ref"].split("/")[1:]
    node = doc
    for name in where:
        node = node[name]
    return node, where[-1]


def problems_of(value, schema, at):
    schema, name = resolve(schema)
    if value is None and schema.get("nullable"):
        return []
    if type(value) is not TYPES[schema["type"]]:
        return [f"{at}: {value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if "minimum" in schema and value < schema["minimum"] or "maximum" in schema and value > schema["maximum"]:
        return [f"{at}: {value!r} is out of range"]
    found = []
    if schema["type"] == "array":
        for v in value:
            found += problems_of(v, schema["items"], at + "[]")
    if schema["type"] == "object":
        found += [f"{at}: {k} is missing" for k in schema.get("required", []) if k not in value]
        for k, v in value.items():
            inner = schema.get("properties", {}).get(k)
            if inner:
                seen.add(f"field {name}.{k}")
            else:
                inner = schema.get("additionalProperties")
            found += problems_of(v, inner, f"{at}.{k}") if inner else [f"{at}: {k} is not documented"]
    return found


def exercise(method, template, want, path=None, body=None):
    """ask, and compare with the operation's response; the parsed answer"""
    status, kind, text = ask(method, path or template, body)
    what = f"{method} {path or template}: {want}"
    response = doc["paths"][template][method.lower()]["responses"].get(str(status))
    if status != want or response is None:
        check(what, [f"{status}, documented: {response is not None}: {text}"])
        return None
    seen.add(f"answer {method} {template} {status}")
    content = resolve(response)[0].get("content")
    if content is None:
        check(what, [f"a body: {text}"] if text else [])
        return None
    if kind not in content:
        check(what, [f"content type {kind}, documented: {list(content)}"])
        return None
    if "ndjson" in kind:
        value = [json.loads(line) for line in text.splitlines()]
    else:
        value = text if kind.startswith("text/plain; version") else json.loads(text)
    check(what, problems_of(value, content[kind]["schema"], "answer"))
    return value


def operations():
    return {(m.upper(), p) for p, item in doc["paths"].items() for m in item}


def refused_once():
    """nobody serves the port in the child"""
    try:
        with socket.create_connection(("127.0.0.1", SPEC["parentPort"]), 5) as s:
            s.recv(1)
    except ConnectionError:
        pass


def statistics(port_id):
    refused_once()
    for _ in range(50):
        listed = exercise("GET", "/v1/ports", 200, "/v1/ports?stats=1")
        stats = [p["stats"] for p in listed if p["id"] == port_id]
        if stats[0]["refused"]:
            break
        time.sleep(0.05)
    check("a refusal is counted", [] if stats[0]["refused"] == 1 and stats[0]["lastError"] == "connection refused" else stats)


def flows():
    """a client of a TCP port and of a UDP port, echoed by the child"""
    ids = []
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for proto, s in (("tcp4", tcp), ("udp4", udp)):
            body = {**SPEC, "proto": proto, "parentPort": 20090, "childPort": 7, "childIP": ""}
            ids.append(exercise("POST", "/v1/ports", 201, body=body)["id"])
            s.settimeout(10)
            s.connect(("127.0.0.1", 20090))
            s.send(b"x")
            s.recv(1)
        listed = exercise("GET", "/v1/flows", 200)
        found = sorted((f["proto"], f["portID"]) for f in listed["flows"])
        check("both are listed", [] if found == [("tcp", ids[0]), ("udp", ids[1])] and listed["next"] == 0 else [str(listed)])
        exercise("GET", "/v1/flows", 200, "/v1/flows?next=1")
    for i in ids:
        exercise("DELETE", "/v1/ports/{id}", 200, f"/v1/ports/{i}")


def ask_everything():
    info = exercise("GET", "/v1/info", 200)
    exercise("GET", "/v1/metrics", 200)
    exercise("GET", "/metrics", 200)
    exercise("GET", "/v1/events", 200)
    exercise("GET", "/v1/flows", 200)
    if "portDriver" not in info:
        exercise("GET", "/v1/ports", 400)
        exercise("POST", "/v1/ports", 400, body=SPEC)
        exercise("DELETE", "/v1/ports/{id}", 400, "/v1/ports/1")
        return
    exercise("GET", "/v1/ports", 200)
    status = exercise("POST", "/v1/ports", 201, body=SPEC)
    check("the spec comes back as it was posted", [] if status["spec"] == SPEC else [str(status)])
    exercise("POST", "/v1/ports", 400, body=SPEC)
    listed = exercise("GET", "/v1/ports", 200)
    check("the list has it", [] if status in listed else [str(listed)])
    statistics(status["id"])
    flows()
    exercise("DELETE", "/v1/ports/{id}", 200, f"/v1/ports/{status['id']}")
    exercise("DELETE", "/v1/ports/{id}", 400, f"/v1/ports/{status['id']}")
    exercise("DELETE", "/v1/ports/{id}", 400, "/v1/ports/x")
    spec_schema = doc["components"]["schemas"]["Spec"]
    for proto in spec_schema["properties"]["proto"]["enum"]:
        address = "::1" if proto.endswith("6") else "127.0.0.1"
        body = {"proto": proto, "parentIP": address, "parentPort": 20081, "childPort": 80}
        status = exercise("POST", "/v1/ports", 201, body=body)
        if status:
            exercise("DELETE", "/v1/ports/{id}", 200, f"/v1/ports/{status['id']}")
    status = exercise("POST", "/v1/ports", 201, body={**SPEC, "parentPort": 20082, "count": 3})
    exercise("DELETE", "/v1/ports/{id}", 400, f"/v1/ports/{status['id']}?drain=x")
    exercise("DELETE", "/v1/ports/{id}", 200, f"/v1/ports/{status['id']}?drain=1")
    protos = info["portDriver"]["protos"]
    unknown = set(protos) - set(spec_schema["properties"]["proto"]["enum"])
    check("every proto of Info is documented", sorted(unknown))
    for field in spec_schema["required"]:
        exercise("POST", "/v1/ports", 400, body={k: v for k, v in SPEC.items() if k != field})
    for field in spec_schema["properties"]:
        exercise("POST", "/v1/ports", 400, body={**SPEC, field: ["x"]})
    exercise("GET", "/v1/events", 200, "/v1/events?after=1")


def other_methods_and_paths():
    wrong = []
    paths = {p: p.replace("{id}", "1") for p in doc["paths"]}
    for template, path in paths.items():
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            if (method, template) not in operations():
                status, _, text = ask(method, path)
                if (status, text) != (405, ""):
                    wrong.append(f"{method} {path}: {status} {text}")
    check("other methods: 405 without a body", wrong)
    for path in ("/", "/v1", "/v1/", "/v2/info", "/v1/info/", "/v1/ports/", "/v1/ports/1/2", "/openapi.yaml"):
        status, _, text = ask("GET", path)
        if (status, text) != (404, "404 page not found\n"):
            wrong.append(f"{path}: {status} {text}")
    check("other paths: 404", wrong)


def everything_was_seen(source):
    wanted = {f"answer {m.upper()} {p} {s}" for p, item in doc["paths"].items() for m, op in item.items() for s in op["responses"]}
    for name, schema in doc["components"]["schemas"].items():
        wanted |= {f"field {name}.{k}" for k in schema["properties"]}
    with open(SEEN) as f:
        check("all that is documented was seen", sorted(wanted - set(f.read().splitlines())))
    with open(source) as f:
        routes = set(re.findall(r'\{ "(/[^"]*)", "([A-Z]+)",', f.read()))
    routes = {(method, path + "{id}" if path.endswith("/") else path) for path, method in routes}
    check("every route of the program is documented", sorted(map(str, routes ^ operations())))


ask_everything()
other_methods_and_paths()
with open(SEEN, "a") as f:
    f.writelines(line + "\n" for line in sorted(seen))
if len(sys.argv) > 4:
    everything_was_seen(sys.argv[4])

"""A model hub on loopback with the parts of the Hugging Face hub's API that its library uses, and faults on demand.

Repositories are lists of commits; a commit maps paths to contents. Large files are on another origin, like the hub's
storage, and are served from there by redirect.
"""

import base64
import hashlib
import json
import re
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_" + "testing" * 5


class Repo:
    def __init__(self, private):
        self.private, self.tags = private, {}
        self.commits = [("0" * 40, {".gitattributes": b"*.safetensors filter=lfs\n"})]

    def at(self, revision):
        wanted = self.commits[-1][0] if revision == "main" else self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit[0] == wanted), None)


class HubServer:
    """The hub; ``faults[method, pattern]`` lists the faults of the next requests: a status, or a word of `_fail`."""

    def __init__(self):
        self.repos, self.stored, self.requests = {}, {}, []
        self.faults = defaultdict(list)
        self.lock, self.flooded = threading.Lock(), threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        # A second origin: the library must not send its credentials there.
        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        self.url, self.storage = (f"http://127.0.0.1:{server.server_port}" for server in self.servers)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def fault(self, method, path):
        for (wanted, pattern), faults in self.faults.items():
            if faults and method == wanted and re.search(pattern, path):
                return faults.pop(0)
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, *_):
        pass

    def _serve(self):
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.hub.lock:
            self.hub.requests.append((self.command, path, self.headers.get("Authorization")))
            fault = self.hub.fault(self.command, path)
        if fault:
            self._fail(fault)
            return
        if path.startswith("/stored/"):
            self._storage(path.rpartition("/")[2], body)
            return
        if self.headers.get("Authorization") not in {f"Bearer {TOKEN}", None}:
            self._answer(401, {"error": "Invalid user token."})
            return
        for method, pattern, call in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                with self.hub.lock:
                    call(self, body, **found.groupdict())
                return
        self._answer(404, {"error": f"no route {self.command} {path}"})

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _fail(self, fault):
        if isinstance(fault, int):
            self._answer(fault, {"error": "on purpose"}, {"Retry-After": "0"} if fault == 429 else {})
            return
        self.close_connection = True
        if fault == "cut":
            self.connection.shutdown(2)
        elif fault == "short":  # the connection ends in the middle of a response
            self.wfile.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1000\r\n\r\nonly this")
        elif fault == "flood":  # a large response, whatever range was requested
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
            try:
                for _ in range(1024):
                    self.wfile.write(bytes(2**20))
            except OSError:
                self.hub.flooded.set()

    def _answer(self, status, value, headers=None):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _repo(self, name, *, write=False):
        """Return the repository, or send the hub's error and return ``None``."""
        repo, known = self.hub.repos.get(name), self.headers.get("Authorization")
        if write and not known:
            self._answer(401, {"error": "Invalid username or password."})
        elif repo is None or (repo.private and not known):
            self._answer(404 if known else 401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        else:
            return repo
        return None

    def _ranged(self, data):
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span is None:
            self._answer(200, data, {"ETag": '"whole"'})
            return
        start, stop = int(span[1]), int(span[2]) + 1
        self._answer(206, data[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})

    def _storage(self, oid, body):
        if self.command == "PUT":
            assert hashlib.sha256(body).hexdigest() == oid
            self.hub.stored[oid] = body
            self._answer(200, b"")
        else:
            self._ranged(self.hub.stored[oid])

    def _create(self, body):
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        if self.headers.get("Authorization") is None:
            self._answer(401, {"error": "Invalid username or password."})
            return
        status = 409 if name in self.hub.repos else 200
        self.hub.repos.setdefault(name, Repo(asked.get("visibility") == "private"))
        self._answer(status, {"url": f"{self.hub.url}/{name}"})

    def _validate(self, body):
        head = json.loads(body)["content"].split("---\n")[1]
        self._answer(200 if "library_name" in head else 400, {"errors": [], "warnings": []})

    def _info(self, body, repo, revision="main"):
        found = self._repo(repo)
        if found is None:
            return
        commit = found.at(revision)
        if commit is None:
            self._answer(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            return
        files = [{"rfilename": name, "size": len(data)} for name, data in commit[1].items()]
        self._answer(200, {"id": repo, "sha": commit[0], "private": found.private, "siblings": files, "tags": []})

    def _refs(self, body, repo):
        found = self._repo(repo)
        if found:
            tags = [{"name": t, "ref": f"refs/tags/{t}", "targetCommit": at} for t, at in found.tags.items()]
            self._answer(200, {"branches": [], "converts": [], "tags": tags})

    def _preupload(self, body, repo):
        found = self._repo(repo, write=True)
        if found is None:
            return
        there = found.at("main")[1]
        files = []
        for file in json.loads(body)["files"]:
            large = file["path"].endswith(".safetensors")
            data = there.get(file["path"])
            oid = data if data is None else hashlib.sha256(data).hexdigest() if large else _git_oid(data)
            mode = "lfs" if large else "regular"
            files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._answer(200, {"files": files})

    def _batch(self, body, repo):
        objects = []
        for wanted in json.loads(body)["objects"]:
            upload = {"upload": {"href": f"{self.hub.storage}/stored/{wanted['oid']}"}}
            objects.append(wanted if wanted["oid"] in self.hub.stored else wanted | {"actions": upload})
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, body, repo):
        found = self._repo(repo, write=True)
        if found is None:
            return
        files = dict(found.at("main")[1])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
        oid = hashlib.sha1(body + str(len(found.commits)).encode()).hexdigest()  # noqa: S324 - git's own
        found.commits.append((oid, files))
        lost = self.hub.fault("COMMITTED", repo)  # the commit is made, but its response is lost
        if lost:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self._answer(200, {"commitUrl": f"{self.hub.url}/{repo}/commit/{oid}", "commitOid": oid})

    def _tag(self, body, repo, revision):
        found = self._repo(repo, write=True)
        if found:
            tag = json.loads(body)["tag"]
            status = 409 if tag in found.tags else 200
            found.tags.setdefault(tag, found.at(revision)[0])
            self._answer(status, {})

    def _untag(self, body, repo, revision):
        found = self._repo(repo, write=True)
        if found:
            self._answer(200 if found.tags.pop(revision, None) else 404, {})

    def _resolve(self, body, repo, revision, file):
        found = self._repo(repo)
        if found is None:
            return
        data = found.at(revision)[1][file]
        oid = hashlib.sha256(data).hexdigest()
        if oid in self.hub.stored:
            headers = {"Location": f"{self.hub.storage}/stored/{oid}", "X-Linked-Etag": f'"{oid}"'}
            self._answer(302, b"", headers)
        else:
            self._ranged(data)


def _git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - git's own


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_MODEL = f"/api/models/{_REPO}"
_ROUTES = [
    ("POST", "/api/repos/create", _Handler._create),
    ("POST", "/api/validate-yaml", _Handler._validate),
    ("GET", _MODEL, _Handler._info),
    ("GET", f"{_MODEL}/revision/(?P<revision>[^/]+)", _Handler._info),
    ("GET", f"{_MODEL}/refs", _Handler._refs),
    ("POST", f"{_MODEL}/preupload/main", _Handler._preupload),
    ("POST", f"/{_REPO}.git/info/lfs/objects/batch", _Handler._batch),
    ("POST", f"{_MODEL}/commit/main", _Handler._commit),
    ("POST", f"{_MODEL}/tag/(?P<revision>[^/]+)", _Handler._tag),
    ("DELETE", f"{_MODEL}/tag/(?P<revision>[^/]+)", _Handler._untag),
    ("GET", f"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler._resolve),
]

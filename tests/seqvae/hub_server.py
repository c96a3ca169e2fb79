"""A server of the Hugging Face hub's protocol on loopback, as far as models need it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """What the hub has under one name: the files of every commit."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    private: bool = False
    lies: dict[str, int] = field(default_factory=dict)
    """Sizes of files that the hub says they have, where that is not the truth."""

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Add files to a branch; return the commit's name."""
        before = self.commits.get(self.branches.get(branch, ""), {})
        after = {**before, **files}
        digest = hashlib.sha1(repr(sorted(after.items())).encode()).hexdigest()
        self.commits[digest] = after
        self.branches[branch] = digest
        return digest

    def at(self, revision: str) -> str | None:
        """Return the commit of a branch or of itself."""
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


@dataclass
class Hub:
    """The state of a server, and what it was asked."""

    token: str = "hf_secret_of_the_test"
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    endpoint: str = ""

    def fetched(self) -> list[str]:
        """Return the names of the files that were given out."""
        return [r.rsplit("/", 1)[1] for r in self.requests if re.match(r"GET .*/resolve/", r)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {path}")
        for method, pattern, function in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split("|"):
                function(self, body, *match.groups())
                return
        self._send(404, {"error": f"no such place {path}"})

    def _send(self, code: int, value: Any = None, headers: Mapping[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        headers = dict(headers or {})
        headers.setdefault("Content-Length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _repository(self, name: str, revision: str = "main") -> tuple[Repository, str] | None:
        """Return a repository and a commit, or answer that there is none."""
        found = self.hub.repositories.get(name)
        if found is None or (found.private and not self._known()):
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            # The real hub says 401 to strangers, whether or not there is one.
            self._send(404 if self._known() else 401, {"error": "Repository not found"}, headers)
            return None
        commit = found.at(revision)
        if commit is None:
            self._send(404, {"error": "Invalid rev"}, {"X-Error-Code": "RevisionNotFound"})
            return None
        return found, commit

    def _writes(self) -> bool:
        if not self._known():
            self._send(401, {"error": "Invalid username or password."})
            return False
        return True

    def info(self, body: bytes, name: str, revision: str | None = None) -> None:
        there = self._repository(name, revision or "main")
        if there is None:
            return
        repository, commit = there
        siblings = [
            {"rfilename": file, "size": repository.lies.get(file, len(data)), "blobId": "0" * 40}
            for file, data in repository.commits[commit].items()
        ]
        about = {"id": name, "modelId": name, "sha": commit, "siblings": siblings}
        self._send(200, {**about, "private": repository.private, "tags": [], "downloads": 0})

    def resolve(self, body: bytes, name: str, revision: str, file: str) -> None:
        there = self._repository(name, revision)
        if there is None:
            return
        repository, commit = there
        data = repository.commits[commit].get(file)
        if data is None:
            self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        tag = hashlib.sha256(data).hexdigest()
        self._send(200, data, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def create(self, body: bytes) -> None:
        if not self._writes():
            return
        asked = json.loads(body)
        name = "/".join(filter(None, [asked.get("organization"), asked["name"]]))
        if name in self.hub.repositories:
            url = f"{self.hub.endpoint}/{name}"
            self._send(409, {"error": "You already created this model repo", "url": url})
            return
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        made = self.hub.repositories[name] = Repository(private=private)
        made.commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        self._send(200, {"url": f"{self.hub.endpoint}/{name}", "name": name})

    def validate(self, body: bytes) -> None:
        self._send(200, {"errors": [], "warnings": []})

    def whoami(self, body: bytes) -> None:
        if self._writes():
            self._send(200, {"name": "ada", "type": "user", "orgs": []})

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        if not self._writes():
            return
        files = [
            {
                "path": each["path"],
                "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for each in json.loads(body)["files"]
        ]
        self._send(200, {"files": files})

    def batch(self, body: bytes, name: str) -> None:
        if not self._writes():
            return
        objects = [
            {
                **each,
                "actions": {
                    "upload": {"href": f"{self.hub.endpoint}/lfs/{each['oid']}"},
                    "verify": {"href": f"{self.hub.endpoint}/verify"},
                },
            }
            for each in json.loads(body)["objects"]
        ]
        answer = {"transfer": "basic", "objects": objects}
        self._send(200, answer, {"Content-Type": "application/vnd.git-lfs+json"})

    def upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            self._send(400, {"error": "another digest"})
            return
        self.hub.objects[oid] = body
        self._send(200, {})

    def verify(self, body: bytes) -> None:
        asked = json.loads(body)
        kept = self.hub.objects.get(asked["oid"], b"")
        self._send(200 if len(kept) == asked["size"] else 404, {})

    def add(self, body: bytes, name: str, revision: str) -> None:
        if not self._writes():
            return
        files = {}
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        commit = self.hub.repositories[name].commit(files, revision)
        url = f"{self.hub.endpoint}/{name}/commit/{commit}"
        self._send(200, {"success": True, "commitOid": commit, "commitUrl": url})


_NAME = r"([^/]+/[^/]+)"
ROUTES = (
    ("GET", f"/api/models/{_NAME}", _Handler.info),
    ("GET", f"/api/models/{_NAME}/revision/([^/]+)", _Handler.info),
    ("GET|HEAD", f"/{_NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate),
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", f"/api/models/{_NAME}/preupload/([^/]+)", _Handler.preupload),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/lfs/(\w+)", _Handler.upload),
    ("POST", "/verify", _Handler.verify),
    ("POST", f"/api/models/{_NAME}/commit/([^/]+)", _Handler.add),
)


@contextmanager
def serving() -> Iterator[Hub]:
    """Yield a hub that answers on loopback."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

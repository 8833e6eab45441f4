"""What a student's browser does with a hub, over plain HTTP: log in, wait for the server, open files, run cells."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import requests
import websocket

_PATIENCE = 180  # seconds, on a busy machine


class Browser:
    """One person's session with the hub at ``address`` (``http://127.0.0.1:…``)."""

    def __init__(self, address: str, name: str) -> None:
        self.address, self.name = address, name
        self.session = requests.Session()

    def log_in(self, password: str, *, follow: bool = True) -> requests.Response:
        """Fill in the form; the answer is the page that comes after it, for which the hub starts one's server."""
        self.get("/hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self._xsrf("/hub/")}
        return self.session.post(f"{self.address}/hub/login", data=form, timeout=_PATIENCE, allow_redirects=follow)

    def start(self) -> requests.Response:
        """Ask for one's server and wait until it answers; the answer is the page that opens first."""
        self.get("/hub/spawn")
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            state = self.get(f"/hub/api/users/{self.name}").json()
            if state.get("server"):
                return self.get(f"/user/{self.name}/")
            assert state.get("pending") or state.get("servers"), f"the server didn't start: {state}"
            time.sleep(0.3)
        raise AssertionError("the server didn't start in time")

    def stop(self) -> None:
        """Stop one's server."""
        self._ask("DELETE", f"/hub/api/users/{self.name}/server", "/hub/").raise_for_status()
        give_up = time.monotonic() + _PATIENCE
        while self.get(f"/hub/api/users/{self.name}").json().get("servers"):
            assert time.monotonic() < give_up, "the server didn't stop"
            time.sleep(0.3)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.address + path, timeout=_PATIENCE)

    def notebook(self, path: str) -> dict[str, Any]:
        """A notebook of one's own, as the server has it."""
        answer = self.get(f"/user/{self.name}/api/contents/{path}?type=notebook")
        answer.raise_for_status()
        return answer.json()["content"]

    def save(self, path: str, content: dict[str, Any]) -> None:
        """Save a notebook, as JupyterLab does."""
        body = {"type": "notebook", "format": "json", "content": content}
        self._ask("PUT", f"/user/{self.name}/api/contents/{path}", json=body).raise_for_status()

    def answer(self, path: str, task: str, source: str) -> None:
        """Type an answer into a notebook and save it."""
        content = self.notebook(path)
        (cell,) = [c for c in content["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == task]
        cell["source"] = source
        self.save(path, content)

    def execute(self, code: str) -> str:
        """What a cell prints, or its error, in a fresh kernel."""
        kernel = self.start_kernel()
        try:
            return self._run(kernel, code)
        finally:
            self._ask("DELETE", f"/user/{self.name}/api/kernels/{kernel}")

    def start_kernel(self) -> str:
        """A kernel of one's own; its id."""
        answer = self._ask("POST", f"/user/{self.name}/api/kernels", json={"name": "python3"})
        answer.raise_for_status()
        return answer.json()["id"]

    def _run(self, kernel: str, code: str) -> str:
        socket = websocket.create_connection(
            f"{self.address.replace('http', 'ws', 1)}/user/{self.name}/api/kernels/{kernel}/channels",
            cookie="; ".join(f"{c.name}={c.value}" for c in self._cookies()),
            origin=self.address,
            timeout=_PATIENCE,
        )
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        told = []
        try:
            socket.send(json.dumps(request))
            while True:
                message = json.loads(socket.recv())
                if message["parent_header"].get("msg_id") != asked:
                    continue
                kind, content = message["msg_type"], message["content"]
                if kind == "stream":
                    told.append(content["text"])
                elif kind == "error":
                    told.append(f"{content['ename']}: {content['evalue']}")
                elif kind == "status" and content["execution_state"] == "idle":
                    return "".join(told)
        finally:
            socket.close()

    def _ask(self, method: str, path: str, below: str | None = None, **options: Any) -> requests.Response:
        headers = {"X-XSRFToken": self._xsrf(below or f"/user/{self.name}/"), "Referer": self.address}
        return self.session.request(method, self.address + path, headers=headers, timeout=_PATIENCE, **options)

    def _xsrf(self, path: str) -> str:
        return next(cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf" and cookie.path == path)

    def _cookies(self) -> list[Any]:
        mine = f"/user/{self.name}/"
        return [cookie for cookie in self.session.cookies if cookie.path in ("/", mine)]

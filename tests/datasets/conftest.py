"""A server on this machine that downloads come from."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Server(BaseHTTPRequestHandler):
    """Serves ``server.files``; breaks off where told, and knows ranges of what has a tag."""

    def do_GET(self):
        content = self.server.files.get(self.path)
        self.server.asked.append((self.path, self.headers.get("Range")))
        if content is None:
            self.send_error(404)
            return
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        start, status = 0, 200
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and self.headers.get("If-Range") == etag:
            start, status = int(wanted[1]), 206
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", etag)
        self.end_headers()
        stop = self.server.stop_at
        self.wfile.write(content[start : stop or None])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    made.files, made.asked, made.stop_at = {}, [], None
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()

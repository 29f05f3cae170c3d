"""Who must not come in: other sites, names bound anew, no token, the wrong one."""

import http.server
import re
import threading

from . import sound
from .browser import REBOUND, chromium, status_of
from .server import Server, request
from .sessions import upgrade

# What a page of another site can do without asking first.
STRANGER = """async (server) => {
    const tried = {};
    const attempt = async (name, path, options) => {
        try { tried[name] = (await fetch(server + path, options)).status; } catch { tried[name] = 'failed'; }
    };
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(100)]), 'a.wav');
    await attempt('get', '/v1/speakers', {});
    await attempt('post', '/v1/audio/emotions', { method: 'POST', body: form, mode: 'no-cors' });
    await attempt('delete', '/v1/speakers/x', { method: 'DELETE' });
    for (const path of ['/v1/listen', '/v1/watch']) {
        tried[path] = await new Promise((done) => {
            const socket = new WebSocket(server.replace('http', 'ws') + path);
            socket.onopen = () => done('open');
            socket.onerror = () => done('refused');
        });
    }
    return tried;
}"""
SOCKET = """(url) => new Promise((done) => {
    const socket = new WebSocket(url);
    socket.onmessage = () => done('open');
    socket.onerror = () => done('refused');
})"""


class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title>")

    def log_message(self, *_) -> None:
        pass


def raw_upgrade(port: int, path: str = "/v1/listen", **headers: str) -> int:
    """The status of a handshake with these headers."""
    import socket

    with socket.create_connection(("127.0.0.1", port), 10) as end:
        data = upgrade(port, path, **headers)
        if "Host" in headers:
            data = re.sub(rb"Host: 127[^\r]*\r\n", b"", data)
        end.sendall(data)
        return int(end.recv(4096).split(b" ", 2)[1])


def check_strangers(playwright, affekt: str, executable: str) -> list[str]:
    wrong: list[str] = []

    def expect(what: str, got, *allowed) -> None:
        print(f"strangers: {what}: {got}")
        if got not in allowed:
            wrong.append(f"{what}: {got}, not {' or '.join(map(str, allowed))}")

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    other = f"http://127.0.0.1:{site.server_port}"
    with Server(affekt) as server, chromium(playwright, executable=executable) as browser:
        page = browser.new_page()
        page.goto(other)
        answered: dict[str, list[int]] = {}
        page.on("response", lambda answer: answered.setdefault(answer.request.method, []).append(answer.status))
        tried = page.evaluate(STRANGER, server.url)
        page.wait_for_timeout(300)
        expect("another site reads", tried["get"], "failed")
        # An opaque answer tells the page nothing; the browser's own list of answers does.
        expect("another site posts", answered.get("POST", [0])[0], 403)
        expect("another site deletes", tried["delete"], "failed")
        expect("another site opens /v1/listen", tried["/v1/listen"], "refused")
        expect("another site opens /v1/watch", tried["/v1/watch"], "refused")
        expect("its handshake is answered with", raw_upgrade(server.port, Origin=other), 403)
        expect("the origin null", raw_upgrade(server.port, Origin="null"), 403)
        expect("the page's own origin", raw_upgrade(server.port, Origin=server.url), 101)
        expect("no origin, as of TouchDesigner", raw_upgrade(server.port), 101)

        expect(f"a page as {REBOUND}", status_of(browser, f"http://{REBOUND}:{server.port}/"), 421)
        expect(f"a handshake as {REBOUND}", raw_upgrade(server.port, Host=f"{REBOUND}:{server.port}"), 421)
        expect("localhost", status_of(browser, f"http://localhost:{server.port}/"), 200)
        page.close()
        wrong += [f"a panic: {line}" for line in server.panics()]
    site.shutdown()
    return wrong + check_token(playwright, affekt, executable)


def check_token(playwright, affekt: str, executable: str) -> list[str]:
    """On every address: nothing without the token."""
    wrong: list[str] = []

    def expect(what: str, got, *allowed) -> None:
        print(f"token: {what}: {got}")
        if got not in allowed:
            wrong.append(f"token, {what}: {got}, not {' or '.join(map(str, allowed))}")

    with Server(affekt, listen="0.0.0.0:0") as server:
        told = "\n".join(server.output) + server.log()
        expect("is made and printed", "token" in told.lower(), True)
        expect("without the one that was made", server.get("/v1/speakers")[0], 401)
    token = "correct-horse-battery-staple"
    with (
        Server(affekt, listen="0.0.0.0:0", environment={"AFFEKT_TOKEN": token}) as server,
        chromium(playwright, executable=executable) as browser,
    ):
        page = browser.new_page()
        at = lambda path, word=None: f"{server.url}{path}" + (f"?token={word}" if word else "")
        expect("none", status_of(browser, at("/v1/speakers")), 401)
        expect("a wrong one", status_of(browser, at("/v1/speakers", "wrong")), 401)
        expect("a part of it", status_of(browser, at("/v1/speakers", token[:-1])), 401)
        expect("a wrong bearer", server.get("/v1/speakers", Authorization="Bearer wrong")[0], 401)
        body, kind = sound.form(b"x")
        expect("a file without", request(server.port, "POST", "/v1/audio/emotions", body, {"Content-Type": kind})[0], 401)
        expect("the right bearer", server.get("/v1/speakers", Authorization=f"Bearer {token}")[0], 200)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(at("/", token))
        page.wait_for_selector("body[data-ready=true]", timeout=15_000)
        sockets = server.url.replace("http", "ws") + "/v1/listen"
        expect("a socket without", page.evaluate(SOCKET, sockets), "refused")
        expect("a socket with a wrong one", page.evaluate(SOCKET, f"{sockets}?token=wrong"), "refused")
        expect("a socket with the right one", page.evaluate(SOCKET, f"{sockets}?token={token}"), "open")
        expect("errors of the page with it", problems, [])
        expect("it is in what the server writes", "".join(server.output).count(token) + server.log().count(token) > 1, False)
        wrong += [f"a panic: {line}" for line in server.panics()]
    return wrong

import http.client
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from terp.cloud.network import kernel, proxy
from terp.cloud.network.machine import PROXY_PORT
from tests.integration.network.world import Server, World, within

pytestmark = pytest.mark.hosts


class Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the mirror")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def target() -> Iterator[int]:
    """A web server on the machine's loopback; its port."""
    server = HTTPServer(("127.0.0.1", 0), Greeting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def client(world: World, target: int) -> Iterator[Server]:
    """A server whose cloud's proxy allows `localhost` and tunnels to the target's port."""
    net = world.network("10.0.1.0/24")
    server = world.server(net, "10.0.1.5", groups=(world.open_group(),))
    world.router(net, gateway=world.outer(10))
    world.follow()
    arguments = proxy.argv(world.place, ["localhost", "*.mirror.example"], tunnels=[target])
    running = subprocess.Popen(arguments, env=proxy.environment(world.place))
    assert within(5, lambda: server.reaches_port(world.outer(1), PROXY_PORT))
    yield server
    running.terminate()
    running.wait(10)


def get(client: Server, url: str, *, tunnel: tuple[str, int] | None = None) -> tuple[int, bytes]:
    """Ask the proxy of the client's cloud."""
    with kernel.entered(client.namespace):
        wire = socket.create_connection((client.world.outer(1), PROXY_PORT), 5)
    connection = http.client.HTTPConnection(client.world.outer(1), PROXY_PORT, timeout=5)
    connection.sock = wire
    try:
        if tunnel:
            wire.sendall(f"CONNECT {tunnel[0]}:{tunnel[1]} HTTP/1.1\r\nHost: {tunnel[0]}\r\n\r\n".encode())
            head = wire.recv(4000)
            if b" 200 " not in head.split(b"\r\n")[0]:
                return int(head.split()[1]), b""
        connection.request("GET", url)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        wire.close()


def test_an_allowed_name_is_passed(client: Server, target: int) -> None:
    assert get(client, f"http://localhost:{target}/") == (200, b"the mirror")
    assert get(client, f"http://LOCALHOST:{target}/") == (200, b"the mirror")
    assert get(client, "/", tunnel=("localhost", target)) == (200, b"the mirror")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost.example", "xlocalhost", "mirror.example", "localhost@x.example"]
)
def test_any_other_name_is_refused(client: Server, target: int, host: str) -> None:
    assert get(client, f"http://{host}:{target}/")[0] == 403
    assert get(client, "/", tunnel=(host, target))[0] in (400, 403)


def test_a_tunnel_to_another_port_is_refused(client: Server, target: int) -> None:
    assert get(client, "/", tunnel=("localhost", target + 1))[0] == 403


def test_a_name_below_an_allowed_one_passes_the_filter(client: Server) -> None:
    assert get(client, "http://a.mirror.example/")[0] == 500  # allowed, but nobody has this name

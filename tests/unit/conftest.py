"""A unit test that starts a process or leaves this machine fails; such a test belongs to another tier."""

import socket
import subprocess

import pytest

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def in_process(request, monkeypatch):
    if not request.node.get_closest_marker("unit"):
        return
    connect = socket.socket.connect

    def refuse(process, args, *_, **__):
        pytest.fail(f"a unit test starts a process: {args}; move it to tests/integration or mark it `integration`")

    def only_loopback(self, address):
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a unit test connects to {address}; move it to tests/integration or mark it `integration`")
        return connect(self, address)

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", only_loopback)

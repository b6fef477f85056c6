"""A unit test that starts a process or leaves this machine fails; such a test belongs to another tier."""

import socket
import subprocess
from pathlib import Path

import pytest

LOOPBACK = ("127.", "::1", "localhost")
# ctypes.util.find_library starts these, for example when keyring is imported; older versions of numpy.testing, lscpu.
LOOK_UPS = {"ldconfig", "gcc", "cc", "ld", "lscpu"}


@pytest.fixture(autouse=True)
def in_process(request, monkeypatch):
    if not request.node.get_closest_marker("unit"):
        return
    start, connect = subprocess.Popen.__init__, socket.socket.connect

    def refuse(process, args, *more, **options):
        if Path(args if isinstance(args, str) else args[0]).name in LOOK_UPS:
            return start(process, args, *more, **options)
        return pytest.fail(f"a unit test starts a process: {args}; mark it `integration`, or move it there")

    def only_loopback(self, address):
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a unit test connects to {address}; mark it `integration`, or move it there")
        return connect(self, address)

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", only_loopback)

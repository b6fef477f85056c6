"""A model's program has tight limits and no access outside its folders."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import psutil
import pytest

from conch_dna.sandbox import ProgramFailed, process
from conch_dna.sandbox.programs import can_confine, run_python

FAULT = can_confine()
confined = pytest.mark.skipif(FAULT is not None, reason=f"this machine cannot confine: {FAULT}")
LONG = 60.0  # seconds: what ends by itself does so on a machine that is busy too


def failed(code, **options):
    with pytest.raises(ProgramFailed) as caught:
        run_python(code, **options)
    return str(caught.value)


@pytest.mark.parametrize("held", [True, False], ids=["confined", "unconfined"])
def test_a_program_prints_its_result(held):
    if held and FAULT is not None:
        pytest.skip(FAULT)
    assert run_python("print(sum(range(10)))", confined=held) == "45"
    assert run_python("open('x', 'w').write('hi'); print(open('x').read())", confined=held) == "hi"
    assert run_python("x = 1", confined=held) == "(it printed nothing)"
    assert failed("print(1)\ny", confined=held).endswith("NameError: name 'y' is not defined")
    assert "SyntaxError" in failed("def f(:", confined=held)
    assert "code 3" in failed("import sys; sys.exit(3)", confined=held)


BOMBS = {
    "memory": ("x = []\nwhile True: x.append(b'x' * 10**6)", "MemoryError"),
    "time": ("while True: pass", "took too long"),
    "sleep": ("import time; time.sleep(99)", "took too long"),
    "deaf": ("import signal\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: pass", "took too long"),
    "output": ("while True: print('x' * 1000)", "printed too much"),
    "disk": ("n = 0\nwhile True:\n    open(str(n), 'w').write('x' * 900_000); n += 1", "wrote too much"),
    "folders": ("import os\nfor n in range(10**6): os.mkdir('a'); os.chdir('a')", "wrote too much"),
    "files": ("for n in range(10**6): open(str(n), 'w')", "wrote too much"),
    "threads": (
        "import threading as t, time; t.stack_size(1 << 16)\nwhile 1: t.Thread(target=time.sleep, args=[99]).start()",
        "too many threads",
    ),
    "one file": ("f = open('x', 'wb')\nfor _ in range(100): f.write(b'x' * 10**6)", "File too large"),
    "moving": (
        "import os as o; o.mkdir('a')\nfor n in range(9**9): o.rename('a', 'b'); o.mkdir(f'b/{n}'); o.rename('b', 'a')",
        "wrote too much",
    ),
    "depth": ("def f(): f()\nf()", "RecursionError"),
}


@pytest.mark.parametrize(("code", "told"), BOMBS.values(), ids=BOMBS)
def test_a_program_that_exceeds_a_limit_is_killed(code, told, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    began = time.monotonic()
    assert told in failed(code, seconds=1.0 if told == "took too long" else LONG, confined=FAULT is None)
    assert time.monotonic() - began < 90  # a program sleeps for 99 seconds
    assert not list(tmp_path.iterdir())


def test_a_folder_too_deep_for_recursion_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(process, "LOOK", LONG)  # so that it is not stopped on the way down
    code = "import os\nfor n in range(2000): os.mkdir('a'); os.chdir('a')"
    try:
        assert run_python(code, confined=FAULT is None, seconds=LONG) == "(it printed nothing)"
        assert not list(tmp_path.iterdir())
    finally:  # pytest could not remove it either
        subprocess.run(["rm", "-rf", str(tmp_path)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells what is mapped")
def test_mapped_files_without_a_name_count():
    code = (
        "import mmap, os, time\nkept = []\nfor _ in range(32):\n"
        "    with open('x', 'w+b') as f: f.truncate(1 << 20); kept.append(mmap.mmap(f.fileno(), 4096))\n"
        "    os.remove('x')\n"
        "time.sleep(60)"
    )
    assert "wrote too much" in failed(code, seconds=LONG, confined=FAULT is None)


@pytest.mark.skipif(sys.platform != "linux", reason="signals without a name of their own")
def test_a_signal_without_a_name_is_reported():
    assert "signal" in failed("import os; os.kill(os.getpid(), 40)", confined=False)


OUTSIDE = {
    "fork": "import os\nwhile True: os.fork()",
    "child": "import subprocess; subprocess.run(['ls'])",
    "shell": "import os, sys; sys.exit(1 if os.system('true') else 0)",
    "network": "import socket; socket.socket()",
    "fetch": "import urllib.request as u; u.urlopen('http://127.0.0.1:1')",
    # Signal 0 is refused like any other, and does nothing where it is not.
    "kill": "import os; os.kill(os.getppid(), 0)",
    "kill all": "import os; os.kill(-1, 0)",
    "queue a signal": "import ctypes, os; assert not ctypes.CDLL(None).sigqueue(os.getppid(), 0, None)",
    "a pipe's signals": "import fcntl, os; fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
    "a pair's signals": (
        "import fcntl, os, socket\nfcntl.ioctl(socket.socketpair()[0], 0x8901, os.getppid().to_bytes(4, 'little'))"
    ),
    "shared memory": "import ctypes; assert ctypes.CDLL(None).shmget(0, 1 << 20, 0o600) >= 0",
    "message queue": "import ctypes; assert ctypes.CDLL(None).msgget(0, 0o600) >= 0",
    "outlive": "import ctypes; assert not ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)",
    "parent's environment": "import os; print(open(f'/proc/{os.getppid()}/environ').read())",
    "read": "print(open({outside!r}).read())",
    "write": "open({outside!r}, 'a').write('x')",
    "remove": "import os; os.remove({outside!r})",
    "replace": "import os; open('x', 'w').close(); os.rename('x', {outside!r})",
    "hard link": "import os; os.link({outside!r}, 'x')",
    "link": "import os; os.symlink({outside!r}, 'x'); print(open('x').read())",
    "mode": "import os; os.chmod({outside!r}, 0)",
    "times": "import os; os.utime({outside!r}, (0, 0))",
    "owner": "import os; os.chown({outside!r}, 1, 1)",
    "list": "import os; print(os.listdir('/'))",
    "exec": "import os; os.execv('/bin/cat', ['cat', {outside!r}])",
    "datagrams": "import socket; socket.socketpair(type=socket.SOCK_DGRAM)",
    "packets": "import socket; socket.socketpair(type=socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)",
    "connect": "import socket; socket.socketpair()[0].connect({outside!r})",
    "pass descriptors": "import socket; socket.send_fds(socket.socketpair()[0], [b'x'], [0])",
    "take descriptors": "import socket; socket.recv_fds(socket.socketpair()[0], 1, 1)",
    "lock": "import fcntl; fcntl.flock(open('/etc/localtime'), fcntl.LOCK_SH)",
    "lock a part": "import fcntl; fcntl.lockf(open('/etc/localtime'), fcntl.LOCK_SH)",
    "reserve": "import ctypes; assert not ctypes.CDLL(None).fallocate(open('x', 'w').fileno(), 1, 0, 1 << 20)",
    "reserve by ioctl": (
        "import fcntl, struct\nfcntl.ioctl(open('x', 'w'), 0x40305828, struct.pack('hhqqii16x', 0, 0, 0, 4096, 0, 0))"
    ),
    "memory files": "import os; os.memfd_create('x')",
    "hide": "import ctypes; assert not ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)",
    "raw call": "import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(57) == -1)",  # fork on x86-64
}


@confined
@pytest.mark.parametrize("code", OUTSIDE.values(), ids=OUTSIDE)
def test_nothing_outside_is_reached(code, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    told = failed(code.replace("{outside!r}", repr(str(outside))), seconds=LONG)
    assert not {"secret", "took too long"} & set(told.split("\n"))
    assert outside.read_text() == "secret"
    assert oct(outside.stat().st_mode) != "0o100000"
    assert outside.stat().st_mtime > 0


@confined
def test_the_agents_folder_may_be_read_and_not_written(tmp_path):
    (tmp_path / "a.txt").write_text("read me")
    (tmp_path / "out.txt").symlink_to("/etc/hostname")
    assert run_python(f"print(open({str(tmp_path / 'a.txt')!r}).read())", tmp_path) == "read me"
    assert "PermissionError" in failed(f"open({str(tmp_path / 'a.txt')!r}, 'w')", root=tmp_path)
    assert "PermissionError" in failed(f"open({str(tmp_path / 'out.txt')!r})", root=tmp_path)


@confined
def test_a_folder_that_cannot_be_listed_hides_nothing(tmp_path):
    """Only root can list it; so root's capabilities are dropped."""
    program = "import os, time; os.mkdir('a'); os.umask(0o777); os.mkdir('a/b'); time.sleep(60)"
    code = (
        "from conch_dna.sandbox import ProgramFailed\nfrom conch_dna.sandbox.inside.jail import drop_capabilities\n"
        "from conch_dna.sandbox.programs import run_python\ndrop_capabilities()\n"
        f"try: print(run_python({program!r}, seconds=60))\nexcept ProgramFailed as fault: print(fault)"
    )
    env = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("it wrote too much\n", "")
    assert not list(tmp_path.iterdir())


@confined
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has capabilities to hand on")
def test_inherited_capabilities_are_dropped():
    """Some containers start processes with inheritable capabilities, which exec by root makes permitted."""
    code = (
        "import ctypes, struct\n"
        "libc, head, held = ctypes.CDLL(None), struct.pack('Ii', 0x20080522, 0), ctypes.create_string_buffer(24)\n"
        "libc.capget(head, held)\n"
    )
    handing_on = code + (
        "e, p, _, e2, p2, _ = struct.unpack('6I', held.raw)\n"
        "assert not libc.capset(head, struct.pack('6I', e, p, p, e2, p2, p2))\n"
        "from conch_dna.sandbox.programs import run_python\n"
    )
    handing_on += f"print(run_python({code + 'print(any(held.raw))'!r}, seconds={LONG}))"
    done = subprocess.run([sys.executable, "-c", handing_on], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@confined
def test_common_program_actions_work():
    code = (
        "import threading, asyncio, json, decimal, random, statistics, datetime, numpy, tempfile\n"
        "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "asyncio.run(asyncio.sleep(0)); print(numpy.arange(3).sum(), random.random() < 1)\n"
        "print(tempfile.TemporaryFile().write(b'abc'))"
    )
    assert run_python(code).split() == ["thread", "3", "True", "3"]


@pytest.mark.promise
def test_no_secret_of_the_environment_is_inherited(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    printed = run_python("import os; print(sorted(os.environ))", confined=FAULT is None)
    assert "OPENAI" not in printed
    assert "CONCH" not in printed


def test_nothing_runs_if_it_cannot_be_confined(monkeypatch, tmp_path):
    """The launcher on a machine of an unknown architecture."""
    shutil.copytree(process.HERE, tmp_path, dirs_exist_ok=True)
    jail = tmp_path / "inside" / "jail.py"
    jail.write_text(jail.read_text().replace('"x86_64": 0x', '"sparc": 0x').replace('"aarch64": 0x', '"vax": 0x'))
    monkeypatch.setattr(process, "HERE", tmp_path)
    assert "cannot confine" in can_confine()
    assert "cannot confine" in failed("print('ran')")
    assert run_python("print('ran')", confined=False) == "ran"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the child of a killed parent on Linux")
def test_no_program_outlives_the_agent(tmp_path, number):
    code = (
        "from conch_dna.sandbox.programs import run_python\n"
        f"run_python('import time; time.sleep(60)', seconds=60, confined={FAULT is None})"
    )
    env = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # noqa: PLW1509 - no threads yet
    )  # fmt: skip
    ends = time.monotonic() + 30
    while not (children := psutil.Process(process.pid).children()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert not psutil.wait_procs(children, timeout=10)[1]
    if number == signal.SIGINT:
        assert not list(tmp_path.glob("conch-python-*"))

"""A full disk under the server's log costs lines of the log and nothing else."""

import signal
import subprocess
import sys

import httpx
import pytest
from fault_projects import small_disk
from projects import START, environment
from serving import publish_tiny, until

from conch_dna.registry.store import Registry

ASKED = {"model": "action", "prompt": "a", "max_tokens": 8, "temperature": 0}


def test_a_server_goes_on_when_the_disk_of_its_log_is_full(base, base_folder, tmp_path):
    registry = Registry(tmp_path / "project/adapters")
    publish_tiny(registry, base, tmp_path / "made", "action", 1)
    command = [sys.executable, "-c", START, "--json-logs", "serve", "--base", str(base_folder), "--registry",
               str(registry.root), "--port", "0"]  # fmt: skip
    with small_disk(tmp_path / "disk") as set_free:
        if set_free is None:
            pytest.skip("mounting a tmpfs is not permitted")
        log = tmp_path / "disk/server.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=file, text=True, cwd=tmp_path,
                env=environment(CONCH_CACHE=str(tmp_path / "cache")),
            )  # fmt: skip
        try:
            url = process.stdout.readline().split()[-1]

            def ask():
                answer = httpx.post(f"{url}/completions", json=ASKED, timeout=60)
                assert answer.status_code == 200, answer.text
                return answer.json()["choices"][0]["text"]

            wanted = ask()
            set_free(0)
            with pytest.raises(OSError, match="No space"):
                (tmp_path / "disk/more").write_bytes(b"x" * (1 << 20))
            written = []
            for _ in range(60):  # more lines than the last page of the file holds
                assert ask() == wanted
                written.append(log.stat().st_size)
            assert written[-1] == written[-10]
            assert httpx.post(f"{url}/completions", json=ASKED | {"model": "none"}, timeout=60).status_code == 404
            set_free(1 << 20)
            assert ask() == wanted
            until(lambda: log.stat().st_size > written[-1])
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.communicate()

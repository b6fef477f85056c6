"""No secret of a URL gets into a message, whatever its form."""

import pytest

from conch_dna.errors import ConfigError
from conch_dna.util.network import refuse_plain_http, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://host/x"),
        ("https://user:p@ss@host/x", "https://host/x"),
        ("s3://AKIA:se/cret@bucket/x", "s3://bucket/x"),
        ("https://token@host", "https://host"),
        ("user:pass@host.example/x", "host.example/x"),
        ("https://host/x?X-Amz-Signature=1 failed", "https://host/x failed"),
        ("https://host/x#access_token=1", "https://host/x"),
        ("https://host/x;token=1", "https://host/x"),
        ("https://host:8080/path@v1", "https://host:8080/path@v1"),
        ("hf://owner/repo@rev", "hf://owner/repo@rev"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("write to a@b.example at 12:30", "write to a@b.example at 12:30"),
        ("https://a:b@one and https://c:d@two?e=f", "https://one and https://two"),
    ],
)
def test_secrets_are_left_out_of_urls(text, shown):
    assert without_secrets(text) == shown


def test_a_refused_url_shows_no_password(monkeypatch):
    monkeypatch.delenv("CONCH_PLAIN_HTTP", raising=False)
    with pytest.raises(ConfigError) as caught:
        refuse_plain_http("http://me:hunter2@host.example:81/v1?key=hunter2", "--base-url")
    assert "hunter2" not in str(caught.value)
    assert "CONCH_PLAIN_HTTP=host.example:81" in str(caught.value)
    monkeypatch.setenv("CONCH_PLAIN_HTTP", "host.example:81")
    refuse_plain_http("http://me:hunter2@host.example:81/v1", "--base-url")

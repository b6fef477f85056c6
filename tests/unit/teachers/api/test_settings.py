"""The ``[api]`` and ``[prices]`` tables: validated as a whole, and no place for keys."""

from decimal import Decimal

import pytest

from conch_dna.errors import ConfigError
from conch_dna.teachers.api.settings import ApiSettings, Endpoint, read_api


@pytest.fixture
def read(tmp_path):
    def reading(text):
        (tmp_path / "conch.toml").write_text(text)
        return read_api(tmp_path / "conch.toml")

    return reading


def test_without_tables_the_defaults_hold(read, tmp_path):
    assert read("[distill]\nsteps = 3\n") == ApiSettings()
    assert read_api(tmp_path / "missing.toml") == ApiSettings()
    assert ApiSettings().endpoint("any") == Endpoint()


def test_all_of_it_is_read(read, tmp_path):
    (tmp_path / "mine.toml").write_text('[prices."openai:a"]\ninput = 0.15\noutput = 0.6\n')
    found = read(
        '[api]\nbudget = 5.05\nprices = "mine.toml"\n[api.openai]\nbase_url = "http://127.0.0.1:1/v1"\n'
        'timeout = 2.5\nbatch = true\n[prices."openai:b"]\ninput = 1\noutput = 2\n'
    )
    assert found.budget == 5_050_000_000
    assert {name: (p.input, p.output) for name, p in found.prices.items()} == {
        "openai:a": (Decimal("0.15"), Decimal("0.6")), "openai:b": (1, 2),
    }  # fmt: skip
    endpoint = found.endpoint("openai")
    assert (endpoint.base_url, endpoint.timeout, endpoint.batch) == ("http://127.0.0.1:1/v1", 2.5, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[api]\nbudgett = 5\n", r"\[api\]: unknown setting; did you mean budget\?; got budgett"),
        ("[api]\nbudget = -1\n", r"\[api\] budget: not an amount"),
        ("[api]\nprices = 3\n", r"\[api\] prices: not the name of a file"),
        ('[api]\nprices = "none.toml"\n', "cannot be read"),
        ("[api.openai]\nspeed = 3\n", r"\[api.openai\]: unknown setting 'speed'; allowed: .*base_url"),
        ('[api.openai]\nbase_ulr = "http://x"\n', r"unknown setting 'base_ulr'; did you mean base_url\?"),
        ("[api.openai]\nconcurrency = 0\n", "concurrency = 0: should be greater"),
        ('[api.openai]\nbase_url = "127.0.0.1:8000"\n', r"base_url = '127.0.0.1:8000': should be a URL"),
        ('[api.openai]\nbase_url = "https://me:word@box/v1"\n', "should hold no user, password"),
        ('[api.openai]\nturn = "{content}"\n', "turn = .*: should hold {role} and {content}"),
        ('[prices."openai"]\ninput = 1\noutput = 1\n', "must be PROVIDER:MODEL"),
    ],
)
def test_what_is_wrong_is_named(read, text, why):
    with pytest.raises(ConfigError, match=why):
        read(text)


@pytest.mark.parametrize(
    "line", ['[api]\nkey = "{}"', '[api.openai]\napi_key = "{}"', '[api.openai]\nAuth-Token = "{}"',
             '[api.openai.x]\nsecret = "{}"', '[api.openai]\nbase_url = "https://user:{}@box/v1"',
             '[api.openai]\nbase_url = "user:{}@box/v1"', '[api.openai]\nbase_url = "ftp://box/v1?key={}"'],
)  # fmt: skip
def test_a_key_in_the_file_is_refused_and_not_repeated(read, line):
    with pytest.raises(ConfigError) as caught:
        read(line.replace("{}", "sk-secret-99") + "\n")
    assert "sk-secret-99" not in str(caught.value)


def test_the_command_line_wins():
    given = ApiSettings(budget=3, endpoints={"openai": Endpoint(timeout=5)})
    found = given.with_options("openai", "0.5", "http://localhost:1/v1")
    assert found.budget == 500_000_000
    assert (found.endpoint("openai").base_url, found.endpoint("openai").timeout) == ("http://localhost:1/v1", 5)
    assert given.with_options("openai", None, None) == given


@pytest.mark.parametrize(
    ("budget", "url", "where"),
    [("lots", None, "--budget"), (None, "nowhere", "--base-url: base_url = 'nowhere': should be a URL")],
    ids=["budget", "url"],
)
def test_options_that_are_wrong_are_named(budget, url, where):
    with pytest.raises(ConfigError, match=where):
        ApiSettings().with_options("openai", budget, url)

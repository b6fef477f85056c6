"""Signals that a teacher's capabilities give, and the loss that `cross_tokenizer` names."""

import pytest

from conch_dna.config import resolve
from conch_dna.errors import UnknownName
from conch_dna.plugin.manager import load_plugins
from conch_dna.teachers.capabilities import cross_tokenizer_loss, signal_of

PLUGIN = """
from conch_dna import hookimpl
from conch_dna.plugin.protocols import CrossTokenizerLoss

@hookimpl
def register_cross_tokenizer_losses():
    return {"mine": CrossTokenizerLoss(lambda given: lambda logits, part: 0 * logits[:, 0], shared_ids=True)}
"""


@pytest.mark.parametrize(
    ("capabilities", "way", "signal"),
    [
        ({"text"}, "bytes", None),
        ({"text", "top_k"}, "off", "exact"),
        ({"text", "own_top_k"}, "bytes", "bytes"),
        ({"text", "own_top_k"}, "gold", "gold"),
        ({"text", "own_top_k"}, "off", None),
        ({"text", "soft"}, "bytes", "bytes"),
        ({"text", "forced"}, "bytes", "bytes"),
        ({"text", "soft", "forced"}, "gold", None),
    ],
)
def test_the_signal_follows_from_capabilities_and_setting(capabilities, way, signal):
    assert signal_of(frozenset(capabilities), resolve({"cross_tokenizer": way})) == signal


@pytest.mark.parametrize("way", ["bytes", "off"])
def test_the_core_words_need_no_plug_in(way):
    assert (
        cross_tokenizer_loss(load_plugins(block=["losses.cross_tokenizer"]).catalog, resolve({"cross_tokenizer": way}))
        is None
    )


@pytest.mark.parametrize("way", ["p_kl", "gold", "uld", "truncate", "project"])
def test_the_bundled_losses_are_found_by_name(way):
    found = cross_tokenizer_loss(load_plugins(strict=True, block=[]).catalog, resolve({"cross_tokenizer": way}))
    assert found.shared_ids == (way in {"truncate", "project"})


def test_a_loss_from_a_projects_file_is_found_by_name(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    catalog = load_plugins(tmp_path, strict=True, block=[]).catalog
    assert cross_tokenizer_loss(catalog, resolve({"cross_tokenizer": "mine"})).shared_ids


def test_an_unknown_name_is_refused_with_all_that_are_there():
    with pytest.raises(UnknownName) as caught:
        cross_tokenizer_loss(load_plugins(strict=True, block=[]).catalog, resolve({"cross_tokenizer": "glod"}))
    assert str(caught.value) == (
        "cross_tokenizer: no such way to compare tokenizers; got glod; "
        "allowed: bytes, off, gold, p_kl, project, truncate, uld. Did you mean 'gold'?"
    )


def test_a_plug_in_that_registers_something_else_is_named(tmp_path):
    (tmp_path / "odd.py").write_text(
        PLUGIN.replace("CrossTokenizerLoss(lambda given", "(lambda given").replace(", shared_ids=True)", ")")
    )
    (error,) = load_plugins(tmp_path, strict=False, block=[]).catalog.broken
    assert "'mine' is a function, not a CrossTokenizerLoss" in str(error)

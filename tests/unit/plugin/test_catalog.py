"""The catalog keeps names and owners, and an unknown name gets a helpful error."""

import pytest

from conch_dna.errors import PluginError, UnknownName
from conch_dna.plugin.catalog import KINDS, Catalog, Owner

FIRST = Owner("first", "first.py")
SECOND = Owner("second", "second.py")


@pytest.fixture
def catalog():
    catalog = Catalog()
    catalog.add("scorers", "length", "the length scorer", FIRST)
    catalog.add("scorers", "coherence", "the coherence scorer", SECOND)
    catalog.add("losses", "length", "a loss of the same name", SECOND)
    return catalog


def test_a_name_leads_to_its_object_and_owner(catalog):
    assert catalog.get("scorers", "length") == "the length scorer"
    assert catalog.owner("scorers", "length") == FIRST
    assert catalog.names("scorers") == ("coherence", "length")


def test_kinds_do_not_share_names(catalog):
    assert catalog.get("losses", "length") == "a loss of the same name"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_starts_empty(kind):
    assert Catalog().names(kind) == ()


def test_a_taken_name_is_refused_and_both_owners_are_named(catalog):
    with pytest.raises(PluginError) as caught:
        catalog.add("scorers", "length", "another", SECOND)
    for part in ("'length'", "'first' (first.py)", "'second' (second.py)"):
        assert part in str(caught.value)
    assert catalog.get("scorers", "length") == "the length scorer"


@pytest.mark.parametrize("name", ["", "Length", "-x", "a b", "a/b", ".x", "ä", "x\n"])
def test_a_malformed_name_is_refused(catalog, name):
    with pytest.raises(PluginError, match="must match"):
        catalog.add("scorers", name, "x", FIRST)


@pytest.mark.parametrize("name", ["a", "0", "qwen2.5-coder_x"])
def test_a_well_formed_name_is_taken(catalog, name):
    catalog.add("teachers", name, "x", FIRST)
    assert catalog.names("teachers") == (name,)


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(catalog):
    with pytest.raises(UnknownName) as caught:
        catalog.get("scorers", "lenght")
    assert "no scorer is named 'lenght'" in str(caught.value)
    assert "coherence, length" in str(caught.value)
    assert "Did you mean 'length'?" in str(caught.value)


def test_an_unknown_name_of_an_empty_kind_reports_no_names(catalog):
    with pytest.raises(UnknownName, match=r"\(none\)"):
        catalog.owner("gates", "strict")


def test_an_unknown_name_mentions_every_broken_plugin(catalog):
    catalog.broken.append(PluginError("tone", "tone.py", ImportError("no module named xyz")))
    with pytest.raises(UnknownName, match=r"'tone' \(tone.py\).*ImportError: no module named xyz"):
        catalog.get("scorers", "polite")


def test_dropping_an_owner_leaves_the_others(catalog):
    catalog.drop(SECOND)
    assert catalog.names("scorers") == ("length",)
    assert catalog.names("losses") == ()
    assert catalog.provided_by(SECOND) == {}
    assert catalog.provided_by(FIRST) == {"scorers": ("length",)}

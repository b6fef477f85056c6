"""Any sequence of operations has the same result in the registry and in a model of plain lists."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conch_dna.errors import RegistryError, UnknownName
from conch_dna.registry.audit import verify
from conch_dna.registry.store import Registry


class Model:
    """The model of the registry, in plain lists."""

    def __init__(self):
        self.content, self.aliases, self.stacks, self.tags, self.next = {}, {}, {}, {}, 1

    def publish(self, seed, _):
        if self.content.get(self.aliases.get("current")) != seed:
            self.content[self.next] = seed
            self.point("current", self.next)
            self.next += 1

    def point(self, alias, version):
        if alias in self.aliases and self.aliases[alias] != version:
            self.stacks.setdefault(alias, []).append(self.aliases[alias])
        self.aliases[alias] = version

    def promote(self, version, alias):
        if version not in self.content:
            raise UnknownName("version")
        self.point(alias, version)

    def rollback(self, _, alias):
        if alias not in self.aliases:
            raise UnknownName("alias")
        stack = list(self.stacks.get(alias, []))
        while stack:
            version = stack.pop()
            if version in self.content and version != self.aliases[alias]:
                self.stacks[alias], self.aliases[alias] = stack, version
                return
        raise RegistryError("no earlier")

    def remove(self, version, _):
        if version not in self.content:
            raise UnknownName("version")
        if version in self.aliases.values():
            raise RegistryError("held")
        self.drop(version)

    def drop(self, version):
        del self.content[version]
        self.tags.pop(version, None)

    def tag(self, version, alias):
        if version not in self.content:
            raise UnknownName("version")
        self.tags.setdefault(version, {})[alias] = "yes"

    def untag(self, version, alias):
        if alias not in self.tags.get(version, {}):
            raise UnknownName("version or tag")
        del self.tags[version][alias]

    def steps_back(self, alias):
        """Return the versions that repeated rollbacks lead to."""
        steps, at = [], self.aliases[alias]
        for version in reversed(self.stacks.get(alias, [])):
            if version in self.content and version != at:
                steps.append(version)
                at = version
        return steps

    def gc(self, keep, key):
        if not self.content:
            raise UnknownName("name")
        kept = {*sorted(self.content)[-keep:], *self.aliases.values()}
        kept |= {version for version, tags in self.tags.items() if key in tags}
        kept |= {version for alias in self.aliases for version in self.steps_back(alias)[: max(keep - 1, 1)]}
        for version in set(self.content) - kept:
            self.drop(version)


OPERATION = st.tuples(
    st.sampled_from(
        ["publish", "publish", "publish", "promote", "rollback", "rollback", "remove", "tag", "tag", "untag", "gc"]
    ),
    st.integers(1, 5),
    st.sampled_from(["current", "current", "stable"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATION, max_size=18))
def test_any_sequence_of_operations_matches_the_model(write_adapter, fields, operations):
    with tempfile.TemporaryDirectory() as folder:
        registry, model = Registry(Path(folder)), Model()
        real = {
            "publish": lambda seed, _: registry.publish("n", write_adapter(seed), fields),
            "promote": lambda version, alias: registry.promote("n", version, alias),
            "rollback": lambda _, alias: registry.rollback("n", alias),
            "remove": lambda version, _: registry.remove("n", version),
            "tag": lambda version, key: registry.tag(f"n@{version}", key, "yes"),
            "untag": lambda version, key: registry.untag(f"n@{version}", key),
            "gc": lambda keep, key: registry.gc("n", keep_last=keep, keep_tags=[key]),
        }
        for kind, number, alias in operations:
            assert outcome(real[kind], number, alias) is outcome(getattr(model, kind), number, alias)
            if model.content:
                assert registry.versions("n") == sorted(model.content)
                assert registry.aliases("n") == model.aliases
                assert registry.tags("n") == {version: tags for version, tags in model.tags.items() if tags}
        assert verify(registry) == []
        assert registry.names() == (["n"] if model.content else [])


def outcome(call, *given):
    try:
        call(*given)
    except RegistryError:
        return RegistryError
    except UnknownName:
        return UnknownName
    return None

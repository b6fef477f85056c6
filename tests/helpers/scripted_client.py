"""A model client with scripted answers, for cases that no weights produce."""

from conch_dna.agent.model_client import Call, Reply


class Scripted:
    """``answers``: the answers of each model in order; the last one repeats. A :class:`Call` is a tool call."""

    def __init__(self, **answers):
        self.answers, self.asked, self.planned = answers, [], []

    def neurons(self):
        return set(self.answers)

    def ask(self, neuron, turns, max_tokens, tools=()):
        self.asked.append((neuron, turns, [tool.name for tool in tools]))
        left = self.answers[neuron]
        item = left.pop(0) if len(left) > 1 else left[0]
        return Reply("" if isinstance(item, Call) else item, item if isinstance(item, Call) else None, 3, 0.01, None)

    def prefetch(self, plan):
        self.planned = plan

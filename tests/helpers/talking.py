"""A client that says what a test wants said, for what no weights can be made to say."""

from conch_dna.agent.model_client import Call, Reply


class Scripted:
    """``answers``: what each model says, in order; the last one again and again. A :class:`Call` is a tool call."""

    def __init__(self, **answers):
        self.answers, self.asked, self.planned = answers, [], []

    def neurons(self):
        return set(self.answers)

    def ask(self, neuron, turns, max_tokens, tools=()):
        self.asked.append((neuron, turns, [tool.name for tool in tools]))
        said = self.answers[neuron]
        item = said.pop(0) if len(said) > 1 else said[0]
        return Reply("" if isinstance(item, Call) else item, item if isinstance(item, Call) else None, 3, 0.01, None)

    def prefetch(self, plan):
        self.planned = plan

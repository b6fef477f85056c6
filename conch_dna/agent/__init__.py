"""An agent of neurons: one neuron for each role, tools, a memory and the loop that joins them."""


class ToolFailed(Exception):
    """The failure of a tool. It does not end the run: the message goes back to a model, which may correct the call."""

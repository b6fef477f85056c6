"""An agent: one neuron each to think, plan, act with tools, reflect, debug and remember."""

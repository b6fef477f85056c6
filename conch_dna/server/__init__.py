"""The OpenAI-compatible server: one base and the neurons of a registry, over HTTP."""

"""The public API: what the commands do, without a command line."""

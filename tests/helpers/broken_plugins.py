"""Plug-ins that are broken in every known way: the source, and words of the error message."""

HEAD = "from conch_dna import hookimpl\n"

BROKEN = {
    "import_error": ("import no_such_module_anywhere\n", ["ModuleNotFoundError", "no_such_module_anywhere"]),
    "syntax_error": ("def broken(:\n", ["SyntaxError", "line 1"]),
    "exits": ("import sys\nsys.exit(3)\n", ["SystemExit: 3"]),
    "wrong_signature": (
        HEAD + "@hookimpl\ndef register_scorers(config): return {}\n",
        ["PluginValidationError", "config", "register_scorers"],
    ),
    "unknown_hook": (HEAD + "@hookimpl\ndef register_scorer(): return {}\n", ["unknown hook 'register_scorer'"]),
    "wrapper": (
        HEAD + "@hookimpl(wrapper=True)\ndef register_scorers():\n    return (yield)\n",
        ["register_scorers is a hook wrapper"],
    ),
    "raises": (HEAD + "@hookimpl\ndef register_losses(): 1 / 0\n", ["ZeroDivisionError", "register_losses"]),
    "exits_in_hook": (HEAD + "@hookimpl\ndef register_losses(): raise SystemExit('bye')\n", ["SystemExit: bye"]),
    "garbage": (HEAD + "@hookimpl\ndef register_scorers(): return 42\n", ["returned int, not a mapping"]),
    "garbage_value": (HEAD + "@hookimpl\ndef register_gates(): return {'x': 7}\n", ["'x' is a int, not a callable"]),
    "garbage_name": (HEAD + "@hookimpl\ndef register_gates(): return {7: print}\n", ["the name 7, a int"]),
    "bad_name": (HEAD + "@hookimpl\ndef register_gates(): return {'No Good': print}\n", ["'No Good' must match"]),
    "garbage_command": (HEAD + "@hookimpl\ndef register_commands(): return {'x': 'nomodule'}\n", ["module:attribute"]),
    "exporter_class": (
        HEAD
        + "class Text:\n    summary = 'text'\n    def write(self, neuron, out): pass\n"
        + "@hookimpl\ndef register_exporters(): return {'x': Text}\n",
        ["'x' is the class Text, not an exporter"],
    ),
    "half_exporter": (
        HEAD + "class Text:\n    summary = 'text'\n" + "@hookimpl\ndef register_exporters(): return {'x': Text()}\n",
        ["'x' is a Text, not an exporter with a text `summary` and a method `write`"],
    ),
    "garbage_tracker": (
        HEAD + "@hookimpl\ndef register_trackers(): return {'x': 'csv'}\n",
        ["'x' is a str, not a callable"],
    ),
    "garbage_domains": (HEAD + "@hookimpl\ndef register_domains(): return 'domains'\n", ["not a sequence of folders"]),
    "text_domain": (HEAD + "@hookimpl\ndef register_domains(): return ['here']\n", ["not a pathlib.Path"]),
    "empty_domain": (
        HEAD + "from pathlib import Path\n@hookimpl\ndef register_domains(): return [Path('/nowhere')]\n",
        ["no domain.toml"],
    ),
    # Loaded after "a_good", whose scorer it claims; its own loss must go with it.
    "duplicate": (
        HEAD
        + "@hookimpl\ndef register_losses(): return {'own': print}\n"
        + "@hookimpl\ndef register_scorers(): return {'good': print}\n",
        ["scorer 'good'", "a_good.py", "duplicate.py"],
    ),
    "commands": (HEAD, ["the plug-in name is already taken"]),
}

GOOD = HEAD + "@hookimpl\ndef register_scorers(): return {'good': max}\n"


def write_all(folder):
    """Write one good plug-in and every broken one into ``folder``."""
    folder.mkdir(exist_ok=True)
    (folder / "a_good.py").write_text(GOOD)
    for name, (source, _) in BROKEN.items():
        (folder / f"{name}.py").write_text(source)
    return folder

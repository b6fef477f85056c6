"""Small projects, domains and adapters for tests of whole commands."""

import json
import os
import signal
import subprocess
import sys

from click.testing import CliRunner

from conch_dna.cli.main import cli

START = "import sys; from conch_dna.cli.main import main; sys.argv[0] = 'conch'; main()"
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "kiosk", "ledge"]


def prompts_of(count, about="the word"):
    """Return ``count`` different prompts for short answers."""
    return [
        {
            "messages": [{"role": "user", "content": f"Say {about} {WORDS[i % 12]} {i} times, then {WORDS[i // 12]}."}],
            "reference": {"contains": [WORDS[i % 12]]},
            "source": "test",
        }
        for i in range(count)
    ]


def write_prompts(path, count=30, about="the word"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in prompts_of(count, about)))
    return path


def write_domain(folder, count=30, scorers=None, context="Be brief.", max_tokens=12):
    """Write a domain folder whose prompts name the domain; its answers are short."""
    write_prompts(folder / "prompts.jsonl", count, f"the {folder.name} word")
    weights = scorers or {"length": 1.0, "diversity": 0.5}
    lines = [
        f'name = "{folder.name}"', 'description = "made for a test"', f"max_tokens = {max_tokens}",
        f'system_prompt = "{context}"', "[scorers]", *(f"{name} = {weight}" for name, weight in weights.items()),
    ]  # fmt: skip
    (folder / "domain.toml").write_text("\n".join(lines) + "\n")
    return folder


def write_neuron(folder, model, seed=0, *, rank=2, size=0.3, scale=2.0, change=None):
    """Write a random adapter on every linear layer of ``model``'s blocks; ``change`` edits its tensors."""
    import mlx.core as mx

    from conch_dna.models.target_modules import target_modules

    key = mx.random.key(seed)
    tensors = {}
    for path, place in sorted(target_modules(model).items()):
        if place.kind == "linear":
            out, inner = place.shape
            key, a, b = mx.random.split(key, 3)
            tensors[f"{path}.lora_a"] = size * mx.random.normal((inner, rank), key=a)
            tensors[f"{path}.lora_b"] = size * mx.random.normal((rank, out), key=b)
    if change:
        change(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / "adapters.safetensors"), tensors, {"format": "mlx"})
    lora = {"rank": rank, "scale": scale, "dropout": 0.0}
    about = {"fine_tune_type": "lora", "num_layers": len(model.layers), "lora_parameters": lora}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def here(project, *args, **extra):
    """Run ``conch`` in this process."""
    return CliRunner().invoke(cli, ["--project", str(project), *map(str, args)], **extra)


def environment(**more):
    """Return the environment of a ``conch`` process without the plug-in settings of this machine."""
    env = {k: v for k, v in os.environ.items() if k not in {"CONCH_STRICT", "CONCH_BLOCK"}}
    return env | {"OPENBLAS_NUM_THREADS": "1"} | more


def started(project, *args, **env):
    """Start ``conch`` in a separate process."""
    command = [sys.executable, "-c", START, "--project", str(project), *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**env), cwd=project,
        # A shell that runs the tests in the background makes them, and their children, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads yet
    )  # fmt: skip


def ended(process, timeout=240):
    """Wait for a process; return exit code, stdout and stderr."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def write_student(folder, seed=2):
    """Write a tiny model whose head favours the end-of-turn token, so that its answers end."""
    import mlx.core as mx
    from tiny import write_tiny_model

    write_tiny_model(folder, seed=seed, tied=False)
    file = folder / "model.safetensors"
    weights = dict(mx.load(str(file)))
    end = json.loads((folder / "config.json").read_text())["eos_token_id"]
    head = weights["lm_head.weight"]
    head[end] = 4 * head[end]
    mx.save_safetensors(str(file), weights, {"format": "mlx"})
    return folder


def write_project(folder, student, *domains, plugins=None, **settings):
    """Write a project with small domains, and settings under which a few steps pass the gate."""
    chosen = {
        "student": str(student), "teacher": "echo", "steps": 12, "learning_rate": 0.01, "rank": 8, "held_out": 0.25,
        "gate_prompts": 2, "max_quality_drop": 1.0, "max_harm": 10.0, "checkpoint_every": 4, **settings,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name in domains:
        write_domain(folder / "domains" / name)
    text = "[distill]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items())
    if plugins is not None:
        (folder / "plugins").mkdir()
        (folder / "plugins/local.py").write_text(plugins)
        text += '[plugins]\ndir = "plugins"\n'
    (folder / "conch.toml").write_text(text)
    return folder


def swap_letters(folder):
    """Swap the ids of ``a`` and ``b`` in a model's tokenizer; its width stays the same."""
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    words = tokenizer["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    path.write_text(json.dumps(tokenizer))
    return folder

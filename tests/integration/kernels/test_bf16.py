"""MLX's products with frozen layers are computed in bfloat16, those with trained ones in float32."""

import json
import os
import subprocess
import sys

import pytest

from conch_dna.kernels import bf16

if why := bf16.obstacle():
    pytest.skip(f"this machine computes in float32: {why}", allow_module_level=True)

IN_MLX = """
import json
from conch_dna.models import accel
report = accel.switch_on()
import mlx.core as mx
from mlx import nn
from conch_dna.kernels import bf16
mx.set_default_device(mx.cpu)
mx.random.seed(0)
layer, small = nn.Linear(576, 160), nn.Linear(64, 64)
model = nn.Sequential(layer, nn.Linear(160, 200))
model.layers[0].freeze()
x = mx.random.normal((3, 50, 576))
outside = model(x)
mx.eval(outside)
with bf16.in_bf16(model):
    loss = lambda x: (layer(x) ** 2).sum()
    y, gradient = layer(x), mx.grad(loss)(x)
    mx.eval(y, gradient)
    inside = bf16.products()
    mx.eval(model.layers[1](y), small(x[..., :64]))
    trained = bf16.products() - inside
exact, exact_gradient = layer(x), mx.grad(loss)(x)
error = lambda a, b: (mx.sqrt(((a - b) ** 2).mean() / (b ** 2).mean())).item()
after = bf16.products() - inside - trained
errors = [error(y, exact), error(gradient, exact_gradient)]
bf16.SHARE = 0
with bf16.in_bf16(model):
    assert error(layer(x), exact) == 0, "a model that does not fit stays in float32"
print(json.dumps([report.compute, inside, trained, after, *errors, y.sum().item()]))
"""


def in_mlx(**environment):
    command = [sys.executable, "-c", IN_MLX]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def test_mlx_computes_frozen_layers_in_bfloat16_and_trained_ones_in_float32():
    compute, inside, trained, after, error, gradient_error, one_thread = in_mlx(OPENBLAS_NUM_THREADS="1")
    if compute != "bf16":
        pytest.skip("no optimised BLAS")
    assert inside >= 3  # forward, again for the gradient, and the backward pass
    assert trained == after == 0
    assert 0 < error < 0.005
    assert 0 < gradient_error < 0.01
    assert in_mlx(OPENBLAS_NUM_THREADS="2")[-1] == one_thread


def test_it_can_be_switched_off():
    compute, inside, *_, error, gradient_error, _ = in_mlx(CONCH_COMPUTE="float32")
    assert (compute, inside, error, gradient_error) == ("float32", 0, 0.0, 0.0)


def test_an_unknown_choice_is_named(monkeypatch):
    monkeypatch.setenv("CONCH_COMPUTE", "fp16")
    assert bf16.obstacle() == "CONCH_COMPUTE=fp16 is none of auto, float32"

"""TRL contender of kd_step.py, for a Python with torch and TRL: ``trl_step.py FOLDER --steps N``.

FOLDER holds a transformers model and ``batch.npz``, written by ``kd_step.py --variant export``. The script first checks
that the logits of this model match those of mlx.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

TOLERANCE = 1e-3


def measure(folder: Path, steps: int, *, teacher_forward: bool) -> dict[str, Any]:
    """Time ``steps`` optimizer steps after one warm-up step."""
    import numpy as np
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl.experimental.gkd.gkd_trainer import GKDTrainer

    torch.manual_seed(0)
    data = np.load(folder / "batch.npz")
    ids = torch.from_numpy(data["ids"].astype("int64"))
    model, teacher = (AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2))
    with torch.no_grad():
        teacher.eval()
        gap = np.abs(teacher(ids[:1]).logits.numpy() - data["logits"]).max()
        if gap > TOLERANCE * max(1.0, np.abs(data["logits"]).max()):
            raise SystemExit(f"the logits differ from mlx's by {gap}")
        fixed = None if teacher_forward else teacher(ids).logits
    labels = torch.full_like(ids, -100)
    rows, cols = torch.from_numpy(data["rows"].astype("int64")), torch.from_numpy(data["cols"].astype("int64"))
    labels[rows, cols] = ids[rows, cols + 1]  # loss position = predicted position, unshifted
    adapter = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM")
    student = get_peft_model(model, adapter).train()
    optimizer = torch.optim.AdamW([p for p in student.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.01)
    losses, seconds = [], []
    for _ in range(steps + 1):
        started = time.perf_counter()
        optimizer.zero_grad()
        student_logits = student(ids).logits
        with torch.no_grad():
            teacher_logits = teacher(ids).logits if fixed is None else fixed
        loss = GKDTrainer.generalized_jsd_loss(student_logits, teacher_logits, labels=labels, beta=0)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - started)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"loss": losses[0], "seconds": seconds[1:], "rss": rss, "gap": float(gap)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--no-teacher", action="store_true", help="compute the teacher's logits before the timed steps")
    options = parser.parse_args()
    print(json.dumps(measure(options.folder, options.steps, teacher_forward=not options.no_teacher)))


if __name__ == "__main__":
    main()

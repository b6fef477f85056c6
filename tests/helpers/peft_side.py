"""The PEFT process of the parity test: run by an interpreter that has torch, transformers and peft.

It reads one JSON object per line from stdin and answers each with one on stdout. Tensors are passed in files. It is a
separate process, since torch and mlx each load their own BLAS.
"""

import contextlib
import json
import sys
import warnings

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

torch.set_num_threads(1)
IDS = torch.tensor([[5, 17, 3, 60, 2, 41, 8, 33, 7, 9, 1, 50]])


def model_of(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def write_base(folder, config, seed=0):
    """Write a model with random weights as transformers does."""
    torch.manual_seed(seed)
    kinds = transformers.AutoConfig.for_model(**config)
    model = transformers.AutoModelForCausalLM.from_config(kinds)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)  # far from the identity, so that a wrong row order changes the logits
    model.save_pretrained(folder)
    return {}


def write_adapter(base, folder, config, seed=1):
    """Write an adapter with random weights, both factors, as PEFT does."""
    torch.manual_seed(seed)
    model = get_peft_model(model_of(base), LoraConfig(task_type="CAUSAL_LM", **config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_magnitude" in name:
                parameter.mul_(1 + 0.3 * torch.randn_like(parameter))
            elif "lora_" in name:
                parameter.normal_(0, 0.2)
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if tied and any("lora_embedding" in name for name, _ in model.named_parameters()):
        head, embedding = model.base_model.model.lm_head, model.base_model.model.model.embed_tokens
        head.lora_A["default"].weight.data = embedding.lora_embedding_B["default"].data.T.contiguous()
        head.lora_B["default"].weight.data = embedding.lora_embedding_A["default"].data.T.contiguous()
    model.save_pretrained(folder)
    return {"modules": adapted(model)}


def adapted(model):
    return sorted({name for name, m in model.base_model.model.named_modules() if hasattr(m, "lora_A")})


def logits(base, out, adapter=None):
    """Write the logits of base and adapter; return the modules that PEFT adapted, and its warnings about keys."""
    model = model_of(base)
    found, warned = [], []
    if adapter:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = PeftModel.from_pretrained(model, adapter).eval()
        warned = [str(w.message) for w in caught if "adapter keys" in str(w.message)]
        found = adapted(model)
    with torch.no_grad():
        save_file({"logits": model(IDS).logits.contiguous()}, out)
    return {"modules": found, "warnings": warned}


def main():
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer = globals()[asked.pop("do")](**asked)
            except Exception as fault:  # noqa: BLE001 - the test reports it
                answer = {"fault": f"{type(fault).__name__}: {fault}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

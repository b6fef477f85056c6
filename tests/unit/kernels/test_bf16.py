"""Which processors multiply in bfloat16: those on which that is faster than float32."""

import platform
import shutil
import sys

import pytest

from conch_dna.kernels import bf16


@pytest.mark.parametrize(
    ("maker", "flags", "why"),
    [
        ("GenuineIntel", "avx512f avx512_bf16 amx_bf16 amx_tile", None),
        ("AuthenticAMD", "avx512f avx512_bf16", None),
        (
            "GenuineIntel",
            "avx512f avx512_bf16",
            "without AMX, Intel's processors are slower in bfloat16 than in float32",
        ),
        ("AuthenticAMD", "avx512f", "the processor has no AVX512_BF16 instructions"),
    ],
)
def test_a_processor_computes_in_bfloat16_only_if_that_is_faster(tmp_path, monkeypatch, maker, flags, why):
    known = tmp_path / "cpuinfo"
    known.write_text(f"vendor_id\t: {maker}\nflags\t\t: {flags}\n")
    monkeypatch.setattr(bf16, "CPUINFO", known)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda program: program)
    monkeypatch.delenv(bf16.CHOICE, raising=False)
    assert bf16.obstacle() == why

"""Wide registers are asked for where a processor has them, and change no number."""

import os
import subprocess
import sys

from numba.core.codegen import get_host_cpu_features

from dosegym.physiology.jit import widened

RUN = """
import numpy as np
from dosegym.physiology import load_model
from dosegym.physiology.sampling import load_sampler
people = load_sampler().sample(11, np.random.default_rng(0), ["adult"])
model = load_model("uva_padova_2008")
x = model.initial(people.params)
u = np.zeros((90, 2, 11)); u[5:15, 0] = 4.0; u[:, 1] = 0.02
from dosegym.physiology.engine import engine_for
engine_for(model).advance(x, people.params, u)
print(x.tobytes().hex())
"""


def test_only_late_processors_are_told() -> None:
    """Features are added to where arithmetic of 16 bits is there, and left alone elsewhere."""
    late = "+avx512f,+avx512fp16"
    assert widened(late) == late + ",-prefer-256-bit"
    assert widened("+avx2,+avx512f,-avx512fp16") is None


def test_the_width_changes_no_number() -> None:
    """Eleven people end bit for bit alike in narrow and in wide registers."""

    def end(**chosen: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", RUN], env={**os.environ, **chosen}, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    assert end() == end(NUMBA_CPU_FEATURES=get_host_cpu_features())

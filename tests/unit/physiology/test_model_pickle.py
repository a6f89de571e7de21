"""Models and engines travel between processes by name and options."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegym.physiology import load_model
from dosegym.physiology.engine import engine_for


@pytest.mark.parametrize("gut", ["published", "simglucose_legacy", "t1dms"])
@pytest.mark.parametrize("way", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_library_model_comes_back_the_same(gut: str, way: Any) -> None:
    """Name, options and equations survive; in this process the compiled engine is shared."""
    model = load_model("uva_padova_2008", gut=gut)
    again = way(model)
    assert again.options == {"gut": gut}
    assert engine_for(again) is engine_for(model)
    assert way(engine_for(model)) is engine_for(model)
    rows = np.full((2, len(model.parameters)), 0.5)
    x = np.full((2, len(model.state_index)), 10.0)
    u = np.full((2, len(model.inputs)), 0.1)
    np.testing.assert_array_equal(again.derivative(x, u, rows), model.derivative(x, u, rows))


def test_a_pickle_is_a_name_and_options() -> None:
    """The file holds no code: a hundred bytes or so."""
    assert len(pickle.dumps(load_model("uva_padova_2008", gut="t1dms"))) < 200


def test_a_changed_model_is_not_mistaken_for_the_librarys() -> None:
    """A model with another part is copied whole, or refuses to be pickled; never exchanged."""
    changed = replace(load_model("uva_padova_2008"), displace=None)
    assert copy.deepcopy(changed).displace is None
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(changed)

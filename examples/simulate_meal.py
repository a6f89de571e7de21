"""One person, one meal, three stomachs: why results on the old gut do not compare with the new one.

python examples/simulate_meal.py
"""

import numpy as np

from dosegym.physiology import load_model, load_population, simulate

people = load_population("uva_padova_30")
adult = people["adult#001"]
minutes = np.arange(0, 361)

for gut in ("published", "simglucose_legacy", "t1dms"):
    model = load_model("uva_padova_2008", gut=gut)
    basal = model.basal_inputs(adult.params)[0, model.input_index["insulin"]]  # U/min
    carbs = np.where(minutes[:-1] < 16, 5.0, 0.0)  # 80 g at 5 g/min
    insulin = np.full(len(minutes) - 1, basal)
    insulin[0] += 80.0 / 10.0  # a bolus by the carb ratio of 10 g/U
    glucose = simulate(model, adult, {"carbs": carbs, "insulin": insulin}, minutes)[
        "interstitial_glucose"
    ]
    print(f"{gut:18s} peak {glucose.max():5.1f} mg/dL at {minutes[glucose.argmax()]:3d} min")

"""Learning curves of trained agents, from their TensorBoard files.

python examples/plot_training.py curves.png runs/insulin-adult runs/bench-adult

All runs of one picture are of one environment.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

INSULIN = {
    "validation/time_in_range": "time in range, %",
    "validation/time_below_54": "below 54 mg/dL, %",
    "validation/failure": "episodes touching 40 or 600 mg/dL, %",
}
PRESSURE = {
    "validation/time_in_target": "days in target, %",
    "validation/sbp_below_100": "intervals with systolic below 100 mmHg, %",
    "validation/serious_harm": "people with serious harm, %",
}

picture, *folders = sys.argv[1:] or ["curves.png"]
runs = {folder: EventAccumulator(str(Path(folder) / "tensorboard")) for folder in folders}
for events in runs.values():
    events.Reload()
tags = {tag for events in runs.values() for tag in events.Tags()["scalars"]}
panels = PRESSURE if set(PRESSURE) <= tags else INSULIN
figure = Figure(figsize=(11, 3.4), layout="constrained")
axes = figure.subplots(1, len(panels))
for folder, events in runs.items():
    for panel, tag in zip(axes, panels, strict=True):
        points = events.Scalars(tag)
        steps = [p.step / 1e6 for p in points]
        panel.plot(steps, [p.value for p in points], label=Path(folder).name)
for panel, label in zip(axes, panels.values(), strict=True):
    panel.set(xlabel="environment steps, millions", ylabel=label)
    panel.grid(alpha=0.3)
if folders:
    axes[0].legend(fontsize=8)
figure.savefig(picture, dpi=110)
print(f"{picture}: {len(folders)} runs")

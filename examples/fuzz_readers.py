"""Break files of every format by seed and read them: none may crash, hang or be misread.

python examples/fuzz_readers.py --files 10000 --first 0
"""

import argparse
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
import fuzzing

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--files", type=int, default=10_000, help="broken files in all")
parser.add_argument("--first", type=int, default=0, help="first seed")
parser.add_argument("--format", default=None, help="one format only")
arguments = parser.parse_args()

names = [arguments.format] if arguments.format else list(fuzzing.formats())
tally = {name: Counter() for name in names}
slowest = (0.0, "", 0)
defects = Counter()
first = {}
with tempfile.TemporaryDirectory() as folder:
    for number in range(arguments.files):
        name, seed = names[number % len(names)], arguments.first + number // len(names)
        outcome = fuzzing.attempt(name, seed, Path(folder))
        tally[name][outcome.kind] += 1
        slowest = max(slowest, (outcome.seconds, name, seed))
        if outcome.kind == "defect":
            defects[name, outcome.what[:90]] += 1
            first.setdefault((name, outcome.what[:90]), seed)

print(f"{'format':14} {'read':>6} {'refused':>8} {'defects':>8}")
for name in names:
    count = tally[name]
    print(f"{name:14} {count['read']:6d} {count['refused']:8d} {count['defect']:8d}")
total = sum(tally.values(), Counter())
print(f"{'all':14} {total['read']:6d} {total['refused']:8d} {total['defect']:8d}")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(
    f"slowest file {slowest[0]:.2f} s ({slowest[1]}, seed {slowest[2]}), peak memory {peak:.0f} MB"
)
for (name, what), count in defects.most_common(40):
    print(f"defect in {name}, {count} times, first seed {first[name, what]}: {what}")
sys.exit(1 if defects else 0)

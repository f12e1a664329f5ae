"""Compares `tm env replay`, `tm label run` and `tm olps run` with this folder's own calculations on random cases.

    python run.py --tm target/debug/tm --cases 200 --seed 1 [--only hft,labelling] [--data ../shared/data]

One line per environment: cases, how many both refuse, how many this side cannot calculate, fields compared,
differences. A difference is shown with the command that repeats it, its table kept under --keep. Ends with 1 when there is one.
"""

import argparse
import pathlib
import sys
import warnings

import numpy as np

import labellings
import replays
import selections
from compare import Refused, differences, run, shown
from selection_rules import Beyond

BEYOND = object()


class Tally:
    def __init__(self, name):
        self.name, self.cases, self.refused, self.beyond, self.fields, self.wrong = name, 0, 0, 0, 0, 0

    def line(self):
        return f"{self.name:22} {self.cases:6} cases {self.refused:5} refused by both {self.beyond:4} not compared {self.fields:10} fields {self.wrong:5} differences"


def report(arguments, found):
    print(f"DIFFERENCE  {shown(arguments)}")
    for path, ours, theirs in found[:6]:
        print(f"    {path}: expected {ours!r}, got {theirs!r}")
    if len(found) > 6:
        print(f"    … and {len(found) - 6} more")


def judge(tally, program, arguments, expect, floor_of):
    """One case: True when both sides agree."""
    tally.cases += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = expect()
    except Beyond:
        wanted = BEYOND
    except (ValueError, IndexError, ZeroDivisionError) as error:
        wanted, reason = None, f"{type(error).__name__}: {error}"
    try:
        found = run(program, arguments)
    except Refused as refusal:
        if wanted is None:
            tally.refused += 1
            return True
        if wanted is BEYOND:
            tally.beyond += 1
            return True
        report(arguments, [("refused", "figures", str(refusal)[:300])])
        return False
    except AssertionError as error:
        report(arguments, [("program", "figures or a refusal", str(error))])
        return False
    if wanted is None:
        report(arguments, [("accepted", reason, "figures")])
        return False
    if wanted is BEYOND:
        tally.beyond += 1
        return True
    count, wrong = differences(wanted, found, floor_of(wanted))
    tally.fields += count
    if wrong:
        report(arguments, wrong)
    return not wrong


def jobs(options):
    """(name, function that makes one case: arguments, expectation, floors)."""
    folder = pathlib.Path(options.keep)
    folder.mkdir(parents=True, exist_ok=True)
    data = pathlib.Path(options.data) if options.data else None
    for name, make in replays.MAKERS.items():
        yield name, lambda rng, number, make=make: replay_job(replays.with_features(rng, make(rng, data)), folder / f"{number}.csv")
    yield "labelling", lambda rng, number: labellings.job(rng, folder, number, data)
    for method in selections.METHODS:
        yield f"olps {method}", lambda rng, number, method=method: selections.job(rng, folder / f"{number}.csv", method)


def replay_job(case, path):
    case.frame.to_csv(path, index=False)
    return replays.arguments(case, path), lambda: replays.expected(case, path), lambda wanted: replays.floors(case, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tm", default="target/debug/tm")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--keep", default="target/differential")
    parser.add_argument("--shown", type=int, default=10, help="stop an environment after so many differences")
    options = parser.parse_args()
    total = 0
    for place, (name, make) in enumerate(jobs(options)):
        if options.only and not any(part in name for part in options.only.split(",")):
            continue
        tally = Tally(name)
        share = 20 if "corn" in name else 4 if name.startswith("olps") else 1
        count = max(1, options.cases // share)
        for number in range(count):
            rng = np.random.default_rng([options.seed, place, number])
            arguments, expect, floor_of = make(rng, f"{name.replace(' ', '_')}_{options.seed}_{number}")
            if judge(tally, options.tm, arguments, expect, floor_of):
                for path in pathlib.Path(options.keep).glob(f"{name.replace(' ', '_')}_{options.seed}_{number}.*"):
                    path.unlink()
            else:
                tally.wrong += 1
                if tally.wrong >= options.shown:
                    break
        print(tally.line(), flush=True)
        total += tally.wrong
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())

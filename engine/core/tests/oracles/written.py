"""Where the scripts of this folder write, and whether what they wrote is what is kept here.

    python written.py DIR     compares DIR/*_expected.json and DIR/expected.json with the files of this folder

The last digits of numpy and its BLAS depend on the processor (AVX-512 or not), so numbers may differ by 1e-12 of the larger of
1 and their size; the tests on the other side hold this engine to 1e-9. Names, lengths and words must be equal.
"""

import json
import math
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
TOLERANCE = 1e-12
SHOWN = 10


def directory():
    """Returns the folder to write into: ORACLES_OUT, made if needed, or this one."""
    path = pathlib.Path(os.environ.get("ORACLES_OUT", HERE))
    path.mkdir(parents=True, exist_ok=True)
    return path


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def differences(kept, new, place=""):
    """Yields (place, kept, new) of everything that is not the same, and (None, size, None) of every pair of numbers."""
    if is_number(kept) and is_number(new):
        if kept == new or (math.isnan(kept) and math.isnan(new)):
            yield None, 0.0, None
            return
        size = abs(kept - new) / max(1.0, abs(kept))
        if size <= TOLERANCE:
            yield None, size, None
        else:
            yield place, kept, new
    elif isinstance(kept, dict) and isinstance(new, dict):
        for key in sorted(kept.keys() | new.keys()):
            yield from differences(kept.get(key, "(missing)"), new.get(key, "(missing)"), f"{place}/{key}")
    elif isinstance(kept, list) and isinstance(new, list) and len(kept) == len(new):
        for index, (one, other) in enumerate(zip(kept, new)):
            yield from differences(one, other, f"{place}/{index}")
    elif kept != new:
        yield place, kept, new


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    failed = False
    for path in sorted(HERE.glob("*expected.json")):
        written = out / path.name
        if not written.exists():
            print(f"{path.name}: was not written", file=sys.stderr)
            failed = True
            continue
        found = list(differences(json.loads(path.read_text()), json.loads(written.read_text())))
        sizes = [size for place, size, _ in found if place is None]
        wrong = [entry for entry in found if entry[0] is not None]
        largest = max(sizes, default=0.0)
        print(f"{path.name:28} {len(sizes):6} numbers, largest difference {largest:.1e}, {len(wrong)} not the same")
        for place, kept, new in wrong[:SHOWN]:
            print(f"  {place}: kept {str(kept)[:60]}, now {str(new)[:60]}", file=sys.stderr)
        if len(wrong) > SHOWN:
            print(f"  and {len(wrong) - SHOWN} more", file=sys.stderr)
        failed |= bool(wrong) or not sizes
    if failed:
        print(f"if the new ones are right: cp {out}/*expected.json {HERE}/", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

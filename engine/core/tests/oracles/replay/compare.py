"""Runs the program under test and compares its JSON with this folder's figures, field by field."""

import json
import math
import shlex
import subprocess

RELATIVE = 1e-9
NOISE = 1e-12
RATIOS = {"sharpe", "sortino", "calmar"}


class Refused(Exception):
    """The program ended with an error."""


def run(program, arguments):
    """Standard output of the program as JSON."""
    done = subprocess.run([program, *arguments, "-o", "json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if done.stdout.strip():
            raise AssertionError(f"failed with {done.returncode} and wrote to standard output: {done.stdout[:200]}")
        if done.returncode > 2 or "panicked" in done.stderr:
            raise AssertionError(f"ended with {done.returncode}: {done.stderr[:300]}")
        raise Refused(done.stderr.strip())
    return json.loads(done.stdout)


def shown(arguments):
    return shlex.join(["tm", *arguments, "-o", "json"])


def number(value):
    """Both sides' undefined is None."""
    if value is None or isinstance(value, bool):
        return value
    return None if isinstance(value, (int, float)) and not math.isfinite(value) else value


def close(wanted, found, floor):
    if wanted is None or found is None:
        return wanted is found
    return abs(wanted - found) <= max(RELATIVE * max(abs(wanted), abs(found)), floor)


def leaves(value, path=""):
    """Every scalar below `value` with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, (list, tuple)):
        yield f"{path}#", len(value)
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value.item() if hasattr(value, "item") else value


def differences(wanted, found, floor=lambda path: 0.0):
    """(fields compared, [(path, wanted, found)]); only what `wanted` has is looked at."""
    there, count, wrong = dict(leaves(found)), 0, []
    for path, value in leaves(wanted):
        count += 1
        if path not in there:
            wrong.append((path, value, "nothing"))
            continue
        ours, theirs = number(value), number(there[path])
        if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)) and not isinstance(ours, bool):
            if not close(ours, theirs, floor(path)):
                wrong.append((path, ours, theirs))
        elif ours != theirs:
            wrong.append((path, ours, theirs))
    return count, wrong

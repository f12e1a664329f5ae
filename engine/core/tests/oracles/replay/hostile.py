"""What careless and hostile users give the three commands: the same table written in other ways must give the same
figures; what cannot be used must end with a sentence on standard error, nothing on standard output, a code that is not 0.

    python hostile.py --tm target/debug/tm
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

PRICES = [100 + i % 7 + i / 10 for i in range(30)]
ROWS = [(f"2020-01-{i + 1:02}", f"{price:.1f}") for i, price in enumerate(PRICES)]
PLAIN = "date,close\n" + "".join(f"{date},{price}\n" for date, price in ROWS)

SAME = {
    "CRLF": PLAIN.replace("\n", "\r\n"), "byte order mark": "\ufeff" + PLAIN, "no last line end": PLAIN.rstrip("\n"),
    "blank lines at the end": PLAIN + "\n\n", "semicolons": PLAIN.replace(",", ";"), "tabs": PLAIN.replace(",", "\t"),
    "columns turned round": "close,date\n" + "".join(f"{price},{date}\n" for date, price in ROWS),
    "index without a name": ",date,close\n" + "".join(f"{i},{d},{p}\n" for i, (d, p) in enumerate(ROWS)),
    "two indices": ",Unnamed: 0,date,close\n" + "".join(f"{i},{i},{d},{p}\n" for i, (d, p) in enumerate(ROWS)),
    "quotes": '"date","close"\n' + "".join(f'"{d}, noon","{p}"\n' for d, p in ROWS),
    "scientific": "date,close\n" + "".join(f"{d},{float(p):.6e}\n" for d, p in ROWS),
    "plus signs": "date,close\n" + "".join(f"{d},+{p}\n" for d, p in ROWS),
    "odd dates": "date,close\n" + "".join(f"day {i} of 30,{p}\n" for i, (_, p) in enumerate(ROWS)),
    "no dates": "close\n" + "".join(f"{p}\n" for _, p in ROWS),
    "spaces": "date, close\n" + "".join(f"{d}, {p}\n" for d, p in ROWS),
    "opens of 0": "open,close\n" + "".join(f"0,{p}\n" for _, p in ROWS),
    "NaN in a column nobody reads": "note,close\n" + "".join(f"NaN,{p}\n" for _, p in ROWS),
}
REFUSED = {
    "empty": "", "header only": "date,close\n", "one row": "date,close\n2020-01-01,5\n", "NaN": PLAIN.replace("103.3", "NaN"),
    "empty cell": PLAIN.replace(",103.3", ","), "text": PLAIN.replace("103.3", "n/a"), "infinity": PLAIN.replace("103.3", "inf"),
    "zero": PLAIN.replace("103.3", "0"), "short line": PLAIN + "2020-02-01\n", "long line": PLAIN + "2020-02-01,5,6\n",
    "column twice": "close,close\n" + "".join(f"{p},{p}\n" for _, p in ROWS), "column missing": PLAIN.replace("close", "Close"),
    "thousands": PLAIN.replace("103.3", '"1,103.3"'), "hexadecimal": PLAIN.replace("103.3", "0x10"),
}
POLICIES = ["", "nope", "constant", "constant:", "constant:3", "constant:-1", "constant:1.5", "constant:nan", "cycle:", "cycle:1,,2",
            "mod:0", "mod:4", "logits:0", "twap", "order:1@ask0", "constant:99999999999999999999"]
OPTIONS = [["--window", "0"], ["--forward", "0"], ["--max-volume", "0"], ["--initial-amount", "0"], ["--initial-amount", "nan"],
           ["--cost-rate", "1"], ["--cost-rate=-1"], ["--start", "1"], ["--features", "nope"], ["--features", "date"],
           ["--mode", "corrected"], ["--env", "nope"]]


def call(program, arguments):
    return subprocess.run([program, *arguments, "-o", "json"], capture_output=True, text=True, check=False)


def refused(done):
    """Why this is not a clean refusal; None where it is one."""
    if done.returncode == 0:
        return "accepted"
    if done.stdout:
        return "wrote to standard output"
    if not done.stderr.startswith("error: ") or "panicked" in done.stderr:
        return f"said {done.stderr[:100]!r}"
    return None


def cases(folder):
    """(what, arguments, whether it must be refused)"""
    replay = ["env", "replay", "--env", "algorithmic_trading"]
    label = ["label", "run", "--preset", "btc", "--mode", "faithful"]
    select = ["olps", "run", "--method", "eg", "--relatives", "prices"]
    for group, must in ((SAME, False), (REFUSED, True)):
        for name, text in group.items():
            path = folder / f"{name.replace(' ', '_')}.csv"
            path.write_bytes(text.encode())
            yield f"replay {name}", [*replay, "--data", str(path), "--policy", "constant:2"], must
            path = folder / f"label_{path.name}"
            path.write_bytes(text.replace("close", "adjcp").replace("Close", "Adjcp").encode())
            if name not in ("zero", "no dates", "opens of 0", "NaN in a column nobody reads"):
                yield f"label {name}", [*label, "--data", str(path)], must
    plain = str(folder / "CRLF.csv")
    for policy in POLICIES:
        yield f"policy {policy!r}", [*replay, "--data", plain, f"--policy={policy}"], True
    for option in OPTIONS:
        start = replay[:2] if option[0] == "--env" else replay
        yield f"option {option}", [*start, "--data", plain, "--policy", "nothing", *option], True
    for name in ("empty", "header only", "NaN", "zero", "text"):
        yield f"selection {name}", [*select, "--data", str(folder / f"{name.replace(' ', '_')}.csv")], True
    for command in ([*replay, "--policy", "nothing"], label, select):
        yield f"{command[0]} without a file", [*command, "--data", str(folder / "nothing.csv")], True
        yield f"{command[0]} of a folder", [*command, "--data", str(folder)], True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tm", default="target/debug/tm")
    options = parser.parse_args()
    count, wrong, plain = 0, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        for what, arguments, must in cases(pathlib.Path(folder)):
            done = call(options.tm, arguments)
            count += 1
            if must:
                fault = refused(done)
            elif done.returncode:
                fault = f"refused: {done.stderr[:200]}"
            else:
                found = json.loads(done.stdout)
                figures = [found.get("final_assets"), found.get("labels"), found.get("filtered")]
                fault = None if plain.setdefault(arguments[0], figures) == figures else "other figures"
            if fault:
                wrong += 1
                print(f"HOSTILE  {what}: {fault}")
    print(f"{'hostile':22} {count:6} cases {wrong:5} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What huge and broken files do to `tm data inspect`, `tm data import` and the gateway (`make big-files SIZE=10G`).

For each kind of file, each size and each way in: how long until the answer, the answer's first words, peak memory of
the command and of the node, and what is left in the node's directory. A run fails when a file is taken that should be
refused, when memory or time pass their limit, or when anything is left. Files are written one after the other and
removed at once; what lies behind the first 1100 MiB, which nothing reads, is a hole, so the disk needs that much. Python's standard library and `tm` are all it needs.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
import zipfile
from pathlib import Path

PASSWORD = "violet-umbrella-92"
MIB = 1 << 20
# Just below what may be sent, and just below what is read from a path: these sizes reach the parsers.
SENT, READ = 60 * MIB, 1000 * MIB
# Most memory of the program (resident, MiB) and longest time until the answer (s) that a file may cost.
MEMORY_MIB, NODE_MIB, SECONDS = 700, 700, 60
STARTED_WITHIN_S = 60
# Files are written this far and left alone when the disk has less to spare.
WRITTEN, SPARE = 1100 * MIB, 4 << 30


def size_of(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise argparse.ArgumentTypeError("wanted a size such as 200M or 10G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


# --- files ----------------------------------------------------------------------------------------------------------


def rows(path, size, width=None):
    """Good bars, one a second, until the size is reached: more rows than are read."""
    width = width or max(30, min(100, size // 6_000_000))
    tail = b",1.5,2.5,1,2,0.".ljust(width - 11, b"7") + b"\n"
    with path.open("wb") as out:
        out.write(b"time,open,high,low,close,volume\n")
        time_s = 1_000_000_000
        while out.tell() < size:
            out.write(b"".join(b"%d%s" % (time_s + index, tail) for index in range(20_000)))
            time_s += 20_000


def late(path, size):
    """Good rows, and a broken one behind 99 % of them. Long rows, so that their number stays below the limit."""
    rows(path, size * 99 // 100, 1000)
    with path.open("ab") as out:
        out.write(b"2999-99-99,1,2,1,much\n")
        out.write(b"7" * max(0, size - out.tell()))


def line(path, size):
    """A header and one line without an end."""
    with path.open("wb") as out:
        out.write(b"time,open,high,low,close\n")
        piece = b"1234567890,1.5,2.5,1,2," * 50_000
        while out.tell() < size:
            out.write(piece)


def header(path, size):
    """A first line without an end."""
    with path.open("wb") as out:
        piece = b"time,open,high,low,close," * 50_000
        while out.tell() < size:
            out.write(piece)


def binary(path, size):
    """Bytes without a meaning."""
    piece = random.Random(7).randbytes(8 * MIB)
    with path.open("wb") as out:
        while out.tell() < size:
            out.write(piece)


def zeros(path, size):
    """Nothing but zeros, without taking disk."""
    with path.open("wb") as out:
        out.truncate(size)


def quote(path, size):
    """A quote that is opened and never closed."""
    rows(path, size)
    with path.open("r+b") as out:
        out.seek(len(b"time,open,high,low,close,volume\n"))
        out.write(b'"')


def bomb_gzip(path, size):
    """A gzip archive that unpacks to the size."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        piece = bytes(8 * MIB)
        for _ in range(size // len(piece) + 1):
            out.write(piece)


def bomb_zip(path, size):
    """A ZIP archive that unpacks to the size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("bars.csv", "w", force_zip64=True) as out:
            piece = bytes(8 * MIB)
            for _ in range(size // len(piece) + 1):
                out.write(piece)


# These are written in full size; the others only in the sizes that reach the parsers, for above them the size alone decides.
HUGE = {"too many rows", "broken at 99 %", "endless line", "gzip bomb", "zip bomb", "zeros"}
# Smaller than this the file is good.
SMALLEST = {"too many rows": 180 * MIB}
KINDS = {
    "too many rows": rows,
    "broken at 99 %": late,
    "endless line": line,
    "endless header": header,
    "open quote": quote,
    "binary": binary,
    "zeros": zeros,
    "gzip bomb": bomb_gzip,
    "zip bomb": bomb_zip,
}

# --- the node -------------------------------------------------------------------------------------------------------


class Node:
    """A node without a worker on a fresh directory."""

    def __init__(self, tm):
        self.tm, self.home = tm, Path(tempfile.mkdtemp(prefix="big-files-"))
        self.data, log = self.home / "data", self.home / "log"
        command = [tm, "node", "start", "--listen", "127.0.0.1:0", "--worker", tm, "--data-dir", self.data]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log.open("wb"))
        begun = time.monotonic()
        url = password = None
        while not (url and password):
            text = log.read_text(errors="replace")
            url, password = re.search(r"^serving (http\S+)", text, re.M), re.search(r"password (\S+)", text)
            if self.process.poll() is not None or STARTED_WITHIN_S < time.monotonic() - begun:
                sys.exit(f"the node did not start:\n{text}")
            time.sleep(0.1)
        self.url = url[1]
        self.environment = {**os.environ, "TM_URL": self.url, "TM_CREDENTIALS": str(self.home / "credentials.json")}
        self.typed(["login", "--user", "admin"], f"{password[1]}\n")
        self.typed(["passwd"], f"{password[1]}\n{PASSWORD}\n")
        self.login()

    def login(self):
        self.typed(["login", "--user", "admin"], f"{PASSWORD}\n")
        body = json.dumps({"user": "admin", "password": PASSWORD})
        connection = self.connect()
        connection.request("POST", "/api/v1/auth/login", body, {"content-type": "application/json"})
        self.token = json.loads(connection.getresponse().read())["access_token"]
        self.signed_in = time.monotonic()

    def typed(self, arguments, text):
        done = subprocess.run([self.tm, *arguments], input=text, env=self.environment, text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"tm {' '.join(arguments)}: {done.stderr}")

    def connect(self):
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=300)

    def memory_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) >> 10

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def left(self):
        """Bytes of snapshots and of files under way."""
        files = [path for path in self.data.rglob("*") if path.is_file() and "blob" in str(path.relative_to(self.data))]
        return sum(path.stat().st_size for path in files)

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


# --- ways in --------------------------------------------------------------------------------------------------------


def command(node, arguments):
    """Runs `tm` and returns its exit code, the last line of its words, and its peak memory."""
    process = subprocess.Popen([node.tm, *arguments], env=node.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    words = process.stderr.read().decode(errors="replace").strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    told = "; ".join(line.strip() for line in words.splitlines()).removeprefix("error: ")
    return process.returncode, told, usage.ru_maxrss >> 10


def inspect(node, path):
    return command(node, ["data", "inspect", str(path)])


def imported(node, path):
    return command(node, ["data", "import", str(path), "--name", uuid.uuid4().hex])


def sent(node, path, chunked):
    """Sends the file by HTTP, piece by piece; the answer may come before everything is sent."""
    query = urllib.parse.urlencode({"format": "csv", "name": uuid.uuid4().hex, "file": path.name})
    connection = node.connect()
    connection.putrequest("POST", f"/api/v1/datasets?{query}")
    connection.putheader("authorization", f"Bearer {node.token}")
    connection.putheader("idempotency-key", str(uuid.uuid4()))
    connection.putheader("content-type", "text/csv")
    connection.putheader(*(("transfer-encoding", "chunked") if chunked else ("content-length", str(path.stat().st_size))))
    connection.endheaders()
    count = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(MIB):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                count += len(piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (http.client.HTTPException, ConnectionError, socket.timeout) as error:
        return 1, f"{type(error).__name__} after {count >> 20} MiB", None
    told = "; ".join(each["detail"] for each in body.get("errors", [])) or body.get("detail", "taken")
    return 0 if answer.status < 300 else 1, f"{answer.status} after {count >> 20} MiB: {told}", None


WAYS = {
    "inspect": inspect,
    "import": imported,
    "HTTP": lambda node, path: sent(node, path, False),
    "HTTP chunked": lambda node, path: sent(node, path, True),
}

# --- the table ------------------------------------------------------------------------------------------------------


def shown(size):
    return f"{size / (1 << 30):.3g} GiB" if 1 << 30 <= size else f"{size >> 20} MiB"


def measure(node, kind, size, path, limits):
    """Tries one file every way; returns the lines of the table and the complaints."""
    lines, complaints = [], []
    for way, go in WAYS.items():
        # Above what may be sent every file is refused alike.
        if way.startswith("HTTP") and SENT < size and kind != "too many rows" and not kind.endswith("bomb"):
            continue
        # Commands that carry data are counted per minute; a pause is no part of what is measured.
        time.sleep(limits.pause if way != "inspect" else 0)
        if 300 < time.monotonic() - node.signed_in:
            node.login()
        node.forget_peak()
        before, begun = node.left(), time.monotonic()
        code, words, own = go(node, path)
        took, peak, left = time.monotonic() - begun, node.memory_mib(), node.left() - before
        own_text = "–" if own is None else str(own)
        lines.append(f"| {kind} | {shown(size)} | {way} | {took:.2f} | {own_text} | {peak} | {left} | {words[:150]} |")
        print(lines[-1], flush=True)
        wrong = [
            (code == 0, "was taken"),
            ("try again in" in words, "was not tried: too many requests"),
            (SECONDS < took, f"took {took:.0f} s"),
            (own is not None and MEMORY_MIB < own, f"needed {own} MiB"),
            (NODE_MIB < peak, f"made the node need {peak} MiB"),
            (left != 0, f"left {left} bytes"),
        ]
        complaints += [f"{kind}, {shown(size)}, {way}: {what}" for is_so, what in wrong if is_so]
    return lines, complaints


def write(kind, path, size):
    """Writes a file. What lies behind the most that is ever read takes no disk: it is a hole."""
    written = min(size, WRITTEN) if not kind.endswith("bomb") else size
    need = 0 if kind.endswith("bomb") or kind == "zeros" else written
    if shutil.disk_usage(path.parent).free < need + SPARE:
        sys.exit(f"{path.parent} has too little room for {shown(need)} beside {shown(SPARE)} to spare; name another --dir")
    KINDS[kind](path, written)
    if path.stat().st_size < size and not kind.endswith("bomb"):
        os.truncate(path, size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tm", type=Path, required=True)
    parser.add_argument("--size", type=size_of, default=size_of("200M"), help="size of the largest file, such as 10G")
    parser.add_argument("--dir", type=Path, default=Path("target"), help="where the files are written, one at a time")
    parser.add_argument("--only", choices=KINDS, action="append", help="only these kinds of file")
    parser.add_argument("--pause", type=float, default=10.5, help="seconds between two that send data")
    limits = parser.parse_args()
    limits.dir.mkdir(parents=True, exist_ok=True)
    sizes = sorted({limits.size, min(READ, limits.size), min(SENT, limits.size)}, reverse=True)
    node, complaints = Node(str(limits.tm.resolve())), []
    print("| file | size | way | s | command MiB | node MiB | bytes left | answer |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for kind in limits.only or KINDS:
            for size in sizes:
                if (kind not in HUGE and READ < size) or size < SMALLEST.get(kind, 0):
                    continue
                path = limits.dir / f"big-{kind.replace(' ', '-').replace('%', 'percent')}.csv"
                try:
                    write(kind, path, size)
                    complaints += measure(node, kind, size, path, limits)[1]
                finally:
                    path.unlink(missing_ok=True)
    finally:
        node.end()
    for each in complaints:
        print(f"MISSED: {each}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

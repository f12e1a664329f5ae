#!/usr/bin/env python3
"""Puts a CPU build of libtorch into <repository>/.libtorch (`make libtorch`).

Why like this: the trainer links libtorch 2.11.0, and the only prebuilt libtorch that a plain package registry serves
is inside the Python wheels. We take from them the three libraries a CPU run needs, the two small CUDA libraries that
`libtorch_cpu.so` itself is linked against, and the headers; the other 2 GB stay away. No Python module is installed.

What it promises: versions and sha256 are pinned; a run that finds a finished `.libtorch` does nothing; a finished
directory appears in one rename, so a killed run leaves none; what was downloaded is kept in `.downloads`, so the next
run takes up where this one ended. Set LIBTORCH to a libtorch 2.11.0 of your own to skip all of it.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = "2.11.0"
PYTHON = "3.12"
LINKER_SCRIPT = "INPUT(libtorch_cpu.so)\n"
# A wheel names the oldest glibc it runs on; pip takes only names that it is told.
PLATFORMS = [
    "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_25_x86_64",
    "manylinux_2_17_x86_64", "manylinux2014_x86_64",
]
SPACE_BYTES = 1_200_000_000


@dataclass(frozen=True)
class Wheel:
    """One file of the package registry and what is taken out of it."""

    requirement: str
    prefix: str
    sha256: str
    libraries: tuple
    headers: str = ""


WHEELS = (
    Wheel("torch==2.11.0", "torch-2.11.0-cp312-",
          "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
          ("torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"), "torch/include/"),
    Wheel("nvidia-cuda-runtime==13.0.96", "nvidia_cuda_runtime-13.0.96-",
          "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
          ("libcudart.so.13",)),
    Wheel("nvidia-cuda-cupti==13.0.85", "nvidia_cuda_cupti-13.0.85-",
          "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
          ("libcupti.so.13",)),
)


class Refusal(Exception):
    """What went wrong and what to do, for a person."""


def say(text):
    """Prints one line at once, so that a log shows progress."""
    print(f"libtorch: {text}", flush=True)


def sha256(path):
    """Returns the hash of a file as lower-case hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return digest.hexdigest()


def is_complete(directory):
    """Tells whether `directory` is a finished libtorch of our version."""
    stamp = directory / "build-version"
    names = ["libtorch.so"] + [Path(name).name for wheel in WHEELS for name in wheel.libraries]
    return (
        stamp.is_file()
        and stamp.read_text().strip() == VERSION
        and all((directory / "lib" / name).is_file() for name in names)
        and (directory / "include/torch/csrc/api/include/torch/torch.h").is_file()
    )


def cached(wheel, downloads):
    """Returns the wheel kept from an earlier run if it is whole, else removes what is left of it."""
    for path in sorted(downloads.glob(f"{wheel.prefix}*.whl")):
        if sha256(path) == wheel.sha256:
            return path
        say(f"{path.name} in {downloads} is broken (wrong sha256, perhaps a cut download): removed, fetched again")
        path.unlink()
    return None


def fetch(wheel, downloads):
    """Downloads one wheel by pip and checks it; only a whole one gets its final name."""
    with tempfile.TemporaryDirectory(prefix="partial-", dir=downloads) as partial:
        command = [
            sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
            "--disable-pip-version-check", "--progress-bar", "off", "--retries", "5", "--python-version", PYTHON,
            "--implementation", "cp", "--abi", "cp312", "--abi", "none", "--dest", partial,
        ]
        for name in PLATFORMS:
            command += ["--platform", name]
        command.append(wheel.requirement)
        say(f"fetching {wheel.requirement}")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        files = sorted(Path(partial).glob("*.whl"))
        if done.returncode != 0 or len(files) != 1:
            tail = "\n".join(done.stdout.strip().splitlines()[-6:])
            raise Refusal(
                f"pip could not download {wheel.requirement} (exit {done.returncode}).\nIts last words:\n{tail}\n"
                "Check the network and pip's index setting (`pip config list`) and run this again; wheels already "
                f"fetched are kept in {downloads}. Or set LIBTORCH to a libtorch {VERSION} of your own."
            )
        found = sha256(files[0])
        if found != wheel.sha256:
            raise Refusal(
                f"{files[0].name} is not the file we pinned.\n  wanted sha256 {wheel.sha256}\n  found  sha256 {found}\n"
                "Nothing was installed. Either the download was damaged (run this again) or the package index serves "
                "another file under this name (ask whoever runs it)."
            )
        final = downloads / files[0].name
        os.replace(files[0], final)
        return final


def unpack(wheel, path, target):
    """Copies the wanted libraries and headers of one wheel under `target`."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for library in wheel.libraries:
            matches = [name for name in names if name == library or name.endswith("/" + library)]
            if len(matches) != 1:
                raise Refusal(f"{path.name} should hold {library} once, found {len(matches)}: the pins are wrong")
            copy(archive, matches[0], target / "lib" / Path(library).name)
        for name in names:
            if wheel.headers and name.startswith(wheel.headers) and not name.endswith("/"):
                relative = Path(name[len(wheel.headers):])
                if ".." in relative.parts or relative.is_absolute():
                    raise Refusal(f"{path.name} holds the path {name}, which leads out of its folder: refused")
                copy(archive, name, target / "include" / relative)


def copy(archive, name, to):
    """Writes one member of an archive to a file."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, open(to, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 22)


def build(wheels, target):
    """Unpacks everything beside `target`, then renames it into place."""
    for stale in target.parent.glob(f"{target.name}.building-*"):
        shutil.rmtree(stale)
    building = Path(tempfile.mkdtemp(prefix=f"{target.name}.building-", dir=target.parent))
    try:
        building.chmod(0o755)
        for wheel, path in wheels:
            say(f"unpacking {path.name}")
            unpack(wheel, path, building)
        # `-ltorch` means "the CPU operators": the wheel's own libtorch.so would pull in the CUDA half.
        (building / "lib" / "libtorch.so").write_text(LINKER_SCRIPT)
        # tch compares this with the version it was generated for, and silently skips the check without it.
        (building / "build-version").write_text(VERSION + "\n")
        if not is_complete(building):
            raise Refusal(f"{building} is not complete after unpacking: the pins are wrong")
        if target.exists():
            shutil.rmtree(target)
        os.replace(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def check_machine():
    """Refuses what cannot work before half a gigabyte is fetched."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise Refusal(
            f"prebuilt libraries are pinned for Linux on x86-64 only; this is {sys.platform} on {platform.machine()}. "
            f"Install libtorch {VERSION} yourself and set LIBTORCH to its directory."
        )
    free = shutil.disk_usage(ROOT).free
    if free < SPACE_BYTES:
        raise Refusal(f"{ROOT} has {free >> 20} MiB free, {SPACE_BYTES >> 20} MiB are needed: make room, run again")
    pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    if pip.returncode != 0:
        raise Refusal(f"{sys.executable} has no pip. Install it (Debian: apt-get install python3-pip) and run again.")


def main():
    """Returns the exit code."""
    started = time.monotonic()
    own = os.environ.get("LIBTORCH")
    target = ROOT / ".libtorch"
    if own and Path(own).resolve() != target:
        stamp = Path(own) / "build-version"
        found = stamp.read_text().strip().split("+")[0] if stamp.is_file() else "nothing"
        if found != VERSION:
            raise Refusal(
                f"LIBTORCH is {own}, whose build-version says {found}; {VERSION} is needed. Point it to a libtorch "
                f"{VERSION} with that file, or unset LIBTORCH to have one fetched."
            )
        say(f"using LIBTORCH={own} ({VERSION}); nothing to do")
        return 0
    if is_complete(target):
        say(f"{target} is complete ({VERSION}); nothing to do")
        return 0
    check_machine()
    downloads = ROOT / ".downloads"
    downloads.mkdir(exist_ok=True)
    for stale in downloads.glob("partial-*"):
        shutil.rmtree(stale, ignore_errors=True)
    wheels = []
    for wheel in WHEELS:
        path = cached(wheel, downloads)
        if path:
            say(f"{path.name} is already here")
        wheels.append((wheel, path or fetch(wheel, downloads)))
    build(wheels, target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    say(f"{target} is ready ({VERSION}, {size >> 20} MiB) after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        print(f"libtorch: {refusal}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("libtorch: interrupted; run it again to go on from what was fetched", file=sys.stderr)
        sys.exit(130)

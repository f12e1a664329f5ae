#!/usr/bin/env python3
"""Three peers on this machine, from the top-level cluster.toml (`make cluster`).

Makes certificates, a configuration for each peer and the first start, joins them, submits eight training sessions,
shows where they run, and stays until Ctrl-C, so that anybody can try what an ordinary `kill -9` does. Everything lies
in one directory; a second run goes on with it. Python's standard library and `tm` are all it needs.
"""

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["a", "b", "c"]
CLUSTER_PORT, GATEWAY_PORT = 7701, 8081
SESSIONS = 8
STARTED_WITHIN_S, WHOLE_WITHIN_S, PLACED_WITHIN_S = 60, 60, 90
# Long enough that its sessions have gone on elsewhere.
AGAIN_S = 45


class Failed(Exception):
    """Ends the script with a sentence."""


def say(text=""):
    print(text, flush=True)


def with_keys(template, values):
    """Returns the template with `values` ({section: {key: TOML text}}) in it, in place of its own values of these keys.
    Comments stay comments; a section that is missing is added at the end."""
    lines, section, left = [], None, dict(values)

    def put(keys):
        lines.extend(f"{key} = {value}" for key, value in keys.items())

    for line in template.splitlines():
        heading = re.match(r"\[([a-z_.]+)\]", line)
        key = re.match(r"([a-z_]+)\s*=", line)
        if heading:
            section = heading[1]
            lines.append(line)
            put(left.pop(section, {}))
        elif not (key and key[1] in values.get(section, {})):
            lines.append(line)
    for section, keys in left.items():
        lines += ["", f"[{section}]"]
        put(keys)
    return "\n".join(lines) + "\n"


class Rest:
    """The administrator at one gateway."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def ask(self, method, path, body=None, key=None):
        request = urllib.request.Request(self.url + path, method=method)
        request.data = None if body is None else json.dumps(body).encode()
        if body is not None:
            request.add_header("content-type", "application/json")
        if method == "POST":
            request.add_header("idempotency-key", key or str(uuid.uuid4()))
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def login(self, password):
        answer = self.ask("POST", "/api/v1/auth/login", {"user": "admin", "password": password})
        self.token = answer["access_token"]


class Peer:
    """One node: directory, addresses, process."""

    def __init__(self, home, number, tm):
        self.name, self.dir, self.tm = NAMES[number], home / NAMES[number], tm
        self.cluster = f"127.0.0.1:{CLUSTER_PORT + number}"
        self.gateway = f"127.0.0.1:{GATEWAY_PORT + number}"
        self.process, self.log = None, self.dir / "log"

    def configure(self, home, worker):
        self.dir.mkdir(parents=True, exist_ok=True)
        if not (self.dir / "tls" / "node.pem").exists():
            run(self.tm, "cert", "node", self.name, "--ca", home / "ca", "--dir", self.dir / "tls", "--host",
                "127.0.0.1,localhost")
        others = [f"{name}@127.0.0.1:{CLUSTER_PORT + number}" for number, name in enumerate(NAMES) if name != self.name]
        values = {
            "cluster": {"name": '"tm"', "token_file": json.dumps(str(home / "join.token")), "join": json.dumps(others)},
            "node": {"name": f'"{self.name}"', "data_dir": '"data"', "drain_deadline": '"20s"'},
            "listen": {"cluster": f'"{self.cluster}"', "gateway": f'"{self.gateway}"'},
            "advertise": {"cluster": f'"{self.cluster}"', "gateway": f'"http://{self.gateway}"'},
            "tls": {"dir": '"tls"'},
            # One machine stands for three: each offers all the cores that it takes to see eight sessions run.
            "resources": {"cpu": "4", "memory": '"8GiB"'},
            "telemetry": {"log_level": '"info"'},
        }
        if worker:
            values["node"]["worker"] = json.dumps(str(worker))
        self.config = self.dir / "cluster.toml"
        self.config.write_text(with_keys((ROOT / "cluster.toml").read_text(), values))

    def start(self):
        log = self.log.open("ab")
        self.seen = log.tell()
        command = [self.tm, "node", "start", "--config", self.config]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def told(self):
        with self.log.open("rb") as log:
            log.seek(self.seen)
            return log.read().decode(errors="replace")

    def wait(self):
        begun = time.monotonic()
        while "serving http" not in self.told():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended while starting; the end of {self.log}:\n{self.told()[-1500:]}")
            if STARTED_WITHIN_S < time.monotonic() - begun:
                raise Failed(f"{self.name} does not serve after {STARTED_WITHIN_S} s; see {self.log}")
            time.sleep(0.1)
        return self.told()

    def end(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()

    def gone(self, within):
        if self.process is None:
            return
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            # Workers are in its session, and end when it does.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def first_start(home, tm, peers, worker):
    """Certificates, token, configuration; the first peer makes the cluster."""
    if not (home / "ca" / "ca.pem").exists():
        run(tm, "cert", "ca", "--dir", home / "ca", "--cluster", "tm")
    token = home / "join.token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32) + "\n")
    for peer in peers:
        peer.configure(home, worker)
    run(tm, "cluster", "init", "--config", peers[0].config)


def log_in(home, peers, told):
    """Logs in, at the first start with the generated password, which is replaced by one kept in the directory."""
    kept, rest = home / "password", Rest(f"http://{peers[0].gateway}")
    generated = re.search(r"password (\S+)", told)
    if generated:
        chosen = secrets.token_urlsafe(12)
        rest.login(generated[1])
        rest.ask("POST", "/api/v1/me/password", {"current": generated[1], "new": chosen})
        kept.touch(mode=0o600)
        kept.write_text(chosen)
    rest.login(kept.read_text())
    return rest


def until(what, within, so):
    begun, last = time.monotonic(), None
    while time.monotonic() - begun < within:
        try:
            found, last = so()
            if found:
                return time.monotonic() - begun
        except (OSError, urllib.error.URLError) as error:
            last = error
        time.sleep(0.3)
    raise Failed(f"not {what} after {within} s: {last}")


def whole(rest):
    view = rest.ask("GET", "/api/v1/cluster")
    states = {member["node"]: (member["up"], member["state"]) for member in view["members"]}
    ready = all(states.get(name) == (True, "ready") for name in NAMES)
    return ready and view["quorum"] and view["leader"], states


def submit(rest, epochs):
    """Starts the sessions; with the same keys again nothing is started twice."""
    market = {"name": "local-market", "synthetic": {"seed": 7, "rows": 2500}}
    agent = {"algorithm": "dqn", "hidden": [64], "batch_size": 64}
    strategy = {"name": "local-dqn", "description": "made by make cluster", "config": {"agent": agent}}
    run_id = time.strftime("%H%M%S")
    dataset = existing(rest, "datasets", market["name"]) or rest.ask("POST", "/api/v1/datasets", market)["id"]
    strategy_id = existing(rest, "strategies", strategy["name"]) or rest.ask("POST", "/api/v1/strategies", strategy)["id"]
    ids = []
    for number in range(SESSIONS):
        config = {"kind": "training", "epochs": epochs, "seed": number, "checkpoint_every_seconds": 5.0}
        body = {"name": f"local-{run_id}-{number}", "strategy_id": strategy_id, "dataset_id": dataset, "config": config}
        ids.append(rest.ask("POST", "/api/v1/sessions", body)["id"])
    return ids


def existing(rest, kind, name):
    items = rest.ask("GET", f"/api/v1/{kind}?limit=500")["items"]
    return next((item["id"] for item in items if item["name"] == name), None)


def placed(rest, ids):
    views = [rest.ask("GET", f"/api/v1/sessions/{one}") for one in ids]
    return all(view["node"] and view["state"] not in ("pending", "placed", "starting") for view in views), [
        f"{view['name']} {view['state']}: {view['reason']}" for view in views]


def show(rest, peers, ids):
    say(f"\n{'node':<6}{'role':<9}{'gateway':<24}{'cores':<12}sessions")
    members = {member["node"]: member for member in rest.ask("GET", "/api/v1/cluster")["members"]}
    views = [rest.ask("GET", f"/api/v1/sessions/{one}") for one in ids]
    nodes = {node["id"]: node for node in rest.ask("GET", "/api/v1/nodes")["items"]}
    for peer in peers:
        here = [view["name"].rsplit("-", 1)[1] for view in views if view["node"] == peer.name]
        cores = f"{nodes[peer.name]['cpu_reserved']} of {nodes[peer.name]['cpu_capacity']}"
        say(f"{peer.name:<6}{members[peer.name]['role']:<9}{'http://' + peer.gateway:<24}{cores:<12}{' '.join(here)}")


def invite(home, peers):
    say(f"\nThree peers run. Every gateway shows the same; user admin, password {(home / 'password').read_text()}")
    for peer in peers:
        say(f"  {peer.name}: http://{peer.gateway}   process {peer.process.pid}   log {peer.log}")
    say("Try:  kill -9 PROCESS     its sessions go on elsewhere from their last checkpoint")
    say(f"      {peers[1].tm} cluster status --url http://{peers[1].gateway}     (after tm login)")
    say("Ctrl-C ends all three.")


def main():
    parser = argparse.ArgumentParser(description="Three peers on this machine.")
    parser.add_argument("--tm", type=Path, default=ROOT / "target" / "debug" / "tm", help="the program")
    parser.add_argument("--worker", type=Path, help="the worker program; beside tm by default")
    parser.add_argument("--dir", type=Path, default=ROOT / "data" / "cluster", help="where everything lies")
    parser.add_argument("--epochs", type=int, default=200, help="length of the sessions")
    parser.add_argument("--once", action="store_true", help="end after showing where the sessions run")
    arguments = parser.parse_args()
    home, tm = arguments.dir.resolve(), arguments.tm.resolve()
    home.mkdir(parents=True, exist_ok=True)
    peers = [Peer(home, number, tm) for number in range(len(NAMES))]
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        first_start(home, tm, peers, arguments.worker)
        peers[0].start()
        told = peers[0].wait()
        for peer in peers[1:]:
            peer.start()
        rest = log_in(home, peers, told)
        took = until("whole", WHOLE_WITHIN_S, lambda: whole(rest))
        say(f"{', '.join(NAMES)} are one cluster {took:.1f} s after the last was started")
        ids = submit(rest, arguments.epochs)
        took = until("placed", PLACED_WITHIN_S, lambda: placed(rest, ids))
        say(f"{SESSIONS} training sessions submitted; all at work after {took:.1f} s")
        show(rest, peers, ids)
        invite(home, peers)
        while not arguments.once:
            for peer in peers:
                if peer.process and peer.process.poll() is not None:
                    say(f"{peer.name} has ended ({peer.process.returncode}); started again in {AGAIN_S} s")
                    time.sleep(AGAIN_S)
                    peer.start()
                    peer.wait()
                    say(f"{peer.name} serves again as process {peer.process.pid}")
            time.sleep(1)
    except KeyboardInterrupt:
        say("\nending the peers (each gives its sessions time for a checkpoint)")
    except (Failed, urllib.error.URLError) as error:
        detail = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
        say(f"failed: {error} {detail}")
        return 1
    finally:
        for peer in peers:
            peer.end()
        for peer in peers:
            peer.gone(40)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What deploy/day.py plays on: one fast clock, the two programs, and the three places where the truth is read.

The truth is the sandbox's ledger (what the platforms saw), `siyu why --json` (what the gateway recorded and why) and
the live feed (which delivery is meant). Nothing here guesses.
"""
import base64
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unicodedata
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
PATIENCE_S = int(os.environ.get("SIYU_PATIENCE_S", "30"))  # real: a loaded machine is not a failure
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "examples")


class Wrong(Exception):
    """Something that should have happened did not: the text says what."""


def until(what, ask, within_s=PATIENCE_S):
    """The first true answer of ask(). `what`: a text, or a function that makes one when it is needed."""
    end = time.monotonic() + within_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Wrong("not within %d s: %s" % (within_s, what() if callable(what) else what))
        time.sleep(0.02)


class Clock:
    """START@SPEED,ORIGIN as gateway and sandbox read it: one day for all three."""

    def __init__(self, start, speed):
        self.speed = speed
        self.start_ms = int(datetime.fromisoformat(start).replace(tzinfo=SHANGHAI).timestamp() * 1000)
        self.origin_ms = self.boot_ms()

    @staticmethod
    def boot_ms():
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000

    def spec(self):
        return "%d@%d,%d" % (self.start_ms, self.speed, self.origin_ms)

    def now_ms(self):
        return self.start_ms + (self.boot_ms() - self.origin_ms) * self.speed

    def at(self, hms):
        """Today's "12:00:30" in ms since 1970."""
        day = datetime.fromtimestamp(self.start_ms / 1000, SHANGHAI)
        hour, minute, second = (int(part) for part in hms.split(":"))
        return int(day.replace(hour=hour, minute=minute, second=second, microsecond=0).timestamp() * 1000)

    def wait(self, hms):
        left_ms = (self.at(hms) - self.now_ms()) / self.speed
        if left_ms > 0:
            time.sleep(left_ms / 1000)

    @staticmethod
    def text(ms):
        return datetime.fromtimestamp(ms / 1000, SHANGHAI).strftime("%H:%M:%S")


def free_ports(n):
    """Free at this moment, below the range that outgoing connections are given."""
    found = []
    seed = os.getpid() * 7
    while len(found) < n:
        seed = (seed * 1103515245 + 12345) % 2**31
        port = 20000 + seed % 12000
        if port not in found and port_is_free(port):
            found.append(port)
    return found


def port_is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Program:
    """A child that never outlives us: asked to end, then killed; and if we die, the kernel kills it."""

    def __init__(self, name, argv, folder):
        self.name, self.log = name, os.path.join(folder, name + ".log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, preexec_fn=self._die_with_us)
        self.pid = self.child.pid

    @staticmethod
    def _die_with_us():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def running(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self, within_s=40):
        """Its exit code; negative when it had to be killed."""
        if self.running():
            self.child.terminate()
        try:
            return self.child.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.child.returncode

    def last_words(self):
        with open(self.log, "rb") as log:
            return log.read()[-2000:].decode("utf-8", "replace")


class Live(threading.Thread):
    """The gateway's live feed: /api/v1/live, one JSON object a message. Ends with its connection."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self.lines, self.lock = [], threading.Lock()
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                             % (port, key, token)).encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline().decode("latin-1").strip()
        if " 101 " not in status + " ":
            raise Wrong("the live feed refused us: " + status)
        while self.stream.readline().strip():
            pass
        self.socket.settimeout(None)
        self.start()

    def run(self):
        try:
            while True:
                head = self._take(2)
                size = head[1] & 127
                if size > 125:
                    size = struct.unpack(">H" if size == 126 else ">Q", self._take(2 if size == 126 else 8))[0]
                body, kind = self._take(size), head[0] & 15
                if kind == 9:
                    self._pong(body)
                elif kind == 1:
                    with self.lock:
                        self.lines.append(json.loads(body))
        except (OSError, EOFError):
            pass  # the gateway went away: who listens again makes a new one

    def _take(self, n):
        data = self.stream.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def _pong(self, body):
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x8A, 0x80 | len(body)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def deliveries(self, **wanted):
        """Last known line of each delivery, where it says what is wanted: deliveries(account="hall", state="held")."""
        last = {}
        with self.lock:
            for line in self.lines:
                if line["type"] == "delivery":
                    last[line["id"]] = line
        return [line for line in last.values() if all(line.get(k) == v for k, v in wanted.items())]


class Stage:
    def __init__(self, siyu, folder, gateway_port, sandbox_port, clock):
        self.siyu_path, self.folder = os.path.abspath(siyu), os.path.abspath(folder)
        self.gateway_port, self.sandbox_port, self.clock = gateway_port, sandbox_port, clock
        self.sandbox = self.gateway = self.live = self.token = None
        self.lines, self.names, self.ready_ms = [], {}, 0

    # ---- files ----

    def prepare(self):
        os.makedirs(self.folder, exist_ok=True)
        self.held = open(os.path.join(self.folder, "lock"), "w", encoding="utf-8")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Wrong("another quickstart plays in %s: stop it, or take another folder with --dir" % self.folder) from None
        shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)
        for name in ("ledger.jsonl", "gateway.log", "sandbox.log"):
            if os.path.exists(os.path.join(self.folder, name)):
                os.remove(os.path.join(self.folder, name))
        for name in ("siyu.yaml", "sandbox.yaml", "playbook.yaml"):
            with open(os.path.join(EXAMPLES, name), encoding="utf-8") as example:
                text = example.read()
            text = text.replace(":8600", ":%d" % self.gateway_port).replace(":8700", ":%d" % self.sandbox_port)
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as own:
                own.write(text)

    # ---- programs ----

    def start_sandbox(self):
        self.sandbox = self._start("sandbox", "sandbox", "-c", "sandbox.yaml", "--clock", self.clock.spec())
        self._answers(self.sandbox, self.sandbox_port, "/_sandbox/status")

    def start_gateway(self):
        self.gateway = self._start("gateway", "run", "-c", "siyu.yaml", "--clock", self.clock.spec())
        self._answers(self.gateway, self.gateway_port, "/readyz")
        self.ready_ms = self.clock.now_ms()
        if self.token is None:
            self.token = self.siyu("token", "create", "--role", "viewer")["token"]
        self.live = Live(self.gateway_port, self.token)

    def _start(self, name, *words):
        return Program(name, [self.siyu_path, *words], self.folder)

    def _answers(self, program, port, path):
        def ask():
            if not program.running():
                raise Wrong("the %s ended at once:\n%s" % (program.name, program.last_words()))
            try:
                with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False
        until("the %s does not get ready" % program.name, ask)

    def close(self):
        """In the order in which the gateway can still record what it hears. Its exit code."""
        code = self.gateway.stop() if self.gateway else 0
        if self.sandbox:
            self.sandbox.stop(5)
        return code

    def watch(self):
        for program in (self.gateway, self.sandbox):
            if not program.running():
                raise Wrong("the %s ended by itself:\n%s" % (program.name, program.last_words()))

    # ---- asking ----

    def siyu(self, *words, good=(0,)):
        run = subprocess.run([self.siyu_path, words[0], "-c", "siyu.yaml", "--json", *words[1:]], cwd=self.folder,
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S * 2)
        if run.returncode not in good:
            raise Wrong("siyu %s: exit %d\n%s" % (" ".join(words), run.returncode, (run.stderr + run.stdout).decode()))
        return json.loads(run.stdout) if run.stdout else None

    def why(self, who):
        """Traces of that person or delivery in order; none when nothing is known yet."""
        found = self.siyu("why", str(who), good=(0, 1)) or []
        return [t for one in found for t in one.get("trace", [one])]

    def people(self, who):
        return self.siyu("why", str(who), good=(0, 1)) or []

    def state(self, who, since_ms, wanted):
        """Waits until the first delivery to `who` that was planned since then is in one of these states."""
        last = {}

        def ask():
            traces = [t for t in self.why(who) if t["at_ms"] >= since_ms]
            first = next((t["delivery"] for t in traces if t["what"] == "planned"), None)
            for t in traces:
                if first and t["delivery"] == first:
                    last.update(t["detail"], at_ms=t["at_ms"])
            return last if last.get("state") in wanted else None
        return until(lambda: "the delivery to %s to be %s; it is %s" % (who, " or ".join(wanted), last or "not planned"), ask)

    def control(self, what, **spec):
        request = urllib.request.Request("http://127.0.0.1:%d/_sandbox/%s" % (self.sandbox_port, what),
                                         json.dumps(spec).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as err:
            raise Wrong("the sandbox refuses %s %s: %s" % (what, spec, err.read().decode())) from None

    def event(self, connection, kind, **more):
        """The id by which the platform knows the customer."""
        done = self.control("events", connection=connection, kind=kind, **more)["done"][0]
        self.names[done.get("id")] = done["customer"]
        return done.get("id")

    def name_of(self, ids):
        return self.names.get(ids[0], ids[0]) if len(ids) == 1 else "%d people" % len(ids)

    # ---- the ledger ----

    def ledger(self):
        after = self.lines[-1]["seq"] if self.lines else 0
        with urllib.request.urlopen("http://127.0.0.1:%d/_sandbox/ledger?after=%d" % (self.sandbox_port, after),
                                    timeout=PATIENCE_S) as answer:
            self.lines += [json.loads(line) for line in answer.read().decode().splitlines()]
        return self.lines

    def calls(self, op, to=None, since_ms=0):
        """What the platforms saw of that kind, refusals too."""
        return [line for line in self.ledger()
                if line["op"] == op and line["t_ms"] >= since_ms and (to is None or to in line["to"])]

    def call(self, op, to, since_ms):
        """The one call of that kind to that customer since then; a refused or second one is wrong."""
        found = until("%s to %s in the ledger" % (op, to), lambda: self.calls(op, to, since_ms))
        if len(found) > 1 or found[0]["errcode"] != 0:
            raise Wrong("the platform saw %d x %s to %s: %s" % (len(found), op, to, found))
        return found[0]


def pad(text, width):
    """Padded to columns of a terminal: a Chinese character takes two."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return text + " " * max(0, width - wide)

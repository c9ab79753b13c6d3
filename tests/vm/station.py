"""The bench that the scenarios work on: slots at places of the guest's USB tree, boards of `flashline sim`, the
daemon in the guest, its notices and its record.

What is checked is in `scenarios`, what USB is in `guest` and `adapters`."""

import base64
import json
import queue
import random
import shlex
import socket
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from guest import CONTROLLER, GuestError
from line import Line

sys.path.append(str(Path(__file__).parents[1] / "conformance"))
from bench import FLASH_BYTES, Failed, Sim, after, esp_image, partition_table  # noqa: E402

# generous: emulation on a busy machine; nothing is asserted about durations
WITHIN = 240
HERE = "/var/bench"
APP_BYTES = 160 << 10
# the stub and what is said before the first block are well below this, and the app's end well above
MID_WRITE = 90 << 10

MANIFEST = """\
product = "rig"
version = "1"
chip = "esp32c3"
[flash]
mode = "keep"
frequency = "keep"
size = "keep"
"""
IMAGE = """\
[[image]]
name = "{name}"
path = "{name}.bin"
offset = {offset}
"""
STATION = """\
# the rig's station
station = "rig" # and its remarks
manifest = "/bench/manifest.toml"
database = "{database}"
grace_ms = {grace_ms}
"""
SLOT = """\
[[slot]]
name = "{name}"
usb_path = "{path}"
start = "{start}"
"""


def firmware():
    """Images for an ESP32-C3. The app does not compress: what is on the wire is as long as the file."""
    app = random.Random(4).randbytes(APP_BYTES)
    return [
        (0x0, "bootloader", esp_image([(0x3FCD_5820, bytes(4096))], 0x403C_C710, chip_id=5)),
        (0x8000, "partition-table", partition_table()),
        (0x10000, "app", esp_image([(0x4200_0020, app)], 0x4200_0020, chip_id=5)),
    ]


IMAGES = firmware()
FLASHED = after(b"\xff" * FLASH_BYTES, IMAGES)


def guest_files(binary):
    """What a guest is started with."""
    manifest = MANIFEST + "".join(IMAGE.format(name=name, offset=offset) for offset, name, _ in IMAGES)
    files = {f"bench/{name}.bin": data for _, name, data in IMAGES}
    return {**files, "bench/manifest.toml": manifest.encode(), "bin/flashline": Path(binary)}


def usb_path(place, interface=0):
    """The name under /dev/serial/by-path, which is how station.toml names a place."""
    return f"{CONTROLLER}:{place}:1.{interface}"


class Board:
    """One board, wherever it is plugged in."""

    def __init__(self, sim, number):
        self.sim, self.number = sim, number
        self.mac, self.url = sim.mac(number), sim.url(number)
        self.line = None  # while it has power

    def power(self, say):
        self.line = Line(self.url, say)
        return self.line

    def holds_the_product(self):
        """Every byte of its flash; to be asked when it has been unplugged, which is when the simulator tells."""
        self.sim.holds(self.number, FLASHED, self.mac)


class Bench:
    """A scenario's: fresh boards, and the daemon with a record of its own. Use it in a `with`."""

    def __init__(self, guest, binary, name, slots, bridged=10, own_usb=2, grace_ms=1500, start="plug"):
        self.guest, self.name, self.slots = guest, name, slots
        self.work = tempfile.TemporaryDirectory(prefix="flashline-rig.")
        self.database = f"{HERE}/{name}.db"
        self.log = f"{HERE}/{name}.log"
        self.notices, self.other = [], []
        self.ended = None
        sims = [("bridged", bridged, []), ("own-usb", own_usb, ["--usb-jtag"])]
        self.sims, self.boards = [], {}
        for number, (kind, boards, options) in enumerate(sims):
            folder = Path(self.work.name) / kind
            folder.mkdir()
            options = ["--chip", "esp32c3", "--seed", str(number + 1), *options]
            port = free_ports(boards)
            sim = Sim(binary, folder, boards, *options, rfc2217=port, talks=False)
            self.sims.append(sim)
            self.boards[kind] = iter([Board(sim, index) for index in range(boards)])
        text = STATION.format(database=self.database, grace_ms=grace_ms)
        text += "".join(SLOT.format(name=name, path=path, start=start) for name, path in slots.items())
        self.config, self.text = f"{HERE}/{name}.toml", text
        coded = base64.b64encode(text.encode()).decode()
        guest.sh(f"echo {coded} | base64 -d > {self.config}; chown bench {self.config}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind:
                self._tell_what_was()
            for place in list(self.guest.plugged):
                self.guest.unplug(place)
            if self.pid():
                self.kill()
            # whatever ended it: the next scenario begins with empty ports
            self.ended = None
            self.wait(lambda: self.guest.run("ls /sys/class/tty | grep -E 'ttyUSB|ttyACM'")[0] == 1 or None, "empty ports")
        finally:
            for sim in self.sims:
                try:
                    sim.__exit__()
                except Failed:
                    if not kind:
                        raise
            self.work.cleanup()

    def _tell_what_was(self):
        notices = "\n".join(json.dumps(notice) for _, notice in self.notices[-25:])
        try:
            log = self.guest.run(f"tail -n 40 {self.log}; ls -l /dev/ttyUSB* /dev/ttyACM*; dmesg | tail -n 25")[1]
        except GuestError as error:
            log = str(error)
        print(f"--- notices\n{notices}\n" + "\n".join(self.other), f"--- guest\n{log}", self.guest.log(), sep="\n", flush=True)

    # ---- boards and places

    def board(self, kind="bridged"):
        """A fresh one, blank."""
        return next(self.boards[kind])

    def plug(self, place, adapter, *boards):
        """Boards behind an adapter, into a place; the moment."""
        self.guest.plug(place, adapter([board.power for board in boards]))
        return time.monotonic()

    def unplug(self, place):
        self.guest.unplug(place)
        return time.monotonic()

    # ---- the daemon

    def start(self):
        """The daemon."""
        mark = self.mark()
        self.begin(f"flashline run --json --config {self.config} --log {self.log}")
        self.notice("station_started", since=mark)

    def begin(self, command, keys="/dev/null"):
        """What it says is heard from now on, and its end."""
        command = self.as_user(f"FLASHLINE_LOG=info,flashline::port=debug exec {command}")
        self.ended = None
        self.guest.sh(f"( {command}; echo ended $? ) <> {keys} > /dev/vport0p2 2>&1 &")

    def as_user(self, command):
        """Of the group dialout, where udev gives the ports to it."""
        return f"{'su bench' if self.guest.with_udev else 'sh'} -c {shlex.quote(command)}"

    def ask(self, command):
        """Exit code and words of a command of flashline's beside the daemon, or before it."""
        return self.guest.run(self.as_user(f"flashline {command}"))

    def pid(self):
        code, found = self.guest.run("pidof flashline")
        return found.strip() if code == 0 else None

    def stop(self):
        self.guest.sh(f"kill -TERM {self.pid()}")
        code = self.wait(lambda: self.ended, "the daemon's end")
        if code != "0":
            raise Failed(f"flashline run ended with {code}")

    def kill(self):
        self.guest.sh(f"kill -9 {self.pid()}")
        self.wait(lambda: self.ended, "the daemon's end")

    def usage(self):
        """What would grow if the daemon leaked."""
        status = json.loads(self.guest.sh(f"flashline status --json --socket {HERE}/flashline.sock"))
        threads = int(self.guest.sh(f"ls /proc/{status['process']}/task | wc -l"))
        kilobytes = status["resident_bytes"] >> 10
        return {"tasks": status["tasks"], "descriptors": status["descriptors"], "threads": threads, "kilobytes": kilobytes}

    def mark(self):
        """Notices from here on."""
        self._take_notices()
        return len(self.notices)

    def _take_notices(self, timeout=None):
        try:
            while True:
                at, line = self.guest.notices.get(timeout=timeout) if timeout else self.guest.notices.get_nowait()
                timeout = None
                if line.startswith("ended "):
                    self.ended = line.removeprefix("ended ")
                elif line.startswith("{"):
                    self.notices.append((at, json.loads(line)))
                else:
                    self.other.append(line)
        except queue.Empty:
            pass

    def wait(self, found, what):
        """Asks until `found()` gives something other than None; new notices are taken between."""
        deadline = time.monotonic() + WITHIN
        while True:
            self._take_notices()
            result = found()
            if result is not None:
                return result
            if time.monotonic() > deadline:
                raise Failed(f"waited {WITHIN} s for {what}")
            if self.ended is not None and self.pid() is None and found() is None:
                raise Failed(f"the daemon ended ({self.ended}) while waiting for {what}")
            self._take_notices(timeout=0.05)

    def notice(self, event, since=0, **fields):
        """Waits for this notice; when it came, and all of it."""
        wanted = {"event": event, **fields}

        def found():
            for at, notice in self.notices[since:]:
                if all(notice.get(key) == value for key, value in wanted.items()):
                    return at, notice
            return None

        return self.wait(found, wanted)

    def ends(self, since, *expected):
        """Waits for the end of one job in each of these slots, as expected: (slot, board, outcome, code)."""
        for slot, board, outcome, code in expected:
            at, notice = self.notice("job_ended", since, slot=slot)
            self.same((outcome, code, board and board.mac.lower()), (notice["outcome"], notice["code"], notice["mac"]), f"slot {slot}", notice)
        return time.monotonic()

    @staticmethod
    def same(expected, found, what, more=""):
        if expected != found:
            raise Failed(f"{what}: {found} instead of {expected} {more}")

    # ---- the record

    def record(self, query):
        """Asks a copy of the guest's database."""
        copy = Path(self.work.name) / "copy.db"
        for suffix in ("", "-wal"):
            coded = self.guest.sh(f"[ ! -e {self.database}{suffix} ] || base64 {self.database}{suffix}")
            Path(f"{copy}{suffix}").write_bytes(base64.b64decode(coded))
        database = sqlite3.connect(copy)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def rows_are(self, *expected):
        """The jobs by slot, those of a slot in the order of arrival: (slot, board, outcome, code)."""
        rows = self.record("SELECT slot, mac, outcome, code FROM job ORDER BY number")
        wanted = [(slot, board and board.mac.lower(), outcome, code) for slot, board, outcome, code in expected]
        order = lambda row: row[0]
        self.same(sorted(wanted, key=order), sorted(rows, key=order), "the record's jobs")

    def open_units_are(self, *boards):
        found = {unit for (unit,) in self.record("SELECT unit FROM open_unit")}
        self.same({board.mac.lower() for board in boards}, found, "the record's open units")


def free_ports(count):
    """The first of so many in a row that nobody has; below those that the kernel gives to clients."""
    while True:
        first = random.randrange(20_000, 32_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue

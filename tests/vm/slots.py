"""The bench's places: how they are learned by plugging boards in, and jigs whose adapter stays plugged in. Each
function is a scenario, as in `scenarios`."""

import json
import tomllib

from adapters import Cp210x, Ftdi, UsbSerialJtag
from line import Nobody
from scenarios import KINDS, PASS, PLACE, SLOTS, put
from station import HERE, Bench

ROWS, COLUMNS = 2, 4
# longer than a contact bounces, which is taken for one plug
A_WHILE = "sleep 2"
# looks at a switch: half a second
LOOKS = 10


class Learning:
    """Someone who teaches flashline the bench's places."""

    KEYS = "/tmp/keys"

    def __init__(self, bench):
        self.bench = bench
        self.heard = 0
        bench.guest.sh(f"rm -f {self.KEYS}; mkfifo -m 666 {self.KEYS}")
        bench.begin(f"flashline slots learn --rows {ROWS} --columns {COLUMNS} --config {bench.config}", self.KEYS)

    def hears(self, words):
        """Waits until it says this, after what was heard before."""
        said = self.bench.other

        def found():
            return next((at for at in range(self.heard, len(said)) if said[at].startswith(words)), None)

        self.heard = self.bench.wait(found, repr(words)) + 1

    def hears_place(self, slot):
        self.hears(place_is(slot))

    def says(self, key):
        self.bench.guest.sh(f"echo {key} > {self.KEYS}")

    def ends(self):
        self.says("q")
        code, self.bench.ended = self.bench.wait(lambda: self.bench.ended, "the end of `slots learn`"), None
        self.bench.same("0", code, "exit code of `slots learn`")


def place_is(slot):
    return f"Place {slot} (row {row(slot)}, column {column(slot)}) is usb-{PLACE[slot]} "


def row(slot):
    return (int(slot) - 1) // COLUMNS + 1


def column(slot):
    return (int(slot) - 1) % COLUMNS + 1


def pull(bench, slot):
    """Returns when its node is gone."""
    nodes = len(bench.guest.nodes)
    bench.unplug(PLACE[slot])
    bench.wait(lambda: any(what == "-" for _, what, _ in bench.guest.nodes[nodes:]) or None, "the node's end")


def learned_by_plugging(guest, binary, figures):
    """A station file without slots. Boards are plugged into one place after the other; one bounces, one is plugged
    twice, one is taken back. The file that is written is what the bench then works by."""
    with Bench(guest, binary, "learned", {}) as bench:
        learning = Learning(bench)
        boards = {slot: bench.board("own-usb" if kind is UsbSerialJtag else "bridged") for slot, kind in KINDS.items()}
        for slot in SLOTS:
            learning.hears(f"Place {slot} (row {row(slot)}, column {column(slot)}): plug a board in.")
            if slot == "3":
                pull(bench, "2")
                guest.sh(A_WHILE)
                put(bench, "2", boards["2"])
                learning.hears("That is place 2 already (usb-1.2 ")
            if slot == "6":
                # it bounces: gone as soon as its node is there
                nodes = len(guest.nodes)
                put(bench, slot, boards[slot])
                bench.wait(lambda: len(guest.nodes) > nodes or None, "the node")
                pull(bench, slot)
            put(bench, slot, boards[slot])
            learning.hears_place(slot)
            if slot == "4":
                learning.says("u")
                learning.hears("Place 4 is forgotten.")
                pull(bench, slot)
                guest.sh(A_WHILE)
                put(bench, slot, boards[slot])
                learning.hears_place(slot)
        learning.hears("All places are through.")
        learning.ends()
        said = lambda words: sum(line.startswith(words) for line in bench.other)
        once = {slot: 1 for slot in SLOTS}
        bench.same({**once, "4": 2}, {slot: said(place_is(slot)) for slot in SLOTS}, "places told")
        bench.same(1, said("That is place"), "places told as known")

        written = guest.sh(f"cat {bench.config}")
        bench.same(True, written.startswith(bench.text.rstrip()), "what the file said before is as it was", written)
        expected = [
            {"name": slot, "usb_path": path, "row": row(slot), "column": column(slot)} for slot, path in SLOTS.items()
        ]
        bench.same(expected, tomllib.loads(written)["slot"], "the slots in the file")

        code, listed = bench.ask(f"ports --json --config {bench.config}")
        bench.same(0, code, "exit code of `flashline ports`", listed)
        found = {port["place"]: (port["slot"], port["may_open"]) for port in json.loads(listed)["ports"]}
        bench.same({path: (slot, True) for slot, path in SLOTS.items()}, found, "the ports' slots")
        nodes = {port["slot"]: port["port"] for port in json.loads(listed)["ports"]}
        code, shown = bench.ask(f"slots --config {bench.config}")
        for number in (1, 2):
            names = [slot for slot in SLOTS if row(slot) == number]
            bench.same(True, f"row {number} {' '.join(names)}" in " ".join(shown.split()), f"row {number}", shown)
            order = " ".join(nodes[slot] for slot in names)
            bench.same(True, order in " ".join(shown.split()), f"nodes of row {number}", shown)
        code, sheet = bench.ask(f"check --station {bench.config}")
        bench.same(0, code, "exit code of `flashline check`", sheet)

        for slot in SLOTS:
            pull(bench, slot)
        bench.start()
        mark = bench.mark()
        # one on each hub, behind the other's adapter
        rows = [(slot, put(bench, slot, kind=KINDS[other]), *PASS) for slot, other in (("2", "8"), ("8", "3"))]
        bench.ends(mark, *rows)
        bench.stop()
        bench.rows_are(*rows)


def a_jig_with_a_switch(guest, binary, figures):
    """Adapters that stay plugged in, and a switch on CTS that closes while a board is in: closing starts a job, and
    only that does. No board is reset between jobs."""
    kinds = {"1": Cp210x, "4": Ftdi}
    with Bench(guest, binary, "jig", {slot: SLOTS[slot] for slot in kinds}, start="cts") as bench:
        jigs = {}
        for slot, kind in kinds.items():
            [jigs[slot]] = guest.plug(PLACE[slot], kind([Nobody])).channels
            jigs[slot].switch(False)
        bench.start()

        def looked(more):
            """Waits for so many further looks at each switch."""
            looks = {slot: jig.looks + more for slot, jig in jigs.items()}
            bench.wait(lambda: all(jig.looks >= looks[slot] for slot, jig in jigs.items()) or None, "looks at the switches")

        def resets():
            return {slot: jig.asked.count((False, True)) for slot, jig in jigs.items()}

        looked(2)
        bench.same({slot: 0 for slot in jigs}, resets(), "resets before the first job")
        rows = []
        for turn in ("first", "second"):
            mark = bench.mark()
            boards = {slot: bench.board() for slot in jigs}
            for slot, jig in jigs.items():
                jig.connect(boards[slot].power)
                # contacts bounce
                jig.switch(True, False, True)
            now = [(slot, board, *PASS) for slot, board in boards.items()]
            bench.ends(mark, *now)
            rows += now
            mark, before = bench.mark(), resets()
            looked(2)
            idle = {slot: len(jig.asked) for slot, jig in jigs.items()}
            looked(LOOKS)
            bench.same(idle, {slot: len(jig.asked) for slot, jig in jigs.items()}, "line requests while a slot idles")
            for slot in jigs:
                code, said = bench.ask(f"start {slot} --socket {HERE}/flashline.sock")
                bench.same(3, code, "exit code of `flashline start`", said)
                bench.same(True, f"the board that slot {slot} is through with is still in it" in said, "its words", said)
            looked(LOOKS)
            bench.mark()
            bench.same([], bench.notices[mark:], "what comes of a switch that stays closed")
            bench.same(before, resets(), "resets since the job")
            for slot, jig in jigs.items():
                about = f"{jig.adapter.name}, DTR and RTS as asked for since the {turn} job's last reset"
                figures.append((about, since_reset(jig)))
            for slot, jig in jigs.items():
                jig.connect(Nobody)
                jig.switch(False)
                bench.notice("board_removed", mark, slot=slot)
                boards[slot].holds_the_product()
        bench.stop()
        bench.rows_are(*rows)


def since_reset(jig):
    last = max(index for index, lines in enumerate(jig.asked) if lines == (False, True))
    return ", ".join(f"{dtr:d}{rts:d}" for dtr, rts in jig.asked[last:])

"""Boards that come and go, and what must come of it. Each function is a scenario: a guest, the binary and the list
of figures that it adds to. Outcomes and order are asserted, durations only printed."""

import time

from adapters import Ch340, Cp210x, Ftdi, UsbSerialJtag
from guest import FIRST_HUB, ROOT_PORTS, SECOND_HUB
from station import MID_WRITE, Bench, usb_path

# hubs on hubs: four places on each
EIGHT = [*FIRST_HUB[:4], *SECOND_HUB]
SLOTS = {str(number + 1): usb_path(place) for number, place in enumerate(EIGHT)}
PLACE = dict(zip(SLOTS, EIGHT))
# two that carry the same serial number beside each other, and on either hub
KINDS = dict(zip(SLOTS, [Cp210x, Cp210x, Ch340, Ftdi, Cp210x, Ch340, UsbSerialJtag, Cp210x]))

PASS = ("PASS", None)
UNPLUGGED = ("FAIL", "UNPLUGGED")
# station.toml's settle_ms where it says nothing, in seconds
SETTLE = 0.3
# idle threads that the runtime's pool may keep, since the look at the ports every two seconds uses one or another
POOL = 6


def put(bench, slot, board=None, kind=None):
    """A board into a slot, behind the adapter of that slot or another."""
    kind = kind or KINDS[slot]
    board = board or bench.board("own-usb" if kind is UsbSerialJtag else "bridged")
    bench.plug(PLACE[slot], kind, board)
    return board


def remove(bench, slot):
    """A board that is through; returns when the daemon has seen it go."""
    mark = bench.mark()
    pulled = bench.unplug(PLACE[slot])
    return bench.notice("board_removed", mark, slot=slot)[0] - pulled


def one_of_each(guest, binary, figures):
    """Every driver, one board at a time, and the same again: it passes, and it is known how long everything takes."""
    # what is slower the first time is so with udevd too
    turns = ["cold"] if guest.with_udev else ["cold", "warm"]
    with Bench(guest, binary, "one", SLOTS) as bench:
        bench.start()
        rows = []
        for slot in ("1", "3", "4", "7"):
            board = bench.board("own-usb" if slot == "7" else "bridged")
            for turn in turns:
                mark, nodes = bench.mark(), len(guest.nodes)
                plugged = bench.plug(PLACE[slot], KINDS[slot], board)
                bench.ends(mark, (slot, board, *PASS))
                rows.append((slot, board, *PASS))
                made = next(at for at, what, _ in guest.nodes[nodes:] if what == "+")
                ready = max(at for at, what, _ in guest.nodes[nodes:] if what in "+=" and at < board.line.first_frame)
                [channel] = guest.plugged[PLACE[slot]].device.channels
                opened = next(at for at in channel.touches if at > ready)
                name = f"{KINDS[slot].name}, {turn}"
                figures.append((f"{name}: plug → node", made - plugged))
                figures.append((f"{name}: node ready and settled → first request on the wire", opened - ready - SETTLE))
                figures.append((f"{name}: that → first frame, the reset between them", board.line.first_frame - opened))
                figures.append((f"{name}: unplug → noticed", remove(bench, slot)))
                board.holds_the_product()
        bench.stop()
        bench.rows_are(*rows)


def eight_at_once(guest, binary, figures):
    """Eight boards on two hubs, plugged within a moment; four adapters say the same serial number."""
    with Bench(guest, binary, "eight", SLOTS) as bench:
        bench.start()
        mark = bench.mark()
        first = time.monotonic()
        boards = {slot: put(bench, slot) for slot in SLOTS}
        rows = [(slot, board, *PASS) for slot, board in boards.items()]
        figures.append(("eight boards, from the first plug to the last PASS", bench.ends(mark, *rows) - first))
        if guest.with_udev:
            links = guest.sh("ls /dev/serial/by-path").split()
            for path in SLOTS.values():
                bench.same(True, any(link.removesuffix("-port0") == path for link in links), f"udev's name for {path}", links)
        for slot, board in boards.items():
            remove(bench, slot)
            board.holds_the_product()
        # the same adapter in another place is another slot
        mark = bench.mark()
        moved = put(bench, "5", boards["1"])
        bench.ends(mark, ("5", moved, *PASS))
        bench.stop()
        bench.rows_are(*rows, ("5", moved, *PASS))
        bench.open_units_are()


def pulled_in_mid_write(guest, binary, figures):
    """UNPLUGGED and an open unit; the next board in that place is taken, and the first one is made good."""
    with Bench(guest, binary, "pulled", SLOTS, grace_ms=500) as bench:
        bench.start()
        mark = bench.mark()
        first = put(bench, "2")
        moments = []
        first.line.when_sent(MID_WRITE, lambda: moments.append(bench.unplug(PLACE["2"])))
        lost, _ = bench.notice("port_lost", mark, slot="2")
        figures.append(("pulled in mid-write → noticed", lost - moments[0]))
        bench.ends(mark, ("2", first, *UNPLUGGED))
        bench.open_units_are(first)
        mark = bench.mark()
        second = put(bench, "2")
        bench.ends(mark, ("2", second, *PASS))
        bench.open_units_are(first)
        remove(bench, "2")
        mark = bench.mark()
        put(bench, "2", first)
        bench.ends(mark, ("2", first, *PASS))
        remove(bench, "2")
        first.holds_the_product()
        second.holds_the_product()
        bench.stop()
        bench.rows_are(("2", first, *UNPLUGGED), ("2", second, *PASS), ("2", first, *PASS))
        bench.open_units_are()


def comes_back_under_another_number(guest, binary, figures):
    """A board vanishes in mid-write; meanwhile another adapter, in no slot, takes its ttyUSB number. The board comes
    back in its place, and its job goes on: one row, PASS."""
    with Bench(guest, binary, "renumbered", SLOTS, grace_ms=20_000) as bench:
        bench.start()
        mark, nodes = bench.mark(), len(guest.nodes)
        board = put(bench, "8")
        board.line.when_sent(MID_WRITE, lambda: bench.unplug(PLACE["8"]))
        bench.notice("port_lost", mark, slot="8")
        made = lambda: [name for _, what, name in guest.nodes[nodes:] if what == "+"]
        gone = lambda: [name for _, what, name in guest.nodes[nodes:] if what == "-"]
        bench.wait(lambda: gone() or None, "the node's end")
        bench.plug(ROOT_PORTS[-1], Cp210x, bench.board())
        bench.wait(lambda: len(made()) > 1 or None, "the other adapter's node")
        put(bench, "8", board)
        bench.ends(mark, ("8", board, *PASS))
        remove(bench, "8")
        board.holds_the_product()
        before, other, after = made()
        bench.same(before, other, "the other adapter's node")
        bench.same(True, before != after, f"{after} is another name than {before}")
        bench.stop()
        bench.rows_are(("8", board, *PASS))
        [(again,)] = bench.record("SELECT connection_retries FROM job")
        bench.same(True, again > 0, f"connection_retries is {again}")
        bench.open_units_are()


def a_hub_is_pulled(guest, binary, figures):
    """Three boards in mid-write on the second hub: those that are lost within a moment are the hub's fault, not
    theirs. A board on the first hub goes on. With the hub back, all of them are made good."""
    down = ["5", "6", "8"]
    with Bench(guest, binary, "hub", SLOTS, grace_ms=3000) as bench:
        bench.start()
        mark = bench.mark()
        boards = {slot: put(bench, slot) for slot in down}
        for board in boards.values():
            board.line.hold_after(MID_WRITE)
        for board in boards.values():
            bench.wait(lambda: board.line.held.is_set() or None, "the boards to be in mid-write")
        stays = put(bench, "1")
        guest.pull_second_hub()
        _, notice = bench.notice("hub_lost", mark, code="HUB_POWER", hub="usb-1.8")
        # the kernel takes them away one after the other, and this one is emulated: a third may be too late
        bench.same(True, len(notice["slots"]) >= 2, "the hub's slots", notice)
        lost = {slot: ("ERROR", "HUB_POWER") if slot in notice["slots"] else UNPLUGGED for slot in down}
        bench.ends(mark, *[(slot, board, *lost[slot]) for slot, board in boards.items()], ("1", stays, *PASS))
        bench.open_units_are(*boards.values())
        mark = bench.mark()
        guest.plug_second_hub()
        for slot, board in boards.items():
            put(bench, slot, board)
        bench.ends(mark, *[(slot, board, *PASS) for slot, board in boards.items()])
        bench.stop()
        rows = [row for slot, board in boards.items() for row in ((slot, board, *lost[slot]), (slot, board, *PASS))]
        bench.rows_are(*rows, ("1", stays, *PASS))
        bench.open_units_are()


def several_lines_on_one_device(guest, binary, figures):
    """CP2105 and FT4232H: each interface is a slot."""
    slots = {f"dual-{number}": usb_path("2", number) for number in range(2)}
    slots |= {f"quad-{number}": usb_path("1.8.3", number) for number in range(4)}
    with Bench(guest, binary, "lines", slots) as bench:
        bench.start()
        mark = bench.mark()
        boards = {slot: bench.board() for slot in slots}
        bench.plug("2", Cp210x, *[boards[slot] for slot in slots if slot.startswith("dual")])
        bench.plug("1.8.3", Ftdi, *[boards[slot] for slot in slots if slot.startswith("quad")])
        rows = [(slot, board, *PASS) for slot, board in boards.items()]
        bench.ends(mark, *rows)
        bench.unplug("2")
        bench.unplug("1.8.3")
        for board in boards.values():
            board.holds_the_product()
        bench.stop()
        bench.rows_are(*rows)


def events_overflow(guest, binary, figures):
    """The daemon is stopped in its tracks, the kernel's events flood its socket, and a board is plugged in: it is
    seen all the same."""
    flood = "for round in 0 1 2 3 4 5 6 7 8 9; do for one in /sys/class/tty/tty*/uevent; do echo change > $one; done; done"
    dropped = "for l in /proc/$(pidof flashline)/fd/*; do readlink $l; done | sed -n 's/^socket:.\\(.*\\).$/\\1/p' > /tmp/own; awk 'NR == FNR { own[$1]; next } $10 in own { drops += $9 } END { print drops + 0 }' /tmp/own /proc/net/netlink"
    with Bench(guest, binary, "overflow", SLOTS) as bench:
        bench.start()
        mark = bench.mark()
        guest.sh("kill -STOP $(pidof flashline)")
        while int(guest.sh(dropped)) == 0:
            guest.sh(flood)
        nodes = len(guest.nodes)
        board = put(bench, "3")
        bench.wait(lambda: len(guest.nodes) > nodes or None, "the board's node")
        guest.sh(flood)
        figures.append(("events lost by the daemon's socket", int(guest.sh(dropped))))
        guest.sh("kill -CONT $(pidof flashline)")
        bench.ends(mark, ("3", board, *PASS))
        remove(bench, "3")
        bench.stop()
        bench.rows_are(("3", board, *PASS))


def killed_in_mid_write(guest, binary, figures):
    """The board is pulled and the daemon killed at the same time: one INTERRUPTED row, an open unit, and the next
    start goes on as if nothing had been."""
    with Bench(guest, binary, "killed", SLOTS) as bench:
        bench.start()
        board = put(bench, "4")
        board.line.hold_after(MID_WRITE)
        bench.wait(lambda: board.line.held.is_set() or None, "the board to be in mid-write")
        bench.unplug(PLACE["4"])
        bench.kill()
        mark = bench.mark()
        bench.start()
        bench.notice("interrupted_closed", mark, jobs=1)
        interrupted = ("4", board, "ABORTED", "INTERRUPTED")
        bench.rows_are(interrupted)
        mark = bench.mark()
        put(bench, "4", board)
        bench.ends(mark, ("4", board, *PASS))
        bench.stop()
        bench.rows_are(interrupted, ("4", board, *PASS))
        bench.open_units_are()


def a_hundred_cycles(guest, binary, figures):
    """Thirteen rounds of eight boards, plugged and pulled, some before they are through: a row each, and nothing is
    left behind in the daemon."""
    rounds = 13
    with Bench(guest, binary, "cycles", SLOTS, grace_ms=500) as bench:
        bench.start()
        boards = {slot: bench.board("own-usb" if kind is UsbSerialJtag else "bridged") for slot, kind in KINDS.items()}

        def plug_and_pull(number):
            mark = bench.mark()
            for slot, board in boards.items():
                put(bench, slot, board)
            if number % 3 == 2:
                # one while it is asked who it is, one while its port is being opened
                boards["6"].line.when_sent(300, lambda: bench.unplug(PLACE["6"]))
                bench.notice("board_arrived", mark, slot="2")
                bench.unplug(PLACE["2"])
            for slot in SLOTS:
                bench.notice("job_ended", mark, slot=slot)
            for slot in SLOTS:
                if PLACE[slot] in guest.plugged:
                    remove(bench, slot)

        # the first round fills caches and pools
        plug_and_pull(0)
        before = bench.usage()
        for number in range(1, rounds):
            plug_and_pull(number)

        def at_rest():
            now = bench.usage()
            settled = now["tasks"] <= before["tasks"] and now["descriptors"] <= before["descriptors"]
            return now if settled and now["threads"] <= before["threads"] + POOL else None

        after = bench.wait(at_rest, f"tasks, descriptors and threads to be back at {before}")
        figures.append(("after the first round", before))
        figures.append((f"after {rounds * len(SLOTS)} cycles", after))
        bench.same(True, after["kilobytes"] < before["kilobytes"] + 16_384, f"memory grew from {before} to {after}")
        bench.stop()
        [(jobs, slots)] = bench.record("SELECT count(*), count(DISTINCT slot) FROM job WHERE outcome IS NOT NULL")
        bench.same((rounds * len(SLOTS), len(SLOTS)), (jobs, slots), "jobs and slots in the record")
        others = bench.record("SELECT DISTINCT slot, code FROM job WHERE outcome <> 'PASS'")
        # pulled before its port was open, while the driver was at it, or after
        codes = ("PORT_ABSENT", "PORT_ERROR", "UNPLUGGED")
        pulled = {(slot, code) for slot in ("2", "6") for code in codes}
        bench.same(set(), set(others) - pulled, "what else came of boards")

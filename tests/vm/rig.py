"""Runs the scenarios in a guest without udevd and in one with it; prints what was measured. Exit code 1 if anything
is not as it must be, with the guest's log.

usage: rig.py FOLDER_OF_IMAGES PATH_OF_FLASHLINE [SCENARIO ...]"""

import os
import signal
import sys
import time
import traceback
from pathlib import Path

import scenarios as boards
import slots
from guest import Guest
from station import guest_files

# permissions, names and events are udevd's affair
BOTH = [
    boards.one_of_each,
    boards.eight_at_once,
    boards.pulled_in_mid_write,
    boards.comes_back_under_another_number,
    boards.a_hub_is_pulled,
    boards.several_lines_on_one_device,
    boards.events_overflow,
]
WITHOUT = [*BOTH, slots.a_jig_with_a_switch, boards.killed_in_mid_write, boards.a_hundred_cycles]
# who learns the places has no more rights than the daemon
WITH_UDEV = [*BOTH, slots.learned_by_plugging]


def told(value):
    if isinstance(value, float):
        return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.1f} s"
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    return str(value)


def work(images, binary, wanted):
    began = time.monotonic()
    failures = []
    for title, with_udev, all_of_them in (("without udevd", False, WITHOUT), ("with udevd", True, WITH_UDEV)):
        chosen = [one for one in all_of_them if not wanted or one.__name__ in wanted]
        if not chosen:
            continue
        guest = Guest(images, with_udev, guest_files(binary))
        try:
            print(f"    {title}: the guest is up after {guest.boot_seconds:.1f} s", flush=True)
            for scenario in chosen:
                name = f"{scenario.__name__.replace('_', ' ')}, {title}"
                figures, start = [], time.monotonic()
                try:
                    scenario(guest, binary, figures)
                    print(f"ok  {name} ({time.monotonic() - start:.1f} s)", flush=True)
                except Exception:
                    failures.append(name)
                    print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
                    if guest.process.poll() is not None:
                        break
                for what, value in figures:
                    print(f"        {what}: {told(value)}", flush=True)
        finally:
            guest.stop()
    print(f"    the whole rig: {time.monotonic() - began:.0f} s (load {os.getloadavg()[0]:.1f})", flush=True)
    return failures


def main():
    # so that guests and simulators are ended by whoever owns them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    images, binary, *wanted = sys.argv[1:]
    known = {one.__name__ for one in WITHOUT + WITH_UDEV}
    if unknown := set(wanted) - known:
        sys.exit(f"no such scenario: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    failures = work(Path(images), binary, wanted)
    if failures:
        sys.exit(f"not as it must be: {'; '.join(failures)}")


if __name__ == "__main__":
    main()

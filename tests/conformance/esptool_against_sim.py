"""ESP32, in depth: what tests/conformance/esptool.sh runs first. One line per step; exit code 1 if any
differs."""

import concurrent.futures
import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import serial

from bench import Failed, Sim, after, behind, code, esp_image, partition_table, used

ESPTOOL = [sys.executable, "-m", "esptool"]


# ---- what is written


BOOTLOADER = esp_image([(0x3FFF0030, code(1, 0x1800)), (0x40078000, code(2, 0x3D04))], 0x40080640)
APP = esp_image([(0x3FFB0000, code(3, 0x4000)), (0x40080000, code(4, 0x18A2C))], 0x40081234)
# as many bytes as a network that waits 0.2 s for each block lets through
SMALL_APP = esp_image([(0x40080000, code(5, 0x17F8))], 0x40080000)
IMAGES = [(0x1000, "bootloader.bin", BOOTLOADER), (0x8000, "partition-table.bin", partition_table()), (0x10000, "app.bin", APP)]
SMALL = [(0x1000, "small.bin", SMALL_APP), (0x8000, "partition-table.bin", partition_table()), (0x10000, "small.bin", SMALL_APP)]

MANIFEST = """\
product = "conformance"
version = "1"
chip = "esp32"
[flash]
mode = "keep"
frequency = "keep"
size = "keep"
[[image]]
name = "bootloader"
path = "bootloader.bin"
offset = 0x1000
[[image]]
name = "partition-table"
path = "partition-table.bin"
offset = 0x8000
[[image]]
name = "app"
path = "app.bin"
offset = 0x10000
"""


# ---- running things


def step(title, command, expect=0, says=None):
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    output = done.stdout.decode(errors="replace")
    failed = done.returncode != 0
    if failed != (expect != 0) or (says and says not in output):
        raise Failed(f"{title}\n$ {' '.join(map(str, command))}\n{output}\nexit code {done.returncode}, expected {expect}; must say {says!r}")
    print(f"ok  {title}  ({time.monotonic() - began:.1f} s)", flush=True)
    return output


def esptool(port, *arguments, stub=True, reset=False, baud=460800):
    how = ["--before", "default-reset", "--after", "hard-reset"] if reset else ["--before", "no-reset", "--after", "no-reset"]
    return ESPTOOL + ["--chip", "esp32", "--port", port, "--baud", str(baud), *how] + ([] if stub else ["--no-stub"]) + list(arguments)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(work, boards):
    (work / "flash").mkdir(parents=True)
    for board in range(boards):
        (work / "flash" / f"board{board}.bin").write_bytes(used(board))
    for _, name, data in IMAGES + SMALL:
        (work / name).write_bytes(data)
    (work / "manifest.toml").write_text(MANIFEST)


def written(work, images):
    return [word for offset, name, _ in images for word in (hex(offset), str(work / name))]


# ---- the runs


def on_ptys(binary, work):
    boards = 7
    prepare(work, boards)
    with Sim(binary, work, boards, "--unpaced") as sim:
        for stub in (True, False):
            how = "stub" if stub else "ROM"
            step(f"pty, {how}: flash-id", esptool(sim.pty(0), "flash-id", stub=stub), says="Detected flash size: 4MB")
            step(f"pty, {how}: read-mac", esptool(sim.pty(0), "read-mac", stub=stub), says=sim.mac(0))
        board = 0
        for stub in (True, False):
            for compress in (True, False):
                how = f"pty, {'stub' if stub else 'ROM'}, {'compressed' if compress else 'plain'}"
                port = sim.pty(board)
                option = "--compress" if compress else "--no-compress"
                step(f"{how}: write-flash", esptool(port, "write-flash", option, *written(work, IMAGES), stub=stub), says="Hash of data verified")
                unknown = behind(IMAGES) if compress and not stub else []
                found = sim.holds(board, after(used(board), IMAGES), how, unknown, IMAGES)
                step(f"{how}: verify-flash", esptool(port, "verify-flash", *written(work, IMAGES), stub=stub), says="Verification successful")
                length = 0x12345 if stub else 0x1100
                step(f"{how}: read-flash", esptool(port, "read-flash", "0x7f00", hex(length), str(work / "read.bin"), stub=stub))
                if (work / "read.bin").read_bytes() != found[0x7F00 : 0x7F00 + length]:
                    raise Failed(f"{how}: read-flash read something else")
                board += 1
        step("pty, stub: erase-region", esptool(sim.pty(0), "erase-region", "0x8000", "0x18000"))
        erased = bytearray(after(used(0), IMAGES))
        erased[0x8000:0x20000] = b"\xff" * 0x18000
        sim.holds(0, bytes(erased), "pty, stub: erase-region")
        step("pty, ROM: erase-region", esptool(sim.pty(0), "erase-region", "0x30000", "0x3000", stub=False))
        erased[0x30000:0x33000] = b"\xff" * 0x3000
        sim.holds(0, bytes(erased), "pty, ROM: erase-region")
        step("pty, stub: verify-flash of something else", esptool(sim.pty(0), "verify-flash", *written(work, IMAGES)), expect=2, says="Verification failed")
        for options in ([], ["--no-stub"], ["--no-stub", "--no-compress"]):
            how = " ".join(["flashline flash", *options])
            command = [binary, "flash", "--manifest", work / "manifest.toml", "--port", sim.pty(board), "--no-record", *options]
            step(how, list(map(str, command)))
            sim.holds(board, after(used(board), IMAGES), how)
            step(f"{how}: esptool verify-flash", esptool(sim.pty(board), "verify-flash", *written(work, IMAGES)), says="Verification successful")
            board += 1


def over_rfc2217(binary, work, stub):
    """pyserial renegotiates the port around each command, which costs 0.2 s every time: small images."""
    prepare(work, 1)
    with Sim(binary, work, 1, "--unpaced", rfc2217=free_port()) as sim:
        how = f"RFC2217, {'stub' if stub else 'ROM'}"
        url = sim.url(0)
        step(f"{how}: flash-id", esptool(url, "flash-id", stub=stub, reset=True), says="Detected flash size: 4MB")
        step(f"{how}: read-mac", esptool(url, "read-mac", stub=stub, reset=True), says=sim.mac(0))
        step(f"{how}: write-flash", esptool(url, "write-flash", *written(work, SMALL), stub=stub, reset=True), says="Hash of data verified")
        unknown = [] if stub else behind(SMALL)
        written_flash = sim.holds(0, after(used(0), SMALL), how, unknown, SMALL)
        says_after_reset(url, how)
        step(f"{how}: verify-flash", esptool(url, "verify-flash", *written(work, SMALL), stub=stub, reset=True), says="Verification successful")
        step(f"{how}: read-flash", esptool(url, "read-flash", "0x1000", "0x200", str(work / "read.bin"), stub=stub, reset=True))
        if (work / "read.bin").read_bytes() != SMALL_APP[:0x200]:
            raise Failed(f"{how}: read-flash read something else")
        step(f"{how}: erase-region", esptool(url, "erase-region", "0x10000", "0x2000", stub=stub, reset=True))
        erased = bytearray(written_flash)
        erased[0x10000:0x12000] = b"\xff" * 0x2000
        sim.holds(0, bytes(erased), f"{how}: erase-region")


def says_after_reset(url, how):
    """A pulse on EN with IO0 high starts what was flashed."""
    with serial.serial_for_url(url, baudrate=115200, timeout=5) as port:
        port.dtr = False
        port.rts = True
        time.sleep(0.1)
        port.rts = False
        heard = port.read_until(b"Pro cpu up")
    if not heard.endswith(b"Pro cpu up"):
        raise Failed(f"{how}: after a reset the app did not start: {heard!r}")
    print(f"ok  {how}: after a reset the app starts", flush=True)


def at_real_pace(binary, work):
    prepare(work, 1)
    with Sim(binary, work, 1) as sim:
        step("real pace, 921600 baud: write-flash", esptool(sim.pty(0), "write-flash", *written(work, SMALL), baud=921600), says="Hash of data verified")
        sim.holds(0, after(used(0), SMALL), "real pace")


def main():
    binary = str(Path(sys.argv[1]).resolve())
    runs = [
        on_ptys,
        at_real_pace,
        functools.partial(over_rfc2217, stub=True),
        functools.partial(over_rfc2217, stub=False),
    ]
    with tempfile.TemporaryDirectory(prefix="conformance.") as work, concurrent.futures.ThreadPoolExecutor() as threads:
        results = [threads.submit(run, binary, Path(work) / str(number)) for number, run in enumerate(runs)]
        for result in concurrent.futures.as_completed(results):
            try:
                result.result()
            except (Failed, subprocess.TimeoutExpired) as failure:
                print(f"FAILED  {failure}", file=sys.stderr, flush=True)
                for other in results:
                    other.cancel()
                return 1
    print("esptool and flashline agree")
    return 0


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    sys.exit(main())

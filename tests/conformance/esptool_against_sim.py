"""What tests/conformance/esptool.sh runs: one line per step; exit code 1 if any differs."""

import concurrent.futures
import functools
import hashlib
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import serial

FLASH_BYTES = 4 << 20
SECTOR = 0x1000
ESPTOOL = [sys.executable, "-m", "esptool"]


# ---- images, generated: nothing of anybody's firmware is in this repository


def esp_image(segments, entry):
    """An ESP32 image (Espressif, "Firmware Image Format"): header, segments, checksum, SHA-256."""
    image = bytearray(struct.pack("<BBBBI", 0xE9, len(segments), 2, 0x20, entry))
    image += struct.pack("<BBBBHBHHIB", 0xEE, 0, 0, 0, 0, 0, 0, 0xFFFF, 0, 1)
    checksum = 0xEF
    for address, data in segments:
        image += struct.pack("<II", address, len(data)) + data
        for byte in data:
            checksum ^= byte
    image += bytes(-(len(image) + 1) % 16) + bytes([checksum])
    return bytes(image) + hashlib.sha256(image).digest()


def partition_table():
    rows = b""
    for label, kind, subtype, offset, size in (
        (b"nvs", 1, 2, 0x9000, 0x5000),
        (b"phy_init", 1, 1, 0xF000, 0x1000),
        (b"factory", 0, 0, 0x10000, 0x100000),
    ):
        rows += struct.pack("<HBBII16sI", 0x50AA, kind, subtype, offset, size, label, 0)
    rows += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(rows).digest()
    return rows.ljust(0xC00, b"\xff")


def code(seed, size):
    """Bytes that compress about as code does."""
    rng = random.Random(seed)
    words = [rng.randbytes(4) for _ in range(200)]
    return b"".join(rng.choice(words) if rng.random() < 0.7 else rng.randbytes(4) for _ in range(size // 4))


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


def used(seed):
    """A flash that was written before, so that erasing matters."""
    return random.Random(1000 + seed).randbytes(FLASH_BYTES)


def after(before, images):
    """What must be there: whole sectors erased, then the images."""
    flash = bytearray(before)
    for offset, _, data in images:
        end = -(-(offset + len(data)) // SECTOR) * SECTOR
        flash[offset:end] = b"\xff" * (end - offset)
        flash[offset : offset + len(data)] = data
    return bytes(flash)


def behind(images):
    """Where the mask ROM, fed a compressed stream, also writes what its inflater's buffer of 32 KB held:
    from an image's end to the next whole buffer. Seen on the ROM; `flashline flash` pads its streams."""
    buffer = 0x8000
    return [(offset + len(data), offset + -(-len(data) // buffer) * buffer) for offset, _, data in images]


# ---- running things


class Failed(Exception):
    pass


def step(title, command, expect=0, says=None):
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    output = done.stdout.decode(errors="replace")
    failed = done.returncode != 0
    if failed != (expect != 0) or (says and says not in output):
        raise Failed(f"{title}\n$ {' '.join(map(str, command))}\n{output}\nexit code {done.returncode}, expected {expect}; must say {says!r}")
    print(f"ok  {title}  ({time.monotonic() - began:.1f} s)", flush=True)
    return output


class Sim:
    def __init__(self, binary, work, boards, *options, rfc2217=None):
        self.links, self.flash_dir = work / "links", work / "flash"
        command = [binary, "sim", "--boards", str(boards), "--link-dir", self.links, "--flash-dir", self.flash_dir, *options]
        if rfc2217:
            command += ["--rfc2217", f"127.0.0.1:{rfc2217}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.boards = [self.process.stdout.readline().split() for _ in range(boards)]
        if not all(self.boards):
            raise Failed("flashline sim did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        if code != 0 or any(self.links.iterdir()):
            raise Failed(f"flashline sim ended with {code} and left {list(self.links.iterdir())}")

    def pty(self, board):
        return self.boards[board][0]

    def mac(self, board):
        return self.boards[board][1]

    def url(self, board):
        return self.boards[board][2]

    def holds(self, board, expected, title, unknown=(), known=()):
        """The file is written when the client has closed; that takes a moment. What stands in the ranges
        `unknown` and in none of the images `known` is not compared. Returns what the flash holds."""
        file = self.flash_dir / f"board{board}.bin"
        deadline = time.monotonic() + 20
        while True:
            found = file.read_bytes() if file.exists() else b""
            masked = bytearray(expected)
            for start, end in unknown:
                masked[start:end] = found[start:end]
            for offset, _, data in known:
                masked[offset : offset + len(data)] = data
            if found == masked:
                print(f"ok  {title}: the flash is as it must be", flush=True)
                return found
            if time.monotonic() > deadline:
                at = next((i for i, (a, b) in enumerate(zip(found, masked)) if a != b), min(len(found), len(masked)))
                raise Failed(f"{title}: the flash differs at {at:#x}: {found[at:at+16].hex()} instead of {masked[at:at+16].hex()}")
            time.sleep(0.05)


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


def other_chips(binary, work):
    for chip, name in (("esp32c3", "ESP32-C3"), ("esp8266", "ESP8266")):
        with Sim(binary, work / chip, 1, "--unpaced", "--chip", chip) as sim:
            command = ESPTOOL + ["--port", sim.pty(0), "--before", "no-reset", "--after", "no-reset", "--no-stub", "read-mac"]
            step(f"{name} is recognised", command, says=sim.mac(0))
            step(f"{name} is no ESP32", esptool(sim.pty(0), "read-mac", stub=False), expect=2, says=f"This chip is {name}, not ESP32")


def main():
    binary = str(Path(sys.argv[1]).resolve())
    runs = [
        on_ptys,
        at_real_pace,
        other_chips,
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

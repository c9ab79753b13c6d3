"""Every chip, as ROM, with stub, and in Secure Download Mode: esptool's commands and `flashline flash`
against `flashline sim`, and the flash that they leave, byte for byte. Prints a table; exit code 1 if
anything is not as expected.

usage: every_chip.py PATH_OF_FLASHLINE [CHIP ...]"""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

# imported once here: each run of esptool is a fork of this process
import esptool

from bench import SECTOR, Failed, Sim, after, behind, code, esp8266_image, esp_image, used

COMMANDS = [
    "flash-id",
    "read-mac",
    "write-flash",
    "write-flash -z",
    "verify-flash",
    "read-flash",
    "erase-region",
    "flashline flash",
]
SECONDS = 60

MANIFEST = """\
product = "conformance"
version = "1"
chip = "{chip}"
secure_download = "{locked}"
[flash]
mode = "keep"
frequency = "keep"
size = {size}
"""
IMAGE = """\
[[image]]
name = "{name}"
path = "{name}"
offset = {offset}
"""


class Row:
    """A board: what `flashline sim` is told, and what esptool must say of it."""

    def __init__(self, chip, says, crystal, boot=0, chip_id=0, eui64=False, lockable=True, options=()):
        self.chip, self.says, self.crystal, self.boot, self.chip_id = chip, says, crystal, boot, chip_id
        self.eui64, self.lockable, self.options = eui64, lockable, list(options)
        self.name = " ".join([chip, *self.options[1:2]])


# offsets, ids and crystals from Espressif's documentation of each chip
ROWS = [
    Row("esp8266", "ESP8266EX", 26, lockable=False),
    Row("esp32", "ESP32-D0WD-V3 (revision v3.1)", 40, boot=0x1000, lockable=False),
    Row("esp32s2", "ESP32-S2 (revision v1.0)", 40, boot=0x1000, chip_id=2),
    Row("esp32s3", "ESP32-S3 (QFN56) (revision v0.2)", 40, chip_id=9),
    Row("esp32c2", "ESP32-C2 (revision v1.2)", 26, chip_id=12),
    Row("esp32c3", "ESP32-C3 (QFN32) (revision v0.4)", 40, chip_id=5),
    Row("esp32c5", "ESP32-C5N (revision v1.0)", 48, boot=0x2000, chip_id=23, eui64=True),
    Row("esp32c6", "ESP32-C6 (QFN40) (revision v0.2)", 40, chip_id=13, eui64=True),
    Row("esp32c61", "ESP32-C61N (revision v1.0)", 40, chip_id=20),
    Row("esp32h2", "ESP32-H2 (revision v1.2)", 32, chip_id=16, eui64=True),
    Row("esp32p4", "ESP32-P4 (revision v3.0)", 40, boot=0x2000, chip_id=18),
    Row("esp32p4", "ESP32-P4 (revision v1.3)", 40, boot=0x2000, chip_id=18, options=["--revision", "1.3"]),
    Row("esp32p4", "ESP32-P4 (revision v3.1)", 40, boot=0x2000, chip_id=18, options=["--revision", "3.1"]),
    Row("esp32c2", "ESP32-C2 (revision v1.2)", 40, chip_id=12, options=["--crystal", "40"]),
    # locked, nobody can read which crystal it has, and the rate that esptool changes to does not come up
    Row("esp32c5", "ESP32-C5N (revision v1.0)", 40, boot=0x2000, chip_id=23, eui64=True, lockable=False, options=["--crystal", "40"]),
]

STUBS = Path(esptool.__file__).parent / "targets" / "stub_flasher" / "2"
ROM, STUB, LOCKED = "ROM", "stub", "SDM"


# ---- running esptool


def esptool_run(arguments):
    """One run of esptool in a child of its own; what it said, and its exit code."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        signal.alarm(SECONDS)
        sys.argv = ["esptool", *map(str, arguments)]
        result = 1
        try:
            esptool._main()
            result = 0
        except SystemExit as end:
            result = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(result)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        output = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), output


class Board:
    """A board of the bench in one mode."""

    def __init__(self, row, mode, sim, number):
        self.row, self.mode, self.sim, self.number = row, mode, sim, number
        self.port = sim.pty(number)

    def esptool(self, *arguments, says=(), refused=None):
        """Runs a command that must pass and say these things, or be refused with those words."""
        how = ["--before", "no-reset", "--after", "no-reset", "--port", self.port, "--baud", "460800"]
        how += ["--chip", "auto" if arguments[0] == "flash-id" else self.row.chip]
        how += ["--no-stub"] if self.mode == ROM else []
        result, output = esptool_run([*how, *arguments])
        wanted = [refused] if refused else list(says)
        missing = [words for words in wanted if words not in output]
        if (result == 0) == bool(refused) or missing:
            raise Failed(f"$ esptool {' '.join(map(str, [*how, *arguments]))}\n{output}\nexit code {result}; must say {missing}")

    def holds(self, expected, unknown=(), known=()):
        return self.sim.holds(self.number, expected, f"{self.row.name} {self.mode}", unknown, known)


# ---- what must come of it


def esp8266_erases(start, sectors_asked):
    """The sectors that its ROM erases: those up to the next block of 64 KB are not counted off."""
    return sectors_asked + min(sectors_asked, 16 - start % 16)


def esp8266_rom_after(before, images):
    """As `after`, with what the ROM erases for esptool, which asks for less than it wants: for an odd
    number of sectors one more than needed."""
    flash = bytearray(before)
    for offset, _, data in images:
        start, needed = offset // SECTOR, -(-len(data) // SECTOR)
        asked = next(asked for asked in range(needed + 1) if esp8266_erases(start, asked) >= needed)
        end = (start + esp8266_erases(start, asked)) * SECTOR
        flash[offset:end] = b"\xff" * (end - offset)
        flash[offset : offset + len(data)] = data
    return bytes(flash)


def images(row, work):
    if row.chip == "esp8266":
        boot = esp8266_image([(0x40100000, code(0, 0x1234))], 0x40100000)
    else:
        boot = esp_image([(0x3FFE8000, code(row.chip_id, 0x1234))], 0x40080000, row.chip_id)
    # a sector and some; exactly one; one that ends in mid-page
    parts = [(row.boot, "boot.bin", boot), (0x10000, "a.bin", code(1, 0x3000)), (0x1E000, "b.bin", code(2, 0x2344))]
    for _, name, data in parts:
        (work / name).write_bytes(data)
    return parts


def written(work, parts):
    return [word for offset, name, _ in parts for word in (hex(offset), work / name)]


def try_all(board, work):
    """Each command in turn; yields its name and `ok` or `refused`."""
    row, mode = board.row, board.mode
    old_rom = mode == ROM and row.chip == "esp8266"
    parts = images(row, work)
    files = written(work, parts)
    before = used(board.number)
    result = esp8266_rom_after if old_rom else after
    locked = "is not available in Secure Download Mode" if mode == LOCKED else None

    board.esptool("flash-id", says=[row.says, f"{row.crystal}MHz", "Device: 4016", "Detected flash size: 4MB"], refused=locked)
    yield "flash-id", locked

    mac = board.sim.mac(board.number)
    eui64 = f"{mac[:8]}:ff:fe{mac[8:]}"
    board.esptool("read-mac", says=[mac, *([eui64] if row.eui64 else [])], refused=locked)
    yield "read-mac", locked

    hashed = [] if mode == LOCKED or old_rom else ["Hash of data verified"]
    board.esptool("write-flash", "--no-compress", *files, says=["Wrote", *hashed])
    holds = board.holds(result(before, parts))
    yield "write-flash", None

    no_deflate = None
    if mode == LOCKED:
        no_deflate = "(0x10) is not supported in Secure Download Mode"
    elif old_rom:
        no_deflate = "ESP8266 ROM does not support function flash_defl_begin"
    others = [(offset, name, data[::-1]) for offset, name, data in parts[1:]]
    for _, name, data in others:
        (work / f"other-{name}").write_bytes(data)
    other_files = [word for offset, name, _ in others for word in (hex(offset), work / f"other-{name}")]
    board.esptool("write-flash", "--compress", *other_files, says=["Hash of data verified"], refused=no_deflate)
    if not no_deflate:
        unknown = behind(others) if mode == ROM else []
        holds = board.holds(result(holds, others), unknown, others)
    yield "write-flash -z", no_deflate

    right = [*files[:2], *(files[2:] if no_deflate else other_files)]
    no_digest = locked or ("ESP8266 ROM does not support function flash_md5sum" if old_rom else None)
    board.esptool("verify-flash", *right, says=["Verification successful"], refused=no_digest)
    if not no_digest:
        (work / "wrong.bin").write_bytes(code(9, 0x1000))
        board.esptool("verify-flash", "0x10000", work / "wrong.bin", refused="Verification failed")
    yield "verify-flash", no_digest

    no_read = locked or ("read_flash_slow" if old_rom else None)
    length = 0x5123 if mode == STUB else 0x250
    board.esptool("read-flash", "0xff00", hex(length), work / "read.bin", refused=no_read)
    if not no_read and (work / "read.bin").read_bytes() != holds[0xFF00 : 0xFF00 + length]:
        raise Failed("read-flash read something else")
    yield "read-flash", no_read

    no_erase = "ESP8266 ROM does not support function erase_region" if old_rom else None
    # above the 2 MB that a ROM takes for granted
    board.esptool("erase-region", "0x201000", "0x3000", refused=no_erase)
    if not no_erase:
        holds = board.holds(holds[:0x201000] + b"\xff" * 0x3000 + holds[0x204000:])
    yield "erase-region", no_erase

    if mode == LOCKED:
        above = ["0x300000", work / "a.bin"]
        board.esptool("write-flash", *above, refused="Failed to enter flash download mode")
        board.esptool("write-flash", "--flash-size", "4MB", *above, says=["Wrote"])
        board.holds(after(holds, [(0x300000, "a.bin", parts[1][2])]))
    if row.chip == "esp32c3" and mode == ROM:
        result, output = esptool_run(["--before", "no-reset", "--port", board.port, "--chip", "esp32", "read-mac"])
        if result == 0 or "This chip is ESP32-C3, not ESP32" not in output:
            raise Failed(f"esptool takes a C3 for an ESP32:\n{output}")


def flashline_flashes(board, binary, work):
    """`flashline flash` over what others left; yields what it is called and how it ended."""
    row, mode = board.row, board.mode
    before = (work / "flash" / "board0.bin").read_bytes()
    boot, *others = images(row, work)
    parts = [boot, *((offset, name, data[1:] + data[:1]) for offset, name, data in others)]
    for _, name, data in parts:
        (work / name).write_bytes(data)
    # locked, nobody can ask the flash part for its size
    size = '"4MB"' if mode == LOCKED else '"keep"'
    manifest = MANIFEST.format(chip=row.chip, size=size, locked="allow" if mode == LOCKED else "refuse")
    manifest += "".join(IMAGE.format(name=name, offset=hex(offset)) for offset, name, _ in parts)
    (work / "manifest.toml").write_text(manifest)
    command = [binary, "flash", "--manifest", work / "manifest.toml", "--port", board.port, "--before", "none", "--no-record"]
    command += ["--no-stub"] if mode == ROM else []
    command += ["--serial", "A1"] if mode == LOCKED else []
    # the one stub that flashline does not bring along
    command += ["--stub-dir", STUBS] if mode == STUB and row.chip == "esp8266" else []
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS)
    # neither computes digests: written, and said so
    unverified = mode == LOCKED or mode == ROM and row.chip == "esp8266"
    expected = 5 if unverified else 0
    if done.returncode != expected:
        raise Failed(f"$ {' '.join(map(str, command))}\n{manifest}\n{done.stdout}\nexit code {done.returncode}, expected {expected}")
    board.holds(after(before, parts))
    if not unverified:
        board.esptool("verify-flash", *written(work, parts), says=["Verification successful"])
    yield "flashline flash", "WRITTEN" if unverified else "ok"


def case(binary, work, row, mode):
    """One board in one mode: what each command came to, and what went wrong if anything did."""
    results = {}
    try:
        (work / "flash").mkdir(parents=True)
        (work / "flash" / "board0.bin").write_bytes(used(0))
        options = ["--unpaced", "--chip", row.chip, *row.options]
        options += ["--secure-download"] if mode == LOCKED else []
        with Sim(binary, work, 1, *options, talks=False) as sim:
            board = Board(row, mode, sim, 0)
            for command, refusal in try_all(board, work):
                results[command] = "refused" if refusal else "ok"
            for command, outcome in flashline_flashes(board, binary, work):
                results[command] = outcome
    except Exception as failure:
        said = str(failure) if isinstance(failure, Failed) else traceback.format_exc()
        return results, f"{row.name}, {mode}:\n{said}"
    return results, None


def main():
    binary = str(Path(sys.argv[1]).resolve())
    rows = [row for row in ROWS if not sys.argv[2:] or row.chip in sys.argv[2:]]
    began = time.monotonic()
    print(f"{'':18}" + "".join(f"{command:>16}" for command in COMMANDS), flush=True)
    failures = []
    forked = multiprocessing.get_context("fork")
    with (
        tempfile.TemporaryDirectory(prefix="conformance.") as work,
        concurrent.futures.ProcessPoolExecutor(os.cpu_count(), mp_context=forked) as pool,
    ):
        cases = []
        for row in rows:
            for mode in [ROM, STUB] + ([LOCKED] if row.lockable else []):
                place = Path(work) / f"{len(cases)}"
                cases.append((row, mode, pool.submit(case, binary, place, row, mode)))
        for row, mode, running in cases:
            results, failure = running.result()
            cells = [results.get(command, "DIFFERS" if failure else "") for command in COMMANDS]
            print(f"{row.name:13}{mode:5}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
            if failure:
                failures.append(failure)
    for failure in failures:
        print(f"FAILED  {failure}", file=sys.stderr, flush=True)
    if not failures:
        print(f"esptool and the simulator agree on every chip ({time.monotonic() - began:.0f} s)")
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    sys.exit(main())

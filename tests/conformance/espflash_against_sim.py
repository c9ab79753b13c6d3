"""What tests/conformance/espflash.sh runs: one line per step; exit code 1 if any differs."""

import concurrent.futures
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECTOR = 0x1000
FLASH_BYTES = 4 << 20
# the chips of espflash 4.7 that the simulator models
CHIPS = ["esp32", "esp32s2", "esp32s3", "esp32c2", "esp32c3", "esp32c5", "esp32c6", "esp32c61", "esp32h2", "esp32p4"]


def code(seed, size):
    """Bytes that compress about as code does."""
    rng = random.Random(seed)
    words = [rng.randbytes(4) for _ in range(200)]
    return b"".join(rng.choice(words) if rng.random() < 0.7 else rng.randbytes(4) for _ in range(size // 4))


# no sector is shared; the second is shorter than one; what deflate cannot shorten, espflash sends plain.
# The last is of whole sectors: espflash tells a ROM to erase whole sectors and sends what the file has, and
# the ROM refuses FLASH_END where that is less (so does an ESP32's mask ROM in an emulator).
FILES = [(0x2000, code(1, 0x5544)), (0x8000, code(2, 0xC00)), (0x10000, code(3, 0x1CA2C)), (0x40000, random.Random(4).randbytes(0x2000))]
REFUSED = "Error while running FlashEnd command: Bootloader failed to execute command"


class Failed(Exception):
    pass


def used(seed):
    """A flash that was written before, so that erasing matters."""
    return random.Random(seed).randbytes(FLASH_BYTES)


def after(before):
    """What must be there: whole sectors erased, then the files."""
    flash = bytearray(before)
    for offset, data in FILES:
        end = -(-(offset + len(data)) // SECTOR) * SECTOR
        flash[offset:end] = b"\xff" * (end - offset)
        flash[offset : offset + len(data)] = data
    return bytes(flash)


def run_chip(sim, client, chip, work):
    (work / "flash").mkdir(parents=True)
    whole = []
    for offset, data in FILES:
        path = work / f"{offset:x}.bin"
        path.write_bytes(data)
        whole += [hex(offset), str(path)]
    for board in (0, 1):
        (work / "flash" / f"board{board}.bin").write_bytes(used(board))
    command = [sim, "sim", "--chip", chip, "--boards", "2", "--unpaced", "--link-dir", work / "links", "--flash-dir", work / "flash"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        ports = [process.stdout.readline().split()[0] for _ in (0, 1)]
        for board, how, options, files, fails in (
            (0, "stub", ["--baud", "921600"], whole, None),
            (0, "stub, what is there already", ["--skip"], whole, None),
            (1, "ROM", ["--no-stub", "--baud", "460800"], whole, None),
            (1, "ROM, the last file of part of a sector", ["--no-stub"], whole[:-2], REFUSED),
        ):
            title = f"{chip}, {how}"
            step(title, [client, "--port", ports[board], "--chip", chip, *options, *files], chip, fails)
            holds(work / "flash" / f"board{board}.bin", after(used(board)), title)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def step(title, command, chip, fails=None):
    began = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    except subprocess.TimeoutExpired as hung:
        raise Failed(f"{title}\n$ {' '.join(map(str, command))}\n{hung}") from hung
    output = done.stdout.decode(errors="replace")
    wrong = fails not in output if fails else done.returncode != 0 or not output.startswith(f"{chip} 4MB ")
    if wrong:
        raise Failed(f"{title}\n$ {' '.join(map(str, command))}\n{output}exit code {done.returncode}")
    print(f"ok  {title}  ({time.monotonic() - began:.1f} s)", flush=True)


def holds(path, expected, title):
    """The simulator writes the file when the port is closed, which it hears of a moment later."""
    for _ in range(100):
        found = path.read_bytes()
        if found == expected:
            return
        time.sleep(0.05)
    wrong = [at for at in range(FLASH_BYTES) if found[at] != expected[at]]
    raise Failed(f"{title}: {len(wrong)} bytes of the flash differ, the first at 0x{wrong[0]:x}, the last at 0x{wrong[-1]:x}")


def main():
    sim, client, chips = sys.argv[1], sys.argv[2], sys.argv[3:] or CHIPS
    failures = 0
    with tempfile.TemporaryDirectory(prefix="conformance.") as work, concurrent.futures.ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(run_chip, sim, client, chip, Path(work) / chip) for chip in chips]
        for run in concurrent.futures.as_completed(runs):
            try:
                run.result()
            except Failed as failure:
                print(f"FAILED  {failure}", file=sys.stderr, flush=True)
                failures += 1
    if failures == 0:
        print("espflash's library and the simulator agree")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())

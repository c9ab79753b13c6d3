"""What the conformance runs share: images, the flash that must come of writing them, `flashline sim`."""

import hashlib
import random
import signal
import struct
import subprocess
import time

FLASH_BYTES = 4 << 20
SECTOR = 0x1000


class Failed(Exception):
    pass


# ---- images, generated: nothing of anybody's firmware is in this repository


def esp_image(segments, entry, chip_id=0):
    """An image (Espressif, "Firmware Image Format"): header, segments, checksum, SHA-256."""
    image = bytearray(struct.pack("<BBBBI", 0xE9, len(segments), 2, 0x20, entry))
    image += struct.pack("<BBBBHBHHIB", 0xEE, 0, 0, 0, chip_id, 0, 0, 0xFFFF, 0, 1)
    checksum = 0xEF
    for address, data in segments:
        image += struct.pack("<II", address, len(data)) + data
        for byte in data:
            checksum ^= byte
    image += bytes(-(len(image) + 1) % 16) + bytes([checksum])
    return bytes(image) + hashlib.sha256(image).digest()


def esp8266_image(segments, entry):
    """The ESP8266's: a shorter header, and no digest behind the checksum."""
    image = bytearray(struct.pack("<BBBBI", 0xE9, len(segments), 2, 0x40, entry))
    checksum = 0xEF
    for address, data in segments:
        image += struct.pack("<II", address, len(data)) + data
        for byte in data:
            checksum ^= byte
    return bytes(image + bytes(-(len(image) + 1) % 16) + bytes([checksum]))


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


# ---- the simulated boards


class Sim:
    def __init__(self, binary, work, boards, *options, rfc2217=None, talks=True):
        self.talks = talks
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
                if self.talks:
                    print(f"ok  {title}: the flash is as it must be", flush=True)
                return found
            if time.monotonic() > deadline:
                at = next((i for i, (a, b) in enumerate(zip(found, masked)) if a != b), min(len(found), len(masked)))
                raise Failed(f"{title}: the flash differs at {at:#x}: {found[at:at+16].hex()} instead of {masked[at:at+16].hex()}")
            time.sleep(0.05)

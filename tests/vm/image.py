"""Builds what QEMU boots: the kernel, unpacked, and an initramfs with busybox, the modules for USB serial adapters
and, for the second one, udevd with its rules. Everything is from Debian's packages, unpacked in a folder.

Leaves out the packages' download (`run.sh`) and what is tested: `extra` makes a second archive of that, which is
appended to the first.

usage: image.py FOLDER   (with packages/*.deb, unpacked in root/, and nodes, the compiled guest/nodes.c)"""

import lzma
import re
import subprocess
import sys
from pathlib import Path

# what the rig needs beyond what is built in; their dependencies come by themselves
MODULES = ["virtio_pci", "virtio_console", "xhci-pci", "cp210x", "ch341", "ftdi_sio", "cdc-acm"]

# 50-udev-default.rules gives serial ports to dialout, as on a Debian station; `bench` is who the daemon runs as there
PASSWD = "root:x:0:0::/:/bin/sh\nbench:x:1000:1000::/var/bench:/bin/sh\n"
GROUPS = "root:x:0:\ndialout:x:20:bench\nbench:x:1000:\n" + "".join(
    f"{name}:x:{100 + number}:\n"
    for number, name in enumerate("tty disk kmem input lp video audio cdrom tape sgx kvm render".split())
)


class Archive:
    """A cpio archive as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.data = bytearray()
        self.made = set()
        self.inode = 0

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        name = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self._pad()
        self.data += data
        self._pad()

    def _pad(self):
        self.data += bytes(-len(self.data) % 4)

    def folder(self, path):
        for parent in [*reversed(Path(path).parents), Path(path)]:
            if str(parent) != "." and parent not in self.made:
                self.made.add(parent)
                self._entry(str(parent), 0o040755)

    def file(self, path, data, mode=0o755):
        self.folder(Path(path).parent)
        self._entry(path, 0o100000 | mode, data)

    def link(self, path, target):
        self.folder(Path(path).parent)
        self._entry(path, 0o120777, target.encode())

    def console(self):
        self.folder("dev")
        self._entry("dev/console", 0o020600, device=(5, 1))

    def program(self, path, file):
        """A program of the host or of a package, with the libraries that it is linked against."""
        self.file(path, Path(file).read_bytes())
        for library, found in libraries(file):
            where = found if library.startswith("/") else f"/lib/x86_64-linux-gnu/{library}"
            if where not in self.made:
                self.made.add(where)
                self.file(where.lstrip("/"), Path(found).read_bytes())

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        return bytes(self.data)


def libraries(program):
    """Names and files of the libraries that this program needs, those of its own package's folder first."""
    folder = next((p for p in Path(program).parents if p.name == "root"), None)
    paths = [str(p) for p in folder.glob("**/x86_64-linux-gnu")] if folder else []
    environment = {"LD_LIBRARY_PATH": ":".join(paths), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(["ldd", program], env=environment, capture_output=True, text=True, check=True).stdout
    missing = re.findall(r"(\S+) => not found", said)
    if missing:
        raise SystemExit(f"{program} needs {', '.join(missing)}, which is not here")
    for name, _, path in re.findall(r"^\s*(\S+)( => (\S+))? \(0x", said, re.M):
        if path or name.startswith("/"):
            yield name, path or name


def unpacked_kernel(packed):
    """The kernel proper: unpacking itself would take it seconds under emulation."""
    at = packed.find(b"\xfd7zXZ\0")
    if at < 0:
        return packed
    kernel = lzma.LZMADecompressor().decompress(packed[at:])
    return kernel if kernel[:4] == b"\x7fELF" else packed


def modules(folder):
    """Names and contents of the modules and all that they depend upon, in the order of loading."""
    files = {}
    for file in (folder / "lib/modules").glob("**/*.ko*"):
        files[file.name.split(".")[0].replace("-", "_")] = file
    order = {}

    def add(name):
        name = name.replace("-", "_")
        if name in order or name not in files:
            return  # there already, or built in
        data = files[name].read_bytes()
        data = lzma.decompress(data) if files[name].suffix == ".xz" else data
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for need in needs[1].decode().split(",") if needs else ():
            add(need)
        order[name] = data

    for name in MODULES:
        add(name)
    return order


def guest(folder, with_udev):
    root, here = folder / "root", Path(__file__).parent
    archive = Archive()
    for path in ("proc", "sys", "run", "tmp", "etc"):
        archive.folder(path)
    archive.console()
    [busybox] = [p for p in root.glob("**/bin/busybox") if p.is_file()]
    archive.file("bin/busybox", busybox.read_bytes())
    archive.link("bin/sh", "busybox")
    archive.file("init", (here / "guest/init").read_bytes())
    archive.file("bin/nodes", (folder / "nodes").read_bytes())
    archive.file("etc/passwd", PASSWD.encode(), 0o644)
    archive.file("etc/group", GROUPS.encode(), 0o644)
    loaded = modules(root)
    for name, data in loaded.items():
        archive.file(f"modules/{name}.ko", data, 0o644)
    archive.file("modules/order", "".join(f"{name}.ko\n" for name in loaded).encode(), 0o644)
    if with_udev:
        [udevadm] = [p for p in root.glob("**/bin/udevadm") if p.is_file()]
        archive.program("bin/udevadm", udevadm)
        archive.link("lib/systemd/systemd-udevd", "/bin/udevadm")
        for data in sorted(root.glob("**/udev/rules.d/*.rules")):
            archive.file(f"lib/udev/rules.d/{data.name}", data.read_bytes(), 0o644)
        for hwdb in root.glob("**/udev/hwdb.bin"):
            archive.file("lib/udev/hwdb.bin", hwdb.read_bytes(), 0o644)
    return archive.bytes()


def main():
    folder = Path(sys.argv[1])
    [kernel] = (folder / "root/boot").glob("vmlinuz-*")
    (folder / "kernel").write_bytes(unpacked_kernel(kernel.read_bytes()))
    for name, with_udev in (("plain", False), ("udev", True)):
        (folder / f"{name}.cpio").write_bytes(guest(folder, with_udev))


if __name__ == "__main__":
    main()

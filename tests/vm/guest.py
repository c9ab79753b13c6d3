"""The guest: QEMU without acceleration, the agent that runs commands in it, and its USB ports.

The tree: an xHCI controller at 0000:00:05.0 with root ports 1 to 8; at port 1 a hub of eight ports, at that hub's
port 8 a second hub of four. A place is named as Linux names it: "1.3", "1.8.2", "2". Leaves out what is plugged in
(`adapters`) and what runs in the guest (`bench`)."""

import ctypes
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import image
from usbredir import Plugged

BOOTS_WITHIN = 300
COMMAND_WITHIN = 300
CONTROLLER = "pci-0000:00:05.0-usb-0"
FIRST_HUB = [f"1.{port}" for port in range(1, 8)]
SECOND_HUB = [f"1.8.{port}" for port in range(1, 5)]
ROOT_PORTS = [str(port) for port in range(2, 9)]
# QEMU's name of a place's parent hub and the port's number at the controller
SECOND_HUB_DEVICE = {"driver": "usb-hub", "id": "hub2", "bus": "xhci.0", "port": "1.8", "ports": 4}


class GuestError(Exception):
    pass


def die_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Guest:
    def __init__(self, images, with_udev, files):
        """Boots; `files` are put into the guest: path there → bytes, or a Path here of a program, which brings its
        libraries."""
        self.folder = Path(tempfile.mkdtemp(prefix="flashline-vm."))
        self.with_udev = with_udev
        self.nodes = []  # (time, "+", "=" or "-", name)
        self.notices = queue.Queue()
        self.answers = queue.Queue()
        self.commands = 0
        self.talking = threading.Lock()
        self.plugged = {}
        # QEMU has a thread for the guest's processor and one for its devices: one processor is the fastest
        self.process = self._start(images, files)
        try:
            self.monitor = self._connect("monitor").makefile("rwb")
            self.monitor.readline()
            self.qmp("qmp_capabilities")
            ready = threading.Event()
            self.agent = self._connect("agent")
            threading.Thread(target=self._hear_agent, args=(ready,), daemon=True).start()
            for name, hear in (("notices", self._hear_notice), ("nodes", self._hear_node)):
                lines = self._connect(name).makefile("rb")
                threading.Thread(target=self._each_line, args=(lines, hear), daemon=True).start()
            self._until(lambda: ready.wait(1) or None, BOOTS_WITHIN, "the guest to start")
            self.boot_seconds = time.monotonic() - self.started
        except BaseException:
            self.stop()
            raise

    def _start(self, images, files):
        initrd = self.folder / "initrd"
        archive = image.Archive()
        for path, content in files.items():
            if isinstance(content, Path):
                archive.program(path, content)
            else:
                archive.file(path, content, 0o644)
        base = images / ("udev.cpio" if self.with_udev else "plain.cpio")
        initrd.write_bytes(base.read_bytes() + archive.bytes())
        # the TSC's rate is measured at boot, wrongly so on a busy machine, and all times in the guest with it: HPET
        kernel = "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off tsc=unstable random.trust_cpu=on"
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1", "-m", "640"]
        command += ["-kernel", str(images / "kernel"), "-initrd", str(initrd)]
        command += ["-append", f"{kernel} cryptomgr.notests{' rig.udev' if self.with_udev else ''}"]
        command += ["-chardev", f"file,id=console,path={self.folder}/console", "-serial", "chardev:console"]
        command += ["-device", "virtio-serial-pci"]
        for name in ("agent", "notices", "nodes"):
            command += ["-chardev", f"socket,id={name},path={self.folder}/{name},server=on,wait=off"]
            command += ["-device", f"virtserialport,chardev={name},name={name}"]
        command += ["-chardev", f"socket,id=monitor,path={self.folder}/monitor,server=on,wait=off"]
        command += ["-mon", "chardev=monitor,mode=control"]
        command += ["-device", "qemu-xhci,id=xhci,addr=5,p2=8,p3=8", "-device", "usb-hub,id=hub1,bus=xhci.0,port=1,ports=8"]
        command += ["-device", ",".join(f"{key}={value}" for key, value in SECOND_HUB_DEVICE.items())]
        for place in FIRST_HUB + SECOND_HUB + ROOT_PORTS:
            command += ["-chardev", f"socket,id=at{place},path={self.folder}/at{place},server=on,wait=off"]
            command += ["-device", f"usb-redir,id=usb{place},chardev=at{place},bus=xhci.0,port={place}"]
        self.started = time.monotonic()
        with open(self.folder / "qemu", "wb") as said:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, preexec_fn=die_with_us
            )

    def _connect(self, name):
        path = str(self.folder / name)
        deadline = time.monotonic() + 60
        while True:
            found = socket.socket(socket.AF_UNIX)
            try:
                found.connect(path)
                return found
            except OSError as error:
                found.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise GuestError(f"QEMU did not start ({error}): {(self.folder / 'qemu').read_text()}") from error
                time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for device in self.plugged.values():
            device.unplug()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what it says

    @staticmethod
    def _each_line(lines, hear):
        try:
            for line in lines:
                hear(time.monotonic(), line.decode(errors="replace").rstrip())
        except OSError:
            pass  # QEMU has ended

    def _until(self, found, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            result = found()
            if result is not None:
                return result
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise GuestError(f"waited for {what}; QEMU's exit code {self.process.poll()}\n{self.log()}")

    def _hear_agent(self, ready):
        output = []

        def hear(_, line):
            word, _, rest = line.partition(" ")
            if word == "ready":
                ready.set()
            elif word == "done":
                number, code = rest.split()
                self.answers.put((int(number), int(code), "\n".join(output)))
                output.clear()
            elif word.startswith("="):
                output.append(rest)

        self._each_line(self.agent.makefile("rb"), hear)

    def _hear_notice(self, at, line):
        if line:
            self.notices.put((at, line))

    def _hear_node(self, at, line):
        what, _, name = line.partition(" ")
        if name:
            self.nodes.append((at, what, name))

    def log(self):
        """What the guest's kernel and QEMU said, for a person who has to find out."""
        console = (self.folder / "console").read_text(errors="replace")[-3000:]
        return f"--- console\n{console}\n--- qemu\n{(self.folder / 'qemu').read_text()[-1000:]}"

    # ---- what it is told

    def run(self, command):
        """Exit code and output of a shell command in the guest, which must be one line."""
        with self.talking:
            self.commands += 1
            self.agent.sendall(f"{self.commands} {command}\n".encode())

            def answer():
                try:
                    number, code, output = self.answers.get(timeout=1)
                except queue.Empty:
                    return None
                # an earlier one's answer came too late
                return (code, output) if number == self.commands else None

            return self._until(answer, COMMAND_WITHIN, f"the guest's answer to: {command}")

    def sh(self, command):
        """Its output; it must succeed."""
        code, output = self.run(command)
        if code != 0:
            raise GuestError(f"in the guest: {command}\nexit code {code}: {output}")
        return output

    def qmp(self, command, **arguments):
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise GuestError(f"QEMU refused {command} {arguments}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    # ---- its USB ports

    def plug(self, place, adapter):
        self.plugged[place] = Plugged(self.folder / f"at{place}", adapter)
        return adapter

    def unplug(self, place):
        self.plugged.pop(place).unplug()

    def pull_second_hub(self):
        """The hub goes, and all that hangs on it."""
        self.qmp("device_del", id="hub2")
        for place in SECOND_HUB:
            device = self.plugged.pop(place, None)
            if device:
                device.unplug()

    def plug_second_hub(self):
        """An empty one, in the same place."""
        # removing a device takes its character device with it, when the guest has let go
        ports = {f"at{place}" for place in SECOND_HUB}

        def gone():
            time.sleep(0.05)
            return None if ports & {device["label"] for device in self.qmp("query-chardev")} else True

        self._until(gone, COMMAND_WITHIN, "QEMU to take the hub's ports away")
        self.qmp("device_add", **SECOND_HUB_DEVICE)
        for place in SECOND_HUB:
            path = self.folder / f"at{place}"
            path.unlink(missing_ok=True)
            address = {"type": "unix", "data": {"path": str(path)}}
            backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
            self.qmp("chardev-add", id=f"at{place}", backend=backend)
            self.qmp("device_add", driver="usb-redir", id=f"usb{place}", chardev=f"at{place}", bus="xhci.0", port=place)

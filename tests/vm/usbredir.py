"""A USB device on the host that QEMU's `usb-redir` shows to the guest: the device's side of the usbredir
protocol (usbredir-protocol.txt 0.7, https://gitlab.freedesktop.org/spice/usbredir).

Control, bulk and interrupt-in transfers, which is what serial adapters use. Leaves out isochronous transfers, bulk
streams and alternate settings; what a device says and does is in `adapters`."""

import socket
import struct
import threading
from collections import deque

(
    HELLO,
    DEVICE_CONNECT,
    DEVICE_DISCONNECT,
    RESET,
    INTERFACE_INFO,
    EP_INFO,
    SET_CONFIGURATION,
    GET_CONFIGURATION,
    CONFIGURATION_STATUS,
    SET_ALT_SETTING,
    GET_ALT_SETTING,
    ALT_SETTING_STATUS,
) = range(12)
START_INTERRUPT, STOP_INTERRUPT, INTERRUPT_STATUS = 15, 16, 17
CANCEL = 21
CONTROL, BULK = 100, 101

CAP_CONNECT_VERSION, CAP_EP_MAX_PACKET, CAP_64BIT_IDS, CAP_32BIT_LENGTH = 1 << 1, 1 << 4, 1 << 5, 1 << 6
CAPS = CAP_CONNECT_VERSION | CAP_EP_MAX_PACKET | CAP_64BIT_IDS | CAP_32BIT_LENGTH
SUCCESS, CANCELLED, STALL = 0, 1, 4
FULL_SPEED = 1


class Plugged:
    """A device in a port of the guest, from now until `unplug`.

    The device has `descriptors` (an `adapters.Descriptors`), `control(request)`, which returns the answer's
    bytes or None for a stall, `received(endpoint, data)`, and `waiting(endpoint, size)`, which returns what it has
    for the host or None; it calls `wake(endpoint)` when that changes."""

    def __init__(self, path, device):
        self.device = device
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.sending = threading.Lock()
        self.asked = {}  # endpoint → transfers that wait for data: (packet id, stream, size)
        self.asking = threading.Lock()
        self.gone = threading.Event()
        device.wake = self.wake
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def unplug(self):
        """Pulls it out; the guest's controller sees the port change at once."""
        self.gone.set()
        try:
            # close() alone would not end a recv() that another thread is in
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if threading.current_thread() is not self.thread:
            self.thread.join()

    # ---- packets

    def _send(self, kind, number, body):
        with self.sending:
            try:
                self.socket.sendall(struct.pack("<IIQ", kind, len(body), number) + body)
            except OSError:
                self.gone.set()

    def _take(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _serve(self):
        try:
            self._greet()
            while True:
                kind, length, number = struct.unpack("<IIQ", self._take(16))
                self._packet(kind, number, self._take(length))
        except (EOFError, OSError):
            pass
        finally:
            self.gone.set()
            self.socket.close()
            self.device.unplugged()

    def _greet(self):
        hello = b"flashline rig".ljust(64, b"\0") + struct.pack("<I", CAPS)
        # the greeting itself has a short id, whatever is agreed upon
        self.socket.sendall(struct.pack("<III", HELLO, len(hello), 0) + hello)
        kind, length, _ = struct.unpack("<III", self._take(12))
        theirs = self._take(length)
        (caps,) = struct.unpack_from("<I", theirs, 64)
        if kind != HELLO or caps & CAPS != CAPS:
            raise RuntimeError(f"this QEMU speaks another usbredir: capabilities {caps:#x}")
        self._describe()
        about = self.device.descriptors
        connect = struct.pack("<BBBBHHH", FULL_SPEED, *about.device_class, about.vendor, about.product, about.release)
        self._send(DEVICE_CONNECT, 0, connect)

    def _describe(self):
        about = self.device.descriptors
        kinds, intervals, owners, sizes = [0xFF] * 32, [0] * 32, [0] * 32, [0] * 32
        kinds[0] = kinds[16] = 0
        for end in about.endpoints():
            at = end.address & 15 | (end.address & 0x80) >> 3
            kinds[at], intervals[at], owners[at], sizes[at] = end.kind, end.interval, end.interface, end.max_packet
        self._send(EP_INFO, 0, bytes(kinds + intervals + owners) + struct.pack("<32H", *sizes))
        interfaces = about.interfaces()
        columns = [bytes(column).ljust(32, b"\0") for column in zip(*interfaces)]
        self._send(INTERFACE_INFO, 0, struct.pack("<I", len(interfaces)) + b"".join(columns))

    def _packet(self, kind, number, body):
        if kind == CONTROL:
            self._control(number, body)
        elif kind == BULK:
            endpoint, _, low, stream, high = struct.unpack_from("<BBHIH", body)
            if endpoint & 0x80:
                with self.asking:
                    self.asked.setdefault(endpoint, deque()).append((number, stream, low | high << 16))
                self.wake(endpoint)
            else:
                data = body[10:]
                self.device.received(endpoint, data)
                self._bulk_done(number, endpoint, stream, SUCCESS, len(data))
        elif kind == SET_CONFIGURATION:
            self._describe()
            self._send(CONFIGURATION_STATUS, number, bytes([SUCCESS, body[0]]))
        elif kind == GET_CONFIGURATION:
            self._send(CONFIGURATION_STATUS, number, bytes([SUCCESS, 1]))
        elif kind in (SET_ALT_SETTING, GET_ALT_SETTING):
            self._send(ALT_SETTING_STATUS, number, bytes([SUCCESS, body[0], 0]))
        elif kind in (START_INTERRUPT, STOP_INTERRUPT):
            self._send(INTERRUPT_STATUS, number, bytes([SUCCESS, body[0]]))
        elif kind == CANCEL:
            self._cancel(number)

    def _control(self, number, body):
        endpoint, request, kind, _, value, index, length = struct.unpack_from("<BBBBHHH", body)
        answer = self.device.control(Request(kind, request, value, index, length, body[10:]))
        inward = kind & 0x80
        status = STALL if answer is None else SUCCESS
        data = answer[:length] if answer and inward else b""
        moved = len(data) if inward else length if answer is not None else 0
        head = struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index, moved)
        self._send(CONTROL, number, head + data)

    def _bulk_done(self, number, endpoint, stream, status, length, data=b""):
        head = struct.pack("<BBHIH", endpoint, status, length & 0xFFFF, stream, length >> 16)
        self._send(BULK, number, head + data)

    def wake(self, endpoint):
        """Answers the transfers that wait on this endpoint, with what the device has for them."""
        while True:
            with self.asking:
                waiting = self.asked.get(endpoint)
                data = waiting and self.device.waiting(endpoint, waiting[0][2])
                if not data:
                    return
                number, stream, _ = waiting.popleft()
                # within the lock: two threads may wake, and bytes keep their order
                self._bulk_done(number, endpoint, stream, SUCCESS, len(data), data)

    def _cancel(self, number):
        with self.asking:
            for endpoint, waiting in self.asked.items():
                for transfer in waiting:
                    if transfer[0] == number:
                        waiting.remove(transfer)
                        self._bulk_done(number, endpoint, transfer[1], CANCELLED, 0)
                        return


class Request:
    """A control transfer's setup, and the data of one that goes to the device."""

    def __init__(self, kind, request, value, index, length, data):
        self.kind, self.request, self.value = kind, request, value
        self.index, self.length, self.data = index, length, data
        self.inward = bool(kind & 0x80)
        self.standard = kind & 0x60 == 0

"""USB serial adapters as Linux's drivers see them: descriptors, and the requests that carry rate and lines.

What each request means is from the kernel's drivers (drivers/usb/serial/cp210x.c, ch341.c, ftdi_sio.c,
drivers/usb/class/cdc-acm.c). Leaves out flow control, breaks, parity, GPIO and eFuse areas: they are answered and
without effect. Each channel of an adapter has a `line.Line` as its far end."""

import collections
import struct
import threading
import time

BULK, INTERRUPT = 2, 3
VENDOR_CLASS, COMMUNICATIONS, CDC_DATA = 0xFF, 2, 10

Endpoint = collections.namedtuple("Endpoint", "address kind max_packet interval interface")


class Descriptors:
    """What a device says of itself. `body` is all that follows the configuration's own nine bytes."""

    def __init__(self, vendor, product, release, maker, name, serial, body, device_class=(0, 0, 0)):
        self.vendor, self.product, self.release = vendor, product, release
        self.device_class, self.body = device_class, body
        self.strings = [None, maker, name, serial]

    def device(self):
        ids = struct.pack("<HHH", self.vendor, self.product, self.release)
        strings = [index if text else 0 for index, text in enumerate(self.strings)][1:]
        return struct.pack("<BBHBBBB", 18, 1, 0x0200, *self.device_class, 64) + ids + bytes([*strings, 1])

    def configuration(self):
        head = struct.pack("<BBHBBBBB", 9, 2, 9 + len(self.body), len(self.interfaces()), 1, 0, 0x80, 250)
        return head + self.body

    def string(self, index):
        if index == 0:
            return bytes([4, 3, 9, 4])
        text = self.strings[index] if index < len(self.strings) else None
        coded = (text or "").encode("utf-16-le")
        return bytes([2 + len(coded), 3]) + coded if text else None

    def _each(self):
        at = 0
        while at < len(self.body):
            yield self.body[at : at + self.body[at]]
            at += self.body[at]

    def interfaces(self):
        """Number, class, subclass, protocol of each."""
        return [(one[2], one[5], one[6], one[7]) for one in self._each() if one[1] == 4]

    def endpoints(self):
        found, interface = [], 0
        for one in self._each():
            if one[1] == 4:
                interface = one[2]
            elif one[1] == 5:
                found.append(Endpoint(one[2], one[3] & 3, one[4] | one[5] << 8, one[6], interface))
        return found


def interface(number, endpoints, cls, subclass=0, protocol=0):
    return bytes([9, 4, number, 0, endpoints, cls, subclass, protocol, 0])


def endpoint(address, kind, size, interval=0):
    return struct.pack("<BBBBHB", 7, 5, address, kind, size, interval)


class Channel:
    """One serial line of an adapter."""

    # a bridge's buffer: what the board says while nobody takes it is lost beyond this
    BUFFER = 4096

    def __init__(self, line, adapter, into, out_of):
        self.into, self.out_of, self.adapter = into, out_of, adapter
        self.from_board = bytearray()
        self.guard = threading.Lock()
        self.taken = False
        self.touches = []  # when the host asked for something on this line, on the monotonic clock
        self.asked = []  # (DTR, RTS) as the host wanted them, request by request
        self.baud = None
        # what the next looks at CTS find, the last one for good
        self.contacts = collections.deque([True])
        self.looks = 0
        self.line = line(self._said)

    def _said(self, data):
        with self.guard:
            self.from_board += data
            if not self.taken:
                del self.from_board[: -self.BUFFER]
        self.adapter.wake(self.into)

    def take(self, size):
        with self.guard:
            self.taken = True
            data = bytes(self.from_board[:size])
            del self.from_board[:size]
            return data

    def clear(self):
        with self.guard:
            self.from_board.clear()

    def lines(self, dtr=None, rts=None):
        self.touched()
        wanted = self.line.dtr if dtr is None else dtr, self.line.rts if rts is None else rts
        self.asked.append(wanted)
        self.line.lines(*wanted)

    def rate(self, baud):
        self.touched()
        self.baud = baud
        self.line.rate(baud)

    def connect(self, line):
        """Another far end, while the adapter stays plugged in."""
        before = self.line
        before.close()
        self.line = line(self._said)
        self.line.lines(before.dtr, before.rts)
        if self.baud:
            self.line.rate(self.baud)

    def switch(self, *contacts):
        """What hangs on CTS: it bounces from one to the next, a look each, and stays at the last."""
        self.contacts = collections.deque(contacts)

    def look(self):
        self.looks += 1
        return self.contacts.popleft() if len(self.contacts) > 1 else self.contacts[0]

    def touched(self):
        self.touches.append(time.monotonic())


class Adapter:
    """A USB device with a channel per board; subclasses know one driver's requests. `lines` are functions that
    take what is to be done with a board's bytes and return its `line.Line`: they are called when it is plugged in,
    for that is when the boards get power."""

    serial = None

    def __init__(self, lines):
        self.descriptors = self.describe(len(lines))
        self.wake = lambda _: None
        self.channels = [Channel(line, self, *self.ends(number)) for number, line in enumerate(lines)]
        self.by_end = {end: channel for channel in self.channels for end in (channel.into, channel.out_of)}

    # ---- the USB side, as `usbredir.Plugged` asks for it

    def control(self, request):
        if not request.standard:
            return self.own(request)
        if request.request == 6:  # GET_DESCRIPTOR
            kind, index = request.value >> 8, request.value & 0xFF
            about = self.descriptors
            found = {1: about.device, 2: about.configuration, 3: lambda: about.string(index)}.get(kind)
            return found and found()
        if request.request == 0:  # GET_STATUS
            return b"\0\0"
        return b""

    def received(self, end, data):
        self.by_end[end].line.data(data)

    def waiting(self, end, size):
        channel = self.by_end.get(end)
        return channel.take(size) if channel else None

    def unplugged(self):
        for channel in self.channels:
            channel.line.close()


class Cp210x(Adapter):
    """CP2102, or with two lines CP2105. All of them are sold with the serial number 0001."""

    name, driver, serial = "CP2102", "cp210x", "0001"

    def ends(self, number):
        return 0x82 + number, 0x01 + number

    def describe(self, lines):
        product, name = (0xEA60, "CP2102") if lines == 1 else (0xEA70, "CP2105")
        self.part = 2 if lines == 1 else 5
        body = b""
        for number in range(lines):
            into, out_of = self.ends(number)
            body += interface(number, 2, VENDOR_CLASS) + endpoint(into, BULK, 64) + endpoint(out_of, BULK, 64)
        name += " USB to UART Bridge Controller"
        return Descriptors(0x10C4, product, 0x0100, "Silicon Labs", name, self.serial, body)

    def own(self, request):
        channel = self.channels[request.index] if request.index < len(self.channels) else None
        if request.inward:
            if request.request == 0xFF and request.value == 0x370B:  # GET_PARTNUM
                return bytes([self.part])
            if request.request == 0x08:  # GET_MDMSTS: what it drives, CTS, and DSR, which is asserted
                return bytes([0x20 | channel.look() << 4 | channel.line.dtr | channel.line.rts << 1])
            return bytes(request.length)
        if request.request == 0x00:  # IFC_ENABLE
            channel.clear()
            if request.value:
                channel.touched()
        elif request.request == 0x1E:  # SET_BAUDRATE
            channel.rate(struct.unpack("<I", request.data[:4])[0])
        elif request.request == 0x07:  # SET_MHS: DTR, RTS and which of them
            value = request.value
            channel.lines(bool(value & 1) if value & 0x100 else None, bool(value & 2) if value & 0x200 else None)
        elif request.request == 0x13:  # SET_FLOW: the lines' resting levels
            handshake, replace = struct.unpack("<II", request.data[:8])
            channel.lines(handshake & 3 == 1, replace >> 6 & 3 == 1)
        return b""


class Ch340(Adapter):
    """It has no serial number at all."""

    name, driver = "CH340", "ch341"
    CLOCK = 48_000_000

    def ends(self, _):
        return 0x82, 0x02

    def describe(self, _):
        body = interface(0, 3, VENDOR_CLASS, 1, 2) + endpoint(0x82, BULK, 32) + endpoint(0x02, BULK, 32)
        body += endpoint(0x81, INTERRUPT, 8, 1)
        return Descriptors(0x1A86, 0x7523, 0x0264, None, "USB Serial", None, body, (VENDOR_CLASS, 0, 0))

    def own(self, request):
        [channel] = self.channels
        if request.inward:
            if request.request == 0x5F:  # READ_VERSION
                return b"\x31\0"
            # READ_REG of the status: inverted, CTS and DSR asserted
            return b"\xfc\xee" if request.value == 0x0706 else bytes(request.length)
        if request.request == 0x9A and request.value == 0x1312:  # WRITE_REG: prescaler and divisor
            prescaler, factor = request.index & 3, request.index >> 2 & 1
            divisor = 0x100 - (request.index >> 8)
            channel.rate(self.CLOCK // (1 << 12 - 3 * prescaler - factor) // divisor)
        elif request.request == 0xA4:  # MODEM_CTRL, inverted
            channel.lines(not request.value & 0x20, not request.value & 0x40)
        return b""


class Ftdi(Adapter):
    """FT232R with one line, FT4232H with up to four. Every packet to the host begins with two status bytes."""

    name, driver = "FT232R", "ftdi_sio"
    PACKET, STATUS = 64, b"\x31\x60"  # CTS, DSR; transmitter empty
    EIGHTHS = (0, 3, 2, 4, 1, 5, 6, 7)  # what the three bits of a divisor's fraction mean

    def ends(self, number):
        return 0x81 + 2 * number, 0x02 + 2 * number

    def describe(self, lines):
        product, release, name = (0x6001, 0x0600, "FT232R USB UART") if lines == 1 else (0x6011, 0x0800, "Quad RS232-HS")
        body = b""
        for number in range(lines):
            into, out_of = self.ends(number)
            body += interface(number, 2, VENDOR_CLASS, 0xFF, 0xFF)
            body += endpoint(into, BULK, self.PACKET) + endpoint(out_of, BULK, self.PACKET)
        return Descriptors(0x0403, product, release, "FTDI", name, None, body)

    def own(self, request):
        # channels count from 1 in the index's low byte; an adapter with one says 0
        channel = self.channels[max(0, (request.index & 0xFF) - 1) if len(self.channels) > 1 else 0]
        if request.inward:
            if request.request == 0x05:  # GET_MODEM_STATUS
                return bytes([self.STATUS[0] & ~0x10 | channel.look() << 4, self.STATUS[1]])
            return b"\x01"[: request.length] if request.request == 0x0A else bytes(request.length)
        if request.request == 0x00 and request.value in (0, 1):  # RESET, or purge what was received
            channel.clear()
            channel.touched()
        elif request.request == 0x01:  # MODEM_CTRL: DTR, RTS and which of them
            value = request.value
            channel.lines(bool(value & 1) if value & 0x100 else None, bool(value & 2) if value & 0x200 else None)
        elif request.request == 0x03:  # SET_BAUD_RATE
            channel.rate(self._baud(request))
        return b""

    def _baud(self, request):
        high = request.index >> 8 if len(self.channels) > 1 else request.index
        whole = request.value & 0x3FFF
        fraction = self.EIGHTHS.index(request.value >> 14 | (high & 1) << 2)
        # the H parts have a faster clock, which the divisor's bit 17 chooses
        clock = 12_000_000 if high & 2 else 3_000_000
        if (whole, fraction) == (0, 0):
            return clock
        if (whole, fraction) == (1, 0):
            return clock * 2 // 3
        return clock * 8 // (whole * 8 + fraction)

    def waiting(self, end, size):
        out = b""
        while len(out) + self.PACKET <= size:
            data = super().waiting(end, self.PACKET - len(self.STATUS))
            if not data:
                break
            out += self.STATUS + data
            if len(data) < self.PACKET - len(self.STATUS):
                break
        return out


class UsbSerialJtag(Adapter):
    """The chip's own USB, 303a:1001: CDC-ACM on interfaces 0 and 1, JTAG on 2. The board of its far end must be one
    of `flashline sim --usb-jtag`."""

    name, driver = "USB-Serial-JTAG", "cdc_acm"

    def __init__(self, lines, serial="34:85:18:00:00:01"):
        self.serial = serial
        super().__init__(lines)

    def ends(self, _):
        return 0x81, 0x01

    def describe(self, _):
        body = bytes([8, 0x0B, 0, 2, 2, 2, 0, 0]) + interface(0, 1, COMMUNICATIONS, 2)
        # header, call management, abstract control, union
        body += bytes([5, 0x24, 0, 0x10, 1, 5, 0x24, 1, 3, 1, 4, 0x24, 2, 2, 5, 0x24, 6, 0, 1])
        body += endpoint(0x82, INTERRUPT, 64, 1)
        body += interface(1, 2, CDC_DATA, 2) + endpoint(0x01, BULK, 64, 1) + endpoint(0x81, BULK, 64, 1)
        body += interface(2, 2, VENDOR_CLASS, 0xFF, 1) + endpoint(0x02, BULK, 64, 1) + endpoint(0x83, BULK, 64, 1)
        name = "USB JTAG/serial debug unit"
        return Descriptors(0x303A, 0x1001, 0x0101, "Espressif", name, self.serial, body, (0xEF, 2, 1))

    def own(self, request):
        [channel] = self.channels
        if request.request == 0x20:  # SET_LINE_CODING
            channel.rate(struct.unpack_from("<I", request.data)[0])
        elif request.request == 0x21:  # GET_LINE_CODING
            return struct.pack("<IBBB", 115_200, 0, 0, 8)
        elif request.request == 0x22:  # SET_CONTROL_LINE_STATE
            channel.lines(bool(request.value & 1), bool(request.value & 2))
        return b""

"""The far end of a serial line: a board of `flashline sim` over RFC2217, which carries the rate and both lines.

One `Line` is one board for as long as it has power: it is connected when the adapter is plugged in (and the chip
started afresh through its reset), and closed when the adapter is pulled. Confirmations are not waited for: what was
sent stays in order."""

import socket
import struct
import threading
import time

IAC, DONT, WILL, SB, SE = 255, 254, 251, 250, 240
COM_PORT, SET_BAUDRATE, SET_CONTROL = 44, 1, 5
DTR_ON, DTR_OFF, RTS_ON, RTS_OFF = 8, 9, 11, 12


class Line:
    """`url` is a board's `rfc2217://host:port`; `say(data)` takes what the board says."""

    def __init__(self, url, say):
        host, port = url.removeprefix("rfc2217://").rsplit(":", 1)
        self.say = say
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sending = threading.Lock()
        self.dtr = self.rts = False
        self.sent = 0
        # when the host's first frame came, on the monotonic clock; bytes before it are the tty's echo of what the board
        # said, from between open() and the raw mode
        self.first_frame = None
        self.hold_at = None
        self.held = threading.Event()
        self.reached = None  # (bytes, what is then done), once
        # power on: EN low, IO0 high, and up again
        self.lines(False, True)
        self.lines(False, False)
        threading.Thread(target=self._hear, daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def hold_after(self, count):
        """From this many bytes on nothing reaches the board: a job stands still in mid-write, and `held` tells."""
        self.hold_at = count

    def when_sent(self, count, action):
        """Does something once, right when this many bytes have gone to the board."""
        self.reached = (count, action)

    def data(self, data):
        """Bytes from the adapter."""
        if self.first_frame is None and data.startswith(b"\xc0"):
            self.first_frame = time.monotonic()
        if self.hold_at is not None and self.sent + len(data) > self.hold_at:
            self.held.set()
        if self.held.is_set():
            return
        self.sent += len(data)
        self._send(data.replace(b"\xff", b"\xff\xff"))
        if self.reached and self.sent >= self.reached[0]:
            action, self.reached = self.reached[1], None
            action()

    def lines(self, dtr, rts):
        changes = []
        if dtr != self.dtr:
            changes.append(DTR_ON if dtr else DTR_OFF)
        if rts != self.rts:
            changes.append(RTS_ON if rts else RTS_OFF)
        # the server takes one line at a time: DTR first, as esptool's sequences want it; but an adapter that lets go of
        # both does not reset the board, as RTS alone would
        if changes == [DTR_OFF, RTS_OFF]:
            changes.reverse()
        for change in changes:
            self._command(SET_CONTROL, bytes([change]))
        self.dtr, self.rts = dtr, rts

    def rate(self, baud):
        self._command(SET_BAUDRATE, struct.pack(">I", baud))

    def _command(self, command, value):
        value = value.replace(b"\xff", b"\xff\xff")
        self._send(bytes([IAC, SB, COM_PORT, command]) + value + bytes([IAC, SE]))

    def _send(self, data):
        with self.sending:
            try:
                self.socket.sendall(data)
            except OSError:
                pass  # it was closed: the adapter is being pulled

    def _hear(self):
        telnet = Telnet()
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            data = telnet.data_of(data)
            if data:
                self.say(data)


class Nobody:
    """The far end of an adapter that nothing is connected to."""

    def __init__(self, _):
        self.dtr = self.rts = False

    def lines(self, dtr, rts):
        self.dtr, self.rts = dtr, rts

    def rate(self, _):
        pass

    def data(self, _):
        pass

    def close(self):
        pass


class Telnet:
    """The data in a server's stream; its answers are dropped."""

    def __init__(self):
        self.rest = b""

    def data_of(self, data):
        data = self.rest + data
        out, at = bytearray(), 0
        self.rest = b""
        while at < len(data):
            escape = data.find(IAC, at)
            if escape < 0:
                out += data[at:]
                break
            out += data[at:escape]
            length = self._length(data, escape)
            if length is None:
                self.rest = data[escape:]
                break
            if data[escape + 1] == IAC:
                out.append(IAC)
            at = escape + length
        return bytes(out)

    @staticmethod
    def _length(data, at):
        """Of the sequence that begins with the IAC at `at`; None: it is not all there yet."""
        if at + 1 >= len(data):
            return None
        if data[at + 1] == SB:
            end = at + 2
            while True:
                end = data.find(IAC, end)
                if end < 0 or end + 1 >= len(data):
                    return None
                if data[end + 1] == SE:
                    return end + 2 - at
                end += 2
        if WILL <= data[at + 1] <= DONT:
            return 3 if at + 2 < len(data) else None
        return 2

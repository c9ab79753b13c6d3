//! A port in memory, for the simulator and for tests under virtual time (which real IO does not keep to).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::{mpsc, watch};

use super::{Inputs, Lines, Pending, Port};

/// Whether a memory port has DTR and RTS, CTS and DSR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModemLines {
    Present,
    Absent,
}

/// What the port's side did besides sending bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Baud(u32),
    Lines(Lines),
}

/// The port's side.
#[derive(Debug)]
pub struct MemoryPort {
    stream: DuplexStream,
    controls: mpsc::Sender<Control>,
    lines: ModemLines,
    inputs: watch::Receiver<Inputs>,
}

/// The board's side. Dropping it is an unplug.
#[derive(Debug)]
pub struct FarEnd {
    /// Bytes, in both directions. Its end means that the port was closed.
    pub stream: DuplexStream,
    /// Rate and lines as they are set, in order. Up to [`CONTROLS`] may wait unread.
    pub controls: mpsc::Receiver<Control>,
    /// The port's CTS and DSR, open at first.
    pub inputs: watch::Sender<Inputs>,
}

/// How many controls may wait; one more is an error at the port's side.
pub const CONTROLS: usize = 256;

impl MemoryPort {
    /// A port and its other end; each direction holds up to `buffer_bytes` that nobody has read.
    pub fn pair(buffer_bytes: usize, lines: ModemLines) -> (MemoryPort, FarEnd) {
        let (near, far) = tokio::io::duplex(buffer_bytes);
        let (sender, receiver) = mpsc::channel(CONTROLS);
        let (inputs, seen_inputs) = watch::channel(Inputs::default());
        let port = MemoryPort {
            stream: near,
            controls: sender,
            lines,
            inputs: seen_inputs,
        };
        let far = FarEnd {
            stream: far,
            controls: receiver,
            inputs,
        };
        (port, far)
    }

    fn tell(&self, control: Control) -> io::Result<()> {
        use mpsc::error::TrySendError;
        match self.controls.try_send(control) {
            // A board that does not care for its controls.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(io::Error::other(
                "the far end of a memory port does not read its controls",
            )),
        }
    }
}

impl Port for MemoryPort {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        Box::pin(async move { self.tell(Control::Baud(baud)).map(|()| baud) })
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        Box::pin(async move {
            match self.lines {
                ModemLines::Present => self.tell(Control::Lines(lines)).map(|()| true),
                ModemLines::Absent => Ok(false),
            }
        })
    }

    fn inputs(&mut self) -> Pending<'_, io::Result<Option<Inputs>>> {
        Box::pin(async move {
            let inputs = *self.inputs.borrow();
            Ok((self.lines == ModemLines::Present).then_some(inputs))
        })
    }

    fn clear_input(&mut self) -> io::Result<()> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(&mut cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(())) | Poll::Pending => return Ok(()),
            }
        }
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl AsyncRead for MemoryPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for MemoryPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

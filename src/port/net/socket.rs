//! A serial port as a bare TCP stream: no lines, and whatever rate its server has.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::port::{Lines, Pending, Port, RateControl};

pub struct SocketPort {
    stream: TcpStream,
}

impl SocketPort {
    pub fn new(stream: TcpStream) -> SocketPort {
        SocketPort { stream }
    }
}

impl Port for SocketPort {
    fn rate_control(&self) -> RateControl {
        RateControl::Fixed
    }

    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        Box::pin(async move { Ok(baud) })
    }

    fn set_lines(&mut self, _: Lines) -> Pending<'_, io::Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn clear_input(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.try_read(&mut bytes) {
                // the end is for the next read to tell
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl AsyncRead for SocketPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for SocketPort {
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

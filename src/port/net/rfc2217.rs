//! A serial port behind a server that speaks RFC 2217. Every change of rate or lines is awaited, with
//! a time limit: what follows counts on it. Bytes of the board that come meanwhile are kept.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::PATIENCE;
use super::telnet::{self, Ask, ComPort, Telnet, Told};
use crate::port::{Inputs, Lines, Pending, Port};

pub struct Rfc2217Port {
    stream: TcpStream,
    telnet: Telnet,
    /// From the board, not yet taken.
    input: VecDeque<u8>,
    /// Escaped, not yet taken by the socket.
    output: VecDeque<u8>,
    /// From the server, not yet looked at.
    told: Vec<Told>,
    lines: Option<Lines>,
    line_answers: LineAnswers,
    /// The server asked to be sent nothing for now.
    suspended: bool,
    /// CTS and DSR as the server told them last.
    inputs: Option<Inputs>,
    /// When it was asked for them last.
    inputs_asked: Option<Instant>,
    /// Since when the server has not taken all that was to be sent, as looked at for CTS and DSR.
    stuck: Option<Instant>,
}

/// Whether the server answers changes of lines. Espressif's own (`esp_rfc2217_server`) never does: it
/// takes them for requests and plays the whole reset itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineAnswers {
    Expected,
    /// One did not come: none is waited for any more.
    Missing,
}

/// How long an answer to a change of lines may take, before the server is known to give none. Longer
/// than any other step of a reset bears: this first reset is likely to fail, and the next round is right.
const LINE_PATIENCE: Duration = Duration::from_millis(500);

/// How long a server may take to tell CTS and DSR before it is known not to. Many look once a second.
const INPUTS_PATIENCE: Duration = Duration::from_millis(2_500);
/// How often it is asked for them: not all of them tell changes by themselves, nor at once.
const INPUTS_ASKED_EACH: Duration = Duration::from_millis(250);
/// Reads in a row before what has come is looked at: a board may talk faster than it is read.
const READS_AT_MOST: usize = 16;

/// Bytes of the board's that are escaped ahead of the socket.
const AHEAD_BYTES: usize = 4096;
/// What a server may tell unasked before it is looked at.
const TOLD_KEPT: usize = 64;

impl Rfc2217Port {
    /// Agrees with the server on what is spoken, and on rate, framing (8N1) and no flow control.
    pub async fn agree(stream: TcpStream, baud: u32) -> io::Result<Rfc2217Port> {
        let mut port = Rfc2217Port {
            stream,
            telnet: Telnet::new(),
            input: VecDeque::new(),
            output: telnet::greeting().into(),
            told: Vec::new(),
            lines: None,
            line_answers: LineAnswers::Expected,
            suspended: false,
            inputs: None,
            inputs_asked: None,
            stuck: None,
        };
        port.until("COM-PORT-OPTION", |port| match port.telnet.com_port() {
            ComPort::Unknown => None,
            ComPort::Agreed => Some(Ok(())),
            ComPort::Refused => Some(Err(io::Error::other(
                "the server takes no RFC 2217 commands; for a plain TCP port write socket://",
            ))),
        })
        .await?;
        port.ask(Ask::Baud(baud)).await?;
        for framing in [
            Ask::DataSize,
            Ask::Parity,
            Ask::StopSize,
            Ask::NoFlowControl,
        ] {
            port.ask(framing).await?;
        }
        Ok(port)
    }

    /// Sends a command and waits for its answer.
    async fn ask(&mut self, ask: Ask) -> io::Result<Told> {
        self.output.extend(ask.bytes());
        self.answer(ask).await
    }

    async fn answer(&mut self, ask: Ask) -> io::Result<Told> {
        self.until(&format!("{ask:?}"), |port| {
            let at = port
                .told
                .iter()
                .position(|told| ask.is_answered_by(*told))?;
            Some(Ok(port.told.remove(at)))
        })
        .await
    }

    /// Sends and receives until something is there.
    async fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&mut Rfc2217Port) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let waiting = poll_fn(|cx| {
            loop {
                if let Some(found) = found(self) {
                    return Poll::Ready(found);
                }
                if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                    return Poll::Ready(Err(error));
                }
                if ready!(self.poll_receive(cx))? == 0 {
                    return Poll::Ready(Err(closed()));
                }
            }
        });
        match timeout(PATIENCE, waiting).await {
            Ok(result) => result,
            Err(_) => {
                let why = format!("the server did not answer {what} within {PATIENCE:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, why))
            }
        }
    }

    /// Hands to the socket what it takes; ready when nothing is left.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let (first, _) = self.output.as_slices();
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, first))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what the socket has; the count of its bytes, 0 at its end.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; 1024];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let heard = self.telnet.push(buffer.filled());
        self.input.extend(heard.data);
        self.output.extend(heard.replies);
        for told in heard.told {
            match told {
                Told::Suspend => self.suspended = true,
                Told::Resume => self.suspended = false,
                Told::ModemState(inputs) => self.inputs = Some(inputs),
                told if self.told.len() < TOLD_KEPT => self.told.push(told),
                _ => {}
            }
        }
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl Rfc2217Port {
    /// Asks for CTS and DSR, takes what has come, and waits only for the first answer.
    async fn look_at_inputs(&mut self) -> io::Result<Option<Inputs>> {
        let is_due = self
            .inputs_asked
            .is_none_or(|asked| asked.elapsed() >= INPUTS_ASKED_EACH);
        // what a server does not take is not heaped up
        if is_due && self.output.is_empty() {
            if self.inputs_asked.is_none() {
                self.output.extend(Ask::ModemStateMask.bytes());
            }
            self.output.extend(Ask::ModemState.bytes());
            self.inputs_asked = Some(Instant::now());
        }
        poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            for _ in 0..READS_AT_MOST {
                match self.poll_receive(cx) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(closed())),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        if self.output.is_empty() {
            self.stuck = None;
        } else if self.stuck.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            let why = "the server takes nothing any more";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        let told = self.until("NOTIFY-MODEMSTATE", |port| port.inputs.map(Ok));
        match timeout(INPUTS_PATIENCE, told).await {
            Ok(told) => told.map(Some),
            Err(_) => Ok(None),
        }
    }
}

fn closed() -> io::Error {
    let why = "the server closed the connection; is its port in use?";
    io::Error::new(io::ErrorKind::NotConnected, why)
}

impl Port for Rfc2217Port {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        Box::pin(async move {
            self.told.clear();
            match self.ask(Ask::Baud(baud)).await? {
                Told::Baud(made) => Ok(made),
                _ => Ok(baud),
            }
        })
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        Box::pin(async move {
            self.told.clear();
            let changes = telnet::line_changes(self.lines, lines);
            // sent together: the time between the two is the server's alone
            for change in &changes {
                self.output.extend(change.bytes());
            }
            for change in changes {
                if self.line_answers == LineAnswers::Missing {
                    break;
                }
                match timeout(LINE_PATIENCE, self.answer(change)).await {
                    Ok(answered) => _ = answered?,
                    Err(_) => self.line_answers = LineAnswers::Missing,
                }
            }
            // what is not waited for must be on its way all the same
            poll_fn(|cx| self.poll_send(cx)).await?;
            self.lines = Some(lines);
            Ok(true)
        })
    }

    fn inputs(&mut self) -> Pending<'_, io::Result<Option<Inputs>>> {
        Box::pin(self.look_at_inputs())
    }

    fn clear_input(&mut self) -> io::Result<()> {
        self.output.extend(Ask::PurgeReceived.bytes());
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(Err(error)) = self.poll_send(&mut cx) {
            return Err(error);
        }
        loop {
            match self.poll_receive(&mut cx) {
                // the end is for the next read to tell
                Poll::Ready(Ok(0)) | Poll::Pending => break,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        self.input.clear();
        Ok(())
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl AsyncRead for Rfc2217Port {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            // replies to the server, and the rest of a frame: nobody else may come by to send them
            if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                return Poll::Ready(Err(error));
            }
            if !self.input.is_empty() {
                let (first, _) = self.input.as_slices();
                let count = first.len().min(buffer.remaining());
                buffer.put_slice(&first[..count]);
                self.input.drain(..count);
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Rfc2217Port {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        if self.suspended {
            // whoever reads (a write always does as well) hears when it may go on
            return Poll::Pending;
        }
        let count = bytes.len().min(AHEAD_BYTES);
        let mut escaped = Vec::with_capacity(count + 64);
        telnet::escape(&bytes[..count], &mut escaped);
        self.output.extend(escaped);
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Says yes to all that is asked at the beginning.
    async fn agrees(server: &mut TcpStream) {
        server.write_all(b"\xff\xfd\x2c").await.unwrap();
        let asks = [
            Ask::Baud(115_200),
            Ask::DataSize,
            Ask::Parity,
            Ask::StopSize,
            Ask::NoFlowControl,
        ];
        for ask in asks {
            let mut answer = ask.bytes();
            answer[3] += 100;
            server.write_all(&answer).await.unwrap();
        }
    }

    /// As Espressif's server does: everything is answered but changes of lines.
    #[tokio::test]
    async fn a_server_that_answers_no_lines_is_waited_for_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap());
        let (stream, accepted) = tokio::join!(stream, listener.accept());
        let (mut server, _) = accepted.unwrap();
        agrees(&mut server).await;
        let mut port = Rfc2217Port::agree(stream.unwrap(), 115_200).await.unwrap();
        for (dtr, rts) in [(false, true), (true, true), (true, false)] {
            assert!(port.set_lines(Lines { dtr, rts }).await.unwrap());
            assert_eq!(port.line_answers, LineAnswers::Missing);
        }
        drop(port);
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        let lines = [
            Ask::Dtr(false),
            Ask::Rts(true),
            Ask::Dtr(true),
            Ask::Rts(false),
        ];
        let expected: Vec<u8> = lines.iter().flat_map(|ask| ask.bytes()).collect();
        assert!(heard.ends_with(&expected));
    }

    #[tokio::test]
    async fn a_server_that_takes_nothing_any_more_is_not_believed_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap());
        let (stream, accepted) = tokio::join!(stream, listener.accept());
        let (mut server, _) = accepted.unwrap();
        agrees(&mut server).await;
        let mut port = Rfc2217Port::agree(stream.unwrap(), 115_200).await.unwrap();
        port.inputs = Some(Inputs::default());
        // more than the kernel holds for a reader that does not read
        port.output.extend(vec![0; 64 << 20]);
        assert!(port.inputs().await.is_ok());
        let waiting = port.output.len();
        assert!(port.inputs().await.is_ok());
        assert!(
            waiting > 0 && port.output.len() <= waiting,
            "it is heaped up"
        );
        port.stuck = port.stuck.map(|since| since - PATIENCE);
        let told = port.inputs().await.unwrap_err();
        assert_eq!(told.kind(), io::ErrorKind::TimedOut);
        drop(server);
    }
}

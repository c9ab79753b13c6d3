//! A board behind an RFC2217 server, as pyserial's client speaks it: rate and lines go over the
//! network, so the board can be reset from there.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::plug::{Core, Plug};
use crate::sim::board::{Board, BoardState};
use crate::sim::spec::Wiring;
use crate::sim::telnet::{Control, Input, Telnet};

/// pyserial waits for each line change to be confirmed, 50 ms at least: between "EN low" and "IO0
/// low" both lines are asserted for that long, and EN must not have risen by then.
const EN_RISE: Duration = Duration::from_millis(500);
/// Rate until the client sets one.
const FIRST_BAUD: u32 = 115_200;

/// Serves a board at `address` until it is pulled, wired so while a client is there. Must be called
/// within a runtime.
pub fn serve(address: SocketAddr, core: Arc<Core>, wiring: Wiring) -> io::Result<Arc<Plug>> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let url = format!("rfc2217://{}", listener.local_addr()?);
    // pulling is seen through the state: the server drops its sockets
    let plug = Plug::new(core, PathBuf::from(url), wiring, Box::new(|| {}));
    plug.with(|board, _| board.set_en_rise(EN_RISE));
    tokio::spawn(accept(listener, plug.clone()));
    Ok(plug)
}

async fn accept(listener: TcpListener, plug: Arc<Plug>) {
    let mut pulled = plug.watch();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gone(&mut pulled) => return,
        };
        if let Ok((stream, _)) = stream {
            plug.opened();
            // a client that goes away, in whatever way, has closed the port
            let _ = converse(stream, &plug).await;
            plug.closed();
        }
    }
}

async fn gone(states: &mut watch::Receiver<BoardState>) {
    // an error means that the plug itself is gone
    let _ = states.wait_for(|state| state.pulled).await;
}

async fn converse(mut stream: TcpStream, plug: &Plug) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut telnet = Telnet::new();
    let mut baud = FIRST_BAUD;
    let (mut dtr, mut rts) = (false, false);
    let mut buffer = [0; 4096];
    let mut pulled = plug.watch();
    let mut inputs = plug.watch_inputs();
    let mut told_inputs = *inputs.borrow_and_update();
    loop {
        let Some(bytes) = plug.with(|board, now| board.take(now, baud)) else {
            return Ok(());
        };
        if !bytes.is_empty() {
            stream.write_all(&Telnet::escaped(&bytes)).await?;
            continue;
        }
        let due = plug.next_due();
        let count = tokio::select! {
            count = stream.read(&mut buffer) => count?,
            () = async { tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)).await },
                if due.is_some() => continue,
            Ok(()) = inputs.changed() => {
                let now = *inputs.borrow_and_update();
                if telnet.is_com_port() {
                    stream.write_all(&Telnet::modem_state(now, told_inputs)).await?;
                }
                told_inputs = now;
                continue;
            }
            () = gone(&mut pulled) => return Ok(()),
        };
        if count == 0 {
            return Ok(());
        }
        for input in telnet.push(&buffer[..count]) {
            let answer = match input {
                Input::Data(bytes) => {
                    plug.with(|board, now| board.receive(now, baud, &bytes));
                    continue;
                }
                Input::Answer(bytes) => bytes,
                Input::Baud(asked) => {
                    if asked != 0 {
                        baud = asked;
                    }
                    Telnet::baud_is(baud)
                }
                Input::Control(control) => {
                    match control {
                        Control::Dtr(level) => dtr = level,
                        Control::Rts(level) => rts = level,
                        Control::Other(_) => {}
                    }
                    plug.with(|board, now| board.set_lines(now, dtr, rts));
                    Telnet::control_is(control, dtr, rts)
                }
                Input::ModemState => Telnet::modem_state(*inputs.borrow(), told_inputs),
                Input::Purge(which) => {
                    if which & 1 != 0 {
                        plug.with(Board::clear_received);
                    }
                    Telnet::purged(which)
                }
            };
            stream.write_all(&answer).await?;
        }
    }
}

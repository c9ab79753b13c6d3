//! Boards on ports in memory: no file, no thread, on tokio's clock, a paused one included.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::Sleep;

use super::plug::{BoardHandle, Core, Plug};
use crate::port::{Inputs, Lines, OpenError, Pending, Port, PortChange, PortInfo, Ports, UsbId};
use crate::sim::board::Board;
use crate::sim::spec::{BoardSpec, Wiring};

/// What a driver holds of unsent output before a write waits.
const OUTPUT_BYTES: usize = 64 << 10;

/// How a chip's USB-Serial-JTAG controller names itself.
const USB_SERIAL_JTAG: UsbId = UsbId {
    vendor: 0x303A,
    product: 0x1001,
};

/// Who is where: path → instance and board.
type Listing = BTreeMap<PathBuf, (u64, Arc<Seat>)>;

/// Boards on ports in memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SimPorts {
    listing: Arc<watch::Sender<Listing>>,
    instances: Arc<AtomicU64>,
}

/// A board and who waits for it.
#[derive(Debug)]
struct Seat {
    plug: Arc<Plug>,
    reader: Arc<Mutex<Option<Waker>>>,
}

impl SimPorts {
    pub fn new() -> SimPorts {
        SimPorts {
            listing: Arc::new(watch::Sender::new(Listing::new())),
            instances: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Plugs a board: the port `/sim/name` appears. A board that was there is pulled first.
    pub fn plug(&self, name: &str, spec: BoardSpec) -> BoardHandle {
        self.seat(name, Core::new(Board::new(spec)))
    }

    /// Plugs a pulled board in again, at the same or another place: same chip, same flash.
    pub fn replug(&self, name: &str, board: &BoardHandle) -> BoardHandle {
        board.pull();
        board.plug.core().power_on();
        self.seat(name, board.plug.core().clone())
    }

    /// The path of the port with this name.
    pub fn path(name: &str) -> PathBuf {
        Path::new("/sim").join(name)
    }

    fn seat(&self, name: &str, core: Arc<Core>) -> BoardHandle {
        let path = SimPorts::path(name);
        let present = self.listing.borrow().get(&path).cloned();
        if let Some((_, seat)) = present {
            seat.plug.pull();
        }
        let reader = Arc::new(Mutex::new(None));
        let plug = Plug::new(core.clone(), path.clone(), core.wiring(), {
            let (listing, path, reader) = (self.listing.clone(), path.clone(), reader.clone());
            Box::new(move || {
                listing.send_modify(|listing| {
                    listing.remove(&path);
                });
                wake(&reader);
            })
        });
        let instance = self.instances.fetch_add(1, Ordering::Relaxed);
        let seat = Arc::new(Seat {
            plug: plug.clone(),
            reader,
        });
        self.listing.send_modify(|listing| {
            listing.insert(path, (instance, seat));
        });
        BoardHandle { plug }
    }
}

impl Default for SimPorts {
    fn default() -> SimPorts {
        SimPorts::new()
    }
}

impl Ports for SimPorts {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        let (sender, receiver) = mpsc::channel(64);
        let mut listing = self.listing.subscribe();
        // ends with the receiver, or with the last SimPorts
        tokio::spawn(async move {
            let mut known = listing.borrow_and_update().clone();
            let all = known
                .iter()
                .map(|(path, entry)| info(path, entry))
                .collect();
            if sender.send(PortChange::Present(all)).await.is_err() {
                return;
            }
            loop {
                tokio::select! {
                    changed = listing.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                }
                let next = listing.borrow_and_update().clone();
                for change in changes(&known, &next) {
                    if sender.send(change).await.is_err() {
                        return;
                    }
                }
                known = next;
            }
        });
        receiver
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        let seat = self
            .listing
            .borrow()
            .get(&path)
            .map(|(_, seat)| seat.clone());
        Box::pin(async move {
            let Some(seat) = seat else {
                return Err(OpenError::Absent { path });
            };
            if seat.plug.watch().borrow().open {
                return Err(OpenError::Busy { path, holder: None });
            }
            seat.plug.opened();
            let port: Box<dyn Port> = Box::new(SimPort {
                seat,
                baud,
                unread: VecDeque::new(),
                sleep: None,
                write_sleep: None,
            });
            Ok(port)
        })
    }
}

fn info(path: &Path, (instance, seat): &(u64, Arc<Seat>)) -> PortInfo {
    let own_usb = seat.plug.core().wiring().is_own_usb();
    PortInfo {
        path: path.to_owned(),
        instance: *instance,
        usb_path: None,
        usb_id: own_usb.then_some(USB_SERIAL_JTAG),
        description: "simulated board".to_owned(),
    }
}

fn changes(before: &Listing, after: &Listing) -> Vec<PortChange> {
    let same = |path: &PathBuf, instance: u64, other: &Listing| {
        other.get(path).is_some_and(|(there, _)| *there == instance)
    };
    let gone = before
        .iter()
        .filter(|(path, (instance, _))| !same(path, *instance, after))
        .map(|(path, _)| PortChange::Vanished(path.clone()));
    let come = after
        .iter()
        .filter(|(path, (instance, _))| !same(path, *instance, before))
        .map(|(path, entry)| PortChange::Appeared(info(path, entry)));
    gone.chain(come).collect()
}

fn wake(reader: &Mutex<Option<Waker>>) {
    let waker = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// An open port of a board in memory.
struct SimPort {
    seat: Arc<Seat>,
    baud: u32,
    unread: VecDeque<u8>,
    sleep: Option<Pin<Box<Sleep>>>,
    write_sleep: Option<Pin<Box<Sleep>>>,
}

impl Drop for SimPort {
    fn drop(&mut self) {
        self.seat.plug.closed();
    }
}

impl AsyncRead for SimPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        *this
            .seat
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        loop {
            let baud = this.baud;
            let Some(bytes) = this.seat.plug.with(|board, now| board.take(now, baud)) else {
                // unplugged: what was not read is lost
                return Poll::Ready(Ok(()));
            };
            this.unread.extend(bytes);
            if !this.unread.is_empty() {
                let count = buffer.remaining().min(this.unread.len());
                for byte in this.unread.drain(..count) {
                    buffer.put_slice(&[byte]);
                }
                return Poll::Ready(Ok(()));
            }
            let Some(due) = this.seat.plug.next_due() else {
                return Poll::Pending;
            };
            let mut sleep = Box::pin(tokio::time::sleep_until(due));
            if sleep.as_mut().poll(cx).is_pending() {
                this.sleep = Some(sleep);
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for SimPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            let baud = this.baud;
            let taken = this.seat.plug.with(|board, now| {
                let room = OUTPUT_BYTES.saturating_sub(board.unsent(now));
                let count = bytes.len().min(room);
                board.receive(now, baud, &bytes[..count]);
                count
            });
            match taken {
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Some(count) if count > 0 || bytes.is_empty() => {
                    // the reader's next moment has changed
                    wake(&this.seat.reader);
                    return Poll::Ready(Ok(count));
                }
                Some(_) => {}
            }
            let Some(due) = this.seat.plug.next_due() else {
                continue;
            };
            let mut sleep = Box::pin(tokio::time::sleep_until(due));
            if sleep.as_mut().poll(cx).is_pending() {
                this.write_sleep = Some(sleep);
                return Poll::Pending;
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Port for SimPort {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        self.baud = baud;
        Box::pin(std::future::ready(Ok(baud)))
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        let wired = self.seat.plug.with(|board, now| {
            board.set_lines(now, lines.dtr, lines.rts);
            board.spec().wiring != Wiring::Strapped
        });
        let result = wired.ok_or(io::ErrorKind::BrokenPipe.into());
        Box::pin(std::future::ready(result))
    }

    fn inputs(&mut self) -> Pending<'_, io::Result<Option<Inputs>>> {
        Box::pin(std::future::ready(Ok(self.seat.plug.inputs())))
    }

    fn clear_input(&mut self) -> io::Result<()> {
        self.unread.clear();
        self.seat.plug.with(Board::clear_received);
        Ok(())
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        drop(self);
        Box::pin(std::future::ready(()))
    }
}

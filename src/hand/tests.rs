//! The board under a hand, simulated, in memory and in virtual time.

use std::sync::{Arc, Mutex};

use super::*;
use crate::chip::Chip;
use crate::event::{Code, Progress, Step, StopReason};
use crate::image::sample;
use crate::job::StubUse;
use crate::port::StopHandle;
use crate::settings::{After, Reset};
use crate::sim::{BoardHandle, BoardSpec, Contents as Holds, Fault, SimPorts, Wiring};

const APP_BYTES: usize = 150_000;

/// A flash with everything on it.
fn flashed() -> Vec<u8> {
    let mut flash = vec![0xFF; 4 << 20];
    let mut put = |offset: usize, bytes: &[u8]| {
        flash[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    put(0x1000, &sample::bootloader(Chip::Esp32));
    put(0x8000, &sample::single_app_table().to_bytes());
    put(0x1_0000, &sample::app(Chip::Esp32, APP_BYTES, 1));
    flash
}

struct Rig {
    ports: Arc<SimPorts>,
    board: BoardHandle,
    told: Arc<Mutex<Vec<Progress>>>,
}

impl Rig {
    fn new(spec: BoardSpec) -> Rig {
        let ports = Arc::new(SimPorts::new());
        let board = ports.plug("a", spec);
        Rig {
            ports,
            board,
            told: Arc::default(),
        }
    }

    fn holding(flash: Vec<u8>) -> Rig {
        let mut spec = BoardSpec::esp32(1);
        spec.contents = Holds::Holds(flash.into());
        Rig::new(spec)
    }

    fn options(&self) -> Options {
        let told = self.told.clone();
        Options::new(SimPorts::path("a"))
            .ports(self.ports.clone())
            .progress(move |progress| told.lock().unwrap().push(progress))
    }

    async fn connect(&self) -> Board {
        Board::connect(self.options()).await.unwrap()
    }
}

fn failed(error: HandError) -> Code {
    match error {
        HandError::Failed { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_verified_read_and_started() {
    let rig = Rig::new(BoardSpec::esp32(1).wiring(Wiring::Lines));
    let mut board = rig.connect().await;
    assert_eq!(board.identity().mac, Some(rig.board.mac()));
    assert_eq!(board.whole_part().unwrap(), 0..4 << 20);
    for (offset, bytes) in [
        (0x1000, sample::bootloader(Chip::Esp32)),
        (0x8000, sample::single_app_table().to_bytes()),
        (0x1_0000, sample::app(Chip::Esp32, APP_BYTES, 1)),
    ] {
        let done = board.write(offset, bytes.clone()).await.unwrap();
        assert_eq!((done.bytes, done.baud), (bytes.len() as u64, 921_600));
        board.verify(offset, bytes).await.unwrap();
    }
    let mut read = Vec::new();
    let done = board.read(0..0x4_1234, &mut read).await.unwrap();
    assert_eq!(done.bytes, 0x4_1234);
    assert_eq!(read, rig.board.flash()[..0x4_1234]);
    assert_eq!(rig.board.flash()[..0x4_1234], flashed()[..0x4_1234]);
    board.reset().await.unwrap();
    rig.board.wait_until(|state| state.app_starts == 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_rom_reads_agrees_with_the_chip() {
    let rig = Rig::holding(flashed());
    let mut board = Board::connect(rig.options().stub(StubUse::RomDeflate))
        .await
        .unwrap();
    let read = board.bytes(0x8000..0x8C00).await.unwrap();
    assert_eq!(read, flashed()[0x8000..0x8C00]);
}

#[tokio::test(start_paused = true)]
async fn progress_is_that_of_the_whole() {
    let rig = Rig::holding(flashed());
    let mut board = rig.connect().await;
    board.bytes(0..0x9_0000).await.unwrap();
    let told = rig.told.lock().unwrap();
    let read: Vec<_> = told
        .iter()
        .filter(|told| told.step == Step::Read && told.total_bytes > 0)
        .collect();
    assert!(read.len() > 100);
    assert!(read.iter().all(|told| told.total_bytes == 0x9_0000));
    assert!(read.is_sorted_by_key(|told| told.done_bytes));
    assert_eq!(read.last().unwrap().percent(), Some(100));
}

#[tokio::test(start_paused = true)]
async fn the_contents_of_a_board() {
    let rig = Rig::holding(flashed());
    let contents = rig.connect().await.contents(0x8000).await.unwrap();
    assert!(matches!(contents.bootloader, Bootloader::Image(_)));
    let Table::Found {
        partitions,
        apps,
        starts,
    } = contents.table
    else {
        panic!("{:?}", contents.table);
    };
    assert_eq!(partitions, sample::single_app_table().rows);
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].partition, "factory");
    assert_eq!(starts.as_deref(), Some("factory"));
    // and of a blank one
    let rig = Rig::new(BoardSpec::esp32(1));
    let contents = rig.connect().await.contents(0x8000).await.unwrap();
    assert_eq!(contents.bootloader, Bootloader::Blank);
    assert!(matches!(contents.table, Table::None { .. }));
}

#[tokio::test(start_paused = true)]
async fn erasing_takes_what_it_is_told_to() {
    let rig = Rig::holding(vec![0x5A; 4 << 20]);
    let mut board = rig.connect().await;
    board.erase(0x1000..0x3000).await.unwrap();
    let flash = rig.board.flash();
    assert!(flash[0x1000..0x3000].iter().all(|byte| *byte == 0xFF));
    assert_eq!((flash[0xFFF], flash[0x3000]), (0x5A, 0x5A));
    board.erase_all().await.unwrap();
    assert!(rig.board.flash().iter().all(|byte| *byte == 0xFF));
    // what was erased before is erased again when it is asked for again
    board.write(0x1000, vec![0x5A; 0x1000]).await.unwrap();
    board.erase_all().await.unwrap();
    assert!(rig.board.flash().iter().all(|byte| *byte == 0xFF));
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_is_told_at_once_and_the_board_is_still_there() {
    let rig = Rig::holding(flashed());
    let mut board = rig.connect().await;
    let error = board.verify(0x1_0000, vec![0; 0x1000]).await.unwrap_err();
    assert_eq!(failed(error), Code::VerifyMismatch);
    assert_eq!(rig.board.state().starts, 2, "no new connection was made");
    let right = flashed()[0x1_0000..0x1_1000].to_vec();
    board.verify(0x1_0000, right).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_port_that_comes_back_in_mid_read_costs_nothing() {
    let rig = Rig::holding(flashed());
    let mut board = rig.connect().await;
    let (told, handle, ports) = (rig.told.clone(), rig.board.clone(), rig.ports.clone());
    let pulling = tokio::spawn(async move {
        let far = |told: &Progress| told.step == Step::Read && told.done_bytes > 0x5_0000;
        while !told.lock().unwrap().iter().any(far) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        ports.replug("a", &handle);
    });
    let read = board.bytes(0..0xA_0000).await.unwrap();
    pulling.await.unwrap();
    assert_eq!(read, flashed()[..0xA_0000]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_damages_bytes_is_read_all_the_same() {
    let mut spec = BoardSpec::esp32(1).fault(Fault::NoisyLine {
        from_baud: 921_600,
        one_in: 60_000,
    });
    spec.contents = Holds::Holds(flashed().into());
    let rig = Rig::new(spec);
    let mut board = rig.connect().await;
    let read = board.bytes(0..0x4_0000).await.unwrap();
    assert_eq!(read, flashed()[..0x4_0000]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_it_at_a_safe_point() {
    let rig = Rig::holding(flashed());
    let (handle, stop) = StopHandle::new();
    let told = rig.told.clone();
    let mut board = Board::connect(rig.options().stop(stop).progress(move |progress| {
        if progress.step == Step::Read && progress.done_bytes > 0x1_0000 {
            handle.ask(StopReason::Shutdown);
        }
        told.lock().unwrap().push(progress);
    }))
    .await
    .unwrap();
    let error = board.bytes(0..0xA_0000).await.unwrap_err();
    assert_eq!(failed(error), Code::Stopped);
}

#[tokio::test(start_paused = true)]
async fn nobody_there() {
    let rig = Rig::new(BoardSpec::esp32(1).fault(Fault::Silent));
    let Err(error) = Board::connect(rig.options().before(Reset::None)).await else {
        panic!("a silent board answered");
    };
    assert_eq!(failed(error), Code::NoSync);
}

#[tokio::test(start_paused = true)]
async fn a_board_may_stay_in_its_loader() {
    let rig = Rig::new(BoardSpec::esp32(1).wiring(Wiring::Lines));
    let options = rig.options().after(After::Stay);
    let board = Board::connect(options).await.unwrap();
    board.reset().await.unwrap();
    let state = rig.board.wait_until(|state| state.sessions == 1).await;
    assert_eq!(state.starts, 2, "power and the way into the loader");
}

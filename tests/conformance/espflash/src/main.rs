//! Flashes one board with espflash's library, as its own command would, over a port without lines.
//!
//! ```text
//! espflash-client --port PORT --chip CHIP [--baud RATE] [--no-stub] [--skip] OFFSET FILE [OFFSET FILE …]
//! ```
//!
//! Connects, identifies, writes each file, has the chip's MD5 of each compared. Prints one line:
//! the chip, the flash size that was detected, the seconds from opening the port to the last
//! digest. Exit code 1 and a message where anything failed.

use std::error::Error;
use std::time::Instant;

use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use espflash::image_format::Segment;
use espflash::target::{Chip, DefaultProgressCallback};
use serialport::UsbPortInfo;

/// The rate at which every ROM listens at first.
const ROM_BAUD: u32 = 115_200;

struct Order {
    port: String,
    chip: Chip,
    baud: u32,
    stub: bool,
    /// Leave a file alone where the chip's MD5 says that it is there.
    skip: bool,
    files: Vec<(u32, Vec<u8>)>,
}

fn main() {
    if let Err(error) = order().and_then(flash) {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message += &format!(": {cause}");
            source = cause.source();
        }
        eprintln!("espflash-client: {message}");
        std::process::exit(1);
    }
}

fn order() -> Result<Order, Box<dyn Error>> {
    let (mut port, mut chip, mut baud, mut stub, mut skip) = (None, None, ROM_BAUD, true, false);
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("something has to follow {argument}"))
        };
        match argument.as_str() {
            "--port" => port = Some(value()?),
            "--chip" => chip = Some(value()?.parse()?),
            "--baud" => baud = value()?.parse()?,
            "--no-stub" => stub = false,
            "--skip" => skip = true,
            offset => {
                let offset = u32::from_str_radix(offset.trim_start_matches("0x"), 16)?;
                files.push((offset, std::fs::read(value()?)?));
            }
        }
    }
    Ok(Order {
        port: port.ok_or("--port is missing")?,
        chip: chip.ok_or("--chip is missing")?,
        baud,
        stub,
        skip,
        files,
    })
}

fn flash(order: Order) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let port = serialport::new(&order.port, ROM_BAUD).open_native()?;
    let no_usb = UsbPortInfo {
        vid: 0,
        pid: 0,
        serial_number: None,
        manufacturer: None,
        product: None,
    };
    let connection = Connection::new(
        port,
        no_usb,
        ResetAfterOperation::NoResetNoStub,
        ResetBeforeOperation::NoReset,
        ROM_BAUD,
    );
    let (verify, chip, baud) = (true, Some(order.chip), Some(order.baud));
    let mut flasher = Flasher::connect(connection, order.stub, verify, order.skip, chip, baud)?;
    let size = flasher.flash_detect()?.ok_or("no flash size was found")?;
    let segments: Vec<Segment<'_>> = order
        .files
        .iter()
        .map(|(offset, bytes)| Segment {
            addr: *offset,
            data: bytes.into(),
        })
        .collect();
    flasher.write_bins_to_flash(&segments, &mut DefaultProgressCallback)?;
    println!(
        "{} {size} {:.4}",
        flasher.chip(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

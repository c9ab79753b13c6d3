//! What a chip says when it starts: the ROM's lines, and those of a bootloader if the flash holds an
//! image. Leaves out when it says them, and what the app says (`console`).

use super::facts::Facts;
use super::flash::{Flash, SECTOR};
use crate::chip::Chip;

/// Why the chip started. The ROM says it as `rst:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    PowerOn,
    Software,
    BrownOut,
    /// The core alone, as USB-Serial-JTAG's RTS does it.
    Core,
    /// The RTC watchdog, as software uses it for a reset.
    Watchdog,
}

/// What the ROM found in flash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An image whose checksum holds: what ROM and bootloader say, and whether there is an app to go on.
    Image {
        rom: String,
        bootloader: String,
        has_app: bool,
    },
    /// None: what the ROM says about it.
    Nothing(String),
}

/// The ROM's first lines in download mode.
pub fn loader_banner(facts: &Facts, cause: Cause) -> String {
    if facts.banner.is_empty() {
        return String::new();
    }
    let mode = match facts.chip {
        Chip::Esp8266 => " boot mode:(1,6)\r\n\r\n",
        _ => "boot:0xf (UART_BOOT(UART0))\r\n",
    };
    start_lines(facts, cause) + mode
}

/// The ROM's first lines when it starts from flash.
pub fn flash_banner(facts: &Facts, cause: Cause) -> String {
    let mode = match facts.chip {
        Chip::Esp8266 => " boot mode:(3,6)\r\n\r\n",
        Chip::Esp32 => "boot:0x12 (SPI_FAST_FLASH_BOOT)\r\n",
        _ => "boot:0xc (SPI_FAST_FLASH_BOOT)\r\n",
    };
    start_lines(facts, cause) + mode
}

fn start_lines(facts: &Facts, cause: Cause) -> String {
    let cause = match cause {
        Cause::PowerOn => "0x1 (POWERON_RESET)",
        Cause::Software => "0x3 (SW_RESET)",
        Cause::Core => "0x15 (USB_UART_CHIP_RESET)",
        Cause::Watchdog => "0x10 (RTCWDT_RTC_RESET)",
        Cause::BrownOut => "0xf (RTCWDT_BROWN_OUT_RESET)",
    };
    match facts.chip {
        Chip::Esp8266 => format!("\r\n{},rst cause:2,", facts.banner),
        Chip::Esp32 => format!("{}\r\n\r\nrst:{cause},", facts.banner),
        chip => format!("ESP-ROM:{chip}\r\nrst:{cause},"),
    }
}

/// The ROM gives up and starts its BASIC interpreter (ESP32).
pub const INTERPRETER: &str =
    "flash read err, 631\r\nFalling back to built-in command interpreter.\r\nOK\r\n>";

/// What a start from this flash comes to.
pub fn from_flash(facts: &Facts, flash: &Flash) -> Found {
    let offset = facts.boot_offset;
    let header = flash.read(offset, 24);
    let Some(image) = image(facts.chip, flash, offset) else {
        let word = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        return Found::Nothing(format!("invalid header: 0x{word:08x}\r\n"));
    };
    let mode = ["QIO", "QOUT", "DIO", "DOUT"]
        .get(usize::from(header[2]))
        .unwrap_or(&"SLOW_READ");
    let divider = match header[3] & 0x0F {
        0xF => 1,
        1 => 3,
        2 => 4,
        _ => 2,
    };
    let mut rom = format!(
        "configsip: 0, SPIWP:0xee\r\nclk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\nmode:{mode}, clock div:{divider}\r\n"
    );
    for (address, length) in &image.segments {
        rom.push_str(&format!("load:0x{address:08x},len:{length}\r\n"));
    }
    rom.push_str(&format!("entry 0x{:08x}\r\n", image.entry));
    let mut bootloader = "I (28) boot: 2nd stage bootloader (simulated)\r\n".to_owned();
    let app = first_app(facts.chip, flash);
    bootloader.push_str(&match app {
        Some(offset) => {
            format!("I (300) boot: Loaded app from partition at offset 0x{offset:x}\r\n")
        }
        None => "E (60) boot: No bootable app partitions in the partition table\r\n".to_owned(),
    });
    Found::Image {
        rom,
        bootloader,
        has_app: app.is_some(),
    }
}

/// The image at an offset, if it is one and its checksum holds (Espressif, "Firmware Image Format").
fn image(chip: Chip, flash: &Flash, offset: u32) -> Option<Image> {
    let header = flash.read(offset, 24);
    if header[0] != 0xE9 || !(1..=16).contains(&header[1]) {
        return None;
    }
    let entry = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let mut at = offset + if chip == Chip::Esp8266 { 8 } else { 24 };
    let mut sum = 0xEF;
    let mut segments = Vec::new();
    for _ in 0..header[1] {
        let head = flash.read(at, 8);
        let address = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if length > flash.size() {
            return None;
        }
        sum = flash
            .read(at + 8, length)
            .iter()
            .fold(sum, |sum, byte| sum ^ byte);
        at = at.checked_add(8 + length)?;
        segments.push((address, length));
    }
    // the checksum is the last byte of a multiple of 16
    let checksum = flash.read(offset + (at - offset) / 16 * 16 + 15, 1)[0];
    (checksum == sum).then_some(Image { entry, segments })
}

struct Image {
    entry: u32,
    segments: Vec<(u32, u32)>,
}

/// The first app partition that holds a whole image; the partition table is at 0x8000.
fn first_app(chip: Chip, flash: &Flash) -> Option<u32> {
    let table = flash.read(0x8000, SECTOR);
    table
        .chunks_exact(32)
        .take_while(|entry| entry[..2] == [0xAA, 0x50])
        .filter(|entry| entry[2] == 0)
        .map(|entry| u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]))
        .find(|offset| image(chip, flash, *offset).is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::facts::facts;
    use super::super::spec::{BoardSpec, Contents};
    use super::*;

    fn tiny_image() -> Vec<u8> {
        let mut image = vec![0xE9, 1, 2, 0x20];
        image.extend_from_slice(&0x4008_0400_u32.to_le_bytes());
        image.resize(24, 0);
        image.extend_from_slice(&0x3FFF_0000_u32.to_le_bytes());
        image.extend_from_slice(&4u32.to_le_bytes());
        image.extend_from_slice(&[1, 2, 3, 4]);
        image.resize(47, 0);
        image.push(0xEF ^ 1 ^ 2 ^ 3 ^ 4);
        image
    }

    fn found(place: impl FnOnce(&mut Vec<u8>)) -> Found {
        let mut bytes = vec![0xFF; 0x2_0000];
        place(&mut bytes);
        let spec = BoardSpec {
            contents: Contents::Holds(Arc::from(bytes)),
            ..BoardSpec::esp32(0)
        };
        from_flash(facts(Chip::Esp32), &Flash::new(&spec))
    }

    #[test]
    fn a_blank_flash_has_no_image() {
        assert_eq!(
            found(|_| {}),
            Found::Nothing("invalid header: 0xffffffff\r\n".into())
        );
    }

    #[test]
    fn a_damaged_image_is_none() {
        let mut image = tiny_image();
        image[33] ^= 1;
        assert!(matches!(
            found(|flash| flash[0x1000..0x1000 + image.len()].copy_from_slice(&image)),
            Found::Nothing(_)
        ));
    }

    #[test]
    fn bootloader_and_app_say_so() {
        let image = tiny_image();
        let Found::Image {
            rom, bootloader, ..
        } = found(|flash| {
            flash[0x1000..0x1000 + image.len()].copy_from_slice(&image);
            flash[0x8000..0x8004].copy_from_slice(&[0xAA, 0x50, 0, 0]);
            flash[0x8004..0x8008].copy_from_slice(&0x1_0000_u32.to_le_bytes());
            flash[0x1_0000..0x1_0000 + image.len()].copy_from_slice(&image);
        })
        else {
            panic!("no app");
        };
        assert!(rom.contains("mode:DIO, clock div:2\r\nload:0x3fff0000,len:4\r\nentry 0x40080400"));
        assert!(bootloader.contains("offset 0x10000"));
    }
}

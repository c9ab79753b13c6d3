//! The USB serial bridges that Espressif boards carry, and the chips' own USB.

use super::UsbId;

/// Vendor, product, name. Sources: Linux `cp210x.c`, `ch341.c`, `ftdi_sio_ids.h`, `pl2303.h`;
/// Espressif's own products from its allocation list (github.com/espressif/usb-pids).
const BRIDGES: [(u16, u16, &str); 21] = [
    (0x10C4, 0xEA60, "CP210x"),
    (0x10C4, 0xEA63, "CP210x"),
    (0x10C4, 0xEA64, "CP2102C"),
    (0x10C4, 0xEA70, "CP2105"),
    (0x10C4, 0xEA71, "CP2108"),
    (0x1A86, 0x7523, "CH340"),
    (0x1A86, 0x7522, "CH340K"),
    (0x1A86, 0x5523, "CH341"),
    (0x1A86, 0x55D4, "CH9102"),
    (0x1A86, 0x55D3, "CH343"),
    (0x0403, 0x6001, "FT232R"),
    (0x0403, 0x6010, "FT2232"),
    (0x0403, 0x6011, "FT4232"),
    (0x0403, 0x6014, "FT232H"),
    (0x0403, 0x6015, "FT-X"),
    (0x067B, 0x2303, "PL2303"),
    (0x303A, 0x0002, "ESP32-S2 ROM"),
    (0x303A, 0x0009, "ESP32-S3 ROM"),
    (0x303A, 0x0012, "ESP32-P4 ROM"),
    (0x303A, 0x1001, "USB-Serial-JTAG"),
    (0x303A, 0x1002, "ESP USB"),
];

/// A chip's USB of its own: what is reset is at the same time what the port hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnUsb {
    /// The fixed controller of the C3 and most that came after it.
    SerialJtag,
    /// The USB-OTG controller of S2, S3 and P4: the ROM's CDC or an app's.
    Otg,
}

const ESPRESSIF: u16 = 0x303A;
const CP2102C: UsbId = UsbId {
    vendor: 0x10C4,
    product: 0xEA64,
};

impl UsbId {
    /// Whether this is a chip's own USB, and which. Sources: esptool (a ROM's product is its chip ID:
    /// 2, 9, 18); ESP-IDF's TinyUSB component (0x40xx, the low byte tells the classes).
    pub fn own_usb(self) -> Option<OwnUsb> {
        match (self.vendor, self.product) {
            (ESPRESSIF, 0x1001) => Some(OwnUsb::SerialJtag),
            (ESPRESSIF, 0x0002 | 0x0009 | 0x0012 | 0x4000..=0x40FF) => Some(OwnUsb::Otg),
            _ => None,
        }
    }

    /// Whether the bridge's hardware flow control is always on: RTS follows what comes in unless DTR is
    /// held, and would reset a chip that talks (esptool: CP2102C).
    pub fn flow_control_follows_dtr(self) -> bool {
        self == CP2102C
    }

    /// The bridge's name, if boards of this family are known to carry it.
    pub fn known_bridge(self) -> Option<&'static str> {
        BRIDGES
            .iter()
            .find(|(vendor, product, _)| (*vendor, *product) == (self.vendor, self.product))
            .map(|(_, _, name)| *name)
    }
}

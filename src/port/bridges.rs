//! The USB serial bridges that Espressif boards carry.

use super::UsbId;

/// Vendor, product, name. Sources: Linux `cp210x.c`, `ch341.c`, `ftdi_sio_ids.h`, `pl2303.h`;
/// Espressif's own products from its allocation list (github.com/espressif/usb-pids).
const BRIDGES: [(u16, u16, &str); 17] = [
    (0x10C4, 0xEA60, "CP210x"),
    (0x10C4, 0xEA63, "CP210x"),
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
    (0x303A, 0x1001, "USB-Serial-JTAG"),
    (0x303A, 0x1002, "ESP USB"),
];

impl UsbId {
    /// The bridge's name, if boards of this family are known to carry it.
    pub fn known_bridge(self) -> Option<&'static str> {
        BRIDGES
            .iter()
            .find(|(vendor, product, _)| (*vendor, *product) == (self.vendor, self.product))
            .map(|(_, _, name)| *name)
    }
}

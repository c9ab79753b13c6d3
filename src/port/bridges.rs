//! The USB serial bridges that boards of this family carry and hang on, and the chips' own USB: one table
//! for what becomes a slot by itself ([`UsbId::known_bridge`]) and for udev's rules (`udev`).

use super::UsbId;

/// A kind of bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bridge {
    pub vendor: u16,
    /// `None`: all of the vendor's.
    pub product: Option<u16>,
    pub name: &'static str,
}

const fn bridge(vendor: u16, product: u16, name: &'static str) -> Bridge {
    Bridge {
        vendor,
        product: Some(product),
        name,
    }
}

/// Of two that fit the first holds.
pub const BRIDGES: &[Bridge] = &[
    // Linux, drivers/usb/serial/cp210x.c (CP2102C: its data sheet; a driver of CDC-ACM)
    bridge(0x10C4, 0xEA60, "CP210x"),
    bridge(0x10C4, 0xEA61, "CP210x"),
    bridge(0x10C4, 0xEA63, "CP210x"),
    bridge(0x10C4, 0xEA64, "CP2102C"),
    bridge(0x10C4, 0xEA70, "CP2105"),
    bridge(0x10C4, 0xEA71, "CP2108"),
    bridge(0x10C4, 0xEA7A, "CP210x"),
    bridge(0x10C4, 0xEA7B, "CP210x"),
    // Linux, drivers/usb/serial/ch341.c
    bridge(0x1A86, 0x5523, "CH341"),
    bridge(0x1A86, 0x7522, "CH340K"),
    bridge(0x1A86, 0x7523, "CH340"),
    bridge(0x4348, 0x5523, "CH341"),
    // WCH, github.com/WCHSoftGroup/ch343ser_linux, driver/ch343.c; with Linux's cdc-acm as well
    bridge(0x1A86, 0x55D2, "CH342"),
    bridge(0x1A86, 0x55D3, "CH343"),
    bridge(0x1A86, 0x55D4, "CH9102"),
    bridge(0x1A86, 0x55D5, "CH344"),
    bridge(0x1A86, 0x55D7, "CH9103"),
    bridge(0x1A86, 0x55D8, "CH9101"),
    bridge(0x1A86, 0x55DF, "CH9104"),
    // WCH, github.com/WCHSoftGroup/ch9344ser_linux, driver/ch9344.c
    bridge(0x1A86, 0x55D9, "CH348"),
    bridge(0x1A86, 0xE018, "CH9344"),
    // Linux, drivers/usb/serial/ftdi_sio_ids.h. Espressif's ESP-Prog and WROVER-KIT carry an FT2232HL, whose
    // first interface is JTAG (docs.espressif.com, esp-dev-kits, ESP-Prog: "the bigger port number").
    bridge(0x0403, 0x6001, "FT232R"),
    bridge(0x0403, 0x6010, "FT2232"),
    bridge(0x0403, 0x6011, "FT4232"),
    bridge(0x0403, 0x6014, "FT232H"),
    bridge(0x0403, 0x6015, "FT-X"),
    bridge(0x0403, 0x6040, "FT2233HP"),
    bridge(0x0403, 0x6041, "FT4233HP"),
    bridge(0x0403, 0x6042, "FT2232HP"),
    bridge(0x0403, 0x6043, "FT4232HP"),
    bridge(0x0403, 0x6044, "FT233HP"),
    bridge(0x0403, 0x6045, "FT232HP"),
    bridge(0x0403, 0x6048, "FT4232HA"),
    // Linux, drivers/usb/serial/pl2303.h
    bridge(0x067B, 0x2303, "PL2303"),
    bridge(0x067B, 0x2304, "PL2303TB"),
    bridge(0x067B, 0x23A3, "PL2303GC"),
    bridge(0x067B, 0x23B3, "PL2303GB"),
    bridge(0x067B, 0x23C3, "PL2303GT"),
    bridge(0x067B, 0x23D3, "PL2303GL"),
    bridge(0x067B, 0x23E3, "PL2303GE"),
    bridge(0x067B, 0x23F3, "PL2303GS"),
    // esptool (a ROM's product is its chip ID); openocd-esp32, contrib/60-openocd.rules
    bridge(ESPRESSIF, 0x0002, "ESP32-S2 ROM"),
    bridge(ESPRESSIF, 0x0009, "ESP32-S3 ROM"),
    bridge(ESPRESSIF, 0x0012, "ESP32-P4 ROM"),
    bridge(ESPRESSIF, 0x1001, "USB-Serial-JTAG"),
    bridge(ESPRESSIF, 0x1002, "ESP USB Bridge"),
    // whatever an app on a chip with USB-OTG calls itself (github.com/espressif/usb-pids): a serial line of
    // this vendor is a board
    Bridge {
        vendor: ESPRESSIF,
        product: None,
        name: "Espressif USB",
    },
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

    /// The bridge's name, if boards of this family are known to hang on it.
    pub fn known_bridge(self) -> Option<&'static str> {
        let fits = |bridge: &&Bridge| {
            bridge.vendor == self.vendor
                && bridge.product.is_none_or(|product| product == self.product)
        };
        BRIDGES.iter().find(fits).map(|bridge| bridge.name)
    }

    /// The same, only where the table names this very product.
    pub fn known_product(self) -> Option<&'static str> {
        let is_it =
            |bridge: &&Bridge| (bridge.vendor, bridge.product) == (self.vendor, Some(self.product));
        BRIDGES.iter().find(is_it).map(|bridge| bridge.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridges_by_their_ids() {
        let check = |vendor, product, name| {
            assert_eq!(UsbId { vendor, product }.known_bridge(), name);
        };
        check(0x10C4, 0xEA60, Some("CP210x"));
        check(0x1A86, 0x55D9, Some("CH348"));
        check(0x303A, 0x1001, Some("USB-Serial-JTAG"));
        check(0x303A, 0x8123, Some("Espressif USB"));
        // a keyboard's controller of a vendor that makes bridges as well
        check(0x1A86, 0xE129, None);
        check(0x2341, 0x0043, None);
    }

    #[test]
    fn none_is_listed_twice() {
        for (index, bridge) in BRIDGES.iter().enumerate() {
            let same =
                |other: &Bridge| (other.vendor, other.product) == (bridge.vendor, bridge.product);
            assert!(!BRIDGES[..index].iter().any(same), "{bridge:?}");
        }
    }
}

//! udev's rules for known bridges: who may open them, and that ModemManager and brltty keep away. Made of
//! the same table as what becomes a slot by itself. Leaves out where the file goes and how udev hears of it.

use std::fmt::Write;

use super::BRIDGES;

/// Where the rules belong. After brltty's (85- or 90-…), which ours take back.
pub const UDEV_RULES_PATH: &str = "/etc/udev/rules.d/95-flashline.rules";

/// The rules; `group` is who may open the ports besides root.
///
/// Sources: ModemManager's "Common udev tags" (`ID_MM_DEVICE_IGNORE` for the device and its ports,
/// `ID_MM_PORT_IGNORE` for a port); brltty 6.5, `usb-template.rules`: it names a driver for ids that braille
/// displays share with bridges, and has systemd start it by `SYSTEMD_WANTS`.
pub fn udev_rules(group: &str) -> String {
    let mut text = format!(
        "# Serial ports of boards with Espressif chips: who may open them, and who keeps away.\n\
         # Made by flashline of its table of known bridges. `flashline install-udev` puts it into\n\
         # {UDEV_RULES_PATH}; after brltty's rules, which it takes back.\n\
         \n\
         ACTION==\"remove\", GOTO=\"flashline_end\"\n\
         SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", GOTO=\"flashline_ids\"\n\
         SUBSYSTEM==\"usb\", ENV{{DEVTYPE}}==\"usb_device\", GOTO=\"flashline_ids\"\n\
         GOTO=\"flashline_end\"\n\
         \n\
         LABEL=\"flashline_ids\"\n"
    );
    let mut vendors = Vec::new();
    for bridge in BRIDGES {
        if !vendors.contains(&bridge.vendor) {
            vendors.push(bridge.vendor);
        }
    }
    for vendor in vendors {
        let bridges = || BRIDGES.iter().filter(|bridge| bridge.vendor == vendor);
        let mut names: Vec<&str> = Vec::new();
        for bridge in bridges() {
            if !names.contains(&bridge.name) {
                names.push(bridge.name);
            }
        }
        let products: Option<Vec<String>> = bridges()
            .map(|bridge| Some(format!("{:04x}", bridge.product?)))
            .collect();
        // one without a product stands for all of the vendor's
        let product = products.map_or_else(String::new, |products| {
            format!(", ATTRS{{idProduct}}==\"{}\"", products.join("|"))
        });
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "# {}\nATTRS{{idVendor}}==\"{vendor:04x}\"{product}, GOTO=\"flashline_bridge\"",
            names.join(", ")
        );
    }
    text += &format!(
        "GOTO=\"flashline_end\"\n\
         \n\
         LABEL=\"flashline_bridge\"\n\
         # ModemManager does not ask it whether it is a modem.\n\
         ENV{{ID_MM_DEVICE_IGNORE}}=\"1\"\n\
         SUBSYSTEM==\"tty\", ENV{{ID_MM_PORT_IGNORE}}=\"1\"\n\
         # brltty, which takes it for a braille display, is not started.\n\
         SUBSYSTEM==\"usb\", ENV{{BRLTTY_BRAILLE_DRIVER}}==\"?*\", ENV{{SYSTEMD_WANTS}}=\"\"\n\
         SUBSYSTEM==\"tty\", GROUP=\"{group}\", MODE=\"0660\"\n\
         \n\
         LABEL=\"flashline_end\"\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::UsbId;

    /// What is in the repository, for those who make packages, is what the program prints.
    #[test]
    fn the_file_shipped_is_what_is_printed() {
        let shipped = include_str!("../../udev/95-flashline.rules");
        assert_eq!(shipped, udev_rules("dialout"), "udev/95-flashline.rules");
    }

    #[test]
    fn each_known_bridge_has_its_rule() {
        let rules = udev_rules("line");
        assert!(rules.contains("GROUP=\"line\""));
        for bridge in BRIDGES {
            let vendor = format!("ATTRS{{idVendor}}==\"{:04x}\"", bridge.vendor);
            let of_vendor: Vec<&str> = rules
                .lines()
                .filter(|line| line.starts_with(&vendor))
                .collect();
            let [rule] = of_vendor[..] else {
                panic!("{bridge:?}: {of_vendor:?}");
            };
            let product = bridge.product.map(|product| format!("{product:04x}"));
            let is_named = product.is_some_and(|product| rule.contains(&product));
            assert!(is_named || !rule.contains("idProduct"), "{bridge:?}");
        }
        let not_ours = UsbId {
            vendor: 0x2341,
            product: 0x0043,
        };
        assert_eq!(not_ours.known_bridge(), None);
        assert!(!rules.contains("2341"));
    }

    #[test]
    fn every_jump_has_its_label() {
        let rules = udev_rules("dialout");
        for rest in rules.split("GOTO=\"").skip(1) {
            let label = rest.split('"').next().unwrap();
            assert!(rules.contains(&format!("LABEL=\"{label}\"")), "{label}");
        }
    }
}

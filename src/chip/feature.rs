//! What a chip or its package has, as its eFuses tell.

use std::fmt;

use super::spelled;

/// Something that a chip or its package has. Shown as a short stable word: `wifi`, `dual-core`,
/// `embedded flash 4MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    Wifi,
    /// Classic Bluetooth and BLE (ESP32).
    Bluetooth,
    /// Bluetooth LE only.
    BluetoothLe,
    Ieee802154,
    SingleCore,
    DualCore,
    /// A small core that works while the others sleep.
    LowPowerCore,
    /// A flash part inside the package; the size where the eFuses tell it.
    EmbeddedFlash {
        kb: Option<u32>,
    },
    /// PSRAM inside the package; the size where the eFuses tell it.
    EmbeddedPsram {
        kb: Option<u32>,
    },
}

impl Feature {
    /// As it is shown.
    pub fn parse(text: &str) -> Option<Feature> {
        let memory = |what: &str| {
            let rest = text.strip_prefix("embedded ")?.strip_prefix(what)?;
            let Some(size) = rest.strip_prefix(' ') else {
                return rest.is_empty().then_some(None);
            };
            let kb = match (size.strip_suffix("MB"), size.strip_suffix("KB")) {
                (Some(mb), _) => mb.parse::<u32>().ok()?.checked_mul(1024)?,
                (None, Some(kb)) => kb.parse().ok()?,
                (None, None) => return None,
            };
            Some(Some(kb))
        };
        let plain = [
            Feature::Wifi,
            Feature::Bluetooth,
            Feature::BluetoothLe,
            Feature::Ieee802154,
            Feature::SingleCore,
            Feature::DualCore,
            Feature::LowPowerCore,
        ];
        (plain
            .into_iter()
            .find(|feature| feature.to_string() == text))
        .or_else(|| memory("flash").map(|kb| Feature::EmbeddedFlash { kb }))
        .or_else(|| memory("psram").map(|kb| Feature::EmbeddedPsram { kb }))
    }
}

spelled!(Feature, Feature::parse, "feature");

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = |what: &str, kb: &Option<u32>| match kb {
            None => format!("embedded {what}"),
            Some(kb) if kb % 1024 == 0 => format!("embedded {what} {}MB", kb / 1024),
            Some(kb) => format!("embedded {what} {kb}KB"),
        };
        match self {
            Feature::Wifi => f.pad("wifi"),
            Feature::Bluetooth => f.pad("bt"),
            Feature::BluetoothLe => f.pad("ble"),
            Feature::Ieee802154 => f.pad("802.15.4"),
            Feature::SingleCore => f.pad("single-core"),
            Feature::DualCore => f.pad("dual-core"),
            Feature::LowPowerCore => f.pad("lp-core"),
            Feature::EmbeddedFlash { kb } => f.pad(&memory("flash", kb)),
            Feature::EmbeddedPsram { kb } => f.pad(&memory("psram", kb)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        let memories = [None, Some(512), Some(2048)]
            .into_iter()
            .flat_map(|kb| [Feature::EmbeddedFlash { kb }, Feature::EmbeddedPsram { kb }]);
        let plain = [Feature::Wifi, Feature::Ieee802154, Feature::LowPowerCore];
        for feature in plain.into_iter().chain(memories) {
            assert_eq!(Feature::parse(&feature.to_string()), Some(feature));
        }
        for text in ["", "warp", "embedded flash 4GB", "embedded flash4MB"] {
            assert_eq!(Feature::parse(text), None, "{text}");
        }
    }

    #[test]
    fn words() {
        let shown = |feature: Feature| feature.to_string();
        assert_eq!(shown(Feature::DualCore), "dual-core");
        assert_eq!(
            [Some(4096), Some(512), None].map(|kb| shown(Feature::EmbeddedFlash { kb })),
            [
                "embedded flash 4MB",
                "embedded flash 512KB",
                "embedded flash"
            ]
        );
        let kb = Some(2048);
        assert_eq!(shown(Feature::EmbeddedPsram { kb }), "embedded psram 2MB");
    }
}

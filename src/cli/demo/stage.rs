//! The demo's files: firmware, manifest and station file, as an engineer would write them, in a folder
//! of their own; and the folder of its ports, which is gone when the demo is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::chip::Chip;
use crate::image::sample;
use crate::station::{Pin, Pins};

/// Bytes of the demo's app: about four seconds of writing.
pub const APP_BYTES: usize = 600 << 10;
/// Where the app stands in flash.
pub const APP_OFFSET: u32 = 0x1_0000;

/// The demo's supervisor, and the PIN that goes with it.
pub const SUPERVISOR: &str = "demo";
pub const PIN: &str = "1234";

/// How fast the operator and the bench are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tempo {
    /// For eyes.
    Paced,
    /// For machines.
    Fast,
}

/// What the demo works with. Dropping it removes the ports, and the rest where the database is
/// elsewhere.
#[derive(Debug)]
pub struct Stage {
    pub folder: PathBuf,
    pub station_file: PathBuf,
    pub database: PathBuf,
    /// The simulated ports, each named after its slot.
    pub ports: PathBuf,
}

/// A file of the demo could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written: {source}; set TMPDIR to a folder with room", path = path.display())]
pub struct StageError {
    path: PathBuf,
    source: io::Error,
}

impl Stage {
    /// Writes everything below a new folder in `parent`.
    pub fn build(
        parent: &Path,
        slots: usize,
        tempo: Tempo,
        database: Option<PathBuf>,
    ) -> Result<Stage, StageError> {
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let folder = parent.join(format!("flashline-demo-{stamp}-{}", std::process::id()));
        let stage = Stage {
            station_file: folder.join("station.toml"),
            database: database.unwrap_or_else(|| folder.join("demo.db")),
            ports: folder.join("ports"),
            folder,
        };
        let attempt = |path: &Path, result: io::Result<()>| {
            result.map_err(|source| StageError {
                path: path.to_owned(),
                source,
            })
        };
        attempt(&stage.ports, fs::create_dir_all(&stage.ports))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = stage.folder.join(name);
            attempt(&path, fs::write(&path, bytes))
        };
        write("bootloader.bin", &sample::bootloader(Chip::Esp32))?;
        write(
            "partition-table.bin",
            &sample::single_app_table().to_bytes(),
        )?;
        write("app.bin", &app())?;
        write("manifest.toml", MANIFEST.as_bytes())?;
        write("station.toml", stage.station(slots, tempo).as_bytes())?;
        // for the key that lets a stopped slot go on
        let pins = stage.folder.join("supervisors.toml");
        let set = Pins::at(&pins).set(SUPERVISOR, &Pin(PIN.into()));
        attempt(&pins, set.map_err(io::Error::other))?;
        Ok(stage)
    }

    fn station(&self, slots: usize, tempo: Tempo) -> String {
        let settle_ms = match tempo {
            Tempo::Paced => 300,
            Tempo::Fast => 0,
        };
        let mut text = format!(
            "# The demo's station: a bench of {slots} slots on simulated ports.\n\
             station = \"demo\"\n\
             manifest = \"manifest.toml\"\n\
             database = {}\n\
             settle_ms = {settle_ms}\n\
             \n\
             [access]\n\
             pins = \"supervisors.toml\"\n\
             \n\
             # the story has more troubles than a line may have\n\
             [line]\n\
             quarantine_after = 0\n\
             halt_after = 0\n",
            quoted(&self.database)
        );
        for slot in 1..=slots {
            let path = quoted(&self.ports.join(slot.to_string()));
            text.push_str(&format!("\n[[slot]]\nname = \"{slot}\"\npath = {path}\n"));
        }
        text
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let needless = if self.database.starts_with(&self.folder) {
            &self.ports
        } else {
            &self.folder
        };
        // what stays behind names ports that are gone: harmless, and nobody is left to tell
        let _ = fs::remove_dir_all(needless);
    }
}

/// The demo's app.
pub fn app() -> Vec<u8> {
    sample::app(Chip::Esp32, APP_BYTES, 1)
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

const MANIFEST: &str = r#"# The demo's product: what every board gets.
product = "thermostat"
version = "1.4.2"
chip = "esp32"
bauds = [921600, 460800, 115200]

[[image]]
name = "bootloader"
path = "bootloader.bin"
offset = 0x1000

[[image]]
name = "partition-table"
path = "partition-table.bin"
offset = 0x8000

[[image]]
name = "app"
path = "app.bin"
offset = 0x10000

[[partition]]
name = "nvs"
leftover = "erase"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{self, Label, Language};
    use crate::manifest::Bundle;
    use crate::settings::Settings;

    #[test]
    fn the_dialog_of_the_demo_tells_its_pin() {
        for language in [Language::English, Language::Chinese] {
            assert!(lang::label(Label::DemoPin, language).contains(PIN));
        }
    }

    #[test]
    fn the_stage_is_a_station_in_order() {
        let parent = tempfile::tempdir().unwrap();
        let stage = Stage::build(parent.path(), 3, Tempo::Paced, None).unwrap();
        let settings = Settings::load(&stage.station_file).unwrap();
        assert_eq!(settings.slots.len(), 3);
        assert_eq!(settings.database, stage.database);
        let bundle = Bundle::load(&settings.manifest).unwrap();
        assert_eq!(bundle.images.len(), 3);
        assert_eq!(bundle.warnings, []);
        let ports = stage.ports.clone();
        assert!(ports.is_dir());
        drop(stage);
        assert!(!ports.exists());
    }
}

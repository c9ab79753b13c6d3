//! What `flashline check` prints: what is written where, what else is erased or kept, how long it
//! takes, and the digest that names all of it.

use std::fmt::Write;
use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use super::boot::boot;
use super::loader::Loader;
use crate::image::hex;
use crate::manifest::{Bundle, ErasePolicy, FlashParameter, Leftover, VerifyPolicy, WritePolicy};
use crate::plan::{Held, Method, Plan, Planner};
use crate::settings::{Place, Settings};
use crate::station::Bundles;

pub struct Sheet {
    pub planner: Planner,
    pub loader: Loader,
    /// The only rate to estimate at; `None`: all that would be tried.
    pub baud: Option<u32>,
    pub ceiling: Option<u32>,
    /// The manifest's path.
    pub path: PathBuf,
    pub settings: Option<Settings>,
}

impl Sheet {
    /// Builds the streams: costs CPU.
    pub fn render(&self) -> String {
        let bundle = self.planner.bundle();
        let plan = self.planner.plan_for_flash(None, self.ceiling);
        let parts = [
            Some(head(bundle)),
            Some(self.regions(&plan)),
            leftovers(bundle),
            Some(policies(bundle)),
            self.loader.words(&bundle.manifest),
            plan.boot
                .as_deref()
                .map(|check| boot(check, &bundle.manifest, &self.path, self.settings.as_ref())),
            Some(self.estimates(&plan)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("\n")
    }

    fn regions(&self, plan: &Plan) -> String {
        let on_line = match self.loader.method() {
            Method::StubDeflate | Method::RomDeflate => "compressed",
            Method::RomPlain => "on the line",
        };
        let mut rows = vec![row(["from", "to", "image", "bytes", on_line, "SHA-256"])];
        let mut sums = (0, 0);
        for region in &plan.regions {
            let wire_bytes = region.framed(self.loader.method()).wire_bytes;
            let bytes = region.bytes.len() as u64;
            sums = (sums.0 + bytes, sums.1 + wire_bytes);
            let written = &region.written_sha256;
            let changed = if *written == region.file_sha256 {
                String::new()
            } else if self.depends_on_the_part(region.offset) {
                let part = size(plan.flash_bytes);
                format!(", written as {} on a part of {part}", short(written))
            } else {
                format!(", written as {}", short(written))
            };
            rows.push([
                format!("{:#08x}", region.offset),
                format!("{:#08x}", region.range().end),
                region.name.clone(),
                bytes.to_string(),
                wire_bytes.to_string(),
                format!("{}{changed}", short(&region.file_sha256)),
            ]);
        }
        rows.push(row([
            "",
            "",
            "together",
            &sums.0.to_string(),
            &sums.1.to_string(),
            "",
        ]));
        columns(&rows, &[3, 4]) + on_line + ": as it goes over the line, frames included\n"
    }

    /// Whether the image there gets the size of the part that is found.
    fn depends_on_the_part(&self, offset: u32) -> bool {
        let bundle = self.planner.bundle();
        let mut images = bundle.images.iter();
        bundle.manifest.flash.size == FlashParameter::Detect
            && images.any(|image| image.is_bootloader && image.offset == offset)
    }

    fn estimates(&self, plan: &Plan) -> String {
        let bauds = match self.loader.only_baud().or(self.baud) {
            Some(baud) => vec![baud],
            None => plan.bauds.clone(),
        };
        let method = self.loader.method();
        let loader = match method {
            Method::StubDeflate => "stub",
            Method::RomDeflate | Method::RomPlain => "ROM",
        };
        let mut text =
            format!("likely time through the {loader}, and how much of it is spent on the line\n");
        let mut rows = vec![row([
            "",
            "blank",
            "line",
            "used before",
            "line",
            "right",
            "line",
        ])];
        rows.extend(bauds.into_iter().map(|baud| {
            let times = [Held::Nothing, Held::Other, Held::Same].map(|held| {
                let estimate = plan.estimate(method, baud, held);
                let seconds = |time: std::time::Duration| format!("{:.1} s", time.as_secs_f64());
                [seconds(estimate.total), seconds(estimate.wire)]
            });
            let [[blank, blank_wire], [used, used_wire], [right, right_wire]] = times;
            let baud = format!("  {baud} baud");
            [baud, blank, blank_wire, used, used_wire, right, right_wire]
        }));
        text += &columns(&rows, &[0, 1, 2, 3, 4, 5, 6]);
        text
    }
}

fn head(bundle: &Bundle) -> String {
    let manifest = &bundle.manifest;
    let revision = |number: u16| format!("v{}.{}", number / 100, number % 100);
    let revisions = match (manifest.min_revision, manifest.max_revision) {
        (None, None) => "any".to_owned(),
        (Some(min), None) => format!("{} and later", revision(min)),
        (None, Some(max)) => format!("up to {}", revision(max)),
        (Some(min), Some(max)) => format!("{} to {}", revision(min), revision(max)),
    };
    let parts: Vec<String> = manifest.flash_ids.iter().map(ToString::to_string).collect();
    let parts = if parts.is_empty() {
        "any part".to_owned()
    } else {
        parts.join(", ")
    };
    let needed = size(bundle.needed_flash_bytes);
    let rows = [
        [
            "product",
            &format!("{} {}", manifest.product, manifest.version),
        ],
        ["chip", &format!("{}, revision: {revisions}", manifest.chip)],
        ["flash", &format!("{parts}, at least {needed}")],
        ["bundle", &bundle.digest_hex()],
    ];
    columns(&rows.map(row), &[])
}

fn policies(bundle: &Bundle) -> String {
    let manifest = &bundle.manifest;
    let rows = [
        match manifest.write {
            WritePolicy::Changed => ["write", "changed", "sectors whose digest is another"],
            WritePolicy::All => ["write", "all", "everything, whatever the flash holds"],
        },
        match manifest.erase {
            ErasePolicy::Touched => ["erase", "touched", "what images cover, and what is listed"],
            ErasePolicy::Regions => [
                "erase",
                "regions",
                "also what images leave of their partitions",
            ],
            ErasePolicy::All => ["erase", "all", "the whole flash, first"],
        },
        match manifest.verify {
            VerifyPolicy::Md5 => ["verify", "md5", "the chip's digest of each image"],
            VerifyPolicy::Readback => ["verify", "readback", "each image is read back"],
        },
    ];
    columns(&rows.map(row), &[])
}

fn leftovers(bundle: &Bundle) -> Option<String> {
    if bundle.manifest.erase == ErasePolicy::All {
        return Some("the whole flash is erased first\n".to_owned());
    }
    let rows: Vec<[String; 4]> = bundle
        .leftovers
        .iter()
        .map(|part| {
            [
                format!("{:#08x}", part.offset),
                format!(
                    "{:#08x}",
                    u64::from(part.offset) + u64::from(part.size_bytes)
                ),
                part.name.clone(),
                match part.leftover {
                    Leftover::Erase => "is erased".to_owned(),
                    Leftover::Keep => "is kept as it is".to_owned(),
                },
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| columns(&rows, &[]))
}

/// The station's slots; `bundles`: what is flashed there.
pub fn station(settings: &Settings, bundles: &Bundles) -> String {
    let mut text = format!("station {}: ", settings.station);
    if settings.slots.is_empty() {
        text += "every known bridge that is plugged in is a slot\n";
        return text;
    }
    let _ = writeln!(text, "{} slots", settings.slots.len());
    let rows: Vec<[String; 3]> = settings
        .slots
        .iter()
        .map(|slot| {
            let place = match &slot.place {
                Place::Path(path) => path.display().to_string(),
                Place::Usb(path) => path.to_string(),
            };
            let own = slot.manifest.is_some();
            let bundle = own.then(|| bundles.of(settings, slot)).flatten();
            let product = bundle.map_or_else(String::new, |bundle| {
                format!("{} {}", bundle.manifest.product, bundle.manifest.version)
            });
            [format!("  {}", slot.name), place, product]
        })
        .collect();
    text + &columns(&rows, &[])
}

/// In the unit that flash is sold in.
fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MB", bytes >> 20)
    } else {
        format!("{} KB", bytes.div_ceil(1024))
    }
}

/// As much of a digest as tells two builds apart.
fn short(digest: &[u8]) -> String {
    hex(&digest[..6])
}

fn row<const N: usize>(cells: [&str; N]) -> [String; N] {
    cells.map(str::to_owned)
}

/// Lines of cells, aligned as a terminal shows them; those in `right` to the right.
fn columns<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            let space = " ".repeat(width - cell.width());
            line += &if right.contains(&index) {
                format!("{space}{cell}  ")
            } else {
                format!("{cell}{space}  ")
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::chip::Chip;
    use crate::image::sample;
    use crate::settings::Source;

    const MANIFEST: &str = r#"
product = "恒温器"
version = "1.0"
chip = "esp32"
min_chip_revision = "v1.0"
[flash]
mode = "dout"
size = "detect"
[[image]]
name = "boot"
path = "boot"
offset = 0x1000
[[image]]
name = "分区表"
path = "table"
offset = 0x8000
[[image]]
name = "app"
path = "app"
offset = 0x10000
[[partition]]
name = "nvs"
leftover = "erase"
"#;

    fn sheet(text: &str) -> Sheet {
        let source = Source::new(Path::new("manifest.toml"), text);
        let bundle = Bundle::assemble(&source, |path| {
            Ok(match path.to_str().unwrap() {
                "boot" => sample::bootloader(Chip::Esp32),
                "table" => sample::single_app_table().to_bytes(),
                _ => sample::app(Chip::Esp32, 200_000, 1),
            })
        });
        Sheet {
            planner: Planner::new(Arc::new(bundle.unwrap())),
            loader: Loader::of(Chip::Esp32, None),
            baud: None,
            ceiling: None,
            path: "m".into(),
            settings: None,
        }
    }

    #[test]
    fn a_plan() {
        insta::assert_snapshot!(sheet(MANIFEST).render(), @r#"
        product  恒温器 1.0
        chip     esp32, revision: v1.0 and later
        flash    any part, at least 1088 KB
        bundle   faf8937230450e7fd7d280e652d5530dc2c857cc58a1f4f0ade5f4abd7d40eb6

        from      to        image      bytes  compressed  SHA-256
        0x001000  0x0075f0  boot       26096       15755  5ed6c1c782d1, written as d569b36aceff on a part of 2 MB
        0x008000  0x008c00  分区表      3072         156  7f00b6c042a8
        0x010000  0x040d40  app       200000      119650  dc38e6ff9573
                            together  229168      135561
        compressed: as it goes over the line, frames included

        0x009000  0x00f000  nvs       is erased
        0x00f000  0x010000  phy_init  is kept as it is

        write   changed  sectors whose digest is another
        erase   touched  what images cover, and what is listed
        verify  md5      the chip's digest of each image

        likely time through the stub, and how much of it is spent on the line
                        blank    line  used before    line  right   line
          921600 baud   2.5 s   1.5 s        3.5 s   1.5 s  0.9 s  0.0 s
          460800 baud   4.0 s   3.0 s        4.8 s   3.0 s  0.9 s  0.0 s
          115200 baud  13.3 s  11.8 s       14.0 s  11.8 s  1.4 s  0.0 s
        "#);
    }

    #[test]
    fn with_a_station_and_everything_erased() {
        let station = "station = \"b\"\nmanifest = \"m\"\nstub = false\nbaud_ceiling = 460800\n[[slot]]\nname = \"left\"\npath = \"/dev/ttyUSB0\"\n[[slot]]\nname = \"r\"\nusb_path = \"pci-0-usb-0:1:1.0\"\n";
        let mut sheet = sheet(&MANIFEST.replacen("version", "erase = \"all\"\nversion", 1));
        sheet.settings = Some(Settings::parse(Path::new("s"), station).unwrap());
        sheet.ceiling = Some(460_800);
        sheet.loader = Loader::of(Chip::Esp32, sheet.settings.as_ref());
        let bundles = Bundles::from(sheet.planner.bundle().clone());
        let slots = super::station(sheet.settings.as_ref().unwrap(), &bundles);
        insta::assert_snapshot!(sheet.render() + "\n" + &slots, @r#"
        product  恒温器 1.0
        chip     esp32, revision: v1.0 and later
        flash    any part, at least 1088 KB
        bundle   25adae2b9dfb29c19137c700b4ed07b7a6555256a4ed403831774706a4c8678c

        from      to        image      bytes  compressed  SHA-256
        0x001000  0x0075f0  boot       26096       16371  5ed6c1c782d1, written as d569b36aceff on a part of 2 MB
        0x008000  0x008c00  分区表      3072         225  7f00b6c042a8
        0x010000  0x040d40  app       200000      122977  dc38e6ff9573
                            together  229168      139573
        compressed: as it goes over the line, frames included

        the whole flash is erased first

        write   all  everything, whatever the flash holds
        erase   all  the whole flash, first
        verify  md5  the chip's digest of each image

        likely time through the ROM, and how much of it is spent on the line
                        blank    line  used before    line   right    line
          460800 baud  11.1 s   3.2 s       11.1 s   3.2 s  11.1 s   3.2 s
          115200 baud  20.2 s  12.2 s       20.2 s  12.2 s  20.2 s  12.2 s

        station b: 2 slots
          left  /dev/ttyUSB0
          r     pci-0-usb-0:1:1.0
        "#);
    }

    #[test]
    fn with_a_boot_check() {
        let section = r#"[boot]
linger_ms = 500
expect = ["app_main", 'net: \w+']
reject = ["FAIL"]
[[boot.measure]]
name = "vbat"
unit = "mV"
low = 3000
high = 3600
[[boot.measure]]
name = "rssi"
low = -70
required = false
[flash]"#;
        let mut sheet = sheet(&MANIFEST.replacen("[flash]", section, 1));
        let station = "station = \"b\"\nmanifest = \"m\"\n[[slot]]\nname = \"left\"\npath = \"/dev/ttyUSB0\"\nafter = \"stay\"\n";
        sheet.settings = Some(Settings::parse(Path::new("s"), station).unwrap());
        let text = sheet.render();
        let part = text.split("\n\n").find(|part| part.contains("console"));
        insta::assert_snapshot!(part.unwrap(), @r#"
        after the reset the console is read at 115200 baud, for 10 s at most, and 0.5 s more when all has come
          expects   'app_main'
                    'net: \w+'
          measures  vbat: 3000 to 3600 mV
                    rssi: -70 and more, if it comes
          rejects   'FAIL'
                    bad starts of any product, and start 3 within the check
          slot left keeps its boards in their loaders (after = "stay"): none can pass, and run refuses
        "#);
    }

    #[test]
    fn at_a_chosen_rate() {
        let mut sheet = sheet(MANIFEST);
        sheet.baud = Some(2_000_000);
        let text = sheet.render();
        assert!(
            text.contains("2000000 baud") && !text.contains("115200"),
            "{text}"
        );
    }
}

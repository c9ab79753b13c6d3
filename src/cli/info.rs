//! `flashline info`: what one board is and what is on it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Exit;
use super::hand::{self, Reach, Report, TableAt};
use crate::chip::{Access, Chip, Identity, flash_mode_code};
use crate::event::Code;
use crate::hand::{App, Bootloader, Contents, HandError, Table};
use crate::image::{FlashHeader, Partition, data_subtype, kind};

/// Tell what one board is, and what is on it
///
/// Nothing is written. Exit code: 0 done, 1 stopped, 2 the board failed, 3 the bench failed, 4 usage.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    table: TableAt,
}

pub fn run(args: Args) -> Exit {
    hand::run("info", &args.reach, async |board| {
        let contents = match board.contents(args.table.partition_table_offset).await {
            Ok(contents) => Ok(contents),
            // a board that does not let itself be read is still known
            Err(HandError::Failed {
                code: Code::CommandRefused | Code::SecurityState,
                detail,
                ..
            }) => Err(detail),
            Err(error) => return Err(error),
        };
        let identity = board.identity();
        let mut text = identity_text(identity);
        let mut fields = identity_fields(identity);
        match &contents {
            Ok(contents) => {
                text += &contents_text(identity.chip, contents);
                hand::merge(&mut fields, contents_fields(identity.chip, contents));
            }
            Err(why) => {
                row(&mut text, "contents", &format!("not readable: {why}"));
                hand::merge(&mut fields, json!({ "contents_unreadable": why }));
            }
        }
        Ok(Report {
            text,
            fields,
            exit: Exit::Pass,
        })
    })
}

fn row(text: &mut String, name: &str, value: &str) {
    // writing to a String cannot fail
    let _ = writeln!(text, "{name:<11} {value}");
}

/// The board in lines.
pub(super) fn identity_text(identity: &Identity) -> String {
    let mut text = String::new();
    let title = identity.chip.facts().title;
    let chip = match identity.revision {
        Some(revision) => format!("{title} {revision}"),
        None => title.to_owned(),
    };
    row(&mut text, "chip", &chip);
    let features: Vec<String> = identity.features.iter().map(ToString::to_string).collect();
    if !features.is_empty() {
        row(&mut text, "features", &features.join(", "));
    }
    if let Some(mhz) = identity.crystal_mhz {
        row(&mut text, "crystal", &format!("{mhz} MHz"));
    }
    let mac = match (identity.mac, identity.mac_crc_holds) {
        (Some(mac), true) => mac.to_string(),
        (Some(mac), false) => format!("{mac} (its CRC in eFuse does not hold)"),
        (None, _) => "hidden".to_owned(),
    };
    row(&mut text, "MAC", &mac);
    if let Some(eui64) = identity.eui64 {
        row(&mut text, "EUI-64", &eui64.to_string());
    }
    if let Some(id) = identity.flash_id {
        let mut flash = id.to_string();
        if let Some(vendor) = id.vendor() {
            flash += &format!(", {vendor}");
        }
        flash += &match id.size_bytes() {
            Some(bytes) => format!(", {}", size(bytes)),
            None if id.is_silent() => ", no part answers".to_owned(),
            None => ", of unknown size".to_owned(),
        };
        row(&mut text, "flash", &flash);
    }
    let security = match identity.access {
        Access::Full => identity.security.to_string(),
        Access::SecureDownload => format!("Secure Download Mode, {}", identity.security),
    };
    row(&mut text, "security", &security);
    text
}

fn contents_text(chip: Chip, contents: &Contents) -> String {
    let mut text = String::new();
    let bootloader = match &contents.bootloader {
        Bootloader::Image(header) => header_words(chip, *header),
        Bootloader::Blank => "blank".to_owned(),
        Bootloader::Unreadable => "no image (encrypted?)".to_owned(),
    };
    let at = contents.bootloader_offset;
    row(
        &mut text,
        "bootloader",
        &format!("at 0x{at:x}: {bootloader}"),
    );
    let at = contents.table_offset;
    let (partitions, apps, starts) = match &contents.table {
        Table::None { why } => {
            row(&mut text, "partitions", &format!("none at 0x{at:x}: {why}"));
            return text;
        }
        Table::Found {
            partitions,
            apps,
            starts,
        } => (partitions, apps, starts),
    };
    row(&mut text, "partitions", &format!("at 0x{at:x}"));
    let cells: Vec<[String; 5]> = partitions
        .iter()
        .map(|row| cells(row, apps, starts))
        .collect();
    let width = |column: usize| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    for [name, kind, offset, size, more] in cells {
        let [w0, w1, w2, w3] = widths;
        let line = format!("  {name:<w0$}  {kind:<w1$}  {offset:>w2$}  {size:>w3$}  {more}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn cells(row: &Partition, apps: &[App], starts: &Option<String>) -> [String; 5] {
    let mut more = Vec::new();
    if starts.as_ref() == Some(&row.name) {
        more.push("starts".to_owned());
    }
    if let Some(app) = apps.iter().find(|app| app.partition == row.name) {
        let app = &app.description;
        more.push(format!(
            "{} {}, ESP-IDF {}, built {}",
            app.project, app.version, app.idf_version, app.built
        ));
    }
    if row.flags & 1 != 0 {
        more.push("encrypted".to_owned());
    }
    [
        row.name.clone(),
        kind_words(row),
        format!("0x{:x}", row.offset),
        size(row.size_bytes.into()),
        more.join("; "),
    ]
}

fn kind_words(row: &Partition) -> String {
    match (row.kind, row.subtype) {
        (kind::APP, 0) => "app factory".to_owned(),
        (kind::APP, 0x20) => "app test".to_owned(),
        (kind::APP, subtype) => match row.ota_slot() {
            Some(slot) => format!("app ota_{slot}"),
            None => format!("app 0x{subtype:02x}"),
        },
        (kind::DATA, data_subtype::OTADATA) => "data ota".to_owned(),
        (kind::DATA, data_subtype::PHY) => "data phy".to_owned(),
        (kind::DATA, data_subtype::NVS) => "data nvs".to_owned(),
        (kind::DATA, subtype) => format!("data 0x{subtype:02x}"),
        (kind, subtype) => format!("0x{kind:02x} 0x{subtype:02x}"),
    }
}

/// Bytes in the largest unit that holds them without a fraction.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes != 0 && bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// The header's settings, each where it is known.
struct Settings {
    mode: Option<&'static str>,
    frequency_mhz: Option<u8>,
    size_bytes: Option<u64>,
}

fn settings(chip: Chip, header: FlashHeader) -> Settings {
    let facts = chip.facts();
    let modes = ["qio", "qout", "dio", "dout"];
    let mode = |name: &&str| flash_mode_code(name) == Some(header.mode);
    let frequencies = facts.flash_frequencies.iter();
    let sizes = facts.flash_sizes.iter();
    Settings {
        mode: modes.into_iter().find(mode),
        frequency_mhz: frequencies
            .filter(|(_, code)| *code == header.frequency)
            .map(|(mhz, _)| *mhz)
            .next(),
        size_bytes: sizes
            .filter(|(_, code)| *code == header.size)
            .map(|(bytes, _)| *bytes)
            .next(),
    }
}

fn header_words(chip: Chip, header: FlashHeader) -> String {
    let Settings {
        mode,
        frequency_mhz,
        size_bytes,
    } = settings(chip, header);
    let words = [
        mode.map(str::to_owned),
        frequency_mhz.map(|mhz| format!("{mhz} MHz")),
        size_bytes.map(size),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    format!("image ({})", words.join(", "))
}

/// The board as JSON fields.
pub(super) fn identity_fields(identity: &Identity) -> Value {
    let words = |list: &[crate::chip::Feature]| -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    };
    json!({
        "chip": identity.chip.name(),
        "access": match identity.access {
            Access::Full => "full",
            Access::SecureDownload => "secure_download",
        },
        "revision": identity.revision.map(|revision| revision.to_string()),
        "features": words(&identity.features),
        "crystal_mhz": identity.crystal_mhz,
        "mac": identity.mac.map(|mac| mac.to_string()),
        "mac_crc_holds": identity.mac_crc_holds,
        "eui64": identity.eui64.map(|eui64| eui64.to_string()),
        "flash_id": identity.flash_id.map(|id| id.to_string()),
        "flash_vendor": identity.flash_id.and_then(|id| id.vendor()),
        "flash_bytes": identity.flash_bytes(),
        "security": identity.security.to_string(),
    })
}

fn contents_fields(chip: Chip, contents: &Contents) -> Value {
    let bootloader = match &contents.bootloader {
        Bootloader::Blank => json!({ "state": "blank" }),
        Bootloader::Unreadable => json!({ "state": "unreadable" }),
        Bootloader::Image(header) => {
            let settings = settings(chip, *header);
            json!({
                "state": "image",
                "mode": settings.mode,
                "frequency_mhz": settings.frequency_mhz,
                "size_bytes": settings.size_bytes,
            })
        }
    };
    let mut fields = json!({
        "bootloader_offset": contents.bootloader_offset,
        "bootloader": bootloader,
        "partition_table_offset": contents.table_offset,
    });
    let table = match &contents.table {
        Table::None { why } => json!({ "partitions": null, "partitions_missing": why }),
        Table::Found {
            partitions,
            apps,
            starts,
        } => {
            let one = |row: &Partition| {
                let app = apps.iter().find(|app| app.partition == row.name);
                json!({
                    "name": row.name,
                    "type": row.kind,
                    "subtype": row.subtype,
                    "offset": row.offset,
                    "bytes": row.size_bytes,
                    "encrypted": row.flags & 1 != 0,
                    "app": app.map(|app| json!({
                        "project": app.description.project,
                        "version": app.description.version,
                        "idf_version": app.description.idf_version,
                        "built": app.description.built,
                    })),
                })
            };
            let rows: Vec<Value> = partitions.iter().map(one).collect();
            json!({ "partitions": rows, "starts": starts })
        }
    };
    hand::merge(&mut fields, table);
    fields
}

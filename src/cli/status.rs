//! `flashline status`: how a running daemon and its line are.

use serde::Deserialize;

use super::Exit;
use super::daemon::{self, Which};
use super::out;
use crate::socket::{Query, What};
use crate::station::{BundleView, Halt, LineState, OnDisk, SlotOut, SlotState, Snapshot};

/// Tell how the running daemon is
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The daemon's own object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// What is read of the answer.
#[derive(Deserialize)]
struct Status {
    flashline: String,
    uptime_seconds: u64,
    process: u32,
    tasks: u64,
    descriptors: u64,
    resident_bytes: u64,
    connections: u64,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    status: &'a serde_json::value::RawValue,
}

pub fn run(args: Args) -> Exit {
    args.which.talk(async |client| {
        let answer = match client.answer(What::Query(Query::Status)).await? {
            Ok(line) => line,
            Err(refused) => return Ok(daemon::refusal(&refused)),
        };
        let garbled =
            |error: serde_json::Error| crate::socket::ClientError::Garbled(error.to_string());
        let answer: Answer<'_> = serde_json::from_str(&answer).map_err(garbled)?;
        if args.json {
            out::line(answer.status.get());
            return Ok(Exit::Pass);
        }
        let status: Status = serde_json::from_str(answer.status.get()).map_err(garbled)?;
        let you = format!("{} ({})", client.hello().you, client.hello().role.name());
        let snapshot = daemon::snapshot(client).await?;
        out::line(&told(&status, &snapshot, &you));
        Ok(Exit::Pass)
    })
}

fn told(status: &Status, snapshot: &Snapshot, you: &str) -> String {
    let rows = [
        ("station", snapshot.station.to_string()),
        ("flashes", bundles(snapshot)),
        ("line", line(&snapshot.line)),
        ("slots", slots(snapshot)),
        ("lots", lots(snapshot)),
        (
            "daemon",
            format!(
                "flashline {}, process {}, for {}",
                status.flashline,
                status.process,
                span(status.uptime_seconds)
            ),
        ),
        (
            "uses",
            format!(
                "{} MB, {} descriptors, {} tasks, {} connections",
                status.resident_bytes >> 20,
                status.descriptors,
                status.tasks,
                status.connections
            ),
        ),
        ("you", you.to_owned()),
    ];
    let rows = rows.map(|(name, value)| format!("{name:<9}{value}"));
    rows.join("\n")
}

/// Each bundle at work, and what its manifest on the disk has become, below each other.
fn bundles(snapshot: &Snapshot) -> String {
    let bundle = |view: &BundleView| {
        let BundleView {
            manifest,
            product,
            version,
            bundle,
            on_disk,
        } = view;
        let on_disk = match on_disk {
            OnDisk::Same => String::new(),
            OnDisk::Changed { bundle: new, .. } if new == bundle => {
                "; its boards wait for a supervisor to approve it".to_owned()
            }
            OnDisk::Changed {
                product,
                version,
                bundle,
            } => format!(
                "; on the disk: {product} {version} (bundle {bundle}), for a supervisor to approve"
            ),
            OnDisk::Invalid { fault } => format!("; on the disk: {fault}"),
        };
        format!("{product} {version} (bundle {bundle}, {manifest}){on_disk}")
    };
    let bundles: Vec<String> = snapshot.bundles.iter().map(bundle).collect();
    bundles.join("\n         ")
}

fn line(line: &LineState) -> String {
    match line {
        LineState::Running => "running".to_owned(),
        LineState::Stopped { code, detail } => format!("stopped: {code}, {detail}"),
        LineState::Halted(halt) if halt.is_escape() => {
            format!("halted: {}, {halt}", halt.code())
        }
        LineState::Halted(Halt::Failures { slots, code }) => {
            format!("halted: {slots} slots in a row failed with {code}")
        }
        LineState::Halted(Halt::Asked { by }) => format!("stopped by {by}"),
        LineState::Ending => "ending".to_owned(),
    }
}

fn slots(snapshot: &Snapshot) -> String {
    let count = |is: fn(&SlotState) -> bool| {
        let slots = snapshot.slots.iter();
        slots.filter(|slot| is(&slot.state)).count()
    };
    let working = count(|state| state.board().is_some());
    let out: Vec<String> = (snapshot.slots.iter())
        .filter_map(|slot| {
            let why = match slot.out.as_ref()? {
                SlotOut::Quarantined { code, .. } => format!("quarantined after {code}"),
                SlotOut::Stopped { by } => format!("stopped by {by}"),
            };
            Some(format!("; {} {why}", slot.slot))
        })
        .collect();
    let all = snapshot.slots.len();
    format!("{all}, {working} at work{}", out.concat())
}

/// Those that have not ended, below each other.
fn lots(snapshot: &Snapshot) -> String {
    let lots = snapshot.standing.lots.iter();
    let lots: Vec<String> = lots
        .map(|lot| format!("{}: {}", lot.lot, super::lot::progress(lot)))
        .collect();
    match lots.is_empty() {
        true => "none".to_owned(),
        false => lots.join("\n         "),
    }
}

fn span(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    match days {
        0 => clock,
        days => format!("{days} d {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dashboard::fixture;

    #[test]
    fn what_is_told() {
        let status = Status {
            flashline: "0.1.0".to_owned(),
            uptime_seconds: 93_784,
            process: 4711,
            tasks: 12,
            descriptors: 31,
            resident_bytes: 25 << 20,
            connections: 2,
        };
        let view = |product: &str, digits: &str, on_disk| BundleView {
            manifest: format!("{product}.toml").into(),
            product: product.into(),
            version: "1.4.2".into(),
            bundle: digits.into(),
            on_disk,
        };
        let changed = OnDisk::Changed {
            product: "lamp".into(),
            version: "1.5".into(),
            bundle: "77aa01c07be4".into(),
        };
        let invalid = OnDisk::Invalid {
            fault: "fan.toml:3:1: unknown key `x`".into(),
        };
        // as after a start with another manifest than the one approved last
        let unapproved = OnDisk::Changed {
            product: "relay".into(),
            version: "1.4.2".into(),
            bundle: "ab5df066e14f".into(),
        };
        let snapshot = Snapshot {
            bundles: Arc::new([
                view("relay", "ab5df066e14f", unapproved),
                view("thermostat", "3f2a91c07be4", OnDisk::Same),
                view("lamp", "05d1c3a9b27e", changed),
                view("fan", "c0ffee000001", invalid),
            ]),
            ..fixture::bench()
        };
        insta::assert_snapshot!(told(&status, &snapshot, "li (operator)"), @r"
        station  bench-1
        flashes  relay 1.4.2 (bundle ab5df066e14f, relay.toml); its boards wait for a supervisor to approve it
                 thermostat 1.4.2 (bundle 3f2a91c07be4, thermostat.toml)
                 lamp 1.4.2 (bundle 05d1c3a9b27e, lamp.toml); on the disk: lamp 1.5 (bundle 77aa01c07be4), for a supervisor to approve
                 fan 1.4.2 (bundle c0ffee000001, fan.toml); on the disk: fan.toml:3:1: unknown key `x`
        line     running
        slots    8, 1 at work
        lots     none
        daemon   flashline 0.1.0, process 4711, for 1 d 2:03:04
        uses     25 MB, 31 descriptors, 12 tasks, 2 connections
        you      li (operator)
        ");
    }
}

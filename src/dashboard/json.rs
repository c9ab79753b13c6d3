//! The JSON face: one object per notice and line, for programs. What they may rely on:
#![doc = include_str!("../../docs/json.md")]

use std::io;
use std::sync::Arc;

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::feed::{Item, follow};
use super::plain::ending_on_broken_pipe;
use crate::chip::Access;
use crate::event::{Code, Happening, Notice, SlotId, Unit, Waiting};
use crate::station::{Asker, Snapshot};

/// Writes each notice as an object on standard output until the station has ended. Where nobody
/// reads any more the station is asked to end.
pub async fn json(snapshots: watch::Receiver<Arc<Snapshot>>, asker: Asker) -> io::Result<()> {
    ending_on_broken_pipe(write(snapshots, tokio::io::stdout()).await, asker).await
}

async fn write(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    mut out: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    follow(snapshots, async |items| {
        let mut text = Vec::new();
        for item in items {
            match item {
                Item::Missed(notices) => {
                    serde_json::to_writer(&mut text, &Missed::new(notices))?;
                }
                Item::Notice(notice) => serde_json::to_writer(&mut text, &Object::of(&notice))?,
            }
            text.push(b'\n');
        }
        out.write_all(&text).await?;
        out.flush().await
    })
    .await
    .map(|_| ())
}

#[derive(Serialize)]
struct Missed {
    event: &'static str,
    notices: u64,
}

impl Missed {
    fn new(notices: u64) -> Missed {
        Missed {
            event: "missed",
            notices,
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    number: u64,
    at: String,
    slot: Option<&'a str>,
    job: Option<String>,
    #[serde(flatten)]
    event: Event<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    StationStarted {
        station: &'a str,
        product: &'a str,
        version: &'a str,
        slots: usize,
    },
    InterruptedClosed {
        jobs: usize,
    },
    BoardWaits {
        port: &'a str,
        why: &'static str,
    },
    SwitchUnread {
        port: &'a str,
        why: &'a str,
    },
    PortUnassigned {
        port: &'a str,
        why: &'a str,
    },
    BoardArrived {
        port: &'a str,
    },
    BoardIdentified {
        chip: &'static str,
        access: &'static str,
        revision: Option<String>,
        mac: Option<String>,
        eui64: Option<String>,
        features: Vec<String>,
        crystal_mhz: Option<u32>,
        flash_id: Option<String>,
        flash_bytes: Option<u64>,
        security: String,
    },
    Retried {
        step: &'static str,
        code: &'static str,
        detail: &'a str,
        attempt: u32,
    },
    PortLost {
        port: &'a str,
    },
    HubLost {
        code: &'static str,
        hub: &'a str,
        slots: Vec<&'a str>,
    },
    JobEnded {
        outcome: &'static str,
        code: Option<&'static str>,
        detail: &'a str,
        mac: Option<String>,
        serial: Option<&'a str>,
        attempts: u32,
        retries: u32,
        seconds: f64,
    },
    SlotHeld {
        by: &'a str,
    },
    SlotFreed,
    BoardRemoved,
    SlotStopped {
        by: &'a str,
    },
    SlotQuarantined {
        boards: u32,
        code: &'static str,
    },
    SlotGoesOn {
        by: &'a str,
    },
    LineStoppedBy {
        by: &'a str,
    },
    LineGoesOn {
        by: &'a str,
    },
    ManifestChanged {
        code: &'static str,
        manifest: &'a str,
        product: &'a str,
        version: &'a str,
        bundle: &'a str,
    },
    ManifestInvalid {
        code: &'static str,
        manifest: &'a str,
        fault: &'a str,
    },
    ManifestUnchanged {
        manifest: &'a str,
    },
    BundleTaken {
        manifest: &'a str,
        product: &'a str,
        version: &'a str,
        bundle: &'a str,
        by: &'a str,
    },
    LineStopped {
        code: &'static str,
        detail: &'a str,
    },
    LineResumed,
    StationStopped,
}

impl<'a> Object<'a> {
    fn of(notice: &'a Notice) -> Object<'a> {
        Object {
            number: notice.number,
            at: notice.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            slot: notice.slot.as_ref().map(|slot| slot.as_str()),
            job: notice.job.map(|job| job.to_string()),
            event: Event::of(&notice.what),
        }
    }
}

impl<'a> Event<'a> {
    fn of(what: &'a Happening) -> Event<'a> {
        match what {
            Happening::StationStarted {
                station,
                product,
                version,
                slots,
            } => Event::StationStarted {
                station,
                product,
                version,
                slots: *slots,
            },
            Happening::InterruptedClosed { jobs } => Event::InterruptedClosed { jobs: *jobs },
            Happening::BoardWaits { port, why } => Event::BoardWaits {
                port,
                why: match why {
                    Waiting::PresentAtStart => "present_at_start",
                    Waiting::Request => "request",
                    Waiting::Scan => "scan",
                    Waiting::SwitchUnread => "switch_unread",
                    Waiting::HubTurn => "hub",
                },
            },
            Happening::SwitchUnread { port, why } => Event::SwitchUnread { port, why },
            Happening::PortUnassigned { port, why } => Event::PortUnassigned { port, why },
            Happening::BoardArrived { port } => Event::BoardArrived { port },
            Happening::BoardIdentified { identity } => Event::BoardIdentified {
                chip: identity.chip.name(),
                access: match identity.access {
                    Access::Full => "full",
                    Access::SecureDownload => "secure_download",
                },
                revision: identity.revision.map(|revision| revision.to_string()),
                mac: identity.mac.map(|mac| mac.to_string()),
                eui64: identity.eui64.map(|eui64| eui64.to_string()),
                features: identity.features.iter().map(ToString::to_string).collect(),
                crystal_mhz: identity.crystal_mhz,
                flash_id: identity.flash_id.map(|id| id.to_string()),
                flash_bytes: identity.flash_bytes(),
                security: identity.security.to_string(),
            },
            Happening::Retried {
                step,
                code,
                detail,
                attempt,
            } => Event::Retried {
                step: step.name(),
                code: code.word(),
                detail,
                attempt: *attempt,
            },
            Happening::PortLost { port } => Event::PortLost { port },
            Happening::HubLost { hub, slots } => Event::HubLost {
                code: Code::HubPower.word(),
                hub,
                slots: slots.iter().map(SlotId::as_str).collect(),
            },
            Happening::JobEnded {
                outcome,
                code,
                detail,
                unit,
                attempts,
                retries,
                took,
            } => Event::JobEnded {
                outcome: outcome.name(),
                code: code.map(|code| code.word()),
                detail,
                mac: (unit.as_ref().and_then(Unit::mac)).map(|mac| mac.to_string()),
                serial: match unit {
                    Some(Unit::Serial(serial)) => Some(serial.as_str()),
                    Some(Unit::Mac(_)) | None => None,
                },
                attempts: *attempts,
                retries: *retries,
                seconds: took.as_millis() as f64 / 1000.0,
            },
            Happening::SlotHeld { by } => Event::SlotHeld { by },
            Happening::SlotFreed => Event::SlotFreed,
            Happening::BoardRemoved => Event::BoardRemoved,
            Happening::LineStopped { code, detail } => Event::LineStopped {
                code: code.word(),
                detail,
            },
            Happening::SlotStopped { by } => Event::SlotStopped { by: &by.name },
            Happening::SlotQuarantined { boards, code } => Event::SlotQuarantined {
                boards: *boards,
                code: code.word(),
            },
            Happening::SlotGoesOn { by } => Event::SlotGoesOn { by: &by.name },
            Happening::LineStoppedBy { by } => Event::LineStoppedBy { by: &by.name },
            Happening::LineGoesOn { by } => Event::LineGoesOn { by: &by.name },
            Happening::ManifestChanged {
                manifest,
                product,
                version,
                bundle,
            } => Event::ManifestChanged {
                code: Code::ManifestChangedOnDisk.word(),
                manifest,
                product,
                version,
                bundle,
            },
            Happening::ManifestInvalid { manifest, fault } => Event::ManifestInvalid {
                code: Code::ManifestChangedOnDisk.word(),
                manifest,
                fault,
            },
            Happening::ManifestUnchanged { manifest } => Event::ManifestUnchanged { manifest },
            Happening::BundleTaken {
                manifest,
                product,
                version,
                bundle,
                by,
            } => Event::BundleTaken {
                manifest,
                product,
                version,
                bundle,
                by: &by.name,
            },
            Happening::LineResumed => Event::LineResumed,
            Happening::StationStopped => Event::StationStopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn every_happening_has_its_object() {
        let mut snapshot = fixture::bench();
        snapshot.notices = fixture::every_happening().into();
        let (sender, receiver) = watch::channel(Arc::new(snapshot));
        drop(sender);
        let mut out = Vec::new();
        write(receiver, &mut out).await.unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn every_event_and_field_is_documented() {
        let page = include_str!("../../docs/json.md");
        let mut objects: Vec<serde_json::Value> = fixture::every_happening()
            .iter()
            .map(|notice| serde_json::to_value(Object::of(notice)).unwrap())
            .collect();
        objects.push(serde_json::to_value(Missed::new(3)).unwrap());
        for object in objects {
            let event = object["event"].as_str().unwrap();
            let row = format!("| `{event}` |");
            let row = page.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{event} has no row"));
            for field in object.as_object().unwrap().keys() {
                let common = format!("| `{field}` |");
                let named = row.contains(&format!("`{field}`"))
                    || page.lines().any(|line| line.starts_with(&common));
                assert!(named, "{field} of {event}");
            }
        }
    }

    #[test]
    fn what_was_missed_is_an_object_too() {
        let text = serde_json::to_string(&Missed::new(3)).unwrap();
        assert_eq!(text, r#"{"event":"missed","notices":3}"#);
    }
}

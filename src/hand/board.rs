//! The board and what can be asked of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::spawn_blocking;

use super::contents::{self, App, Bootloader, Contents, Table};
use super::follow::{Followed, follow};
use super::gate::OpenGate;
use super::parts::{self, Part, Scruples};
use super::{HandError, Options};
use crate::chip::{Access, Chip, Identity};
use crate::event::{JobId, SlotId};
use crate::image::{AppDescription, OTADATA_BYTES, Partition, PartitionTable, TABLE_BYTES};
use crate::job::{Assignment, Effort, Failed, Kept, Silence, Work};
use crate::plan::Plan;
use crate::port::{Claim, Names, PortInfo, Purpose, Sharing};
use crate::settings::{BUSY_BY_HAND, GRACE};

/// Bytes that are read between two writes to a sink.
const PIECE_BYTES: u32 = 0x4_0000;

/// An image's header, and an app's description behind its first segment's.
const HEAD_BYTES: u32 = 0x100;

/// A connected board with a loader that waits for work. Other programs of this machine are told that
/// its port is held until it is let go or dropped.
pub struct Board {
    kept: Kept,
    identity: Identity,
    /// That of nothing done.
    plan: Plan,
    _followed: Followed,
    _claim: Option<Claim>,
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub bytes: u64,
    pub took: Duration,
    /// Blocks, commands, rates and connections that were tried again.
    pub retries: u32,
    /// The rate at the end.
    pub baud: u32,
}

impl Board {
    /// Claims the port, connects, identifies the board and makes its loader ready.
    ///
    /// # Errors
    /// [`HandError::Held`] where another flashline works on the port; [`HandError::Failed`], with the
    /// board's identity where it was known by then. Nothing has been written.
    pub async fn connect(options: Options) -> Result<Board, HandError> {
        let followed = follow(&options.ports, &options.path).await;
        let claim = match options.ports.shared() {
            Sharing::Private => None,
            Sharing::WithOtherProcesses => {
                let port = followed.presence.borrow().clone();
                let port = port.unwrap_or_else(|| PortInfo::at(&options.path));
                Some(claim(port, options.who).await?)
            }
        };
        let name = options.path.display().to_string();
        let assignment = Assignment {
            job: JobId::now(),
            slot: SlotId::new(&name),
            serial: None,
            presence: followed.presence.clone(),
            reset: options.before,
            after: options.after,
            // most boards; another chip costs one question more
            likely: Chip::Esp32,
            attempts: options.attempts,
            grace: GRACE,
            busy: BUSY_BY_HAND,
            stub: options.stub,
            stubs: options.stubs,
            silence: Silence::BadBoard,
        };
        let gate = Arc::new(OpenGate { baud: options.baud });
        let Options {
            ports,
            reports,
            stop,
            ..
        } = options;
        match Kept::connect(assignment, ports, gate, reports, stop).await {
            Ok((kept, identity, plan)) => Ok(Board {
                kept,
                identity,
                plan,
                _followed: followed,
                _claim: claim,
            }),
            Err((Failed { code, detail }, identity)) => Err(HandError::Failed {
                code,
                detail,
                identity: identity.map(Box::new),
            }),
        }
    }

    /// The board, as it was when it was connected.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The whole part, where its size is known.
    ///
    /// # Errors
    /// [`HandError::SizeUnknown`], [`HandError::Hidden`]
    pub fn whole_part(&self) -> Result<Range<u32>, HandError> {
        if self.identity.access == Access::SecureDownload {
            return Err(HandError::Hidden);
        }
        let size = self.identity.flash_bytes();
        match size.and_then(|bytes| u32::try_from(bytes).ok()) {
            Some(end) => Ok(0..end),
            None => Err(HandError::SizeUnknown {
                flash_id: self
                    .identity
                    .flash_id
                    .map_or_else(|| "(hidden)".to_owned(), |id| id.to_string()),
            }),
        }
    }

    /// What is on the part: a few reads.
    ///
    /// # Errors
    /// What the board does not let be read is an error; what cannot be made sense of is not.
    pub async fn contents(&mut self, table_offset: u32) -> Result<Contents, HandError> {
        let bootloader_offset = self.identity.chip.facts().bootloader_offset;
        let head = bootloader_offset..bootloader_offset + HEAD_BYTES;
        let bootloader = Bootloader::read(&self.bytes(head).await?);
        let table = match self.partition_table(table_offset).await {
            Ok(table) => self.found(table).await?,
            Err(HandError::NoTable { why, .. }) => Table::None { why },
            Err(error) => return Err(error),
        };
        Ok(Contents {
            bootloader_offset,
            bootloader,
            table_offset,
            table,
        })
    }

    async fn found(&mut self, table: PartitionTable) -> Result<Table, HandError> {
        let mut apps = Vec::new();
        for partition in table.rows.iter().filter(|row| row.is_app()) {
            let head = partition.offset..partition.offset.saturating_add(HEAD_BYTES);
            if parts::readable(&head, &self.identity).is_err() {
                continue;
            }
            if let Some(description) = AppDescription::of_image(&self.bytes(head).await?) {
                apps.push(App {
                    partition: partition.name.clone(),
                    description,
                });
            }
        }
        let otadata = match contents::otadata(&table) {
            Some(partition) => {
                let range = partition.offset..partition.offset.saturating_add(OTADATA_BYTES);
                Some(self.bytes(range).await?)
            }
            None => None,
        };
        Ok(Table::Found {
            starts: contents::starts(&table, otadata.as_deref()),
            partitions: table.rows,
            apps,
        })
    }

    /// The partition of that name in the table at this flash address.
    ///
    /// # Errors
    /// [`HandError::NoTable`], [`HandError::NoPartition`], or the reading failed.
    pub async fn partition(
        &mut self,
        table_offset: u32,
        name: &str,
    ) -> Result<Partition, HandError> {
        let table = self.partition_table(table_offset).await?;
        let found = table.rows.iter().find(|row| row.name == name).cloned();
        found.ok_or_else(|| HandError::NoPartition {
            name: name.to_owned(),
            there: table.rows.iter().map(|row| row.name.clone()).collect(),
        })
    }

    async fn partition_table(&mut self, offset: u32) -> Result<PartitionTable, HandError> {
        let range = offset..offset.saturating_add(TABLE_BYTES as u32);
        let bytes = self.bytes(range).await?;
        PartitionTable::parse(&bytes).map_err(|error| HandError::NoTable {
            offset,
            why: error.to_string(),
        })
    }

    /// Reads a range, piece by piece, into a sink. Every piece agrees with the chip's own MD5 before it
    /// goes there.
    ///
    /// # Errors
    /// [`HandError::OutOfRange`], [`HandError::Sink`], or the reading failed: the sink then has the
    /// first pieces.
    pub async fn read(
        &mut self,
        range: Range<u32>,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Done, HandError> {
        parts::readable(&range, &self.identity)?;
        let began = Instant::now();
        self.kept.begin(None);
        let mut effort = None;
        let mut piece = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = start.saturating_add(PIECE_BYTES).min(range.end);
            let work = Work::Read {
                range: start..end,
                span: range.clone(),
                into: &mut piece,
            };
            effort = Some(self.perform(work).await?);
            sink.write_all(&piece).await?;
            start = end;
        }
        sink.flush().await?;
        Ok(done(range.len() as u64, began, effort))
    }

    /// A short range in memory.
    ///
    /// # Errors
    /// As [`Board::read`].
    pub async fn bytes(&mut self, range: Range<u32>) -> Result<Vec<u8>, HandError> {
        let mut bytes = Vec::with_capacity(range.len());
        self.read(range, &mut bytes).await?;
        Ok(bytes)
    }

    /// Erases whole sectors.
    ///
    /// # Errors
    /// [`HandError::WithinSector`], [`HandError::OutOfRange`], or the erasing failed.
    pub async fn erase(&mut self, range: Range<u32>) -> Result<Done, HandError> {
        parts::erasable(&range, &self.identity)?;
        let bytes = range.len() as u64;
        let plan = Plan {
            kept: parts::spared(std::slice::from_ref(&range), &self.plan),
            erases: vec![range],
            ..self.plan.clone()
        };
        self.carry_out(plan, Work::Write, bytes).await
    }

    /// Erases the whole part, as a job does (`job/erase`): in pieces, blank ones passed over.
    ///
    /// # Errors
    /// The erasing failed; what is erased by then is unknown.
    pub async fn erase_all(&mut self) -> Result<Done, HandError> {
        let plan = Plan {
            erase_all: true,
            ..self.plan.clone()
        };
        let bytes = plan.flash_bytes;
        self.carry_out(plan, Work::Write, bytes).await
    }

    /// Writes bytes where a sector begins, and verifies them by the chip's own digest. The rest of the
    /// last sector is erased.
    ///
    /// # Errors
    /// Refused before anything is written ([`Scruples::Kept`]), or the writing failed.
    pub async fn write(
        &mut self,
        offset: u32,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Done, HandError> {
        let part = Part {
            name: "the image".to_owned(),
            offset,
            bytes: bytes.into(),
        };
        self.write_parts(vec![part], Scruples::Kept).await
    }

    /// As [`Board::write`], several at once.
    ///
    /// # Errors
    /// As [`Board::write`].
    pub async fn write_parts(
        &mut self,
        parts: Vec<Part>,
        scruples: Scruples,
    ) -> Result<Done, HandError> {
        let (plan, bytes) = self.plan_for(parts, scruples).await?;
        self.carry_out(plan, Work::Write, bytes).await
    }

    /// Whether the flash holds these bytes, by the chip's own digest.
    ///
    /// # Errors
    /// [`HandError::Failed`] with `VERIFY_MISMATCH` where it does not, or the asking failed.
    pub async fn verify(
        &mut self,
        offset: u32,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Done, HandError> {
        let part = Part {
            name: "the image".to_owned(),
            offset,
            bytes: bytes.into(),
        };
        self.verify_parts(vec![part]).await
    }

    /// As [`Board::verify`], several at once.
    ///
    /// # Errors
    /// As [`Board::verify`].
    pub async fn verify_parts(&mut self, parts: Vec<Part>) -> Result<Done, HandError> {
        let (plan, bytes) = self.plan_for(parts, Scruples::Forced).await?;
        self.carry_out(plan, Work::Verify, bytes).await
    }

    /// Lets the board go: it starts its app, or whatever [`Options::after`] says, and its port is free.
    ///
    /// # Errors
    /// The port was lost or failed at the reset.
    pub async fn reset(mut self) -> Result<(), HandError> {
        // after a failure that was final there is no connection, and none is made for this
        let result = if self.kept.is_connected() {
            self.kept.begin(None);
            self.perform(Work::Reset).await.map(drop)
        } else {
            Ok(())
        };
        self.kept.close().await;
        result
    }

    async fn plan_for(
        &self,
        parts: Vec<Part>,
        scruples: Scruples,
    ) -> Result<(Plan, u64), HandError> {
        let identity = self.identity.clone();
        let bytes = parts.iter().map(|part| part.bytes.len() as u64).sum();
        // digests of megabytes: off the workers
        let regions = spawn_blocking(move || parts::regions(&parts, &identity, scruples));
        let regions = match regions.await {
            Ok(regions) => regions?,
            Err(error) => return Err(HandError::Sink(std::io::Error::other(error))),
        };
        let kept = match scruples {
            Scruples::Kept => {
                let ranges: Vec<Range<u32>> = regions.iter().map(|r| r.range()).collect();
                parts::spared(&ranges, &self.plan)
            }
            Scruples::Forced => Vec::new(),
        };
        let plan = Plan {
            kept,
            regions,
            ..self.plan.clone()
        };
        Ok((plan, bytes))
    }

    async fn carry_out(
        &mut self,
        plan: Plan,
        work: Work<'_>,
        bytes: u64,
    ) -> Result<Done, HandError> {
        let began = Instant::now();
        self.kept.begin(Some(plan));
        let effort = self.perform(work).await?;
        Ok(done(bytes, began, Some(effort)))
    }

    async fn perform(&mut self, work: Work<'_>) -> Result<Effort, HandError> {
        let identity = || Some(Box::new(self.identity.clone()));
        match self.kept.perform(work).await {
            Ok(effort) => Ok(effort),
            Err(Failed { code, detail }) => Err(HandError::Failed {
                code,
                detail,
                identity: identity(),
            }),
        }
    }
}

fn done(bytes: u64, began: Instant, effort: Option<Effort>) -> Done {
    Done {
        bytes,
        took: began.elapsed(),
        retries: effort.map_or(0, |effort| effort.retries.total()),
        baud: effort.map_or(0, |effort| effort.baud),
    }
}

/// Claims a port in someone's name, off the workers.
pub(crate) async fn claim(port: PortInfo, who: String) -> Result<Claim, HandError> {
    let path = port.path.clone();
    let take = move || Claim::take(&Names::of(&port), &who, Purpose::Work);
    match spawn_blocking(take).await {
        Ok(Ok(claim)) => Ok(claim),
        Ok(Err(held)) => Err(HandError::Held {
            port: path.display().to_string(),
            by: held.by,
        }),
        Err(error) => Err(HandError::Sink(std::io::Error::other(error))),
    }
}

//! The station file's own command (`[alarm] command`), run by the daemon for what calls for someone. A task
//! follows the notices and ends with the station; each run has a thread that waits for it, and kills what
//! does not end. Nothing waits for a command, and one that fails is told once, in the diagnostic log.

use std::io::PipeReader;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::event::{Happening, LotName, LotState, Notice, SlotId, Unit};
use crate::lang::{Language, notice as words};
use crate::settings::{Alarm, AlarmSettings};
use crate::socket::{Feed, Item};
use crate::station::Snapshot;

/// So many run at once; what calls while they do runs nothing.
const AT_ONCE: usize = 4;

/// One that takes longer is killed, with all that it has started.
const LONGEST: Duration = Duration::from_secs(30);

/// And once the station has ended, one that takes longer than this.
const LONGEST_AFTER_THE_END: Duration = Duration::from_secs(2);

/// Runs the command for what the station tells, until that has ended; `None` where there is no command.
pub fn follow(
    settings: AlarmSettings,
    language: Language,
    snapshots: watch::Receiver<Arc<Snapshot>>,
) -> Option<JoinHandle<()>> {
    if settings.command.is_empty() {
        return None;
    }
    Some(tokio::spawn(listen(settings, language, snapshots)))
}

async fn listen(
    settings: AlarmSettings,
    language: Language,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
) {
    // closed by the end of this task, which those who wait for a command see
    let (ended, _station) = match std::io::pipe() {
        Ok((ended, station)) => (Arc::new(ended), station),
        Err(error) => {
            tracing::warn!(%error, "the alarm's command cannot be run");
            return;
        }
    };
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let trouble = Arc::new(Trouble::default());
    let mut feed = Feed::from_the_start();
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        for item in feed.news(&snapshot.notices) {
            let Item::Notice(notice) = item else { continue };
            let Some(said) = said(&settings, language, &notice, &snapshot) else {
                continue;
            };
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                trouble.tell(&format!("{AT_ONCE} of it run already"));
                continue;
            };
            let (command, ended) = (settings.command.clone(), Arc::clone(&ended));
            let trouble = Arc::clone(&trouble);
            tokio::task::spawn_blocking(move || {
                match run(&command, said, &ended, LONGEST, LONGEST_AFTER_THE_END) {
                    Ok(()) => trouble.is_over(),
                    Err(why) => trouble.tell(&why),
                }
                drop(permit);
            });
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

/// Whether the command's trouble was told; it is told again after a run that went well.
#[derive(Debug, Default)]
struct Trouble {
    told: AtomicBool,
}

impl Trouble {
    fn tell(&self, why: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "the alarm's command did not do its work");
        }
    }

    fn is_over(&self) {
        self.told.store(false, Ordering::Relaxed);
    }
}

/// What the command finds in its environment.
type Said = Vec<(&'static str, String)>;

/// What is said of a notice; `None` where the command is not for it.
fn said(
    settings: &AlarmSettings,
    language: Language,
    notice: &Notice,
    snapshot: &Snapshot,
) -> Option<Said> {
    let alarm = Alarm::of(&notice.what).filter(|alarm| settings.command_on.contains(alarm))?;
    let (code, unit, lot) = match &notice.what {
        Happening::JobEnded { code, unit, .. } => {
            let lot = notice.slot.as_ref().and_then(|slot| lot(slot, snapshot));
            (*code, unit.as_ref(), lot)
        }
        Happening::LotDone { lot, .. } => (None, None, Some(lot)),
        Happening::LineStopped { code, .. } | Happening::SlotQuarantined { code, .. } => {
            (Some(*code), None, None)
        }
        _ => (None, None, None),
    };
    let text = |value: Option<String>| value.unwrap_or_default();
    Some(vec![
        ("FLASHLINE_EVENT", alarm.name().to_owned()),
        ("FLASHLINE_STATION", snapshot.station.to_string()),
        (
            "FLASHLINE_SLOT",
            text(notice.slot.as_ref().map(ToString::to_string)),
        ),
        ("FLASHLINE_JOB", text(notice.job.map(|job| job.to_string()))),
        ("FLASHLINE_CODE", text(code.map(|code| code.to_string()))),
        ("FLASHLINE_UNIT", text(unit.map(Unit::to_string))),
        ("FLASHLINE_LOT", text(lot.map(ToString::to_string))),
        ("FLASHLINE_TEXT", words(notice, language)),
    ])
}

/// The lot that runs for what this slot flashes.
fn lot<'s>(slot: &SlotId, snapshot: &'s Snapshot) -> Option<&'s LotName> {
    let slot = snapshot.slots.iter().find(|view| view.slot == *slot)?;
    let lots = snapshot.standing.lots.iter();
    let mut running = lots.filter(|lot| {
        let is_its_product = match &slot.product {
            Some(product) => **product == *format!("{} {}", lot.product, lot.version),
            None => *lot.bundle == *snapshot.bundle,
        };
        lot.state == LotState::Running && is_its_product
    });
    running.next().map(|lot| &lot.lot)
}

/// Runs it to its end, or kills it when its time is up.
fn run(
    command: &[String],
    said: Said,
    ended: &PipeReader,
    longest: Duration,
    longest_after_the_end: Duration,
) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("there is none")?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(said)
        .stdin(Stdio::null())
        // the terminal is the dashboard's
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let status = finish(&mut child, ended, longest, longest_after_the_end)
        .map_err(|error| format!("{program}: {error}"))?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{program}: {status}")),
        None => Err(format!("{program}: killed, its time was up")),
    }
}

/// Waits for its end; `None` where it had to be killed.
fn finish(
    child: &mut Child,
    ended: &PipeReader,
    longest: Duration,
    longest_after_the_end: Duration,
) -> std::io::Result<Option<ExitStatus>> {
    let pid = Pid::from_child(child);
    let own = pidfd_open(pid, PidfdFlags::empty())?;
    let is_over = |with_the_end: bool, longest: Duration| -> std::io::Result<bool> {
        let mut fds = vec![PollFd::new(&own, PollFlags::IN)];
        if with_the_end {
            fds.push(PollFd::new(ended, PollFlags::empty()));
        }
        let longest = Timespec::try_from(longest).map_err(std::io::Error::other)?;
        loop {
            match poll(&mut fds, Some(&longest)) {
                // a signal: waited for anew, which only makes it longer
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(!fds[0].revents().is_empty()),
            }
        }
    };
    if is_over(true, longest)? || is_over(false, longest_after_the_end)? {
        return child.wait().map(Some);
    }
    // one that has ended in this moment is no longer there to be killed
    let _ = kill_process_group(pid, Signal::KILL);
    child.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests;

//! The sentences of the dashboard: those that hold a figure or a name, in both languages.

use std::time::Duration;

use super::{Advice, Language};
use crate::event::{LotName, Serial, SlotId};

/// What the header says beside the station: what a scripted run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caption {
    /// The demo's round, from 1.
    DemoRound { round: u32, of: u32 },
    /// The demo has played all its rounds and shows the last results.
    DemoOver,
    /// The daemon that is shown does not answer: what is shown is what it told last.
    DaemonLost,
}

/// The caption in words.
pub fn caption(caption: Caption, language: Language) -> String {
    match (caption, language) {
        (Caption::DemoRound { round, of }, Language::English) => {
            format!("demo: round {round} of {of}")
        }
        (Caption::DemoRound { round, of }, Language::Chinese) => {
            format!("演示：第 {round} 轮，共 {of} 轮")
        }
        (Caption::DemoOver, Language::English) => "demo: all rounds done, q ends".to_owned(),
        (Caption::DemoOver, Language::Chinese) => "演示：全部完成，按 q 结束".to_owned(),
        (Caption::DaemonLost, Language::English) => {
            "DAEMON LOST: this is the past, waiting for it to come back".to_owned()
        }
        (Caption::DaemonLost, Language::Chinese) => {
            "后台程序失联：显示的是旧状态，等待恢复".to_owned()
        }
    }
}

/// How many boards were counted.
pub fn units(count: u64, language: Language) -> String {
    match (count, language) {
        (1, Language::English) => "1 unit".to_owned(),
        (count, Language::English) => format!("{count} units"),
        (count, Language::Chinese) => format!("{count} 块"),
    }
}

/// Asks before jobs are stopped.
pub fn confirm_quit(jobs: usize, language: Language) -> String {
    match language {
        Language::English => {
            let boards = match jobs {
                1 => "1 board is".to_owned(),
                jobs => format!("{jobs} boards are"),
            };
            format!("{boards} at work. q: stop at a safe point and end   Esc: go on")
        }
        Language::Chinese => format!("{jobs} 块板子正在工作。q：在安全点停止并结束   Esc：继续"),
    }
}

/// Who stopped a slot or the line; a sentence.
pub fn stopped_by(name: &str, language: Language) -> String {
    match language {
        Language::English => format!("Stopped by {name}. "),
        Language::Chinese => format!("被 {name} 停止。"),
    }
}

/// Why the line is halted, `failed` says what failed how often, and what to do.
pub fn halted(failed: &str, words: Advice, remedy: &str, language: Language) -> String {
    let happened = words.happened;
    match language {
        Language::English => format!("{failed} ({happened}). {remedy}"),
        Language::Chinese => format!("{failed}（{happened}）。{remedy}"),
    }
}

/// A manifest on the disk is another one than at work: `change` says from what to what.
pub fn changed_on_disk(change: &str, manifest: &str, language: Language) -> String {
    match language {
        Language::English => format!("{change}, b: approve ({manifest})"),
        Language::Chinese => format!("{change}，b：批准（{manifest}）"),
    }
}

/// A manifest on the disk cannot be used.
pub fn invalid_on_disk(at_work: &str, fault: &str, language: Language) -> String {
    match language {
        Language::English => format!("{at_work} stays at work: {fault}"),
        Language::Chinese => format!("仍使用 {at_work}：{fault}"),
    }
}

/// A face came too late for some notices.
pub fn missed(notices: u64, language: Language) -> String {
    match (notices, language) {
        (1, Language::English) => "missed 1 notice".to_owned(),
        (notices, Language::English) => format!("missed {notices} notices"),
        (notices, Language::Chinese) => format!("遗漏 {notices} 条消息"),
    }
}

/// What it took beyond the first attempt; `None` where nothing was tried again.
pub fn effort(attempts: u32, retries: u32, language: Language) -> Option<String> {
    Some(match (attempts, retries, language) {
        (0 | 1, 0, _) => return None,
        (0 | 1, 1, Language::English) => "1 retry".to_owned(),
        (0 | 1, retries, Language::English) => format!("{retries} retries"),
        (attempts, 0, Language::English) => format!("attempt {attempts}"),
        (attempts, retries, Language::English) => format!("attempt {attempts}, retry {retries}"),
        (0 | 1, retries, Language::Chinese) => format!("重试 {retries} 次"),
        (attempts, 0, Language::Chinese) => format!("第 {attempts} 次"),
        (attempts, retries, Language::Chinese) => format!("第 {attempts} 次，重试 {retries}"),
    })
}

/// When a board passed before.
pub fn passed_on(when: &str, language: Language) -> String {
    match language {
        Language::English => format!("passed {when}"),
        Language::Chinese => format!("合格于 {when}"),
    }
}

/// How fast a flash is written, the same in both languages.
pub fn rate(bytes_per_second: u64) -> String {
    format!("{} kB/s", bytes_per_second.div_ceil(1000))
}

/// How long a job still takes: a little more rather than less.
pub fn left(left: Duration, language: Language) -> String {
    let seconds = left.as_secs_f64().ceil() as u64;
    let time = match seconds {
        0..100 => format!("{seconds} s"),
        _ => format!("{}:{:02}", seconds / 60, seconds % 60),
    };
    match language {
        Language::English => format!("{time} left"),
        Language::Chinese => format!("剩 {time}"),
    }
}

/// How far a lot is.
pub fn lot_done(lot: &LotName, passed: u64, target: u64, language: Language) -> String {
    match language {
        Language::English => format!("lot {lot} {passed} / {target}"),
        Language::Chinese => format!("批次 {lot} {passed} / {target}"),
    }
}

/// Who paused a lot.
pub fn paused_by(name: &str, language: Language) -> String {
    match language {
        Language::English => format!("PAUSED by {name}"),
        Language::Chinese => format!("{name} 已暂停"),
    }
}

/// Good units an hour.
pub fn per_hour(units: f64, language: Language) -> String {
    match language {
        Language::English => format!("{units:.0} units/h"),
        Language::Chinese => format!("{units:.0} 块/时"),
    }
}

/// Until a lot has its units; rounded up, since nobody minds less.
pub fn to_go(left: Duration, language: Language) -> String {
    let minutes = left.as_secs().div_ceil(60);
    match (minutes, language) {
        (0..120, Language::English) => format!("{minutes} min to go"),
        (0..120, Language::Chinese) => format!("还需 {minutes} 分"),
        (_, Language::English) => format!("{} h {:02} to go", minutes / 60, minutes % 60),
        (_, Language::Chinese) => format!("还需 {} 时 {:02} 分", minutes / 60, minutes % 60),
    }
}

/// Lots beside the one that is shown.
pub fn more_lots(count: usize, language: Language) -> String {
    match language {
        Language::English => format!("+{count} more"),
        Language::Chinese => format!("另有 {count} 批"),
    }
}

/// The slot that fails significantly more often than the others together, and what to look at.
///
/// `own`, `others`: failed at first, of so many.
pub fn worst_slot(
    slot: &SlotId,
    own: (u64, u64),
    others: (u64, u64),
    language: Language,
) -> String {
    let ((failed, units), (other_failed, other_units)) = (own, others);
    match language {
        Language::English => format!(
            "WORST SLOT {slot}: {failed} of {units} units failed at first, of the others {other_failed} of {other_units}. Look at its pins, cable and port."
        ),
        Language::Chinese => format!(
            "最差工位 {slot}：首次失败 {failed}/{units}，其他工位 {other_failed}/{other_units}。请检查其探针、线缆和端口。"
        ),
    }
}

/// A serial number waits for its board.
pub fn serial_waits(serial: &Serial, language: Language) -> String {
    match language {
        Language::English => format!("{serial}: put its board in"),
        Language::Chinese => format!("{serial}：请放入此板"),
    }
}

/// How many ports belong to no slot.
pub fn unassigned(count: usize, language: Language) -> String {
    match (count, language) {
        (1, Language::English) => "1 port left alone".to_owned(),
        (count, Language::English) => format!("{count} ports left alone"),
        (count, Language::Chinese) => format!("未使用端口 {count} 个"),
    }
}

/// The terminal has too few cells.
pub fn too_small(width: u16, height: u16, needed: (u16, u16), language: Language) -> String {
    let (columns, rows) = needed;
    match language {
        Language::English => format!(
            "terminal too small: {width} x {height}, needs {columns} x {rows}. Enlarge it, or use --plain."
        ),
        Language::Chinese => {
            format!("终端太小：{width} x {height}，需要 {columns} x {rows}。请放大或使用 --plain。")
        }
    }
}

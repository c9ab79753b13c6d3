//! The sentences of the dashboard: those that hold a figure or a name, in both languages.

use super::{Advice, Language};

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

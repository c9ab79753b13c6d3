//! A notice as one line.

use super::{Language, advice, effort};
use crate::chip::{Access, Identity};
use crate::event::{Code, Happening, Notice, SlotId, Waiting};

/// The notice in words, without its time, number and slot (faces lay those out).
pub fn notice(notice: &Notice, language: Language) -> String {
    match language {
        Language::English => english(&notice.what),
        Language::Chinese => chinese(&notice.what),
    }
}

fn english(what: &Happening) -> String {
    match what {
        Happening::StationStarted {
            station,
            product,
            version,
            slots,
            own_manifests,
        } => {
            let product = format!("{product} {version}");
            match (slots, own_manifests) {
                (0, _) => format!(
                    "station {station} flashes {product} on each bridge plugged in from now on"
                ),
                (_, 0) => format!(
                    "station {station} flashes {product} on {}",
                    of_slots(*slots)
                ),
                (all, own) if all == own => {
                    format!("station {station}: {}", with_manifests(*own))
                }
                (all, own) => format!(
                    "station {station} flashes {product} on {}; {}",
                    of_slots(all - own),
                    with_manifests(*own)
                ),
            }
        }
        Happening::InterruptedClosed { jobs: 1 } => {
            "1 job of an earlier run was closed as INTERRUPTED".to_owned()
        }
        Happening::InterruptedClosed { jobs } => {
            format!("{jobs} jobs of an earlier run were closed as INTERRUPTED")
        }
        Happening::BoardWaits { port, why } => {
            let waits = match why {
                Waiting::PresentAtStart => {
                    "was there before the start: replug it or start it by hand"
                }
                Waiting::Request => "is there and starts on request",
                Waiting::Scan => "is there and starts when its serial number is scanned",
                Waiting::SwitchClosed => {
                    "its switch is closed already: it starts when the jig is opened and closed"
                }
                Waiting::SwitchUnread => "the jig's switch cannot be read",
                Waiting::Stopped => {
                    "is there and starts when the supervisor lets the slot or the line go on"
                }
                Waiting::Operator => "is there and starts when an operator's badge is scanned",
                Waiting::Lot => "is there and starts when a lot is started",
                Waiting::LotPaused => "is there and starts when its lot goes on",
                Waiting::LotFull => "is there, and its lot is full: it belongs to another one",
                Waiting::FirstArticle => {
                    "is there and starts when the supervisor has approved the first article"
                }
                Waiting::HubTurn => "waits for its turn on the hub",
            };
            format!("{waits} ({port})")
        }
        Happening::SwitchUnread { port, why } => {
            format!("the jig's switch cannot be read, so no board starts by it: {why} ({port})")
        }
        Happening::PortUnassigned { port, why } => format!("{port} is left alone: {why}"),
        Happening::BoardArrived { port } => format!("board arrived at {port}"),
        Happening::BoardIdentified { identity } => {
            board(identity, "flash", "in secure download mode")
        }
        Happening::Retried {
            step,
            code,
            detail,
            attempt,
        } => {
            format!("{step} tried again in attempt {attempt}: {code}, {detail}")
        }
        Happening::PortLost { port } => format!("port lost, waiting for it to come back ({port})"),
        Happening::JobEnded {
            outcome,
            code,
            detail,
            unit,
            attempts,
            retries,
            took,
        } => {
            let unit = (unit.as_ref()).map_or_else(String::new, |unit| format!(" {unit}"));
            let took = took.as_secs_f64();
            match code {
                None => {
                    let effort = effort(*attempts, *retries, Language::English)
                        .map(|effort| format!(", {effort}"))
                        .unwrap_or_default();
                    format!("{outcome}{unit} in {took:.1} s{effort}")
                }
                Some(code) => {
                    let words = advice(*code, Language::English);
                    let detail = if detail.is_empty() {
                        String::new()
                    } else {
                        format!(" ({detail})")
                    };
                    format!(
                        "{outcome}{unit} {code}: {}{detail}. {}",
                        words.happened, words.remedy
                    )
                }
            }
        }
        Happening::SlotHeld { by } => format!("HELD by {by}"),
        Happening::SlotFreed => "no longer held".to_owned(),
        Happening::HubLost { hub, slots } => {
            let words = advice(Code::HubPower, Language::English);
            format!(
                "HUB_POWER: {hub} lost slots {} at once. {}",
                names(slots, ", "),
                words.remedy
            )
        }
        Happening::BoardRemoved => "board removed".to_owned(),
        Happening::LineStopped {
            code: code @ (Code::LineHalted | Code::GoldenEscaped),
            detail,
        } => {
            let words = advice(*code, Language::English);
            format!("LINE STOPPED {code}: {detail}. {}", words.remedy)
        }
        Happening::LineStopped { code, detail } => format!("LINE STOPPED {code}: {detail}"),
        Happening::SlotStopped { by } => format!("slot stopped by {by}"),
        Happening::SlotQuarantined { boards, code } => {
            let words = advice(Code::SlotQuarantined, Language::English);
            format!(
                "SLOT_QUARANTINED after {boards} different boards in a row failed, the last one {code}. {}",
                words.remedy
            )
        }
        Happening::SlotGoesOn { by } => format!("slot set free by {by}"),
        Happening::LineStoppedBy { by } => format!("LINE STOPPED by {by}"),
        Happening::LineGoesOn { by } => format!("line goes on, says {by}"),
        Happening::ManifestChanged {
            manifest,
            product,
            version,
            bundle,
        } => format!(
            "MANIFEST_CHANGED_ON_DISK: {manifest} is now {product} {version} ({bundle}); no board \
             gets it until a supervisor approves"
        ),
        Happening::ManifestInvalid { manifest, fault } => {
            format!(
                "MANIFEST_CHANGED_ON_DISK: {manifest} cannot be used, the old one stays at work: {fault}"
            )
        }
        Happening::ManifestUnchanged { manifest } => {
            format!("{manifest} is again what is at work")
        }
        Happening::BundleTaken {
            product,
            version,
            bundle,
            by,
            ..
        } => format!("the next boards get {product} {version} ({bundle}), approved by {by}"),
        Happening::LineResumed => "line runs again".to_owned(),
        Happening::LotApproved { lot, target, by } => {
            format!("lot {lot} of {target} approved by {by}: it may be started")
        }
        Happening::LotStarted { lot, by } => format!("LOT {lot} runs, started by {by}"),
        Happening::LotPaused { lot, by } => format!("LOT {lot} PAUSED by {by}"),
        Happening::LotDone { lot, passed } => format!("LOT {lot} DONE: {passed} boards are good"),
        Happening::LotEnded {
            lot,
            passed,
            target,
            by,
        } => format!("lot {lot} ended by {by} with {passed} of {target}"),
        Happening::FirstArticleHeld { lot } => {
            format!("lot {lot}: the first article waits for the supervisor")
        }
        Happening::FirstArticleApproved { lot, by } => {
            format!("lot {lot}: the first article was approved by {by}")
        }
        Happening::AskedAgain => {
            "the board passed before: flash it again, or leave it as it is?".to_owned()
        }
        Happening::RetestAllowed { unit, by } => format!("{unit}: one more try, allowed by {by}"),
        Happening::WrittenOff { unit, by } => format!("{unit} was written off by {by}"),
        Happening::OperatorCame { operator } => format!("operator {operator} is at the bench"),
        Happening::ScanOrphan { serial } => {
            let words = advice(Code::ScanOrphan, Language::English);
            format!("SCAN_ORPHAN {serial}: {}. {}", words.happened, words.remedy)
        }
        Happening::PinWrong { name, left: 1 } => {
            format!("a wrong PIN for {name}: one more locks it")
        }
        Happening::PinWrong { name, left } => {
            format!("a wrong PIN for {name}: {left} more lock it")
        }
        Happening::PinLocked { name, lasts } => {
            let seconds = lasts.as_secs();
            format!("too many wrong PINs for {name}: none is taken for {seconds} s")
        }
        Happening::StationStopped => "station stopped".to_owned(),
    }
}

fn chinese(what: &Happening) -> String {
    match what {
        Happening::StationStarted {
            station,
            product,
            version,
            slots,
            own_manifests,
        } => {
            let product = format!("{product} {version}");
            match (slots, own_manifests) {
                (0, _) => {
                    format!("工作站 {station} 烧录 {product}，此后插入的每个适配器")
                }
                (_, 0) => format!("工作站 {station} 烧录 {product}，工位 {slots} 个"),
                (all, own) if all == own => {
                    format!("工作站 {station}：{own} 个工位各有自己的清单")
                }
                (all, own) => format!(
                    "工作站 {station} 烧录 {product}，工位 {} 个；另有 {own} 个工位各有自己的清单",
                    all - own
                ),
            }
        }
        Happening::InterruptedClosed { jobs } => {
            format!("上次运行遗留的 {jobs} 个任务已记为 INTERRUPTED")
        }
        Happening::BoardWaits { port, why } => {
            let waits = match why {
                Waiting::PresentAtStart => "启动前已插入：请重新插入或手动开始",
                Waiting::Request => "已插入，等待手动开始",
                Waiting::Scan => "已在工位上，扫描序列号后开始",
                Waiting::SwitchClosed => "开关早已闭合：打开治具再合上后开始",
                Waiting::SwitchUnread => "无法读取治具开关",
                Waiting::Stopped => "已插入，班长恢复工位或生产线后开始",
                Waiting::Operator => "已插入，等待扫描操作员工牌",
                Waiting::Lot => "已插入，等待批次开始",
                Waiting::LotPaused => "已插入，等待批次恢复",
                Waiting::LotFull => "已插入，但批次已满：它属于另一批次",
                Waiting::FirstArticle => "已插入，等待班长批准首件",
                Waiting::HubTurn => "等待集线器空闲",
            };
            format!("{waits}（{port}）")
        }
        Happening::SwitchUnread { port, why } => {
            format!("无法读取治具开关，板子不会自动开始：{why}（{port}）")
        }
        Happening::PortUnassigned { port, why } => format!("{port} 不使用：{why}"),
        Happening::BoardArrived { port } => format!("板子插入 {port}"),
        Happening::BoardIdentified { identity } => board(identity, "闪存", "处于安全下载模式"),
        Happening::Retried {
            step,
            code,
            detail,
            attempt,
        } => {
            let step = super::step(*step, Language::Chinese);
            format!("第 {attempt} 次尝试中重试{step}：{code}，{detail}")
        }
        Happening::PortLost { port } => format!("端口断开，等待恢复（{port}）"),
        Happening::JobEnded {
            outcome,
            code,
            detail,
            unit,
            attempts,
            retries,
            took,
        } => {
            let unit = (unit.as_ref()).map_or_else(String::new, |unit| format!(" {unit}"));
            let took = took.as_secs_f64();
            match code {
                None => {
                    let effort = effort(*attempts, *retries, Language::Chinese)
                        .map(|effort| format!("，{effort}"))
                        .unwrap_or_default();
                    format!("{outcome}{unit} 用时 {took:.1} 秒{effort}")
                }
                Some(code) => {
                    let words = advice(*code, Language::Chinese);
                    let detail = if detail.is_empty() {
                        String::new()
                    } else {
                        format!("（{detail}）")
                    };
                    format!(
                        "{outcome}{unit} {code}：{}{detail}。{}",
                        words.happened, words.remedy
                    )
                }
            }
        }
        Happening::SlotHeld { by } => format!("被 {by} 占用"),
        Happening::SlotFreed => "占用已解除".to_owned(),
        Happening::HubLost { hub, slots } => {
            let words = advice(Code::HubPower, Language::Chinese);
            format!(
                "HUB_POWER：{hub} 的工位 {} 同时断开。{}",
                names(slots, "、"),
                words.remedy
            )
        }
        Happening::BoardRemoved => "板子已取出".to_owned(),
        Happening::LineStopped {
            code: code @ (Code::LineHalted | Code::GoldenEscaped),
            detail,
        } => {
            let words = advice(*code, Language::Chinese);
            format!("生产线停止 {code}：{detail}。{}", words.remedy)
        }
        Happening::LineStopped { code, detail } => format!("生产线停止 {code}：{detail}"),
        Happening::SlotStopped { by } => format!("工位被 {by} 停止"),
        Happening::SlotQuarantined { boards, code } => {
            let words = advice(Code::SlotQuarantined, Language::Chinese);
            format!(
                "SLOT_QUARANTINED：连续 {boards} 块不同的板子失败，最后一块为 {code}，工位已隔离。{}",
                words.remedy
            )
        }
        Happening::SlotGoesOn { by } => format!("{by} 恢复了工位"),
        Happening::LineStoppedBy { by } => format!("生产线被 {by} 停止"),
        Happening::LineGoesOn { by } => format!("{by} 恢复了生产线"),
        Happening::ManifestChanged {
            manifest,
            product,
            version,
            bundle,
        } => format!(
            "MANIFEST_CHANGED_ON_DISK：{manifest} 现为 {product} {version}（{bundle}），班长批准后才会使用"
        ),
        Happening::ManifestInvalid { manifest, fault } => {
            format!("MANIFEST_CHANGED_ON_DISK：{manifest} 无法使用，仍使用旧清单：{fault}")
        }
        Happening::ManifestUnchanged { manifest } => format!("{manifest} 与正在使用的清单一致"),
        Happening::BundleTaken {
            product,
            version,
            bundle,
            by,
            ..
        } => format!("{by} 已批准，之后的板子使用 {product} {version}（{bundle}）"),
        Happening::LineResumed => "生产线恢复".to_owned(),
        Happening::LotApproved { lot, target, by } => {
            format!("批次 {lot}（{target} 块）已由 {by} 批准，可以开始")
        }
        Happening::LotStarted { lot, by } => format!("批次 {lot} 开始生产（{by}）"),
        Happening::LotPaused { lot, by } => format!("批次 {lot} 已由 {by} 暂停"),
        Happening::LotDone { lot, passed } => format!("批次 {lot} 已完成：良品 {passed} 块"),
        Happening::LotEnded {
            lot,
            passed,
            target,
            by,
        } => format!("批次 {lot} 已由 {by} 结束：{passed} / {target}"),
        Happening::FirstArticleHeld { lot } => format!("批次 {lot}：首件等待班长批准"),
        Happening::FirstArticleApproved { lot, by } => {
            format!("批次 {lot}：首件已由 {by} 批准")
        }
        Happening::AskedAgain => "此板以前已通过：重新烧录，还是保持原样？".to_owned(),
        Happening::RetestAllowed { unit, by } => format!("{unit}：{by} 允许再试一次"),
        Happening::WrittenOff { unit, by } => format!("{unit} 已由 {by} 报废"),
        Happening::OperatorCame { operator } => format!("操作员 {operator} 上岗"),
        Happening::ScanOrphan { serial } => {
            let words = advice(Code::ScanOrphan, Language::Chinese);
            format!("SCAN_ORPHAN {serial}：{}。{}", words.happened, words.remedy)
        }
        Happening::PinWrong { name, left } => {
            format!("{name} 的 PIN 错误：再错 {left} 次将被锁定")
        }
        Happening::PinLocked { name, lasts } => {
            format!("{name} 的 PIN 错误次数过多：锁定 {} 秒", lasts.as_secs())
        }
        Happening::StationStopped => "工作站已停止".to_owned(),
    }
}

/// A board in one line: what is known of it, in the order MAC, chip, revision, flash.
fn board(identity: &Identity, flash: &str, in_secure_download: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(identity.mac.map(|mac| mac.to_string()));
    words.push(identity.chip.to_string());
    words.extend(identity.revision.map(|revision| revision.to_string()));
    words.extend(identity.flash_id.map(|id| format!("{flash} {id}")));
    words.extend(identity.flash_bytes().map(size));
    if identity.access == Access::SecureDownload {
        words.push(in_secure_download.to_owned());
    }
    words.join(" ")
}

fn names(slots: &[SlotId], between: &str) -> String {
    let names: Vec<&str> = slots.iter().map(SlotId::as_str).collect();
    names.join(between)
}

/// Bytes in the unit that flash parts are sold in.
fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 {
        format!("{} MB", bytes >> 20)
    } else {
        format!("{} KB", bytes >> 10)
    }
}

fn of_slots(slots: usize) -> String {
    match slots {
        1 => "1 slot".to_owned(),
        _ => format!("{slots} slots"),
    }
}

fn with_manifests(slots: usize) -> String {
    match slots {
        1 => "1 slot has a manifest of its own".to_owned(),
        _ => format!("{slots} slots have manifests of their own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_many() {
        let started = |slots, own_manifests| Happening::StationStarted {
            station: "bench".to_owned(),
            product: "lamp".to_owned(),
            version: "1".to_owned(),
            slots,
            own_manifests,
        };
        let closed = |jobs| Happening::InterruptedClosed { jobs };
        let check = |what: &Happening, end: &str| {
            let told = english(what);
            assert!(told.ends_with(end), "{told}");
        };
        check(
            &started(0, 0),
            "lamp 1 on each bridge plugged in from now on",
        );
        check(&started(1, 0), "lamp 1 on 1 slot");
        check(&started(8, 0), "lamp 1 on 8 slots");
        check(
            &started(8, 8),
            "station bench: 8 slots have manifests of their own",
        );
        check(
            &started(8, 1),
            "lamp 1 on 7 slots; 1 slot has a manifest of its own",
        );
        check(
            &closed(1),
            "1 job of an earlier run was closed as INTERRUPTED",
        );
        check(
            &closed(2),
            "2 jobs of an earlier run were closed as INTERRUPTED",
        );
    }

    #[test]
    fn each_way_to_wait_has_words_of_its_own() {
        let mut told = std::collections::HashSet::new();
        for why in Waiting::ALL {
            let port = "/dev/ttyUSB0".to_owned();
            let what = Happening::BoardWaits { port, why };
            for words in [english(&what), chinese(&what)] {
                assert!(words.contains("/dev/ttyUSB0"), "{words}");
                assert!(told.insert(words), "{why:?}");
            }
        }
    }

    #[test]
    fn no_notice_is_the_same_in_both_languages() {
        for told in crate::dashboard::fixture::every_happening() {
            let [english, chinese] =
                [Language::English, Language::Chinese].map(|language| notice(&told, language));
            assert_ne!(english, chinese, "{:?}", told.what);
        }
    }
}

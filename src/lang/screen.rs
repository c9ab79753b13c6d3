//! The words of the dashboard: what stands on the screen whatever happens, in both languages. What holds a
//! figure or a name is in `phrase`.

use super::Language;
use crate::event::Step;

/// The enum as it stands, and all that is in it: what must hold of every word is tested on all of them.
macro_rules! with_all {
    ($(#[$about:meta])* pub enum Word { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$about])*
        pub enum Word { $($(#[$doc])* $name,)* }

        impl Word {
            pub const ALL: &[Word] = &[$(Word::$name,)*];
        }
    };
}

with_all! {
/// A fixed word or short phrase of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    Station,
    Bundle,
    // ---- the yield line
    Today,
    FirstPass,
    FinalPass,
    /// Units whose last job is WRITTEN.
    NotVerified,
    MedianCycle,
    OpenUnits,
    LotWaitsForStart,
    FirstArticleWaits,
    Operator,
    Failures,
    /// Heads the list of open units.
    CutShort,
    // ---- what a slot is doing; capitals want a human
    Empty,
    Waiting,
    Settling,
    Working,
    Recording,
    PortLost,
    Pass,
    PassAfterRetry,
    /// The outcome WRITTEN: not all of it verified.
    WrittenOnly,
    Fail,
    PulledTooEarly,
    BenchError,
    Stopped,
    LineStopped,
    Held,
    Quarantined,
    SlotStopped,
    Ending,
    /// The board passed before.
    Asking,
    // ---- hints on a tile
    RemoveBoard,
    /// The same where there is no room.
    RemoveShort,
    AnswerAgain,
    PlugBoard,
    TakeOut,
    PlugNext,
    WaitsPresentAtStart,
    WaitsForRequest,
    WaitsForScan,
    WaitsForSwitch,
    SwitchUnread,
    WaitsForHub,
    WaitsForSupervisor,
    WaitsForApproval,
    PortMayComeBack,
    GoesOnWhenFreed,
    SupervisorFrees,
    SupervisorFreesLine,
    // ---- headings
    Notices,
    Slot,
    Place,
    Product,
    OutOfService,
    State,
    Job,
    Chip,
    Mac,
    Serial,
    Flash,
    Crystal,
    Security,
    Rate,
    Written,
    Retries,
    Measured,
    Time,
    Code,
    Detail,
    WhatHappened,
    WhatToDo,
    UnassignedPorts,
    Colours,
    // ---- keys
    ShortSelect,
    ShortDetail,
    ShortBack,
    ShortStart,
    ShortStop,
    ShortStopSlot,
    ShortGoOn,
    ShortStopLine,
    ShortLineGoesOn,
    ShortApprove,
    ShortLanguage,
    /// The same where there is nothing but ASCII.
    ShortLanguagePlain,
    ShortHelp,
    ShortSigns,
    ShortQuit,
    ShortLeave,
    // ---- answers
    ConfirmStopLine,
    NothingToApprove,
    Scanned,
    ScanCutShort,
    SelectFirst,
    NoSuchSlot,
    NoBoard,
    NotRemoved,
    AtWork,
    HeldByHand,
    NothingRuns,
    SlotIsOut,
    SlotRuns,
    LineRuns,
    WhichSlot,
    NotASerial,
    UnknownScan,
    SerialInUse,
    ABadge,
    ALotNumber,
    ASerialNumber,
    NoSuchBundle,
    NotALot,
    NoSuchLot,
    LotExists,
    LotNotStarted,
    LotAlreadyRuns,
    LotPaused,
    LotEnded,
    LotRunsAlready,
    LotOfOtherBundle,
    LotUnitsOpen,
    LotAtWork,
    NoFirstArticle,
    NothingAsked,
    NotOpenUnit,
    RetestFree,
    WhyMissing,
    NotRecorded,
    NoPin,
    WrongPin,
    LockedOut,
    PinsUnreadable,
    AlreadyDone,
    WaitsForBadge,
    WaitsForLot,
    WaitsForPausedLot,
    WaitsForNextLot,
    WaitsForFirstArticle,
    NotApproved,
    SupervisorOnly,
    TryAgain,
    /// The terminal has no Chinese characters.
    EnglishOnly,
}
}

/// The word in a language.
pub const fn word(word: Word, language: Language) -> &'static str {
    let (english, chinese) = both(word);
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// Both languages in one row, so that no word can be without one.
const fn both(word: Word) -> (&'static str, &'static str) {
    match word {
        Word::Station => ("station", "工作站"),
        Word::Bundle => ("bundle", "固件包"),
        Word::Today => ("today", "今日"),
        Word::FirstPass => ("first pass", "直通率"),
        Word::FinalPass => ("final", "最终良率"),
        Word::NotVerified => ("unverified", "待验"),
        Word::MedianCycle => ("median", "节拍中位"),
        Word::LotWaitsForStart => ("NOT STARTED", "未开始"),
        Word::FirstArticleWaits => ("FIRST ARTICLE: approve it", "首件待批准"),
        Word::Operator => ("operator", "操作员"),
        Word::OpenUnits => ("open", "未完成"),
        Word::CutShort => ("cut short: plug them again", "未完成：请重新插入"),
        Word::Failures => ("failures today", "今日不良"),
        Word::Empty => ("empty", "空闲"),
        Word::Waiting => ("WAITING", "等待"),
        Word::Working => ("at work", "工作中"),
        Word::Settling => ("settling", "稳定中"),
        Word::Recording => ("recording", "记录中"),
        Word::PortLost => ("PORT LOST", "端口断开"),
        Word::Pass => ("PASS", "合格"),
        Word::PassAfterRetry => ("PASS after retry", "重试后合格"),
        Word::WrittenOnly => ("WRITTEN", "已写待验"),
        Word::Fail => ("FAIL", "不合格"),
        Word::PulledTooEarly => ("PULLED TOO EARLY", "拔出过早"),
        Word::BenchError => ("BENCH ERROR", "设备故障"),
        Word::Stopped => ("STOPPED", "已停止"),
        Word::LineStopped => ("LINE STOPPED", "生产线停止"),
        Word::Held => ("HELD", "占用中"),
        Word::Quarantined => ("QUARANTINED", "已隔离"),
        Word::SlotStopped => ("SLOT STOPPED", "工位停用"),
        Word::Ending => ("ENDING", "正在结束"),
        Word::PlugBoard => ("put a board in", "请放入板子"),
        Word::Asking => ("FLASH AGAIN?", "再次烧录？"),
        Word::RemoveBoard => ("REMOVE BOARD", "请取出板子"),
        Word::RemoveShort => ("REMOVE", "取出"),
        Word::AnswerAgain => (
            "It passed before. f: flash it again. k: leave it as it is.",
            "此板以前已合格。f：再次烧录。k：保持原样。",
        ),
        Word::TakeOut => ("take it out", "请取出"),
        Word::PlugNext => ("put the next in", "请放入下一块"),
        Word::WaitsPresentAtStart => (
            "Was there before the start: replug it, or select it and press s.",
            "启动前已插入：请重新插入，或选中后按 s。",
        ),
        Word::WaitsForRequest => ("Select it and press s.", "选中后按 s 开始。"),
        Word::WaitsForScan => ("Scan its serial number.", "请扫描它的序列号。"),
        Word::WaitsForSwitch => (
            "Its switch was closed already: open the jig and close it.",
            "开关早已闭合：请打开治具再合上。",
        ),
        Word::SwitchUnread => (
            "The jig's switch cannot be read: call the supervisor.",
            "无法读取治具开关：请叫班长。",
        ),
        Word::WaitsForSupervisor => (
            "Starts by itself when the supervisor lets it go on.",
            "班长恢复后自动开始。",
        ),
        Word::WaitsForApproval => (
            "Its manifest changed: starts by itself when the supervisor approves it (b).",
            "清单已改变：班长批准（b）后自动开始。",
        ),
        Word::WaitsForHub => (
            "Starts by itself: its hub is busy.",
            "集线器空闲后自动开始。",
        ),
        Word::PortMayComeBack => ("waiting for it to come back", "等待恢复"),
        Word::GoesOnWhenFreed => ("Goes on by itself when it is free.", "解除占用后自动继续。"),
        Word::SupervisorFrees => ("The supervisor sets it free (g).", "由班长恢复（g）。"),
        Word::SupervisorFreesLine => ("The supervisor lets it go on (G).", "由班长恢复生产（G）。"),
        Word::Notices => ("notices", "消息"),
        Word::Slot => ("slot", "工位"),
        Word::Place => ("place", "位置"),
        Word::Product => ("product", "产品"),
        Word::OutOfService => ("takes no boards", "不接受板子"),
        Word::State => ("state", "状态"),
        Word::Job => ("job", "任务"),
        Word::Chip => ("chip", "芯片"),
        Word::Mac => ("MAC", "MAC 地址"),
        Word::Serial => ("serial", "序列号"),
        Word::Flash => ("flash", "闪存"),
        Word::Crystal => ("crystal", "晶振"),
        Word::Security => ("security", "安全"),
        Word::Rate => ("rate", "速率"),
        Word::Written => ("written", "已写入"),
        Word::Retries => ("retries", "重试"),
        Word::Measured => ("measured", "测量值"),
        Word::Time => ("time", "用时"),
        Word::Code => ("code", "代码"),
        Word::Detail => ("detail", "详情"),
        Word::WhatHappened => ("what happened", "发生了什么"),
        Word::WhatToDo => ("what to do", "怎么办"),
        Word::UnassignedPorts => ("ports left alone", "未使用的端口"),
        Word::Colours => ("signs and colours", "符号与颜色"),
        Word::ShortSelect => ("select", "选择"),
        Word::ShortDetail => ("detail", "详情"),
        Word::ShortBack => ("back", "返回"),
        Word::ShortStart => ("start", "开始"),
        Word::ShortStop => ("stop", "停止"),
        Word::ShortStopSlot => ("stop slot", "停用工位"),
        Word::ShortGoOn => ("go on", "恢复"),
        Word::ShortStopLine => ("stop line", "停线"),
        Word::ShortLineGoesOn => ("line goes on", "恢复生产线"),
        Word::ShortApprove => ("approve", "批准"),
        Word::ShortSigns => ("signs", "符号"),
        Word::ShortLeave => ("leave", "离开"),
        Word::ShortLanguage => ("中文", "English"),
        Word::ShortLanguagePlain => ("Chinese", "英文"),
        Word::ShortHelp => ("help", "帮助"),
        Word::ShortQuit => ("quit", "退出"),
        Word::ConfirmStopLine => (
            "stop the line? Boards at work are finished.   y: stop   Esc: no",
            "停止生产线？正在工作的板子会完成。   y：停止   Esc：取消",
        ),
        Word::NothingToApprove => (
            "no manifest on the disk waits for approval",
            "没有等待批准的清单",
        ),
        Word::Scanned => ("scanned", "已扫描"),
        Word::ScanCutShort => (
            "the end of the barcode did not come: scan it again",
            "条码不完整：请重新扫描",
        ),
        Word::SelectFirst => (
            "select a slot with the arrows first",
            "请先用方向键选择工位",
        ),
        Word::NoSuchSlot => ("there is no such slot", "没有此工位"),
        Word::NoBoard => ("the slot has no board", "此工位没有板子"),
        Word::AtWork => ("the slot is already at work", "此工位正在工作"),
        Word::HeldByHand => (
            "the slot is held by another program",
            "此工位被其他程序占用",
        ),
        Word::NotRemoved => ("the last board is still in it", "上一块板子还没取出"),
        Word::SlotIsOut => (
            "out of service until a supervisor sets it free",
            "已停用，等待班长恢复",
        ),
        Word::SlotRuns => ("the slot is in service", "此工位正常工作"),
        Word::LineRuns => ("the line is running", "生产线正在运行"),
        Word::WhichSlot => (
            "several slots wait for a scan: select one first",
            "多个工位在等待扫描：请先选择工位",
        ),
        Word::NotASerial => ("no serial number", "不是序列号"),
        Word::UnknownScan => (
            "scanned, and not known here; wanted",
            "无法识别的条码；可扫描",
        ),
        Word::SerialInUse => ("this serial number is there already", "此序列号已在该工位"),
        Word::ABadge => ("badge", "工牌"),
        Word::ALotNumber => ("lot number", "批次号"),
        Word::ASerialNumber => ("serial number", "序列号"),
        Word::NoSuchBundle => ("nothing on the disk to approve", "磁盘上没有可批准的清单"),
        Word::NotALot => ("no such lot can be entered", "无法登记该批次"),
        Word::NoSuchLot => ("there is no such lot", "没有此批次"),
        Word::LotExists => ("there is such a lot already", "批次已存在"),
        Word::LotNotStarted => ("the lot was not started yet", "批次尚未开始"),
        Word::LotAlreadyRuns => ("the lot is running", "批次正在生产"),
        Word::LotPaused => ("the lot was paused by", "批次已暂停，操作者"),
        Word::LotEnded => ("the lot has ended", "批次已结束"),
        Word::LotRunsAlready => (
            "pause or end the running lot first",
            "请先暂停或结束正在生产的批次",
        ),
        Word::LotOfOtherBundle => (
            "the lot is for another bundle than is at work",
            "批次的固件与当前固件不同",
        ),
        Word::LotUnitsOpen => (
            "finish the lot's open units or write them off first",
            "请先完成或报废批次中未完成的板子",
        ),
        Word::LotAtWork => (
            "boards of the lot are at work: let them finish",
            "批次的板子正在工作：请等待完成",
        ),
        Word::NoFirstArticle => ("no first article waits", "没有首件等待批准"),
        Word::NothingAsked => ("the slot asks nothing", "此工位没有提问"),
        Word::NotOpenUnit => ("no open unit", "不是未完成的板子"),
        Word::RetestFree => ("may be tried without leave", "无需批准即可重试"),
        Word::WhyMissing => (
            "say why: it is kept in the record",
            "请说明原因：将记录在案",
        ),
        Word::NotRecorded => ("the record does not take it", "无法记录"),
        Word::NoPin => (
            "has no PIN on this station (flashline supervisor set)",
            "在本站没有 PIN（flashline supervisor set）",
        ),
        Word::WrongPin => ("wrong PIN, tries left", "PIN 错误，剩余次数"),
        Word::LockedOut => (
            "too many wrong PINs: locked, seconds left",
            "PIN 错误过多：已锁定，剩余秒数",
        ),
        Word::PinsUnreadable => ("PINs cannot be looked up", "无法读取 PIN"),
        Word::AlreadyDone => ("ALREADY DONE", "已烧录"),
        Word::WaitsForBadge => (
            "Scan your badge: then it starts by itself.",
            "请扫描工牌：随后自动开始。",
        ),
        Word::WaitsForLot => (
            "Start a lot: then it starts by itself.",
            "请开始一个批次：随后自动开始。",
        ),
        Word::WaitsForPausedLot => (
            "The lot is paused: it starts by itself when the lot goes on.",
            "批次已暂停：恢复后自动开始。",
        ),
        Word::WaitsForNextLot => (
            "The lot is full: take the board out, or start the next lot.",
            "批次已满：请取出板子，或开始下一批次。",
        ),
        Word::WaitsForFirstArticle => (
            "The first article is looked at: it starts by itself after that.",
            "首件检查中：批准后自动开始。",
        ),
        Word::NotApproved => (
            "its manifest changed: a supervisor approves it first (b)",
            "清单已改变：须先由班长批准（b）",
        ),
        Word::SupervisorOnly => (
            "only a supervisor may do this; you are",
            "只有班长可以操作；当前用户",
        ),
        Word::NothingRuns => ("nothing is running on the slot", "此工位没有任务"),
        Word::EnglishOnly => (
            "this terminal shows no Chinese: English instead (LC_ALL=C.UTF-8, or another terminal)",
            "此终端无法显示中文：改用英文（LC_ALL=C.UTF-8，或换一个终端）",
        ),
        Word::TryAgain => ("the station is busy, press again", "工作站忙，请再按一次"),
    }
}

/// A job's step, as an activity.
pub const fn step(step: Step, language: Language) -> &'static str {
    let (english, chinese) = match step {
        Step::Connect => ("connect", "连接"),
        Step::Identify => ("identify", "识别"),
        Step::Admit => ("admit", "核对"),
        Step::Baud => ("rate", "提速"),
        Step::Stub => ("loader", "加载程序"),
        Step::Erase => ("erase", "擦除"),
        Step::Write => ("write", "写入"),
        Step::Verify => ("verify", "校验"),
        Step::Read => ("read", "读取"),
        Step::Reset => ("reset", "复位"),
        Step::Boot => ("boot check", "启动检查"),
        Step::Record => ("record", "记录"),
    };
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chinese_word_equals_its_english() {
        for each in Word::ALL {
            let (english, chinese) = both(*each);
            assert_ne!(english, chinese, "{each:?}");
        }
    }

    #[test]
    fn every_step_has_both_languages() {
        for each in Step::ALL {
            assert_ne!(step(each, Language::English), step(each, Language::Chinese));
        }
    }
}

//! The words of the dashboard's pages and dialogs, beside those of the bench (`screen`): fixed words and short
//! phrases, in both languages.

use super::Language;

/// One row per word, so that none can be without a language.
macro_rules! labels {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// A fixed word or short phrase of a page or dialog.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Label {
            $($name,)*
        }

        impl Label {
            pub const ALL: &[Label] = &[$(Label::$name,)*];
        }

        const fn both(label: Label) -> (&'static str, &'static str) {
            match label {
                $(Label::$name => ($english, $chinese),)*
            }
        }
    };
}

labels! {
    // ---- pages
    Jobs: "jobs", "任务记录";
    Charts: "yield today", "今日良率";
    Lots: "lots", "批次";
    OpenUnits: "open units", "未完成的板子";
    Steps: "steps", "步骤";
    Regions: "regions", "区域";
    Log: "log", "日志";
    Console: "what its app said", "程序输出";
    ByHour: "by hour", "按小时";
    ByCode: "failures by code", "不良代码";
    BySlot: "by slot", "按工位";
    // ---- columns and rows
    Began: "began", "开始";
    Result: "result", "结果";
    Unit: "unit", "板子";
    Lot: "lot", "批次";
    Took: "took", "用时";
    Operator: "operator", "操作员";
    Golden: "golden board", "标准板";
    GoldenGood: "known good", "已知良品";
    GoldenBad: "known bad", "已知坏板";
    Order: "order", "订单号";
    FirstArticle: "first article", "首件";
    Done: "done", "完成";
    Rest: "to go", "剩余";
    Since: "since", "时间";
    Running: "running", "进行中";
    NotWritten: "there before", "原已存在";
    ReadBack: "read back", "已回读";
    ByChip: "MD5 by the chip", "芯片 MD5";
    NotLooked: "not looked at", "未核对";
    NoContact: "no contact", "无响应";
    Legend: "first pass, after more jobs, not passed", "直通、复测合格、未合格";
    // ---- a lot's states
    LotApproved: "may be started", "可开始";
    LotRunning: "running", "生产中";
    LotPaused: "paused", "已暂停";
    LotEnded: "ended", "已结束";
    FirstFree: "not held", "不检查";
    FirstDue: "will be held", "待检查";
    FirstHeld: "HELD: approve it (a)", "首件待批准（a）";
    FirstApproved: "approved", "已批准";
    // ---- nothing there
    NotYet: "asking the record …", "正在查询记录…";
    Unreadable: "the record cannot be read", "无法读取记录";
    Silent: "nobody answers about the past", "无法查询历史记录";
    RecordBusy: "the record is asked too much: once more when a job ends", "记录繁忙：任务结束后再查询";
    NoSuchJob: "the record has no such job", "记录中没有此任务";
    NoJobs: "no job fits", "没有符合的任务";
    NothingToday: "no board yet today", "今日还没有板子";
    NoLots: "no lot is entered: n enters one", "没有批次：按 n 新建";
    NoOpenUnits: "no unit is open", "没有未完成的板子";
    NoLog: "none is kept", "没有日志";
    LogWhenEnded: "is there when the job has ended", "任务结束后可查看";
    // ---- the filter
    Filter: "filter", "筛选";
    FilterText: "text", "文字";
    FilterAny: "any", "全部";
    FilterHint: "type it, or scan a label", "输入，或扫描标签";
    // ---- answers and prompts
    DialogLapsed: "closed: nobody typed for a minute", "已关闭：一分钟没有输入";
    Carried: "done", "已完成";
    NobodyAsks: "no slot asks anything", "没有工位在提问";
    NoRetestLimit: "no board in this slot waits for leave (RETEST_LIMIT)", "此工位没有等待批准复测的板子";
    AskAgain: "passed before: flash again?", "曾经合格：重新烧录？";
    AskAgainKeys: "f: flash again   k: skip", "f：重新烧录   k：跳过";
    // ---- dialogs
    TitleFreeSlot: "Let the slot go on", "恢复工位";
    TitleFreeLine: "Let the line go on", "恢复生产线";
    TitleBundle: "Approve what is flashed from now on", "批准新固件";
    TitleFirstArticle: "Approve the first article", "批准首件";
    TitleEndLot: "Close the lot for good", "结束批次";
    TitleNewLot: "Enter a lot", "新建批次";
    TitleStartLot: "Go on with a lot", "继续批次";
    TitleRetest: "Leave for one more try", "批准再测一次";
    TitleWriteOff: "Write a unit off", "报废板子";
    TitleLeave: "A supervisor's leave", "需要班长批准";
    FieldBundle: "firmware", "固件";
    FieldLot: "lot number", "批次号";
    FieldTarget: "good boards", "目标数量";
    FieldOrder: "order number", "订单号";
    FieldFirst: "first article", "首件";
    FieldWho: "supervisor", "班长";
    FieldPin: "PIN", "密码";
    FieldWhy: "why", "原因";
    Hold: "held for approval", "须批准";
    Free: "not held", "不检查";
    May: "(may be empty)", "（可不填）";
    WhyHint: "choose with the arrows, or type", "用左右键选择，或输入";
    DemoPin: "in this demo 1234", "本演示为 1234";
    NobodyHasPin: "Nobody here has a PIN. A supervisor sets one in a terminal of this computer:", "本站还没有班长密码。请在本机终端设置：";
    Asked: "asking …", "正在执行…";
    MissingField: "is missing", "未填写";
    ScanIgnored: "a PIN and a reason are typed, not scanned", "密码和原因须手动输入，不能扫描";
    Locked: "needs a supervisor", "需要班长";
    // ---- the usual reasons
    WhyPinsCleaned: "pins cleaned", "已清洁探针";
    WhyCableSwapped: "cable or adapter changed", "已更换线缆或适配器";
    WhyBadBoards: "the boards were bad", "板子本身不良";
    WhyCheckedGood: "checked, nothing found", "已检查，无异常";
    WhyCauseMended: "the cause is mended", "原因已排除";
    WhyBreakOver: "the break is over", "休息结束";
    WhyRelease: "new release", "新版本发布";
    WhyCorrection: "the old one was wrong", "旧版本有误";
    WhyTrial: "trial", "试产";
    WhyPlanned: "as planned", "按计划";
    WhyRepeat: "repeat order", "返单";
    WhyMeasuredGood: "measured and good", "测量合格";
    WhyLookedGood: "looked at and good", "目检合格";
    WhyLotDone: "the lot is done", "批次已完成";
    WhyNoMoreBoards: "no more boards", "没有板子了";
    WhyOrderChanged: "the order was changed", "订单变更";
    WhyRepaired: "the board was repaired", "板子已返修";
    WhyBenchWasBad: "the bench was bad", "治具有问题";
    WhyEngineering: "for engineering", "交工程部门";
    WhyBroken: "broken", "已损坏";
    WhyLost: "lost", "遗失";
    // ---- keys
    GroupEverywhere: "everywhere", "所有画面";
    GroupViews: "views", "画面";
    GroupSlot: "the selected slot", "所选工位";
    GroupLine: "the line", "生产线";
    GroupLists: "going about", "移动";
    GroupForm: "in dialogs", "对话框";
    KeyBack: "back, at last to the bench", "返回，直到主画面";
    KeyHelp: "keys; again: signs", "按键；再按：符号";
    KeyLanguage: "language: 中文", "语言：English";
    KeyQuit: "stop every job and end", "停止全部任务并退出";
    KeyLeave: "leave; the station goes on", "离开；工作站继续运行";
    KeyInterrupt: "the same, without asking", "同上，不再询问";
    KeyJobs: "recent jobs", "最近的任务";
    KeyCharts: "yield today", "今日良率";
    KeyLots: "lots", "批次";
    KeyOpen: "open units", "未完成的板子";
    KeyArrows: "select, or scroll", "选择或滚动";
    KeyNext: "next slot (Shift: before)", "下一工位（Shift：上一个）";
    KeyEnter: "all about the selected", "查看所选详情";
    KeyPages: "a page up, down", "上下翻页";
    KeyEnds: "to the top, the bottom", "到开头、末尾";
    KeyStart: "start its board", "烧录其板子";
    KeyStopJob: "stop its job, safely", "安全停止其任务";
    KeyFlash: "passed before: flash again", "曾经合格：重新烧录";
    KeySkip: "passed before: skip it", "曾经合格：跳过";
    KeyStopSlot: "give it no more boards", "停用工位";
    KeyFreeSlot: "let it go on", "恢复工位";
    KeyRetest: "leave for one more try", "批准再测一次";
    KeyStopLine: "stop the line (then y)", "停止生产线（再按 y）";
    KeyYes: "yes, stop it", "确认停止";
    KeyFreeLine: "let it go on", "恢复生产线";
    KeyApprove: "approve changed firmware", "批准已改变的固件";
    KeyFilter: "filter the jobs", "筛选任务";
    KeyClearFilter: "all jobs again", "清除筛选";
    KeyStartLot: "start it, or go on with it", "开始或继续批次";
    KeyPauseLot: "pause it", "暂停批次";
    KeyFirstArticle: "approve its first article", "批准首件";
    KeyEndLot: "close it for good", "结束批次";
    KeyNewLot: "enter a new one", "新建批次";
    KeyWriteOff: "write it off", "报废";
    KeyFormFields: "go to a field", "选择字段";
    KeyFormChoose: "choose in it", "选择内容";
    KeyFormRub: "rub out", "删除";
    KeyFormAccept: "next field; at the end: do it", "下一项；最后一项：执行";
    KeyFormCancel: "leave it", "取消";
    KeyScan: "a barcode is a scan, never keys", "扫描条码不会当作按键";
    // ---- the footer
    ShortJobs: "jobs", "任务";
    ShortCharts: "yield", "良率";
    ShortLots: "lots", "批次";
    ShortOpen: "open", "未完成";
    ShortFilter: "filter", "筛选";
    ShortAll: "all", "全部";
    ShortStory: "its story", "详情";
    ShortItsJobs: "its jobs", "其任务";
    ShortScroll: "scroll", "滚动";
    ShortStartLot: "start", "开始";
    ShortPauseLot: "pause", "暂停";
    ShortFirst: "first article", "首件";
    ShortEndLot: "close", "结束";
    ShortNewLot: "new", "新建";
    ShortWriteOff: "write off", "报废";
    ShortFlash: "flash again", "重新烧录";
    ShortSkip: "skip", "跳过";
    ShortRetest: "one more try", "再测一次";
    ShortNext: "next", "下一项";
    ShortDo: "do it", "执行";
    ShortLook: "look", "查询";
    ShortChoose: "choose", "选择";
    ShortField: "field", "字段";
    ShortDrop: "leave it", "取消";
    ShortHome: "home", "主画面";
}

/// The label in a language.
pub const fn label(label: Label, language: Language) -> &'static str {
    let (english, chinese) = both(label);
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chinese_label_equals_its_english() {
        for each in Label::ALL {
            let (english, chinese) = both(*each);
            assert_ne!(english, chinese, "{each:?}");
            assert!(!chinese.is_ascii(), "{each:?}: {chinese}");
        }
    }
}

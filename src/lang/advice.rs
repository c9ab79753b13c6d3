//! A failure code in plain words: what happened and what to do next, for someone with gloves on.

use super::Language;
use crate::event::Code;

/// What happened, in a few words, and what to do next, in one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    pub happened: &'static str,
    pub remedy: &'static str,
}

/// The advice for a code.
pub fn advice(code: Code, language: Language) -> Advice {
    let (happened, remedy) = match language {
        Language::English => english(code),
        Language::Chinese => chinese(code),
    };
    Advice { happened, remedy }
}

fn english(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::NoSync => (
            "board does not answer",
            "Check power, seating and pins, then plug it again; a second time: bad bin.",
        ),
        Code::WrongChip => (
            "wrong chip",
            "This board is another product: take it out and tell the supervisor.",
        ),
        Code::ChipRevision => (
            "chip revision not allowed",
            "Put the board aside for engineering: the manifest does not allow this chip revision.",
        ),
        Code::MacInvalid => (
            "MAC address is damaged",
            "Bad bin: the chip's factory data cannot be read.",
        ),
        Code::MacDuplicate => (
            "same MAC on two slots",
            "Take both boards out and give them to the supervisor: two boards claim one address.",
        ),
        Code::FlashNoAnswer => (
            "flash part does not answer",
            "Bad bin: check the flash part and its solder joints.",
        ),
        Code::FlashId => (
            "flash part not allowed",
            "Put the board aside for engineering: this flash part is not in the manifest.",
        ),
        Code::FlashTooSmall => (
            "flash part too small",
            "Put the board aside for engineering: the product needs a larger flash part.",
        ),
        Code::SecurityState => (
            "chip is locked",
            "Put the board aside for engineering: security fuses are already burnt.",
        ),
        Code::StubSilent => (
            "loader program did not start",
            "Plug the board again; a second time: check its supply voltage, then bad bin.",
        ),
        Code::FlashWrite => (
            "flash cannot be written",
            "Bad bin: the flash part refused to be erased or written.",
        ),
        Code::InflateFailed => (
            "data arrived broken",
            "Plug the board again; if the slot does it often, change its cable.",
        ),
        Code::VerifyMismatch => (
            "flash does not hold its data",
            "Bad bin: what was read back differs from what was written.",
        ),
        Code::NoReply => (
            "board stopped answering",
            "Check power and contact, then plug it again; a second time: bad bin.",
        ),
        Code::CommandRefused => (
            "chip refused a command",
            "Plug the board again; a second time: put it aside for engineering.",
        ),
        Code::LineNoise => (
            "noisy line",
            "Change the cable or clean the pins of this slot, then plug the board again.",
        ),
        Code::BootRejected => (
            "app starts wrongly",
            "Put the board aside for engineering: its console log is with the job.",
        ),
        Code::BootTimeout => (
            "app does not start",
            "Plug the board again; a second time: put it aside for engineering.",
        ),
        Code::MeasurementOutOfLimits => (
            "measured value out of limits",
            "Bad bin: the board's own measurement is outside its limits.",
        ),
        Code::Unplugged => (
            "pulled too early",
            "Plug the board again and leave it in until the slot is green or red.",
        ),
        Code::BoardSwapped => (
            "another board in mid-job",
            "Plug both boards again, one after the other.",
        ),
        Code::RetestLimit => (
            "tried too often",
            "Repair bin: this board failed as often as it may; a supervisor can allow one more try.",
        ),
        Code::NotVerified => (
            "written, not all verified",
            "Not a good board yet: take it to where boards are tested.",
        ),
        Code::AlreadyDone => (
            "has this firmware already",
            "Good bin: the board passed before and still holds this firmware; it is not counted twice.",
        ),
        Code::PortAbsent => (
            "port is not there",
            "Check that the adapter is plugged in, or its server on, and the path (station.toml, --port) right.",
        ),
        Code::PortNotSerial => (
            "path is no serial port",
            "Correct the path (station.toml, or --port), then start flashline again.",
        ),
        Code::PortBusy => (
            "port is in use",
            "Close the other program that holds the port, then plug the board again.",
        ),
        Code::PortDenied => (
            "no permission for the port",
            "Add this user to the port's group (often dialout) or install the udev rules, then start flashline again.",
        ),
        Code::PortError => (
            "port failed",
            "Unplug and replug the adapter; a second time: change the cable or the hub.",
        ),
        Code::BaudNotReached => (
            "adapter cannot do this rate",
            "Lower the slot's baud ceiling in station.toml and start flashline again, or change the adapter.",
        ),
        Code::HubPower => (
            "slots of one hub lost together",
            "Check the hub's plug and power supply, then plug the boards again.",
        ),
        Code::NoBoard => (
            "no board in the jig",
            "Put a board in and start again; if there is one, seat it anew, then bad bin.",
        ),
        Code::NotRemoved => (
            "the last board is still in",
            "Take this board out, put the next one in, then start again.",
        ),
        Code::SlotQuarantined => (
            "slot is out of service",
            "Call the supervisor: check this slot's pins, cable and adapter, then set it free.",
        ),
        Code::LineHalted => (
            "same fault on several slots",
            "Call the supervisor: check the firmware, the new lot of boards and the supply, then go on.",
        ),
        Code::GoldenEscaped => (
            "known-bad board passed",
            "Call the supervisor: the bench misses faults; find out why before the line goes on.",
        ),
        Code::ScanOrphan => (
            "no board for this serial",
            "Scan its serial number again, and put the board in right after that.",
        ),
        Code::ManifestChangedOnDisk => (
            "manifest changed on disk",
            "The line goes on with the old one: the supervisor looks at the change and approves it.",
        ),
        Code::RecordFailed => (
            "result could not be recorded",
            "Call the supervisor: mend the database (the line says what is wrong). The line waits.",
        ),
        Code::DiskFull => (
            "disk is nearly full",
            "Call the supervisor: make room on the database's disk. The line waits.",
        ),
        Code::EraseUnfinished => (
            "stopped while erasing",
            "The flash is half erased: plug the board again and let it finish.",
        ),
        Code::Stopped => (
            "stopped",
            "The work was stopped before its end: plug the board again to flash it.",
        ),
        Code::Interrupted => (
            "station died in mid-job",
            "Plug the board again: the station ended before this job did.",
        ),
    }
}

fn chinese(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::NoSync => (
            "板子无应答",
            "检查电源、插座和针脚后重新插入；再次出现则放入不良品箱。",
        ),
        Code::WrongChip => ("芯片型号错误", "此板属于其他产品：取出并通知班长。"),
        Code::ChipRevision => ("芯片版本不允许", "交给工程部：配置不允许此芯片版本。"),
        Code::MacInvalid => ("MAC 地址损坏", "放入不良品箱：芯片出厂数据无法读取。"),
        Code::MacDuplicate => (
            "两个工位 MAC 相同",
            "取出两块板并交给班长：两块板使用同一地址。",
        ),
        Code::FlashNoAnswer => ("闪存无应答", "放入不良品箱：检查闪存芯片及焊点。"),
        Code::FlashId => ("闪存型号不允许", "交给工程部：此闪存型号不在配置中。"),
        Code::FlashTooSmall => ("闪存容量太小", "交给工程部：此产品需要更大的闪存。"),
        Code::SecurityState => ("芯片已锁定", "交给工程部：安全熔丝已烧写。"),
        Code::StubSilent => (
            "加载程序未启动",
            "重新插入；再次出现则检查供电电压，然后放入不良品箱。",
        ),
        Code::FlashWrite => ("闪存无法写入", "放入不良品箱：闪存拒绝擦除或写入。"),
        Code::InflateFailed => ("数据传输损坏", "重新插入；若此工位经常出现，请更换线缆。"),
        Code::VerifyMismatch => ("闪存数据不保持", "放入不良品箱：读回内容与写入不一致。"),
        Code::NoReply => (
            "板子停止应答",
            "检查电源和接触后重新插入；再次出现则放入不良品箱。",
        ),
        Code::CommandRefused => ("芯片拒绝命令", "重新插入；再次出现则交给工程部。"),
        Code::LineNoise => ("线路干扰", "更换线缆或清洁此工位针脚，然后重新插入。"),
        Code::BootRejected => ("程序启动异常", "交给工程部：控制台日志已随作业保存。"),
        Code::BootTimeout => ("程序未启动", "重新插入；再次出现则放一边交给工程部。"),
        Code::MeasurementOutOfLimits => ("测量值超限", "放入不良品箱：板子自测值超出限值。"),
        Code::Unplugged => ("拔出过早", "重新插入，等工位变绿或变红后再取出。"),
        Code::BoardSwapped => ("中途换板", "请将两块板依次重新插入。"),
        Code::RetestLimit => (
            "重测次数已满",
            "放入维修箱：此板失败次数已达上限，班长可以允许再试一次。",
        ),
        Code::NotVerified => ("已写入，未全部校验", "还不是合格品：送去测试。"),
        Code::AlreadyDone => (
            "已烧录过此固件",
            "放入良品箱：此板以前已通过，固件仍然完好，不重复计数。",
        ),
        Code::PortAbsent => (
            "端口不存在",
            "检查适配器是否插好（或串口服务器是否开启），以及路径（station.toml 或 --port）。",
        ),
        Code::PortNotSerial => (
            "路径不是串口",
            "更正路径（station.toml 或 --port），然后重新启动 flashline。",
        ),
        Code::PortBusy => ("端口被占用", "关闭占用端口的程序，然后重新插入。"),
        Code::PortDenied => (
            "没有端口权限",
            "将用户加入端口所属组（通常为 dialout）或安装 udev 规则，然后重新启动 flashline。",
        ),
        Code::PortError => ("端口故障", "重新插拔适配器；再次出现则更换线缆或集线器。"),
        Code::BaudNotReached => (
            "适配器达不到此速率",
            "在 station.toml 中降低此工位速率上限并重新启动 flashline，或更换适配器。",
        ),
        Code::HubPower => (
            "同一集线器的工位同时掉线",
            "检查集线器插头和电源，然后重新插入板子。",
        ),
        Code::NoBoard => (
            "治具中没有板子",
            "请放入板子后重新开始；如果已有板子，请重新放好；再次发生则放入不良品箱。",
        ),
        Code::NotRemoved => (
            "上一块板子还没取出",
            "请取出这块板子，放入下一块，再重新开始。",
        ),
        Code::SlotQuarantined => (
            "工位已隔离",
            "请叫班长：检查该工位的探针、线缆和适配器，然后解除隔离。",
        ),
        Code::LineHalted => (
            "多个工位出现同样的故障",
            "请叫班长：检查固件、新批次的板子和电源，然后恢复生产。",
        ),
        Code::GoldenEscaped => (
            "已知坏板竟然通过",
            "请叫班长：工位查不出故障，查明原因后才能恢复生产。",
        ),
        Code::ScanOrphan => (
            "扫描的序列号没有对应的板子",
            "请重新扫描其序列号，并立即放入板子。",
        ),
        Code::ManifestChangedOnDisk => (
            "磁盘上的清单已改变",
            "生产线继续使用旧清单：请班长查看改动并批准。",
        ),
        Code::RecordFailed => (
            "结果无法记录",
            "叫班长：修复数据库（生产线上写明原因），生产线等待中。",
        ),
        Code::DiskFull => ("磁盘将满", "叫班长：清理数据库所在磁盘，生产线等待中。"),
        Code::EraseUnfinished => ("擦除中途停止", "闪存只擦除了一半：重新插入并等待完成。"),
        Code::Stopped => ("已停止", "工作提前停止：重新插入以烧录。"),
        Code::Interrupted => ("工作站中途退出", "重新插入此板：上次工作未完成。"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_words_in_both_languages() {
        for code in Code::ALL {
            let [english, chinese] =
                [Language::English, Language::Chinese].map(|language| advice(code, language));
            assert!(
                english.happened.is_ascii() && english.remedy.is_ascii(),
                "{code}"
            );
            assert_ne!(english.happened, chinese.happened, "{code}");
            assert_ne!(english.remedy, chinese.remedy, "{code}");
            let twins = Code::ALL
                .into_iter()
                .filter(|other| advice(*other, Language::English).happened == english.happened);
            assert_eq!(
                twins.count(),
                1,
                "{code} shares its words with another code"
            );
        }
    }
}

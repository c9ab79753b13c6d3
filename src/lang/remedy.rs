//! What an advice asks people to do, one thing after the other, as something that a test can follow: the
//! sentences (`advice`) name exactly these, in this order. Leaves out how each is done.

use super::Language;
use crate::event::Code;

/// Where a board goes that stays no longer at its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bin {
    /// It is good.
    Good,
    /// To where boards are tested: it may be good.
    Tests,
    /// It failed too often to be tried once more as it is.
    Repair,
    /// Its hardware is broken.
    Bad,
    /// It is sound, and not what product, manifest or firmware take it for.
    Engineering,
    /// It is no board of this product's, or one that cannot be told from another.
    Supervisor,
}

/// One thing that someone does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The same board (or its adapter) is taken out and plugged again, seated well.
    PlugAgain,
    /// A board is put into a jig that has none, and started.
    PutBoardIn,
    /// The board in a jig is seated anew, and started.
    SeatAnew,
    /// The board in a jig is taken out, the next one put in and started.
    NextBoard,
    /// The slot's cable is changed or its pins cleaned.
    ChangeCable,
    ChangeAdapter,
    /// The adapter is plugged in, or the server of a network port switched on.
    ConnectAdapter,
    CorrectPath,
    CloseProgram,
    /// This user may open the port.
    GrantAccess,
    LowerCeiling,
    /// The hub has its power again.
    PowerHub,
    SetSlotFree,
    LetLineGoOn,
    /// The manifest on the disk is approved.
    Approve,
    MendDatabase,
    MakeRoom,
    /// The serial number is scanned once the board is there.
    ScanAgain,
    AllowRetest,
    /// The board is taken out for good.
    Into(Bin),
}

impl Remedy {
    pub const ALL: [Remedy; 25] = [
        Remedy::PlugAgain,
        Remedy::PutBoardIn,
        Remedy::SeatAnew,
        Remedy::NextBoard,
        Remedy::ChangeCable,
        Remedy::ChangeAdapter,
        Remedy::ConnectAdapter,
        Remedy::CorrectPath,
        Remedy::CloseProgram,
        Remedy::GrantAccess,
        Remedy::LowerCeiling,
        Remedy::PowerHub,
        Remedy::SetSlotFree,
        Remedy::LetLineGoOn,
        Remedy::Approve,
        Remedy::MendDatabase,
        Remedy::MakeRoom,
        Remedy::ScanAgain,
        Remedy::AllowRetest,
        Remedy::Into(Bin::Good),
        Remedy::Into(Bin::Tests),
        Remedy::Into(Bin::Repair),
        Remedy::Into(Bin::Bad),
        Remedy::Into(Bin::Engineering),
        Remedy::Into(Bin::Supervisor),
    ];

    /// How a sentence names it, in lower case: one of these.
    pub fn named(self, language: Language) -> &'static [&'static str] {
        let (english, chinese): (&[&str], &[&str]) = match self {
            Remedy::PlugAgain => (
                &[
                    "plug it again",
                    "plug the board again",
                    "plug both boards again",
                    "plug the boards again",
                    "replug the adapter",
                ],
                &["重新插入", "重新插拔"],
            ),
            Remedy::PutBoardIn => (&["put a board in"], &["请放入板子后"]),
            Remedy::SeatAnew => (&["seat it anew"], &["重新放好"]),
            Remedy::NextBoard => (&["put the next one in"], &["放入下一块"]),
            Remedy::ChangeCable => (
                &[
                    "change the cable",
                    "change its cable",
                    "check this slot's pins, cable",
                ],
                &["更换线缆", "检查该工位的探针、线缆"],
            ),
            Remedy::ChangeAdapter => (&["change the adapter"], &["更换适配器"]),
            Remedy::ConnectAdapter => (
                &["adapter is plugged in, or its server on"],
                &["适配器是否插好"],
            ),
            Remedy::CorrectPath => (&["the path (station.toml"], &["路径（station.toml"]),
            Remedy::CloseProgram => (&["close the other program"], &["关闭占用端口的程序"]),
            Remedy::GrantAccess => (&["to the port's group"], &["端口所属组"]),
            Remedy::LowerCeiling => (&["lower the slot's baud ceiling"], &["降低此工位速率上限"]),
            Remedy::PowerHub => (&["the hub's plug and power supply"], &["集线器插头和电源"]),
            Remedy::SetSlotFree => (&["set it free"], &["解除隔离"]),
            Remedy::LetLineGoOn => (&["then go on", "before the line goes on"], &["恢复生产"]),
            Remedy::Approve => (&["approves it"], &["批准"]),
            Remedy::MendDatabase => (&["mend the database"], &["修复数据库"]),
            Remedy::MakeRoom => (&["make room"], &["清理"]),
            Remedy::ScanAgain => (&["scan its serial number again"], &["重新扫描其序列号"]),
            Remedy::AllowRetest => (&["allow one more try"], &["允许再试一次"]),
            Remedy::Into(Bin::Good) => (&["good bin"], &["放入良品箱"]),
            Remedy::Into(Bin::Tests) => (&["where boards are tested"], &["送去测试"]),
            Remedy::Into(Bin::Repair) => (&["repair bin"], &["维修箱"]),
            Remedy::Into(Bin::Bad) => (&["bad bin"], &["不良品箱"]),
            Remedy::Into(Bin::Engineering) => (&["for engineering"], &["交给工程部"]),
            Remedy::Into(Bin::Supervisor) => (
                &["tell the supervisor", "to the supervisor"],
                &["通知班长", "交给班长"],
            ),
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// What the advice for a code asks for: done in this order until one helps.
pub fn remedies(code: Code) -> &'static [Remedy] {
    use Remedy::*;
    match code {
        Code::NoSync | Code::StubSilent | Code::NoReply => &[PlugAgain, Into(Bin::Bad)],
        Code::WrongChip | Code::MacDuplicate => &[Into(Bin::Supervisor)],
        Code::MacInvalid
        | Code::FlashNoAnswer
        | Code::FlashWrite
        | Code::VerifyMismatch
        | Code::MeasurementOutOfLimits => &[Into(Bin::Bad)],
        Code::ChipRevision
        | Code::FlashId
        | Code::FlashTooSmall
        | Code::SecurityState
        | Code::BootRejected => &[Into(Bin::Engineering)],
        Code::CommandRefused | Code::BootTimeout => &[PlugAgain, Into(Bin::Engineering)],
        Code::InflateFailed | Code::PortError => &[PlugAgain, ChangeCable],
        Code::LineNoise => &[ChangeCable, PlugAgain],
        Code::Unplugged
        | Code::BoardSwapped
        | Code::EraseUnfinished
        | Code::Stopped
        | Code::Interrupted => &[PlugAgain],
        Code::RetestLimit => &[Into(Bin::Repair), AllowRetest],
        Code::NotVerified => &[Into(Bin::Tests)],
        Code::AlreadyDone => &[Into(Bin::Good)],
        Code::PortAbsent => &[ConnectAdapter, CorrectPath],
        Code::PortNotSerial => &[CorrectPath],
        Code::PortBusy => &[CloseProgram, PlugAgain],
        Code::PortDenied => &[GrantAccess],
        Code::BaudNotReached => &[LowerCeiling, ChangeAdapter],
        Code::HubPower => &[PowerHub, PlugAgain],
        Code::NoBoard => &[PutBoardIn, SeatAnew, Into(Bin::Bad)],
        Code::NotRemoved => &[NextBoard],
        Code::SlotQuarantined => &[ChangeCable, SetSlotFree],
        Code::LineHalted | Code::GoldenEscaped => &[LetLineGoOn],
        Code::ScanOrphan => &[ScanAgain],
        Code::ManifestChangedOnDisk => &[Approve],
        Code::RecordFailed => &[MendDatabase],
        Code::DiskFull => &[MakeRoom],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::advice;

    /// What a sentence names, in its order.
    fn named(sentence: &str, language: Language) -> Vec<Remedy> {
        let sentence = sentence.to_lowercase();
        let at = |remedy: &Remedy| {
            let names = remedy.named(language).iter();
            names.filter_map(|name| sentence.find(name)).min()
        };
        let mut found: Vec<(usize, Remedy)> = Remedy::ALL
            .into_iter()
            .filter_map(|remedy| Some((at(&remedy)?, remedy)))
            .collect();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, remedy)| remedy).collect()
    }

    #[test]
    fn every_advice_names_its_remedies_and_no_others() {
        for code in Code::ALL {
            for language in [Language::English, Language::Chinese] {
                let sentence = advice(code, language).remedy;
                assert_eq!(
                    named(sentence, language),
                    remedies(code),
                    "{code}: {sentence}"
                );
            }
        }
    }

    #[test]
    fn every_remedy_is_some_codes() {
        for remedy in Remedy::ALL {
            let asks = |code: &Code| remedies(*code).contains(&remedy);
            assert!(Code::ALL.iter().any(asks), "{remedy:?}");
        }
    }
}

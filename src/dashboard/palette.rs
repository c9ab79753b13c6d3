//! Colours, and what stands for them where none are wanted. Indexed colours, since those look the
//! same under every theme; the Linux console maps them to its nearest.

use ratatui::style::{Color, Modifier, Style};

use super::options::Colour;
use super::status::Status;

/// Places of the screen that are not tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Header,
    Banner,
    Figures,
    Heading,
    Dim,
    Key,
    Message,
}

/// Black on bright green and white on red differ in lightness too, for who cannot tell the hues.
const BLACK: Color = Color::Indexed(16);
const WHITE: Color = Color::Indexed(231);

/// The filling of a tile.
pub fn tile(status: Status, colour: Colour) -> Style {
    let filled = |text, fill| Style::new().fg(text).bg(fill);
    match (colour, status) {
        (Colour::Colour, Status::Empty) => filled(Color::Indexed(250), Color::Indexed(236)),
        (Colour::Colour, Status::Waiting) => filled(BLACK, Color::Indexed(220)),
        (Colour::Colour, Status::Working) => filled(WHITE, Color::Indexed(25)),
        (Colour::Colour, Status::PortLost) => filled(BLACK, Color::Indexed(220)),
        (Colour::Colour, Status::Passed | Status::PassedAfterRetry) => {
            filled(BLACK, Color::Indexed(40))
        }
        // a good board, and not one more of them
        (Colour::Colour, Status::Skipped) => filled(BLACK, Color::Indexed(151)),
        // light blue: no green for who cannot tell hues, and no alarm
        (Colour::Colour, Status::Written) => filled(BLACK, Color::Indexed(117)),
        (Colour::Colour, Status::Failed | Status::PulledTooEarly) => {
            filled(WHITE, Color::Indexed(160))
        }
        (Colour::Colour, Status::BenchError | Status::LineStopped) => {
            filled(WHITE, Color::Indexed(90))
        }
        (Colour::Colour, Status::Stopped | Status::Held) => filled(BLACK, Color::Indexed(247)),
        // no green and no red: whatever is plugged in here stays as it is
        (Colour::Colour, Status::Quarantined) => filled(WHITE, Color::Indexed(90)),
        (Colour::Colour, Status::SlotStopped) => filled(WHITE, Color::Indexed(240)),
        (Colour::None, status) if wants_a_human(status) => {
            Style::new().add_modifier(Modifier::REVERSED)
        }
        (Colour::None, _) => Style::new(),
    }
}

/// The first line of a tile, which bounds it where it has no filling.
pub fn tile_head(status: Status, colour: Colour) -> Style {
    let style = tile(status, colour).add_modifier(Modifier::BOLD);
    match colour {
        Colour::Colour => style,
        Colour::None if status == Status::Empty => Style::new().add_modifier(Modifier::UNDERLINED),
        Colour::None => style.add_modifier(Modifier::REVERSED),
    }
}

/// The name of the selected slot.
pub fn selected(colour: Colour) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    match colour {
        Colour::Colour => style.fg(BLACK).bg(WHITE),
        Colour::None => style.remove_modifier(Modifier::REVERSED),
    }
}

/// A status as coloured text on the terminal's own ground.
pub fn text(status: Status, colour: Colour) -> Style {
    let style = match (colour, status) {
        (Colour::None, _) => Style::new(),
        (_, Status::Passed | Status::PassedAfterRetry | Status::Skipped) => {
            Style::new().fg(Color::Green)
        }
        (_, Status::Written) => Style::new().fg(Color::Cyan),
        (_, Status::Failed | Status::PulledTooEarly) => Style::new().fg(Color::Red),
        (_, Status::BenchError | Status::LineStopped | Status::Quarantined) => {
            Style::new().fg(Color::Magenta)
        }
        (_, Status::Waiting | Status::PortLost) => Style::new().fg(Color::Yellow),
        (
            _,
            Status::Empty | Status::Working | Status::Stopped | Status::Held | Status::SlotStopped,
        ) => Style::new(),
    };
    if wants_a_human(status) {
        style.add_modifier(Modifier::BOLD)
    } else {
        style
    }
}

pub fn role(role: Role, colour: Colour) -> Style {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    match (colour, role) {
        (Colour::Colour, Role::Header) => bold.fg(WHITE).bg(Color::Indexed(238)),
        (Colour::None, Role::Header) => bold.add_modifier(Modifier::REVERSED),
        (Colour::Colour, Role::Banner) => bold.fg(WHITE).bg(Color::Indexed(90)),
        (Colour::None, Role::Banner) => bold.add_modifier(Modifier::REVERSED),
        (_, Role::Figures) => bold,
        (_, Role::Heading) => bold.add_modifier(Modifier::UNDERLINED),
        (Colour::Colour, Role::Dim) => Style::new().fg(Color::Indexed(245)),
        (Colour::None, Role::Dim) => Style::new(),
        (_, Role::Key) => bold,
        (Colour::Colour, Role::Message) => bold.fg(BLACK).bg(Color::Indexed(220)),
        (Colour::None, Role::Message) => bold.add_modifier(Modifier::REVERSED),
    }
}

fn wants_a_human(status: Status) -> bool {
    matches!(
        status,
        Status::Written
            | Status::Failed
            | Status::PulledTooEarly
            | Status::BenchError
            | Status::LineStopped
            | Status::PortLost
            | Status::Waiting
            | Status::Quarantined
    )
}

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
        (Colour::Colour, Status::Waiting | Status::Asking) => filled(BLACK, Color::Indexed(220)),
        (Colour::Colour, Status::Working) => filled(WHITE, Color::Indexed(25)),
        (Colour::Colour, Status::PortLost) => filled(BLACK, Color::Indexed(220)),
        (Colour::Colour, Status::Passed | Status::PassedAfterRetry) => {
            filled(BLACK, Color::Indexed(82))
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

/// What says across a tile that its board is to be taken out.
pub fn band(status: Status, colour: Colour) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    match colour {
        Colour::Colour => style.fg(BLACK).bg(WHITE),
        Colour::None if wants_a_human(status) => style.remove_modifier(Modifier::REVERSED),
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
        (_, Status::Waiting | Status::Asking | Status::PortLost) => Style::new().fg(Color::Yellow),
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
            | Status::Asking
            | Status::Quarantined
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of xterm's 256 colours, linear (IEC 61966-2-1).
    fn light(colour: Option<Color>) -> [f64; 3] {
        let Some(Color::Indexed(index @ 16..)) = colour else {
            panic!("{colour:?} is another colour under each theme");
        };
        let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
        let parts = match index {
            16..232 => {
                let cube = index - 16;
                [cube / 36, cube / 6 % 6, cube % 6].map(level)
            }
            grey => [8 + 10 * (grey - 232); 3],
        };
        parts.map(|part| match f64::from(part) / 255.0 {
            dark @ ..=0.04045 => dark / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        })
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(one: [f64; 3], two: [f64; 3]) -> f64 {
        let [one, two] = [one, two].map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
        one.max(two) / one.min(two)
    }

    #[test]
    fn text_is_read_on_every_filling() {
        for status in Status::ALL {
            for style in [tile, tile_head, band] {
                let style = style(status, Colour::Colour);
                let contrast = contrast(light(style.fg), light(style.bg));
                assert!(contrast >= 4.5, "{status:?}: {contrast:.2}");
            }
        }
        for role in [Role::Header, Role::Banner, Role::Message] {
            let style = super::role(role, Colour::Colour);
            let contrast = contrast(light(style.fg), light(style.bg));
            assert!(contrast >= 4.5, "{role:?}: {contrast:.2}");
        }
    }

    /// By lightness alone, as everyone sees it and as who has no red or no green does: Machado, Oliveira and
    /// Fernandes 2009, severity 1.0, in linear light. 3 is what WCAG asks of graphics.
    #[test]
    fn good_and_bad_differ_in_lightness_for_everyone() {
        const ALL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        const NO_RED: [[f64; 3]; 3] = [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ];
        const NO_GREEN: [[f64; 3]; 3] = [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ];
        for (name, eye) in [("all", ALL), ("no red", NO_RED), ("no green", NO_GREEN)] {
            let seen = |status| {
                let [r, g, b] = light(tile(status, Colour::Colour).bg);
                eye.map(|[x, y, z]| (x * r + y * g + z * b).clamp(0.0, 1.0))
            };
            for good in [Status::Passed, Status::PassedAfterRetry] {
                for bad in [Status::Failed, Status::PulledTooEarly] {
                    let contrast = contrast(seen(good), seen(bad));
                    assert!(contrast >= 3.0, "{name}: {good:?} {bad:?} {contrast:.3}");
                }
            }
        }
    }
}

use anstyle::{AnsiColor, Style};

use crate::engine::Action;

/// The colours of a plan, after those of terraform.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// Headings and sums.
    pub(super) heading: Style,
    create: Style,
    update: Style,
    keep: Style,
    delete: Style,
    /// Problems.
    pub(super) problem: Style,
}

impl Palette {
    /// No colours: for files and pipes.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// For terminals.
    #[must_use]
    pub const fn coloured() -> Self {
        Self {
            heading: Style::new().bold(),
            create: AnsiColor::Green.on_default(),
            update: AnsiColor::Yellow.on_default(),
            keep: AnsiColor::Cyan.on_default(),
            delete: AnsiColor::Red.on_default(),
            problem: AnsiColor::Red.on_default().bold(),
        }
    }

    /// The colour of an action.
    pub(super) const fn of(&self, action: Action) -> Style {
        match action {
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Adopt | Action::Retain => self.keep,
            Action::Replace | Action::Delete => self.delete,
        }
    }
}

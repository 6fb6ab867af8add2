//! The mode of a pass.

/// The mode of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keeps AWS as declared.
    Keep,
    /// Reads, and changes nothing.
    Suspended,
    /// Would remove the monitor, but changes nothing.
    DeleteSuspended,
    /// Removes the monitor.
    Delete,
}

impl Mode {
    /// True if the object is being deleted.
    #[must_use]
    pub const fn is_deletion(self) -> bool {
        matches!(self, Self::DeleteSuspended | Self::Delete)
    }

    /// True if nothing may be changed.
    #[must_use]
    pub const fn is_suspended(self) -> bool {
        matches!(self, Self::Suspended | Self::DeleteSuspended)
    }
}

//! Limits on the memory of the rules.

/// Bounds on the state of an [`Engine`](super::Engine): with them its memory is bounded whatever it is given. Records beyond
/// the bounds are counted and reported.
///
/// Each is 7/8 of a power of two, the most entries of a table before it doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Findings kept per rule, the largest; while records come, up to twice as many are counted. The bound is per rule so that a
    /// scan from many addresses cannot crowd out a large transfer.
    pub findings_per_rule: usize,
    /// As `findings_per_rule`, for each rule of a user.
    pub findings_per_custom_rule: usize,
    /// Subjects counted at a time, for each of the three rules that look at windows.
    pub subjects: usize,
    /// Ports and targets distinguished at a time, beyond those that a subject keeps itself.
    pub members: usize,
    /// Conversations remembered in a generation; there are two, so that at least this many are.
    pub conversations: usize,
    /// Ports and hosts that let scans in, kept beside the first few of each scan.
    pub let_in: usize,
    /// Days counted of each rule of a user and of each suppression; none for no counts by day.
    pub days: usize,
}

impl Limits {
    /// For one batch in a Lambda function of 128 MB: below 22 MiB for findings and their list, 18 MiB and 5 MiB for
    /// windows, 8 MiB for windows of users' rules, 4 MiB for conversations, also while tables grow.
    pub const FUNCTION: Self = Self {
        findings_per_rule: 1_792,
        findings_per_custom_rule: 112,
        subjects: 14_336,
        members: 114_688,
        conversations: 57_344,
        let_in: 3_584,
        days: 0,
    };

    /// For one file of a whole VPC in a Lambda function of 256 MB: twice as much of everything, below 114 MiB in all.
    pub const FILE: Self = Self::FUNCTION.times(2);

    /// For the files of a whole VPC on a person's machine: 16 times as much of everything, below 912 MiB in all, and 64 MiB for
    /// counts by day.
    pub const WORKSTATION: Self = Self { days: 4_096, ..Self::FUNCTION.times(16) };

    const fn times(self, factor: usize) -> Self {
        Self {
            findings_per_rule: self.findings_per_rule * factor,
            findings_per_custom_rule: self.findings_per_custom_rule * factor,
            subjects: self.subjects * factor,
            members: self.members * factor,
            conversations: self.conversations * factor,
            let_in: self.let_in * factor,
            days: self.days,
        }
    }
}

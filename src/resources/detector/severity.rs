use detector::rules::Severity;

use crate::api::spec;

/// The severity as the detector has it.
pub(super) const fn severity(severity: spec::Severity) -> Severity {
    match severity {
        spec::Severity::Low => Severity::Low,
        spec::Severity::Medium => Severity::Medium,
        spec::Severity::High => Severity::High,
    }
}

//! Decides between the threshold and the band, from what AWS shows. No I/O: the time is given.

use jiff::{SignedDuration, Timestamp};

use super::model_state::ModelState;
use crate::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use crate::api::spec::Anomaly;

/// The progress of learning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learning {
    /// The time since when the band learns, if its alarm exists.
    pub since: Option<Timestamp>,
    /// The state of the model, if there is one.
    pub model: Option<ModelState>,
    /// True if AWS cannot evaluate the alarm on the band. Its state stays as it was then, and would decide for ever.
    pub is_stuck: bool,
}

impl Learning {
    /// The time from which the band may decide.
    pub fn full_from(&self, anomaly: &Anomaly) -> Option<Timestamp> {
        let training = SignedDuration::from_hours(24 * i64::from(anomaly.training_days));
        self.since.and_then(|since| since.checked_add(training).ok())
    }

    /// The reason for which the threshold alone decides; none if the band takes part.
    pub fn still_needs(&self, anomaly: &Anomaly, at: Timestamp) -> Option<String> {
        match &self.model {
            None => return Some("there is no model yet".to_owned()),
            Some(ModelState::TooLittleData) => return Some("the metric has too little data for a band".to_owned()),
            Some(ModelState::Pending | ModelState::Other(_)) => return Some("the model is not trained yet".to_owned()),
            Some(ModelState::Trained) if self.is_stuck => {
                return Some("CloudWatch cannot evaluate the alarm on the band".to_owned());
            }
            Some(ModelState::Trained) => {}
        }
        match self.full_from(anomaly) {
            Some(from) if from <= at => None,
            _ if anomaly.training_days == 1 => Some("the band learns for 1 day".to_owned()),
            _ => Some(format!("the band learns for {} days", anomaly.training_days)),
        }
    }

    /// Decides about the alarm at the time `at`.
    pub fn effective(&self, anomaly: &Anomaly, at: Timestamp) -> EffectiveMode {
        if self.still_needs(anomaly, at).is_some() {
            return EffectiveMode::Static;
        }
        match anomaly.mode {
            AnomalyMode::Disabled => EffectiveMode::Static,
            AnomalyMode::Either => EffectiveMode::Either,
            AnomalyMode::Both => EffectiveMode::Both,
            AnomalyMode::Band => EffectiveMode::Band,
        }
    }
}

/// The rule of the composite alarm. See `AlarmRule` of `PutCompositeAlarm`. A band without an opinion silences nothing.
pub fn rule(effective: EffectiveMode, threshold: &str, band: &str) -> String {
    match effective {
        EffectiveMode::Static => format!("ALARM(\"{threshold}\")"),
        EffectiveMode::Both => {
            format!("ALARM(\"{threshold}\") AND (ALARM(\"{band}\") OR INSUFFICIENT_DATA(\"{band}\"))")
        }
        EffectiveMode::Either => format!("ALARM(\"{threshold}\") OR ALARM(\"{band}\")"),
        EffectiveMode::Band => {
            format!("ALARM(\"{band}\") OR (INSUFFICIENT_DATA(\"{band}\") AND ALARM(\"{threshold}\"))")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + days * DAY).unwrap()
    }

    fn learning(model: ModelState) -> Learning {
        Learning { since: Some(at(0)), model: Some(model), is_stuck: false }
    }

    #[test]
    fn the_band_decides_once_it_is_trained_and_the_days_are_over() {
        let anomaly = Anomaly { mode: AnomalyMode::Both, ..Anomaly::default() };
        let before = Timestamp::from_second(at(14).as_second() - 1).unwrap();
        for (model, now, expected) in [
            (ModelState::Pending, at(20), EffectiveMode::Static),
            (ModelState::TooLittleData, at(20), EffectiveMode::Static),
            (ModelState::Other("RETRAINING".to_owned()), at(20), EffectiveMode::Static),
            (ModelState::Trained, at(0), EffectiveMode::Static),
            (ModelState::Trained, before, EffectiveMode::Static),
            (ModelState::Trained, at(14), EffectiveMode::Both),
        ] {
            assert_eq!(learning(model.clone()).effective(&anomaly, now), expected, "{model:?} {now}");
        }
        let one_day = Anomaly { training_days: 1, ..anomaly.clone() };
        let needs = learning(ModelState::Trained).still_needs(&one_day, at(0));
        assert_eq!(needs.as_deref(), Some("the band learns for 1 day"));
        let trained = || learning(ModelState::Trained);
        assert_eq!(trained().full_from(&anomaly), Some(at(14)));
        assert_eq!(Learning { since: None, ..trained() }.effective(&anomaly, at(20)), EffectiveMode::Static);
        assert_eq!(Learning { model: None, ..trained() }.effective(&anomaly, at(20)), EffectiveMode::Static);
    }

    #[test]
    fn a_band_that_aws_cannot_evaluate_silences_nothing() {
        for mode in [AnomalyMode::Either, AnomalyMode::Both, AnomalyMode::Band] {
            let anomaly = Anomaly { mode, ..Anomaly::default() };
            let stuck = Learning { is_stuck: true, ..learning(ModelState::Trained) };
            assert_eq!(stuck.effective(&anomaly, at(20)), EffectiveMode::Static, "{mode:?}");
            let reason = stuck.still_needs(&anomaly, at(20)).unwrap();
            assert_eq!(reason, "CloudWatch cannot evaluate the alarm on the band");
        }
    }

    #[test]
    fn each_mode_has_its_own_rule() {
        let anomaly = |mode| Anomaly { mode, ..Anomaly::default() };
        let rules = [AnomalyMode::Either, AnomalyMode::Both, AnomalyMode::Band]
            .map(|mode| rule(learning(ModelState::Trained).effective(&anomaly(mode), at(20)), "s", "b"));
        assert_eq!(
            rules,
            [
                r#"ALARM("s") OR ALARM("b")"#,
                r#"ALARM("s") AND (ALARM("b") OR INSUFFICIENT_DATA("b"))"#,
                r#"ALARM("b") OR (INSUFFICIENT_DATA("b") AND ALARM("s"))"#,
            ]
        );
        assert_eq!(rule(EffectiveMode::Static, "s", "b"), r#"ALARM("s")"#);
    }
}

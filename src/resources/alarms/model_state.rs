//! The training state of a model.

use aws_sdk_cloudwatch::types::AnomalyDetectorStateValue;

/// The training state. See `StateValue` of `AnomalyDetector`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// It has no band yet.
    Pending,
    /// The metric has too little data for a band.
    TooLittleData,
    /// It has a band.
    Trained,
    /// A state that this version does not know, in AWS's word.
    Other(String),
}

impl ModelState {
    /// AWS's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => AnomalyDetectorStateValue::PendingTraining.as_str(),
            Self::TooLittleData => AnomalyDetectorStateValue::TrainedInsufficientData.as_str(),
            Self::Trained => AnomalyDetectorStateValue::Trained.as_str(),
            Self::Other(word) => word,
        }
    }
}

impl From<Option<&AnomalyDetectorStateValue>> for ModelState {
    fn from(state: Option<&AnomalyDetectorStateValue>) -> Self {
        match state {
            Some(AnomalyDetectorStateValue::PendingTraining) => Self::Pending,
            Some(AnomalyDetectorStateValue::TrainedInsufficientData) => Self::TooLittleData,
            Some(AnomalyDetectorStateValue::Trained) => Self::Trained,
            other => Self::Other(other.map(AnomalyDetectorStateValue::as_str).unwrap_or_default().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_keeps_the_word_of_aws() {
        for (word, state) in [
            ("PENDING_TRAINING", ModelState::Pending),
            ("TRAINED_INSUFFICIENT_DATA", ModelState::TooLittleData),
            ("TRAINED", ModelState::Trained),
            ("RETRAINING", ModelState::Other("RETRAINING".to_owned())),
        ] {
            let found = ModelState::from(Some(&AnomalyDetectorStateValue::from(word)));
            assert_eq!((found.as_str(), &found), (word, &state));
        }
    }
}

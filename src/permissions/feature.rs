use clap::ValueEnum;

/// A part of a monitor that its spec can switch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Feature {
    /// Metric filters.
    MetricFilters,
    /// The detector function.
    Detector,
    /// Athena, Glue and saved queries.
    Analytics,
    /// The dashboard.
    Dashboard,
    /// A topic of the monitor's own, instead of one that the spec names.
    OwnTopic,
    /// `cloudWatchLogs.kmsKeyArn`.
    LogGroupKey,
    /// Fields of ECS in flow logs.
    EcsFields,
    /// `detector.source: S3`.
    S3Source,
    /// `detections.*.anomaly`: anomaly models and composite alarms.
    AnomalyBands,
    /// `notifications.quietTimes`: alarm mute rules.
    QuietTimes,
    /// `VpcFlowOverview`: event buses, and event rules that send alarms to them.
    Overviews,
    /// `crossAccount.sinkArns` of a `VpcFlowOverview`: links between accounts.
    OverviewLinks,
}

impl Feature {
    /// Those that policies allow unless others are named. A later feature is left out, so that an upgrade widens no policy.
    pub const DEFAULT: [Self; 7] = [
        Self::MetricFilters,
        Self::Detector,
        Self::Analytics,
        Self::Dashboard,
        Self::OwnTopic,
        Self::LogGroupKey,
        Self::EcsFields,
    ];
}

"""The weekly values that dailies give, and how the baselines name what they read."""

#: Published metric -> name in a daily.
INTEGERS = {
    "steps": "steps",
    "active_kcal": "activeKilocalories",
    "floors": "floorsClimbed",
    "resting_hr_bpm": "restingHeartRateInBeatsPerMinute",
    "min_hr_bpm": "minHeartRateInBeatsPerMinute",
    "max_hr_bpm": "maxHeartRateInBeatsPerMinute",
    "stress_mean": "averageStressLevel",
    "stress_max": "maxStressLevel",
    "body_battery_charged": "bodyBatteryChargedValue",
    "body_battery_drained": "bodyBatteryDrainedValue",
}
#: Published metric -> name of the seconds it is made from.
MINUTES = {
    "moderate_minutes": "moderateIntensityDurationInSeconds",
    "vigorous_minutes": "vigorousIntensityDurationInSeconds",
    "rest_stress_minutes": "restStressDurationInSeconds",
    "low_stress_minutes": "lowStressDurationInSeconds",
    "medium_stress_minutes": "mediumStressDurationInSeconds",
    "high_stress_minutes": "highStressDurationInSeconds",
    "activity_stress_minutes": "activityStressDurationInSeconds",
}
DISTANCE = "distanceInMeters"
SAMPLES = "timeOffsetHeartRateSamples"
METRICS = ("distance_m", *INTEGERS, *MINUTES, "mvpa_equivalent_minutes", "mean_hr_bpm")
SUMMED = ("steps", "distance_m", "active_kcal", "mvpa_equivalent_minutes")
AGGREGATES = ("mean", "median", "sd", "min", "max", "days")


def weekly_columns() -> list[str]:
    """All values a baseline writes per person and week."""
    return [f"{metric}_{of}" for metric in METRICS for of in (*AGGREGATES, *(["sum"] if metric in SUMMED else []))]

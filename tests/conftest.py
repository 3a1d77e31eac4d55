"""Settings of the whole suite."""

from datetime import timedelta

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

# "default" answers in moments and always tries the same cases.
# The nox session "property" runs "long".
settings.register_profile(
    "default", max_examples=100, deadline=None, derandomize=True, suppress_health_check=SLOW
)
settings.register_profile(
    "long", max_examples=5_000, deadline=timedelta(seconds=5), suppress_health_check=SLOW
)
settings.load_profile("default")

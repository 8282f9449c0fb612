from hypothesis import HealthCheck, settings

# For `make nightly`: what takes seconds in `make test` takes its time here.
settings.register_profile(
    "nightly",
    max_examples=1000,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

pytest_plugins = ["pytester", "tests.support.rules", "tests.support.servers", "tests.support.databases"]

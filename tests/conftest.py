import gc

from hypothesis import HealthCheck, settings

# For `make nightly`: what takes seconds in `make test` takes its time here.
settings.register_profile(
    "nightly",
    max_examples=1000,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def pytest_collection_finish() -> None:
    """Nobody has to look again and again through what stays to the end: all modules and tests."""
    gc.collect()
    gc.freeze()


pytest_plugins = ["pytester", "tests.support.rules", "tests.support.servers", "tests.support.databases"]

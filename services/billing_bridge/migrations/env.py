from services.billing_bridge.models import metadata
from shared.database.migrations import run_environment

run_environment(metadata)

from services.printing.models import metadata
from shared.database.migrations import run_environment

run_environment(metadata)

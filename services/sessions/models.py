"""All tables of this service, for migrations."""

from services.sessions.configuration import models as configuration
from services.sessions.directory import models as directory
from services.sessions.documentation import models as documentation
from services.sessions.emergency import models as emergency
from services.sessions.logging_in import models as logging_in
from services.sessions.logging_in.by_code import models as by_code
from services.sessions.metadata import metadata
from services.sessions.scheduling import models as scheduling
from services.sessions.service_accounts import models as service_accounts
from services.sessions.stream import models as stream
from services.sessions.templates import models as templates

__all__ = [
    "by_code",
    "configuration",
    "directory",
    "documentation",
    "emergency",
    "logging_in",
    "metadata",
    "scheduling",
    "service_accounts",
    "stream",
    "templates",
]

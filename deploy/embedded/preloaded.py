"""What the parts import, loaded once before they are forked; the composition roots themselves are not."""

import gc
import signal

import aiosqlite
import celery.apps.worker
import celery.concurrency.prefork
import celery.concurrency.solo
import kombu.transport.redis
import uvicorn.protocols.http.httptools_impl
import uvloop

import services.billing_bridge.endpoints
import services.billing_bridge.pushing
import services.charts.consumers
import services.charts.endpoints
import services.charts.fhir.endpoints
import services.charts.tabs.endpoints
import services.printing.endpoints
import services.printing.rendering
import services.sessions.configuration.endpoints
import services.sessions.documentation.endpoints
import services.sessions.scheduling.endpoints
import shared.runtime
import shared.web.application
from deploy.embedded.children import end_with_parent

__all__ = ["aiosqlite", "celery", "kombu", "services", "shared", "uvicorn", "uvloop"]

# Else the parts, which hold its life line too, would keep this process alive after the supervisor.
end_with_parent()
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which ends us in order

# What is here stays: no child's collector shall touch, and so copy, these pages.
gc.collect()
gc.freeze()

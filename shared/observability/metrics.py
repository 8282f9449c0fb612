"""Prometheus metrics; labels are routes and consumers, never a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_REFUSED: Final = Counter(
    "opencircle_messages_refused", "Broker messages refused because they were not sealed by us."
)
REQUESTS: Final = Histogram(
    "opencircle_http_request_seconds",
    "HTTP requests by route template and status.",
    ("method", "route", "status"),
)
DELIVERIES_UNFINISHED: Final = Gauge(
    "opencircle_deliveries_unfinished",
    "Deliveries without a receipt, from the ledger.",
    ("service", "consumer", "state"),
)

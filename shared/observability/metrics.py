"""Prometheus metrics; labels are routes, consumers, systems and states: a few hundred, and never a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_REFUSED: Final = Counter(
    "opencircle_messages_refused", "Broker messages refused because they were not sealed by us."
)
FIELDS_UNOPENABLE: Final = Counter(
    "opencircle_fields_unopenable",
    "Readings of a sealed field that is not what was stored in its row and place.",
    ("place",),
)
REQUESTS: Final = Histogram(
    "opencircle_http_request_seconds",
    "HTTP requests by route template and status.",
    ("method", "route", "status"),
)
LOOP_TURNED: Final = Gauge(
    "opencircle_loop_turned_timestamp_seconds", "When the loop of this worker, relay or pusher last turned."
)
RINGS: Final = Counter(
    "opencircle_rings", "Deliveries that this relay has handed to the broker.", ("consumer",)
)
PUSHES: Final = Histogram(
    "opencircle_push_seconds",
    "Messages to billing systems by how they ended.",
    ("system", "verdict"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60),
)

# From the databases, at each look at an API's /metrics: they answer when the broker is gone.
DELIVERIES_UNFINISHED: Final = Gauge(
    "opencircle_deliveries_unfinished",
    "Deliveries without a receipt, from the ledger.",
    ("service", "consumer", "state"),
)
OLDEST_OPEN_DELIVERY: Final = Gauge(
    "opencircle_oldest_open_delivery_seconds",
    "How long ago the oldest event happened that a consumer has not applied; 0 when there is none.",
    ("service", "consumer"),
)
RELAY_LAG: Final = Gauge(
    "opencircle_relay_lag_seconds",
    "How long the longest overdue delivery has waited for its ring; 0 when none is due.",
    ("service", "consumer"),
)
CHARGES: Final = Gauge(
    "opencircle_charges_unsettled",
    "Charges that are not accepted or reversed, of instances with a connection.",
    ("system", "status"),
)
PRINT_JOBS: Final = Gauge(
    "opencircle_print_jobs_of_a_day",
    "Print jobs of the last 24 hours by what they came to.",
    ("status",),
)

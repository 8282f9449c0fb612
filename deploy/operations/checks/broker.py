"""The broker: it may be empty or away for a while, but must not forget or be read by strangers."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import amqp.exceptions
import kombu.exceptions
import redis

from deploy.operations.checks.findings import NETWORK_SECONDS, Finding, broken, not_looked_at, warning
from deploy.operations.where import Where
from shared.events.catalogue import CONSUMERS
from shared.messaging.messages import receipts_queue

PLAIN: Final = ("redis", "amqp")
NEAR: Final = ("127.0.0.1", "localhost", "::1", None)
QUEUES: Final = (*(one.name for one in CONSUMERS), receipts_queue("sessions"), receipts_queue("printing"))
MEMORY_AT_MOST: Final = 0.8
START_IT: Final = "Start it, or see OPENCIRCLE_BROKER_URL. What is signed meanwhile is delivered later."


def look_at_broker(where: Where) -> Iterator[Finding]:
    """Ask the broker how it is set up, and what lies in its queues."""
    url = where.settings.broker_url.get_secret_value()
    yield _scheme(url)
    if not url.startswith("redis"):
        yield _of_rabbitmq(url)
        return
    with _client(url) as client:
        try:
            told = client.info("all")
        except redis.exceptions.NoPermissionError:
            yield not_looked_at("broker", "this login may not ask INFO")
            return
        except (redis.exceptions.RedisError, OSError) as error:
            mend = "It starts with the deployment." if where.folder else START_IT
            yield broken("broker", f"it does not answer ({type(error).__name__})", mend)
            return
        yield Finding(check="broker", says=f"version {told.get('valkey_version') or told['redis_version']}")
        yield from _set_up(told)
        yield _keys(client, where)


def _scheme(url: str) -> Finding:
    parts = urlsplit(url)
    # Two ways to say that nobody can listen: a socket, or this machine alone.
    if parts.scheme in PLAIN and parts.hostname not in NEAR:
        mend = "Use rediss:// or amqps:// unless the network between is yours alone."
        return warning("broker.scheme", f"{parts.scheme}:// to {parts.hostname} is not encrypted", mend)
    return Finding(check="broker.scheme", says=parts.scheme)


def _of_rabbitmq(url: str) -> Finding:
    """Log in; how it is set up and what waits in its queues is for its own management to show."""
    try:
        with kombu.Connection(url, connect_timeout=NETWORK_SECONDS) as connection:
            connection.connect()
            told = connection.connection.server_properties
    except (OSError, kombu.exceptions.KombuError, amqp.exceptions.AMQPError) as error:
        return broken("broker", f"it does not answer ({type(error).__name__})", START_IT)
    return Finding(check="broker", says=f"{told.get('product')} {told.get('version')}")


def _client(url: str) -> Any:
    if url.startswith("redis+socket://"):
        return redis.Redis(unix_socket_path=urlsplit(url).path, socket_timeout=NETWORK_SECONDS)
    return redis.Redis.from_url(
        url, socket_timeout=NETWORK_SECONDS, socket_connect_timeout=NETWORK_SECONDS, retry=None
    )


def _set_up(told: dict[str, Any]) -> Iterator[Finding]:
    policy = told.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        yield Finding(check="broker.eviction", says="it refuses when it is full, and forgets nothing")
    else:
        yield broken("broker.eviction", f"maxmemory-policy {policy} drops rings", "Set it to noeviction.")
    if told.get("aof_enabled"):
        yield Finding(check="broker.file", says="its append-only file is on")
    else:
        mend = "Set `appendonly yes`: without it, a restart delays all that was under way."
        yield warning("broker.file", "its append-only file is off", mend)
    used, most = told.get("used_memory", 0), told.get("maxmemory", 0)
    if most and used > MEMORY_AT_MOST * most:
        mend = "See which workers do not take their queue, or give it more memory."
        yield warning("broker.memory", f"{used / most:.0%} of its memory is used", mend)


def _keys(client: Any, where: Where) -> Finding:
    known, found = where.settings.keys.keys, set[str]()
    for queue in QUEUES:
        found |= {key_id for text in client.lrange(queue, -1, -1) if (key_id := sealed_by(text))}
    strange = sorted(found - known.keys())
    if not strange:
        return Finding(check="broker.keys", says="what waits there was sealed by our keys")
    mend = "Give all processes one OPENCIRCLE_MESSAGE_KEYS; keep an old key at its end for an hour."
    return broken("broker.keys", f"messages wait that were sealed by {', '.join(strange)}", mend)


def sealed_by(message: bytes) -> str | None:
    """Tell the id of the key that sealed a message in a queue; None where it is no message of ours."""
    try:
        arguments = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
        return str(arguments[0]).partition(".")[0]
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error):
        return None

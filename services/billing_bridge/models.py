"""The tables of the billing bridge. What was charged, tried and answered is never changed."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from shared.database.audit import audit_table
from shared.database.columns import UtcDateTime, new_metadata
from shared.database.fields import data_key_table
from shared.messaging.tables import inbox_tables
from shared.notices import NOTICE
from shared.web.idempotency import idempotency_table
from shared.web.staff_access import staff_access_table

metadata = new_metadata()

inbox = inbox_tables(metadata)
data_key = data_key_table(metadata)
staff_access = staff_access_table(metadata)
audit_entry = audit_table(metadata)
idempotency_key = idempotency_table(metadata)

charge = Table(
    "charge",
    metadata,
    Column("charge_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("system", String(40), nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("documentation_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("mrn", Text, nullable=False),
    Column("service_date", Date, nullable=False),
    Column("form", String(20), nullable=False),
    Column("code", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("revenue_code", Text),
    Column("modifiers", Text, nullable=False),
    Column("place_of_service", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("provider_npi", Text),
    Column("group_size", Integer, nullable=False),
    Column("lacking", Text),
    Column("made_at", UtcDateTime, nullable=False),
    Column("replaces", Uuid),
    # The entry of the catalogue that decided; null where the template alone did.
    Column("code_id", Uuid),
    Column("code_version", Integer),
    Column("traceparent", String(55)),
    # Null in charges of before they were kept.
    Column("patient_family", Text),
    Column("patient_given", Text),
    Column("patient_middle", Text),
    Column("patient_born", Text),
    Index("ix_charge_made", "instance_id", "made_at", "charge_id"),
    Index("ix_charge_patient", "instance_id", "patient_id", "made_at", "charge_id"),
    Index("ix_charge_session", "instance_id", "session_id"),
)

# Of a whole documentation, and kept although it may come before the charges that it reverses.
retraction = Table(
    "retraction",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("retracted_at", UtcDateTime, nullable=False),
    Column("retracted_by", Uuid, nullable=False),
)

charge_status = Table(
    "charge_status",
    metadata,
    Column("charge_id", ForeignKey(charge.c.charge_id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("system", String(40), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("status", String(10), nullable=False),
    Column("reason", Text),
    # Equal for equal reasons: the worklist is grouped by it.
    Column("reason_blind", String(64)),
    Column("changes", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Attempts since a person last released it: where it is in the schedule.
    Column("tries", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("uncertain", Boolean, nullable=False),
    # The destination of the last attempt: another one has never seen its key.
    Column("destination_id", Uuid),
    Column("receipt_id", Text),
    Column("changed_at", UtcDateTime, nullable=False),
    # Its documentation is void (BILL-6).
    Column("retracted", Boolean, nullable=False, server_default=false()),
    # What is pushed now is its reversal: status, tries and lease are those of the reversal.
    Column("reversing", Boolean, nullable=False, server_default=false()),
    # The notice of redisclosure that goes with it, from its first attempt on: each repeats the same bytes.
    Column("notice", Text),
    # Where the change stands in the feed; null until it has been numbered after its commit.
    Column("feed_number", BigInteger),
    Index("ix_charge_status_report", "instance_id", "status", "made_at", "charge_id"),
    Index("ix_charge_status_feed", "instance_id", "feed_number"),
    # Whether a connection has something due is asked of each of them, again and again.
    Index(
        "ix_charge_status_waiting",
        "instance_id",
        "system",
        "next_attempt_at",
        postgresql_where=text("next_attempt_at IS NOT NULL"),
        sqlite_where=text("next_attempt_at IS NOT NULL"),
    ),
    # Pushers look at what is due and at what is under way, and both are few however long the history grows.
    Index(
        "ix_charge_status_due",
        "next_attempt_at",
        postgresql_where=text("next_attempt_at IS NOT NULL"),
        sqlite_where=text("next_attempt_at IS NOT NULL"),
    ),
    Index(
        "ix_charge_status_leased",
        "lease_until",
        postgresql_where=text("lease_until IS NOT NULL"),
        sqlite_where=text("lease_until IS NOT NULL"),
    ),
)

charge_history = Table(
    "charge_history",
    metadata,
    Column("charge_id", ForeignKey(charge.c.charge_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("status", String(10), nullable=False),
    Column("reason", Text),
    # Null where no person did it.
    Column("user_id", Uuid),
)

# An attempt is two rows, its beginning and its result: so both can be insert-only, and no error of
# ours can ever make a push that was begun look as if it had not been.
push_attempt = Table(
    "push_attempt",
    metadata,
    Column("charge_id", ForeignKey(charge.c.charge_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("url", Text, nullable=False),
    # `charge`, `reversal` or `look_up`.
    Column("kind", String(10), nullable=False, server_default="charge"),
    # Equal for all charges that went out in the same message, and for the question about it.
    Column("message_id", Uuid),
    # A charge that goes by itself gives its message its name, and nothing else is to be found.
    Index(
        "ix_push_attempt_message",
        "message_id",
        postgresql_where=text("message_id <> charge_id"),
        sqlite_where=text("message_id <> charge_id"),
    ),
)

push_result = Table(
    "push_result",
    metadata,
    Column("charge_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text),
    Column("http_status", Integer),
    Column("receipt_id", Text),
    Column("answer", Text),
    ForeignKeyConstraint(
        ["charge_id", "number"],
        [push_attempt.c.charge_id, push_attempt.c.number],
        name="fk_push_result_attempt",
    ),
)

connection = Table(
    "connection",
    metadata,
    Column("instance_id", Uuid, primary_key=True),
    Column("system", String(40), primary_key=True),
    Column("url", Text, nullable=False),
    Column("sealed_secret", Text, nullable=False),
    Column("sealed_certificate", Text),
    # As its connector's own model has checked them.
    Column("settings", JSON, nullable=False, server_default="{}"),
    Column("deduplicates", Boolean, nullable=False),
    # The other side can be asked whether it has a charge.
    Column("looks_up", Boolean, nullable=False, server_default=false()),
    Column("active", Boolean, nullable=False),
    Column("paused_because", Text),
    # A new one whenever the address changes.
    Column("destination_id", Uuid, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Uuid, nullable=False),
    # What accompanies each disclosure (42 CFR 2.32); empty where the instance is no Part 2 program.
    Column("notice", Text, nullable=False, server_default=NOTICE),
    # How fast, when and in which order charges go, as `pacing.Pace` reads it, and the same in words.
    Column("pacing", JSON, nullable=False, server_default="{}"),
    Column("rhythm", Text),
    # How the line stands, for all pushers: see `pacing.Line`.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("probe_at", UtcDateTime),
    Column("free_at", UtcDateTime),
)

# The highest number that the feed of changed charges has given in each instance.
charge_feed = Table(
    "charge_feed",
    metadata,
    Column("instance_id", Uuid, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# What instances say of codes. Null leaves it to the template of the session.
billing_code = Table(
    "billing_code",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("code", String(10), nullable=False),
    Column("description", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("mode", String(10)),
    Column("place_of_service", String(2)),
    Column("modifiers", JSON(none_as_null=True)),
    Column("units", JSON(none_as_null=True)),
    Column("minimum_minutes", Integer),
    Column("maximum_units", Integer),
    Column("smallest_group", Integer),
    Column("largest_group", Integer),
    Column("bands", JSON, nullable=False),
    UniqueConstraint("instance_id", "kind", "code", "effective_on"),
)

# Every version that an entry ever had: charges name the one that decided.
billing_code_version = Table(
    "billing_code_version",
    metadata,
    Column("code_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("facts", JSON, nullable=False),
)

# Each documentation that was heard of, charged or not: the other side of the reconciliation (BILL-10).
documented_session = Table(
    "documented_session",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("held_on", Date, nullable=False),
    Column("present", JSON, nullable=False),
    # `ancillary`, `per_diem`, or `not_billed`.
    Column("billed_as", String(10), nullable=False),
    # How many charges were made of it, at the one time that they were.
    Column("charges", Integer, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),
    Index("ix_documented_session_day", "instance_id", "held_on", "documentation_id"),
)

"""Rows that nobody can change or delete: the database itself refuses it (DIST-2, SIGN-4)."""

REFUSAL = "rows of this table are never changed or deleted"

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}: %', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def insert_only(table: str, *, dialect: str) -> tuple[str, ...]:
    """Give the statements that make `table` insert-only on `postgresql` or `sqlite`."""
    if dialect == "postgresql":
        return (
            _POSTGRESQL_FUNCTION,
            _trigger(table, "is_insert_only", "UPDATE OR DELETE", "ROW"),
            _trigger(table, "is_never_emptied", "TRUNCATE", "STATEMENT"),
        )
    return tuple(
        f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}: {table}'); END"
        for verb in ("UPDATE", "DELETE")
    )


def kept_data_keys(*, dialect: str) -> tuple[str, ...]:
    """Give the statements by which a data key is never deleted; it may be wrapped anew, and no more.

    Without it nothing that it sealed opens again.
    """
    if dialect == "postgresql":
        return (
            _POSTGRESQL_FUNCTION,
            _trigger("data_key", "is_never_deleted", "DELETE", "ROW"),
            _trigger("data_key", "is_never_emptied", "TRUNCATE", "STATEMENT"),
            _trigger("data_key", "is_only_rewrapped", "UPDATE OF instance_id, version, used_from", "ROW"),
        )
    return tuple(
        f"CREATE TRIGGER data_key_refuses_{verb.partition(' ')[0].lower()} BEFORE {verb} ON data_key "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}: data_key'); END"
        for verb in ("DELETE", "UPDATE OF instance_id, version, used_from")
    )


def _trigger(table: str, name: str, verbs: str, each: str) -> str:
    event = f"BEFORE {verbs} ON {table} FOR EACH {each}"
    return f"CREATE TRIGGER {table}_{name} {event} EXECUTE FUNCTION refuse_change()"

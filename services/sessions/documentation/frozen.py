"""What was signed can't be changed: the database itself refuses it (SIGN-4)."""

from typing import Final

REFUSAL: Final = "this documentation was signed or set aside"

_OF_OLD: Final = "SELECT 1 FROM frozen_documentation WHERE documentation_id = OLD.documentation_id"
_OF_NEW: Final = "SELECT 1 FROM frozen_documentation WHERE documentation_id = NEW.documentation_id"
_WRITTEN: Final = ("title", "topic", "description", "started_at", "ended_at")


def frozen_triggers(*, dialect: str) -> tuple[str, ...]:
    """Give the statements that freeze rosters and group notes on `postgresql` or `sqlite`."""
    return _postgresql() if dialect == "postgresql" else _sqlite()


def _postgresql() -> tuple[str, ...]:
    # One function: a trigger's WHEN may not look into another table on PostgreSQL.
    refuse = f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege'"
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _WRITTEN)
    return (
        (
            "CREATE FUNCTION refuse_frozen_roster() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP <> 'INSERT' AND EXISTS ({_OF_OLD}) THEN {refuse}; END IF; "
            f"IF TG_OP <> 'DELETE' AND EXISTS ({_OF_NEW}) THEN {refuse}; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE FUNCTION refuse_frozen_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF EXISTS ({_OF_OLD}) THEN {refuse}; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER roster_entry_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON roster_entry "
            "FOR EACH ROW EXECUTE FUNCTION refuse_frozen_roster()"
        ),
        (
            "CREATE TRIGGER group_note_is_frozen BEFORE UPDATE ON group_session FOR EACH ROW "
            f"WHEN (OLD.documentation_id IS NOT DISTINCT FROM NEW.documentation_id AND ({changed})) "
            "EXECUTE FUNCTION refuse_frozen_note()"
        ),
    )


def _sqlite() -> tuple[str, ...]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _WRITTEN)
    return (
        (
            f"CREATE TRIGGER roster_entry_refuses_insert BEFORE INSERT ON roster_entry "
            f"WHEN EXISTS ({_OF_NEW}) {refuse}"
        ),
        (
            f"CREATE TRIGGER roster_entry_refuses_update BEFORE UPDATE ON roster_entry "
            f"WHEN EXISTS ({_OF_OLD}) OR EXISTS ({_OF_NEW}) {refuse}"
        ),
        (
            f"CREATE TRIGGER roster_entry_refuses_delete BEFORE DELETE ON roster_entry "
            f"WHEN EXISTS ({_OF_OLD}) {refuse}"
        ),
        (
            f"CREATE TRIGGER group_note_is_frozen BEFORE UPDATE ON group_session "
            f"WHEN OLD.documentation_id IS NEW.documentation_id AND ({changed}) "
            f"AND EXISTS ({_OF_OLD}) {refuse}"
        ),
    )

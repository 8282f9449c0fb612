"""What happened in a session: roster, attendance, notes, signatures, review."""

"""Charges: made from session records, pushed to integrated billing systems, never twice."""

"""Codes and their rules as data of each instance (BILL-1, BILL-9)."""

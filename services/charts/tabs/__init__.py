"""The tabs of patient charts (TAB)."""

"""The four services; they meet only in `shared` and in `deploy`."""

"""Paper: sign-in sheets, rendered in workers, never in a web request."""

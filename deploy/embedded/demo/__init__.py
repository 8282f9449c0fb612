"""One clinic day, driven through the public API as a clinic's own front end would."""

"""The one-machine deployment: one command, no server needed."""

"""What operators do beside the processes that serve: look, mend, keep."""

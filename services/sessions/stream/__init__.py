"""What front ends follow live: that something of a session changed, never what it says."""

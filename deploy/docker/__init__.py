"""The image that every process of the system runs from."""

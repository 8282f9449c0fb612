"""Deliveries that no consumer could apply, and what a person does about them."""

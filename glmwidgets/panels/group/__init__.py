"""The explorer of a group."""

"""Views of the session: one file a panel."""

"""The live analysis: settings, cached stages, scheduler. No widget in it."""

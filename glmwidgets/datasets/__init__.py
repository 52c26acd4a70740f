"""Where runs come from: simulated truth, folders, downloads."""

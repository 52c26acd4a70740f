"""Files of any kind: what was read and may not be written over, writing whole or not at all, and our own JSON."""

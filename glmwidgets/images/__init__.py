"""NIfTI in and out: load, mask, smooth, resample, save."""

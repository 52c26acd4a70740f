"""glmwidgets: the place where one looks at an fMRI run."""

__version__ = "0.1.0"

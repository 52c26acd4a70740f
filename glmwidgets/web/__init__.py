"""What is shown in a browser: JavaScript and style sheets, shared by panels and pages."""

from glmwidgets.web.files import PANELS, script, style

__all__ = ["PANELS", "script", "style"]

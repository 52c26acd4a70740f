"""Figures on paper, reports and exports."""

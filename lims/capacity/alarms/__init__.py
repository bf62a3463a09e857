"""Alarms: rules with thresholds, judged over figures, shown and sent."""

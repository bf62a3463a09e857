"""Forecast: a simulation of what happens to the samples from now on."""

"""Builds the measuring programs, runs them in rounds, and judges what they answer."""

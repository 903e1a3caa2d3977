"""Tests of what is told: the stream of events, and outgoing webhooks."""

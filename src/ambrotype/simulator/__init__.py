"""An expiring CDN on localhost, with faults: what the demo and the tests fetch from, and what a user may try
out.

A path names what to make (`assets`), a signing style says how its URL expires (`signing`), a fault says what
goes wrong on the wire (`faults`); `cdn` joins them and `server` runs them. Nothing is stored and nothing
leaves the machine.
"""

"""Providers' jobs, from the request to kept outputs.

A generation is written down first (`starting`), then a worker submits it (`submitting`), asks how it stands (`following`),
and accepts what comes out (`ending`); webhooks (`hearing`) only bring the next look forward. What a provider says is an
adapter's business (`providers/`); `calling` alone talks to it. When a source has died before it was captured, `renewing`
asks the provider for a fresh URL.
"""

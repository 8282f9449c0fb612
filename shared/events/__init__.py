"""The public contract: envelopes, the facts they carry, and who hears of what."""

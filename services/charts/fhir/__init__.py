"""Chart notes for other systems: FHIR R4 (4.0.1), read only."""

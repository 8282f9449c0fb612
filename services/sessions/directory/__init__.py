"""Staff, patients and locations, imported from FHIR R4 and kept here."""

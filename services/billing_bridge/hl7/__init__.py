"""HL7 version 2: the language that several connectors speak. Nothing here knows a billing system."""

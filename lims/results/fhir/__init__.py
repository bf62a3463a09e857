"""Exchange with other systems by FHIR R4: read, search, `$everything` of a report, and orders sent in as a Bundle."""

"""One module a resource: facts in, a plain dict of FHIR R4 out. Pure."""

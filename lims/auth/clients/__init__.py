"""Programs with tokens of their own: made, listed and revoked by administrators. docs/decisions/api-clients.md."""

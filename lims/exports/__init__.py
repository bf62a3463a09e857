"""Files that are taken away whole: CSV, XLSX and NDJSON of what a role may see, counted, marked and written down."""

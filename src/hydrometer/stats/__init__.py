"""Statistics on arrays and numbers: no records, no files."""

"""Files: dossiers and audits on disk, and the tables that ship with the package."""

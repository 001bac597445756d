"""Teacher attribution: which of a panel's models, or none, taught a subject."""

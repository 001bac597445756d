"""Parameters, FLOP, hours and dollars: pure formulas on numbers. No records, no files, no network."""

"""Conversion of many files: jobs, worker processes, results and what is printed."""

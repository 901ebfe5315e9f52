"""Benchmark reports: runs, results, plots, pages and comparisons."""

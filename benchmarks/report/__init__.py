"""What a benchmark report is made of: runs, results, plots, pages and comparisons."""

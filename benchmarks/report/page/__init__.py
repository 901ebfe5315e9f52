"""The report's page: markup, style and scripts, which ``aez.benchmarks.report.html`` puts together."""

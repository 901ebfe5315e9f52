"""The report's page: markup, style and scripts, put together by ``aez.benchmarks.report.html``."""

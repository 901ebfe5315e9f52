"""Print the lower bounds of the package's dependencies, and of those of its tests, as pip's constraints."""

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in (*project["dependencies"], *extras["url"], *extras["test"]):
    if requirement == "aez[url]":
        continue
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)(;.*)?", requirement)
    if found is None:
        raise SystemExit(f"{requirement}: is not NAME>=VERSION")
    print(f"{found[1]}=={found[2]}{found[3] or ''}")

"""Writes one stage's folder: arrays as .npy, everything else in cases.json."""

import json
import pathlib
import shutil

import numpy as np

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"


class FixtureFolder:
    """A folder under tests/fixtures, which is cleared first."""

    def __init__(self, name, data):
        self.name = name
        self.data = data
        self.path = FIXTURES / name
        self.cases = {}
        self.written = {}
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def array(self, file, value):
        """Saves `value` as `file`.npy and returns that name, or the name of an equal array that exists already."""
        value = np.asarray(value)
        if value.dtype == bool:
            value = value.astype(np.uint8)
        if value.dtype == np.int64:
            value = value.astype(np.int32)
        value = np.ascontiguousarray(value)
        name = f"{file}.npy"
        content = (value.dtype.str, value.shape, value.tobytes())
        if content in self.written:
            return self.written[content]
        if (self.path / name).exists():
            raise ValueError(f"{self.name}/{name} would be written twice with different content")
        with open(self.path / name, "wb") as out:
            np.lib.format.write_array(out, value, version=(1, 0))
        self.written[content] = name
        return name

    def case(self, name, params, inputs, expected, file="cases.json", **more):
        """Add a case. numpy arrays become files `<case>[.expected].<array>.npy`; other values stay as they are."""
        cases = self.cases.setdefault(file, [])
        if any(case["name"] == name for case in cases):
            raise ValueError(f"two cases named {name}")

        def stored(values, infix=""):
            return {key: self.array(f"{name}{infix}.{key}", v) if isinstance(v, np.ndarray) else plain(v)
                    for key, v in values.items()}

        cases.append({"name": name, "params": plain(params), "inputs": stored(inputs),
                      "expected": stored(expected, ".expected"), **more})

    def table(self, file, rows):
        """Write {"rows": rows}, one row a line."""
        lines = ",\n  ".join(json.dumps(plain(row)) for row in rows)
        (self.path / file).write_text('{"rows": [\n  ' + lines + "\n]}\n")

    def close(self):
        for file, cases in self.cases.items():
            text = json.dumps({"stage": self.name, "cases": cases}, indent=1)
            (self.path / file).write_text(text + "\n")


def plain(value):
    """numpy scalars and tuples as JSON values."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    return value

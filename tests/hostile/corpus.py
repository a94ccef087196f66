"""What the scripts of this folder share: `put` writes a hostile file, `index` writes INDEX.tsv."""

import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WRITTEN = []


def put(name, error, attacks, data):
    """Writes a file. Its class is the first word of its name; `error` is the error's variant, and for a limit its field."""
    assert name not in {row[0] for row in WRITTEN}, name
    (HERE / name).write_bytes(bytes(data))
    WRITTEN.append((name, name.split("_")[0], attacks, error))


def index():
    """Replaces the classes that were written: old lines of INDEX.tsv, and old files."""
    classes = {row[1] for row in WRITTEN}
    path = HERE / "INDEX.tsv"
    rows = [tuple(line.split("\t")) for line in path.read_text().splitlines()[1:]] if path.exists() else []
    for name, kind, *_ in rows:
        if kind in classes and name not in {row[0] for row in WRITTEN}:
            (HERE / name).unlink(missing_ok=True)
    rows = sorted([row for row in rows if row[1] not in classes] + WRITTEN)
    lines = ["\t".join(row) for row in [("file", "class", "what it attacks", "error"), *rows]]
    path.write_text("\n".join(lines) + "\n")

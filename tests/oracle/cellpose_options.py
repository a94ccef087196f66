#!/usr/bin/env python3
"""Writes the options of the reference's command line to tests/fixtures/options/cellpose.tsv.

    target/oracle/bin/python tests/oracle/cellpose_options.py

Each line holds the name of an option and the number of its values.
"""

import argparse
import pathlib

from cellpose.cli import get_arg_parser

TARGET = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "options" / "cellpose.tsv"


def values(action):
    """The number of values that argparse reads for an option."""
    if action.nargs is not None:
        return action.nargs
    return 0 if isinstance(action, argparse._StoreTrueAction) else 1


def main():
    actions = [action for action in get_arg_parser()._actions if not isinstance(action, argparse._HelpAction)]
    lines = [f"{name}\t{values(action)}" for action in actions for name in action.option_strings]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

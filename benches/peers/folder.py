"""Writes a folder of images of 512 x 512 pixels, made of real ones.

    python folder.py SOURCE FOLDER COUNT

SOURCE is a folder of PNG files of nuclei (*_img.png), or one PNG file. Each image is a part of one of them, continued by
reflection and turned.
"""

import pathlib
import sys

import cv2
import numpy as np

SIDE = 512


def main():
    source, folder, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    files = sorted(source.glob("*_img.png")) if source.is_dir() else [source]
    pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    for number in range(count):
        picture = pictures[number % len(pictures)]
        turns, shift = number // len(pictures) % 4, 37 * (number // len(pictures))
        picture = np.rot90(picture, turns)
        padding = [(0, max(0, shift + SIDE - side)) for side in picture.shape]
        image = np.pad(picture, padding, mode="symmetric")[shift : shift + SIDE, shift : shift + SIDE]
        cv2.imwrite(str(folder / f"image_{number:04}.png"), np.ascontiguousarray(image))


if __name__ == "__main__":
    main()
